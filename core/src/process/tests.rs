//! Real children under the real sandbox.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::*;

pub(super) fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
    folder
}

/// Children end with their sandbox, so it is kept for as long as the tests run.
fn sandbox() -> Arc<Bubblewrap> {
    let sandbox = Arc::new(Bubblewrap::new(Processes::default(), Handle::current()));
    std::mem::forget(Arc::clone(&sandbox));
    sandbox
}

pub(super) fn sh(workspace: &Path, script: &str) -> Plan {
    Plan {
        command: "sh".to_owned(),
        args: vec!["-c".to_owned(), script.to_owned()],
        env: vec![("GREETING".to_owned(), "hello".to_owned())],
        workspace: Some(Bind { from: workspace.to_owned(), to: WORKSPACE.into(), writable: true }),
        cwd: PathBuf::new(),
        injections: Vec::new(),
        limits: Limits::default(),
        stdin: Vec::new(),
        keep_stdin_open: false,
        ring_bytes: 1 << 20,
        overflow: Overflow::DropOldest,
        host_network: false,
    }
}

pub(super) async fn run(plan: Plan) -> (Exit, String, String) {
    let child = sandbox().start(plan, Vec::new()).await.unwrap();
    let exit = child.exited().await;
    let text = |ring: &Ring| String::from_utf8_lossy(&ring.drain()).into_owned();
    (exit, text(&child.stdout), text(&child.stderr))
}

fn code(code: i32) -> Exit {
    Exit { code: Some(code), signal: None }
}

/// What a script needs that burns processor time in a child of its own and keeps eight mebibytes.
const BUSY: &str =
    "(i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done); head -c 8388608 /dev/zero > /tmp/kept";

#[tokio::test]
async fn what_a_child_uses_is_counted_with_all_it_starts_where_control_groups_are() {
    let folder = workspace();
    let sandbox = sandbox();
    let child = Arc::clone(&sandbox).start(sh(folder.path(), BUSY), Vec::new()).await.unwrap();
    assert_eq!(child.exited().await, code(0));
    let (used, limits) = (child.used(), sandbox.diagnose().await.limits);
    if limits.memory == By::Cgroup {
        assert!(used.memory_peak.unwrap() > 8 << 20, "{used:?}");
        assert!(used.cpu_ms.is_some_and(|spent| spent > 0), "{used:?}");
    } else {
        assert_eq!(used.memory_peak, None);
    }
}

#[tokio::test]
async fn memory_is_bounded_for_a_child_and_all_it_starts_together_where_control_groups_are() {
    let folder = workspace();
    let sandbox = sandbox();
    // Four processes of which each keeps to the limit.
    let hog = "python3 -c 'import time; kept = bytearray(48 << 20); print(len(kept), flush=True); time.sleep(1000)'";
    let script = format!("for n in 1 2 3 4; do {hog} & done; wait -n; kill -KILL 0");
    let limits = Limits { memory_bytes: Some(128 << 20), ..Limits::default() };
    let plan = Plan { limits, ..sh(folder.path(), &script) };
    let child = Arc::clone(&sandbox).start(plan, Vec::new()).await.unwrap();
    if sandbox.diagnose().await.limits.memory == By::Cgroup {
        // One that is out of memory is killed, and the script ends the others.
        assert_eq!(child.exited().await.signal, Some(9));
        assert!(child.used().memory_peak.unwrap() <= 128 << 20);
    } else {
        // Each keeps to its own limit, and all say that they have what they wanted.
        child.stdout.until(|ring| ring.buffered() == 4 * 9).await;
        assert!(child.kill());
        assert_eq!(child.exited().await.signal, Some(9));
    }
}

