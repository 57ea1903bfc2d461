//! What a hostile program tries from inside the sandbox, and that all of it is refused.

use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

use super::tests::{run, sh, workspace};
use super::*;

/// Tries one thing after the other, and says of each what came of it.
const ATTEMPTS: &str = r#"
import ctypes, os, socket, sys
port, name, path, secret, host = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)

def attempt(what, does):
    try:
        does()
        print(what, "done")
    except (OSError, ValueError):
        print(what, "refused")

def call(what, *numbers):
    attempt(what, lambda: checked(libc.syscall(*numbers)))

def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")

def connect(family, address):
    with socket.socket(family) as peer:
        peer.connect(address)

attempt("loopback", lambda: connect(socket.AF_INET, ("127.0.0.1", int(port))))
attempt("abstract", lambda: connect(socket.AF_UNIX, "\0" + name))
attempt("socket", lambda: connect(socket.AF_UNIX, path))
attempt("vsock", lambda: socket.socket(40, socket.SOCK_STREAM))
for file in ["/etc/shadow", "/etc/passwd", "/etc/gshadow", secret, "/proc/" + host + "/mem", "/dev/mem", "/dev/kmsg"]:
    attempt("file", lambda: open(file, "rb").read(1))
for file in ["/usr/bin/made", "/made", "/etc/made", "/dev/made", "/proc/sys/kernel/core_pattern"]:
    attempt("writing", lambda: open(file, "w").write("x"))
attempt("signal", lambda: os.kill(int(host), 0))
call("ptrace", 101, 16, 1, 0, 0)
call("memory", 310, 1, 0, 0, 0, 0, 0)
call("keys", 250, 0, -3, 0)
call("mount", 165, b"none", b"/tmp", b"tmpfs", 0, 0)
call("mounts", 430, b"tmpfs", 0)
call("root", 161, b"/tmp")
call("namespace", 272, 0x10000000)
call("user namespace", 56, 0x10000000 | 17, 0, 0, 0, 0)
call("clone3", 435, 0, 0)
call("rings", 425, 1, 0)
call("bpf", 321, 0, 0, 0)
call("x32", 0x40000000 + 39)
attempt("root user", lambda: os.setuid(0))
attempt("more processes", lambda: __import__("resource").setrlimit(6, (1 << 20, 1 << 20)))
print("alone", all(int(entry) < 16 for entry in os.listdir("/proc") if entry.isdigit()))
print("descriptors", sorted(int(entry) for entry in os.listdir("/proc/self/fd"))[:-1])
"#;

#[tokio::test]
#[cfg(target_arch = "x86_64")]
async fn nothing_leads_out_of_the_sandbox() {
    let (inside, outside) = (workspace(), workspace());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = format!("astrid-escape-{}", std::process::id());
    let _abstract = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let path = outside.path().join("socket");
    let _pathname = UnixListener::bind(&path).unwrap();
    let secret = outside.path().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    // A program that embeds the host may have such a descriptor, which would be handed on.
    let leaked = std::fs::File::open(&secret).unwrap();
    rustix::io::fcntl_setfd(&leaked, rustix::io::FdFlags::empty()).unwrap();

    let args = [
        "-c",
        ATTEMPTS,
        &listener.local_addr().unwrap().port().to_string(),
        &name,
        path.to_str().unwrap(),
        secret.to_str().unwrap(),
        &std::process::id().to_string(),
    ];
    let limits = Limits { pids: Some(32), ..Limits::default() };
    let plan = Plan {
        command: "python3".to_owned(),
        args: args.map(ToOwned::to_owned).to_vec(),
        limits,
        ..sh(inside.path(), "")
    };
    let (exit, out, err) = run(plan).await;
    assert_eq!(exit, Exit { code: Some(0), signal: None }, "{out}{err}");
    let done: Vec<_> = out.lines().filter(|line| line.ends_with("done")).collect();
    assert!(done.is_empty(), "{done:?}");
    assert_eq!(out.lines().filter(|line| line.ends_with("refused")).count(), 31, "{out}");
    assert!(out.contains("alone True\n") && out.ends_with("descriptors [0, 1, 2]\n"), "{out}");
}
