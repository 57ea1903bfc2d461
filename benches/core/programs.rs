//! Programs in the sandbox, beside bubblewrap by itself and beside no sandbox at all.

use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::measure::Figure;
use crate::stage::{Stage, guest};

/// Rounds of each figure.
const ROUNDS: usize = 21;
/// What a program writes: 64 MiB.
const WRITTEN: u64 = 64 << 20;

/// Measures a program that does nothing, and one that does nothing but write, on the wall clock.
pub async fn measure() -> Vec<Figure> {
    let stage = Stage::open().await;
    let lines = "[capabilities]\nhost_process = [\"true\", \"head\"]\n";
    let capsule = stage.load(&guest("puppet"), "puppet", lines).await;
    let writes = ["-c".to_owned(), WRITTEN.to_string(), "/dev/zero".to_owned()];
    let nothing =
        json!({ "calls": [{ "op": "process@1.1.0.spawn", "args": { "cmd": "true" } }] }).to_string();
    let much = json!({ "calls": [
        { "op": "process@1.1.0.spawn-background", "args": { "cmd": "head", "args": writes }, "as": "h" },
        { "op": "process@1.1.0.process-handle.wait", "args": {}, "on": "h" },
    ] })
    .to_string();
    let play = async |script: &str| {
        let reply = capsule.trigger("script", script.to_owned()).await.expect("a reply");
        let said: Value = serde_json::from_str(&reply.data.unwrap_or_default()).expect("JSON");
        let ended = &said.as_array().and_then(|all| all.last()).expect("a result")["ok"];
        let exit = if ended["exit"].is_object() { &ended["exit"] } else { ended };
        assert_eq!(exit["exit-code"], 0, "{said}");
    };

    let mut rounds = [const { Vec::new() }; 5];
    // In turn, so that whatever else the machine does falls on all of them.
    for _ in 0..ROUNDS {
        for (which, times) in rounds.iter_mut().enumerate() {
            let began = Instant::now();
            match which {
                0 => play(&nothing).await,
                1 => run(bubblewrap().arg("true")),
                2 => run(&mut Command::new("true")),
                3 => play(&much).await,
                _ => drain(Command::new("head").args(&writes)),
            }
            times.push(began.elapsed().as_secs_f64());
        }
    }
    stage.close().await;
    let [guest, wrapped, plain, written, drained] = rounds;
    let spawn = |name: &str, includes, rounds: Vec<f64>| {
        Figure::of(format!("true, started and waited for, {name}"), "ms", includes, rounds).divided_by(1e-3)
    };
    let throughput = |name: &str, includes, rounds: Vec<f64>| {
        let rates = rounds.into_iter().map(|seconds| WRITTEN as f64 / f64::from(1 << 20) / seconds).collect();
        Figure::of(format!("64 MiB of output, {name}"), "MiB/s", includes, rates)
    };
    vec![
        spawn("by a guest", "wall clock; sandbox, filter, limits, gate, three entries", guest),
        spawn("bubblewrap by itself", "wall clock; the same namespaces and binds", wrapped),
        spawn("fork and exec", "wall clock", plain),
        throughput("of a guest's program", "wall clock; start and sandbox in it", written),
        throughput("through a pipe", "wall clock; fork and exec in it", drained),
    ]
}

/// Bubblewrap with namespaces and binds like ours, without filter, limits and gate.
fn bubblewrap() -> Command {
    let mut command = Command::new("bwrap");
    command.args(["--unshare-all", "--unshare-user", "--disable-userns", "--cap-drop", "ALL"]);
    command.args(["--die-with-parent", "--new-session", "--clearenv", "--setenv", "PATH", "/usr/bin:/bin"]);
    command.args(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--ro-bind", "/usr", "/usr"]);
    for folder in ["/bin", "/lib", "/lib64"] {
        command.args(["--ro-bind-try", folder, folder]);
    }
    command.arg("--");
    command
}

fn run(command: &mut Command) {
    let status = command.stdin(Stdio::null()).stdout(Stdio::piped()).status().expect("it starts");
    assert!(status.success());
}

fn drain(command: &mut Command) {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut from = child.stdout.take().expect("a pipe");
    std::io::copy(&mut from, &mut std::io::sink()).expect("it is read");
    assert!(child.wait().expect("it ends").success());
}