#[tokio::test]
#[expect(unsafe_code, reason = "only the C library sets what a signal does")]
async fn a_child_ignores_no_signal_that_the_embedder_ignores() {
    let folder = workspace();
    // SAFETY: it takes numbers alone; nobody in these tests waits for this signal.
    unsafe { libc::signal(libc::SIGUSR2, libc::SIG_IGN) };
    let (exit, out, _) = run(sh(folder.path(), "grep SigIgn /proc/self/status")).await;
    let ignored = out.split_whitespace().last().and_then(|digits| u64::from_str_radix(digits, 16).ok());
    // The C library keeps two signals above the usual 31 to itself.
    assert_eq!((exit, ignored.map(|set| set & 0x7fff_ffff)), (code(0), Some(0)));
}

#[tokio::test]
async fn a_child_sees_its_workspace_its_input_and_its_environment() {
    let folder = workspace();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    let script = "pwd; echo $GREETING $HOME; cat; echo out > /workspace/made; echo oops >&2; exit 3";
    let plan = Plan { stdin: b"input\n".to_vec(), cwd: "sub".into(), ..sh(folder.path(), script) };
    let (exit, out, err) = run(plan).await;
    assert_eq!((exit, &*out, &*err), (code(3), "/workspace/sub\nhello /tmp\ninput\n", "oops\n"));
    assert_eq!(std::fs::read_to_string(folder.path().join("made")).unwrap(), "out\n");
}

#[tokio::test]
async fn a_child_is_confined() {
    let folder = workspace();
    let script = "grep -E 'CapEff|Seccomp:|NoNewPrivs' /proc/self/status; ls -A /; ls /sys /root /home /run /var 2>&1; \
        ls /proc | grep -c '^[0-9]'; cat /etc/passwd /etc/shadow 2>&1; touch /usr/x /x 2>&1; ls /proc/self/fd";
    let (_, out, err) = run(sh(folder.path(), script)).await;
    assert!(out.contains("CapEff:\t0000000000000000\n") && out.contains("Seccomp:\t2\n"), "{out}{err}");
    for absent in ["/sys'", "/root'", "/home'", "/run'", "/var'", "/etc/passwd", "/etc/shadow"] {
        assert!(
            out.lines().any(|line| line.contains(absent) && line.contains("No such file")),
            "{absent}: {out}"
        );
    }
    assert_eq!(out.matches("Read-only file system").count(), 2, "{out}");
    // Standard input, output and error, and the folder that is being listed.
    assert!(out.ends_with("0\n1\n2\n3\n"), "{out}");
}

#[tokio::test]
async fn input_is_streamed_and_closing_it_ends_the_reader() {
    let folder = workspace();
    let plan = Plan { keep_stdin_open: true, ..sh(folder.path(), "cat") };
    let child = sandbox().start(plan, Vec::new()).await.unwrap();
    child.input.write(b"one").await.unwrap();
    child.stdout.until(|ring| ring.buffered() == 3).await;
    child.input.write(b"two").await.unwrap();
    child.stdout.until(|ring| ring.buffered() == 6).await;
    child.input.close();
    assert_eq!(child.exited().await, code(0));
    assert_eq!(child.stdout.drain(), b"onetwo");
    assert_eq!(child.input.write(b"three").await, Err(Closed));
}

#[tokio::test]
async fn signals_reach_the_group_and_kill_reaches_everything() {
    let folder = workspace();
    let script = "trap 'echo got; exit 7' TERM; echo up; sleep 1000 & wait";
    let child = sandbox().start(sh(folder.path(), script), Vec::new()).await.unwrap();
    child.stdout.until(|ring| ring.buffered() == 3).await;
    child.signal(Signal::Term).unwrap();
    assert_eq!(child.exited().await, code(7));
    assert_eq!(child.stdout.drain(), b"up\ngot\n");

    let stubborn = "trap '' TERM INT HUP; echo up; while :; do sleep 1000; done";
    let child = sandbox().start(sh(folder.path(), stubborn), Vec::new()).await.unwrap();
    child.stdout.until(|ring| ring.buffered() == 3).await;
    let exit = child.end(&Handle::current(), Signal::Term, Duration::from_millis(50)).await;
    assert_eq!(exit, Exit { code: None, signal: Some(9) });
    assert!(child.was_killed() && !child.kill());

    let (exit, _, _) = run(sh(folder.path(), "kill -USR1 $$")).await;
    assert_eq!(exit, Exit { code: None, signal: Some(10) });
}

