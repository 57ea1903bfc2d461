//! No program outlives its host, and those that may outlive their call outlive the thread that made it.
//!
//! This program starts itself as a child that runs a host whose capsule starts programs of every kind, one after the other.
//! The parent ends the child at some moment, without a warning, and looks for what is left of the programs.

#![allow(clippy::expect_used)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use astrid_host::{Capsule, Host, Principal};
use serde_json::{Value, json};

/// The variable that makes this program the child; it holds the folder to work in.
const CHILD: &str = "OUTLIVING_CHILD";
/// How often the host is killed.
const ROUNDS: usize = 12;
/// How long the kernel has to end what is left.
const WITHIN: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    if let Some(folder) = std::env::var_os(CHILD) {
        child(Path::new(&folder));
        return ExitCode::SUCCESS;
    }
    let mut results = vec![("a thread that ends", outlives_a_thread())];
    results.extend((0..ROUNDS).map(|round| ("kill -9", killed(round))));
    for (what, result) in &results {
        if let Err(why) = result {
            println!("{what}: {why}");
        }
    }
    let failed = results.iter().filter(|(_, result)| result.is_err()).count();
    println!("{} passed, {failed} failed", results.len() - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Kills a host that starts programs, at a moment that differs from round to round, and looks for what is left.
fn killed(round: usize) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut child = Command::new(std::env::current_exe().map_err(|error| error.to_string())?)
        .env(CHILD, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let out = BufReader::new(child.stdout.take().ok_or("a child without output")?);
    let (mut lines, mark) = (0, mark_of(folder.path()));
    for line in out.lines() {
        line.map_err(|error| error.to_string())?;
        lines += 1;
        if lines == 1 + round {
            if living(&mark).is_empty() {
                return Err("no program was started".to_owned());
            }
            // Somewhere in the middle of starting the next one.
            std::thread::sleep(Duration::from_millis(3 * round as u64));
            child.kill().map_err(|error| error.to_string())?;
            break;
        }
    }
    child.wait().map_err(|error| error.to_string())?;
    gone(&mark)
}

/// Whether every program with this mark is gone in time. They are nobody's children any more, so nobody is told of their end.
fn gone(mark: &str) -> Result<(), String> {
    let until = Instant::now() + WITHIN;
    loop {
        let left = living(mark);
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(format!("{} processes are left: {left:?}", left.len()));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The command lines of the processes that have this mark in it, bubblewrap's own among them.
fn living(mark: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").expect("/proc");
    let lines = processes.flatten().filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(mark)).collect()
}

/// A text that only programs of the host in this folder have in their command lines.
fn mark_of(folder: &Path) -> String {
    format!("mark-{}", folder.file_name().expect("a name").to_string_lossy().trim_start_matches('.'))
}

fn endless(mark: &str) -> Value {
    json!({ "cmd": "sh", "args": ["-c", "while :; do sleep 1000; done", mark], "keep-stdin-open": true })
}

fn script(op: &str, request: &Value) -> String {
    json!({ "keep": true, "calls": [{ "op": op, "args": request, "as": "p" }] }).to_string()
}

/// The host that is killed: it starts programs of every kind and says so.
fn child(folder: &Path) {
    let mark = mark_of(folder);
    runtime().block_on(async {
        let (_host, capsule) = open(folder).await;
        for n in 0.. {
            let op =
                ["process.spawn-persistent", "process.spawn-background", "process@1.1.0.spawn-background"]
                    [n % 3];
            // Each for somebody else, who has places left.
            let principal = Principal::parse(&format!("p{n}")).expect("a principal");
            let script = script(op, &endless(&mark));
            capsule.trigger("script", script).principal(principal).await.expect("a trigger");
            println!("{op}");
            std::io::stdout().flush().expect("a reader");
        }
    });
}

/// The kernel ends a child with the thread that started it; a program is started from a thread that stays.
fn outlives_a_thread() -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mark = mark_of(folder.path());
    let runtime = runtime();
    let (host, capsule) = runtime.block_on(open(folder.path()));
    let starting = std::thread::spawn({
        let (capsule, script) = (capsule.clone(), script("process.spawn-persistent", &endless(&mark)));
        move || {
            let runtime = self::runtime();
            runtime.block_on(async { capsule.trigger("script", script).await.map(|result| result.data) })
        }
    });
    let answer = starting.join().map_err(|_| "the thread panicked")?.map_err(|error| error.to_string())?;
    let list = json!({ "calls": [{ "op": "process.list-processes" }] }).to_string();
    let listed = runtime.block_on(async { capsule.trigger("script", list).await });
    let listed = listed.map_err(|error| error.to_string())?.json().map_err(|error| error.to_string())?;
    if listed[0]["ok"][0]["phase"] != "running" || living(&mark).is_empty() {
        return Err(format!("the program ended with the thread: {answer:?}, {listed}"));
    }
    runtime.block_on(host.close()).map_err(|error| error.to_string())?;
    gone(&mark)
}

async fn open(folder: &Path) -> (Host, Capsule) {
    let host = Host::builder(folder.join("home")).open().await.expect("a host");
    let index: Value =
        serde_json::from_slice(&std::fs::read(env!("GUESTS_INDEX")).expect("an index")).expect("JSON");
    let guest = &index["puppet"];
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(guest["path"].as_str().expect("a path"));
    let manifest = "[package]\nname = \"main\"\nversion = \"1.0.0\"\n[[component]]\nfile = \"guest.wasm\"\n\
        [capabilities]\nhost_process = [\"sh\"]\nallow_persistent = true\n";
    let (component, hash) =
        (std::fs::read(path).expect("the component"), guest["hash"].as_str().expect("a hash"));
    let capsule = host.load_component(component, manifest, hash).await.expect("the puppet loads");
    (host, capsule)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}