#[tokio::test]
async fn a_writer_that_never_stops_waits_or_loses_its_oldest_words() {
    let folder = workspace();
    let plan = Plan { ring_bytes: 4096, overflow: Overflow::Backpressure, ..sh(folder.path(), "yes") };
    let child = sandbox().start(plan, Vec::new()).await.unwrap();
    child.stdout.until(|ring| ring.buffered() == 4096).await;
    assert_eq!(child.stdout.dropped(), 0);
    child.kill();
    child.exited().await;
    assert!(child.stdout.since(None, 1 << 20).at_end);

    let plan = Plan { ring_bytes: 4096, ..sh(folder.path(), "yes") };
    let child = sandbox().start(plan, Vec::new()).await.unwrap();
    child.stdout.until(|ring| ring.dropped() > 1 << 20).await;
    assert!(child.stdout.buffered() <= 4096);
    child.kill();
    child.exited().await;
}

#[tokio::test]
async fn limits_hold() {
    let folder = workspace();
    // Nothing explodes where the limit does not hold.
    let bomb = "[ \"$(ulimit -u 2>/dev/null || ulimit -p)\" = 17 ] || exit 99; \
        n=0; while [ $n -lt 40 ]; do sleep 5 & n=$((n + 1)); done; echo survived";
    let limits = Limits { pids: Some(16), ..Limits::default() };
    let (exit, out, err) = run(Plan { limits, ..sh(folder.path(), bomb) }).await;
    assert!(exit != code(99) && err.contains("fork") && out.is_empty(), "{exit:?} {out} {err}");

    let limits = Limits { open_files: Some(16), ..Limits::default() };
    let (_, out, _) = run(Plan { limits, ..sh(folder.path(), "ulimit -n") }).await;
    assert_eq!(out, "16\n");

    let hog = "head -c 300000000 /dev/zero | tail -c 300000000 | wc -c";
    let limits = Limits { memory_bytes: Some(64 << 20), ..Limits::default() };
    let (_, out, err) = run(Plan { limits, ..sh(folder.path(), hog) }).await;
    // It is refused the memory by its own limit, or killed by that of its group.
    assert!(out == "0\n" && (err.contains("memory") || err.contains("Killed")), "{out}{err}");

    let limits = Limits { cpu_secs: Some(1), ..Limits::default() };
    let (exit, _, _) = run(Plan { limits, ..sh(folder.path(), "while :; do :; done") }).await;
    assert_eq!(exit, Exit { code: None, signal: Some(9) });
}

#[tokio::test]
async fn a_program_that_is_not_there_is_not_started() {
    let folder = workspace();
    for command in ["no-such-program", "/etc/passwd", "../sh", "/workspace/none", ""] {
        let plan = Plan { command: command.to_owned(), ..sh(folder.path(), "") };
        let refused = sandbox().start(plan, Vec::new()).await.unwrap_err();
        assert!(matches!(refused, Unstarted::NoProgram), "{command}: {refused:?}");
    }
}

#[tokio::test]
async fn a_link_out_of_the_workspace_tells_nothing_of_the_machine() {
    let (folder, outside) = (workspace(), workspace());
    std::fs::write(outside.path().join("there"), "").unwrap();
    for (name, target) in [("to", "there"), ("nowhere", "not-there")] {
        std::os::unix::fs::symlink(outside.path().join(target), folder.path().join(name)).unwrap();
        let plan = Plan { command: format!("./{name}"), ..sh(folder.path(), "") };
        assert_eq!(run(plan).await.0, code(127), "{name}");
    }
    std::os::unix::fs::symlink("/bin/echo", folder.path().join("say")).unwrap();
    let plan = Plan { command: "./say".to_owned(), args: vec!["hello".to_owned()], ..sh(folder.path(), "") };
    assert_eq!(run(plan).await.1, "hello\n");
}

#[tokio::test]
async fn the_shell_before_a_program_knows_none_of_its_variables() {
    let folder = workspace();
    let hostile =
        [("PS4", "$(touch /workspace/made)"), ("SHELLOPTS", "xtrace"), ("LINES", "a\nb"), ("IFS", "r")];
    let env = hostile.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    let plan = Plan { command: "env".to_owned(), args: Vec::new(), env, ..sh(folder.path(), "") };
    let (exit, out, err) = run(plan).await;
    assert_eq!((exit, &*err), (code(0), ""));
    let own = |line: &&str| !["LANG=", "LC_", "TZ="].iter().any(|start| line.starts_with(start));
    let lines: Vec<_> = out.lines().filter(own).collect();
    assert!(lines[0].starts_with("PATH=") && lines[1] == "HOME=/tmp", "{out}");
    assert_eq!(lines[2..], ["PS4=$(touch /workspace/made)", "SHELLOPTS=xtrace", "LINES=a", "b", "IFS=r"]);
    assert!(!folder.path().join("made").exists());
}

#[tokio::test]
async fn without_bubblewrap_nothing_is_started_and_the_diagnosis_says_so() {
    let options = Processes { bubblewrap: Some("/nowhere/bwrap".into()), ..Processes::default() };
    let sandbox = Arc::new(Bubblewrap::new(options, Handle::current()));
    let folder = workspace();
    let refused = Arc::clone(&sandbox).start(sh(folder.path(), "true"), Vec::new()).await.unwrap_err();
    assert!(matches!(refused, Unstarted::NoSandbox(_)), "{refused:?}");
    let found = sandbox.diagnose().await;
    assert!(!found.processes && found.missing[0].contains("bubblewrap"), "{found:?}");
    let works = self::sandbox().diagnose().await;
    assert!(works.processes, "{works:?}");
}

#[tokio::test]
async fn injected_files_and_hidden_credentials() {
    let folder = workspace();
    std::fs::create_dir(folder.path().join(".ssh")).unwrap();
    std::fs::write(folder.path().join(".ssh/id"), "secret").unwrap();
    std::fs::write(folder.path().join(".netrc"), "secret").unwrap();
    let file = Injected::new(b"injected", "/opt/app/conf".into()).unwrap();
    let script = "cat /opt/app/conf; ls -A .ssh; cat .netrc; echo x > /opt/app/conf";
    let (_, out, err) = run(Plan { injections: vec![file], ..sh(folder.path(), script) }).await;
    assert_eq!(out, "injected");
    assert!(err.contains("Read-only file system"), "{err}");
}

#[tokio::test]
async fn hidden_credentials_are_not_renamed_into_sight() {
    let folder = workspace();
    let open = |path: &Path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o777)).unwrap();
    std::fs::create_dir_all(folder.path().join(".config/gcloud")).unwrap();
    std::fs::write(folder.path().join(".config/gcloud/token"), "secret").unwrap();
    open(&folder.path().join(".config"));
    open(&folder.path().join(".config/gcloud"));
    let (_, _, err) = run(sh(folder.path(), "echo x > .config/own; mv .config plain")).await;
    assert!(err.contains("busy"), "{err}");
    let (_, out, _) =
        run(sh(folder.path(), "cat .config/own; cat .config/gcloud/token plain/gcloud/token")).await;
    assert_eq!(out, "x\n");

    // A link in its place hides nothing and stops no program.
    let folder = workspace();
    std::fs::create_dir_all(folder.path().join("real/gcloud")).unwrap();
    std::os::unix::fs::symlink("real", folder.path().join(".config")).unwrap();
    let (_, out, err) = run(sh(folder.path(), "echo ok")).await;
    assert_eq!(out, "ok\n", "{err}");
}

#[tokio::test]
async fn what_it_held_is_given_back_when_it_has_ended() {
    let folder = workspace();
    let held = Arc::new(());
    let child = sandbox().start(sh(folder.path(), "true"), vec![Box::new(Arc::clone(&held))]).await.unwrap();
    child.exited().await;
    while Arc::strong_count(&held) > 1 {
        tokio::task::yield_now().await;
    }
}
