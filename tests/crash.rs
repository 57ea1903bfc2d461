//! `kill -9` at any moment: what a program was told is done has its data and its entry in the audit.
//!
//! This program starts itself as a child that runs a host under load and writes a line for every effect that was
//! acknowledged. The parent ends it after some of them, without a warning, opens the home and looks for all of them: values,
//! files, messages, installations and keys, each with its entry.
//! `CRASH_ROUNDS` says how often.

#![allow(clippy::expect_used)]

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use astrid_host::audit::{Entry, Filter, Outcome};
use astrid_host::store::{Scope, Store};
use astrid_host::{Capsule, Host, HostOptions, Principal};
use serde_json::{Value, json};

/// Rounds unless the environment names another number.
const ROUNDS: u64 = 50;
/// The variable that makes this program the child; it holds the folder to work in.
const CHILD: &str = "CRASH_CHILD";
/// A secret that has to outlive every change of keys.
const SECRET: &str = "kept through all of it";
/// What can be acknowledged.
const KINDS: [&str; 7] = ["set", "wrote", "replaced", "seen", "repeated", "installed", "rotated"];
/// The file that is written again and again.
const REPLACED: &str = "replaced";
/// Entries a second of the rounds in which repeats are counted.
const SLOW: u64 = 20;

fn main() -> ExitCode {
    if let Some(folder) = std::env::var_os(CHILD) {
        child(Path::new(&folder));
        return ExitCode::SUCCESS;
    }
    let rounds = std::env::var("CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let mut chance = u64::try_from(seed & u128::from(u64::MAX)).unwrap_or_default() | 1;
    let (mut passed, mut failed, mut shown) = (0, 0, Effects::new());
    for round in 0..rounds.unwrap_or(ROUNDS) {
        // A step of a xorshift generator: all that is wanted is another number each time.
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        match play(round, 1 + usize::try_from(chance % 600).unwrap_or_default()) {
            Ok(effects) => {
                let sum: usize = effects.values().sum();
                println!("round {round}: {sum} effects acknowledged, all there: {effects:?}");
                for (kind, number) in effects {
                    *shown.entry(kind).or_default() += number;
                }
                passed += 1;
            }
            Err(why) => {
                println!("round {round}: {why}");
                failed += 1;
            }
        }
    }
    // A loop that never got to acknowledge a kind of effect has shown nothing of it.
    let missing: Vec<_> = KINDS.iter().filter(|kind| !shown.contains_key(**kind)).collect();
    if !missing.is_empty() {
        println!("never acknowledged: {missing:?}");
        failed += 1;
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How many effects of each kind were acknowledged.
type Effects = BTreeMap<String, usize>;

/// Lets a child work, ends it after so many lines, and looks at what is left.
fn play(round: u64, lines: usize) -> Result<Effects, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    write_capsule(folder.path(), 0);
    let mut child = Command::new(std::env::current_exe().map_err(|error| error.to_string())?)
        .env(CHILD, folder.path())
        .env("CRASH_SLOW", if round % 2 == 1 { "yes" } else { "" })
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let out = BufReader::new(child.stdout.take().ok_or("a child without output")?);
    let mut told = Vec::new();
    for line in out.lines() {
        // A line that was cut off by the end is no acknowledgement.
        let Ok(line) = line else { break };
        told.push(line);
        if told.len() == lines {
            child.kill().map_err(|error| error.to_string())?;
        }
    }
    let ended = child.wait().map_err(|error| error.to_string())?;
    if ended.code().is_some() {
        return Err(format!("the child ended by itself: {ended}, after {told:?}"));
    }
    // The last line may have been cut in the middle.
    let whole: Vec<_> = told.iter().filter_map(|line| line.strip_suffix('.')).collect();
    look(&folder.path().join("home"), &whole)?;
    look_at_files(&folder.path().join("workspace"), &whole)?;
    let mut effects = Effects::new();
    for kind in whole.iter().filter_map(|line| line.split(' ').next()) {
        *effects.entry(kind.to_owned()).or_default() += 1;
    }
    Ok(effects)
}

/// Opens what is left and looks for every effect.
fn look(home: &Path, told: &[&str]) -> Result<(), String> {
    let failed = |error: astrid_host::Error| format!("{error:?}");
    let runtime = runtime();
    let entries = runtime.block_on(async {
        let host = Host::builder(home).open().await.map_err(failed)?;
        let found = host.audit().verify().map_err(failed)?;
        if !found.intact {
            return Err(format!("the audit is broken: {:?}", found.findings));
        }
        let entries = host.audit().entries(&Filter::default()).map_err(failed)?;
        host.close().await.map_err(failed)?;
        Ok(entries)
    })?;
    verify_independently(home)?;
    let allowed: HashSet<(&str, &str)> = entries
        .iter()
        .filter(|entry| entry.outcome == Outcome::Allowed)
        .map(|entry| (operation(entry), &*entry.subject))
        .collect();
    let store = Store::open(home).map_err(failed)?;
    let secret = store.secrets().get(&Scope::host("main"), "token").map_err(failed)?;
    // It was set after the first installation was acknowledged, and before anything else was.
    if told.len() > 1 && secret.as_ref().map(|secret| secret.as_str()) != Some(SECRET) {
        return Err("the secret is gone".to_owned());
    }
    let writer = store.kv(&principal("writer"), "main");
    let mut repeated = 0;
    for line in told {
        let (kind, subject) = line.split_once(' ').ok_or_else(|| format!("no line: {line}"))?;
        let missing = |what: &str| Err(format!("{line} was acknowledged and has no {what}"));
        let entry = match kind {
            "set" => "kv.kv-set",
            "seen" => "ipc.publish",
            "wrote" | "replaced" => "fs.write-file",
            "installed" => "capsule.install",
            "repeated" => {
                repeated += 1;
                continue;
            }
            // The keys are those that opened the home, one way or the other.
            "rotated" => continue,
            other => return Err(format!("what is `{other}`?")),
        };
        let subject = if kind == "replaced" { REPLACED } else { subject };
        if !allowed.contains(&(entry, subject)) {
            return missing("entry");
        }
        if kind == "set" && writer.get(subject).ok().flatten().as_deref() != Some(subject.as_bytes()) {
            return missing("value");
        }
        if kind == "installed" {
            let receipt = store.receipts().get("main").map_err(failed)?.ok_or("nothing is installed")?;
            if version(&receipt.version) < version(subject) {
                return missing("receipt");
            }
        }
    }
    let is_repeat =
        |entry: &&Entry| entry.operation == "kv.kv-set" && entry.principal.as_deref() == Some("repeater");
    let counted: u64 = entries.iter().filter(is_repeat).map(|entry| entry.count).sum();
    if counted < repeated {
        return Err(format!("{repeated} repeats were acknowledged and {counted} counted"));
    }
    Ok(())
}

/// Looks for every file that was acknowledged, and whether any that is there is less than whole: one that was not acknowledged
/// may be there or not, and a draft is no file yet.
fn look_at_files(workspace: &Path, told: &[&str]) -> Result<(), String> {
    for line in told {
        let Some(name) = line.strip_prefix("wrote ") else { continue };
        if !workspace.join(name).is_file() {
            return Err(format!("{line} was acknowledged and is not there"));
        }
    }
    let replaced = told.iter().rev().find_map(|line| line.strip_prefix("replaced ")?.parse::<u64>().ok());
    if replaced.is_some() && !workspace.join(REPLACED).is_file() {
        return Err("the file that is replaced again and again is gone".to_owned());
    }
    for file in std::fs::read_dir(workspace).map_err(|error| error.to_string())? {
        let path = file.map_err(|error| error.to_string())?.path();
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("a name of nobody's")?;
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        let number = text.split('.').next().and_then(|n| n.parse::<u64>().ok());
        let whole = match name {
            _ if name.starts_with(".astrid-draft-") => true,
            // A later one may have come into place before it was acknowledged.
            REPLACED => number.is_some_and(|n| text == content(n) && Some(n) >= replaced),
            _ => number.is_some_and(|n| text == content(n) && name == format!("f{n}")),
        };
        if !whole {
            return Err(format!("{name} is not what was written to it"));
        }
    }
    Ok(())
}

/// What the file of that number holds: more than is written in one piece of a page.
fn content(n: u64) -> String {
    format!("{n}.").repeat(3000)
}

/// The verifier that shares no code with the host has to come to the same end, from the first key alone.
fn verify_independently(home: &Path) -> Result<(), String> {
    let verifier = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify_audit.py");
    let mut command = Command::new("python3");
    command.arg(verifier).arg(home.join("audit")).arg(home.join("keys/audit.pub"));
    let out = command.output().map_err(|error| error.to_string())?;
    let says = String::from_utf8_lossy(&out.stdout).into_owned();
    if says.trim() == "intact" { Ok(()) } else { Err(format!("the verifier in Python says: {says}")) }
}

/// An upgrade is an installation too.
fn operation(entry: &Entry) -> &str {
    if entry.operation == "capsule.upgrade" { "capsule.install" } else { &entry.operation }
}

fn version(text: &str) -> u64 {
    text.rsplit('.').next().and_then(|last| last.parse().ok()).unwrap_or_default()
}

// ---- the child -----------------------------------------------------------------------------------------------------

fn child(folder: &Path) {
    runtime().block_on(async {
        let mut options = HostOptions::default();
        options.quotas.set("max_cpu_fuel_per_sec", u64::MAX).expect("a legal quota");
        if std::env::var_os("CRASH_SLOW").is_some_and(|slow| !slow.is_empty()) {
            options.audit.entries_per_sec = SLOW;
            options.audit.merge_within = Duration::from_millis(50);
        }
        let workspace = folder.join("workspace");
        std::fs::create_dir(&workspace).expect("a workspace");
        let builder = Host::builder(folder.join("home")).workspace(workspace).options(options);
        let host = builder.open().await.expect("a host");
        install(&host, folder, 0).await;
        let capsule = host.load(folder.join("main")).await.expect("loaded");
        host.configure("main", "token", SECRET).expect("a secret");
        let heard = host.subscribe("main.*").expect("a subscription");
        let listening = async {
            while let Some(message) = heard.next().await {
                tell("seen", &message.topic);
            }
        };
        let rotating = async {
            loop {
                host.rotate_keys().await.expect("new keys");
                tell("rotated", "keys");
            }
        };
        let installing = async {
            for n in 1.. {
                install(&host, folder, n).await;
            }
        };
        let keeping = (writing(&capsule), filing(&capsule), replacing(&capsule));
        let others = (repeating(&capsule), publishing(&capsule), listening, installing, rotating);
        tokio::join!(keeping.0, keeping.1, keeping.2, others.0, others.1, others.2, others.3, others.4);
    });
}

async fn install(host: &Host, folder: &Path, n: u64) {
    write_capsule(folder, n);
    let installed = host.install(folder.join("main")).await.expect("installed");
    tell("installed", &installed.version);
}

async fn writing(capsule: &Capsule) {
    for n in 0u64.. {
        let key = format!("k{n}");
        let call = json!({ "op": "kv.kv-set", "args": { "key": key, "value": key } });
        if done(capsule, "writer", &call).await {
            tell("set", &key);
        }
    }
}

async fn filing(capsule: &Capsule) {
    for n in 0u64.. {
        let name = format!("f{n}");
        let call = json!({ "op": "fs.write-file", "args": { "path": name, "content": content(n) } });
        if done(capsule, "filer", &call).await {
            tell("wrote", &name);
        }
    }
}

async fn replacing(capsule: &Capsule) {
    for n in 0u64.. {
        let call = json!({ "op": "fs.write-file", "args": { "path": REPLACED, "content": content(n) } });
        if done(capsule, "replacer", &call).await {
            tell("replaced", &n.to_string());
        }
    }
}

async fn repeating(capsule: &Capsule) {
    let call = json!({ "op": "kv.kv-set", "args": { "key": "same", "value": "same" } });
    loop {
        if done(capsule, "repeater", &call).await {
            tell("repeated", "same");
        }
    }
}

async fn publishing(capsule: &Capsule) {
    for n in 0u64.. {
        let topic = format!("main.p{n}");
        done(
            capsule,
            "publisher",
            &json!({ "op": "ipc.publish", "args": { "topic": topic, "payload": "1" } }),
        )
        .await;
    }
}

/// Makes one call and says whether the guest was told that it is done.
async fn done(capsule: &Capsule, principal_name: &str, call: &Value) -> bool {
    // Others get their turn whatever happens.
    tokio::task::yield_now().await;
    let payload = json!({ "calls": [call] }).to_string();
    let answer = capsule.trigger("script", payload).principal(principal(principal_name)).await;
    let results = answer.ok().and_then(|answer| answer.json().ok());
    results.is_some_and(|results| results[0].get("ok").is_some())
}

/// A line is whole once its full stop is there.
fn tell(kind: &str, subject: &str) {
    let mut out = std::io::stdout().lock();
    // When nobody listens any more the end is near anyway.
    let _ = out.write_all(format!("{kind} {subject}.\n").as_bytes());
}

// ---- both ----------------------------------------------------------------------------------------------------------

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime")
}

fn principal(name: &str) -> Principal {
    Principal::parse(name).expect("a principal")
}

fn write_capsule(folder: &Path, n: u64) {
    let capsule = folder.join("main");
    if !capsule.is_dir() {
        std::fs::create_dir(&capsule).expect("a folder");
        std::fs::copy(puppet(), capsule.join("guest.wasm")).expect("the component");
    }
    let text = format!(
        "[package]\nname = \"main\"\nversion = \"1.0.{n}\"\n[[component]]\nfile = \"guest.wasm\"\n\
        [capabilities]\nfs_write = [\"*\"]\n[publish]\n\"main.*\" = \"opaque\"\n[env.token]\ntype = \"secret\"\n"
    );
    std::fs::write(capsule.join("Capsule.toml"), text).expect("a manifest");
}

fn puppet() -> PathBuf {
    let index: Value =
        serde_json::from_slice(&std::fs::read(env!("GUESTS_INDEX")).expect("an index")).expect("JSON");
    Path::new(env!("CARGO_MANIFEST_DIR")).join(index["puppet"]["path"].as_str().expect("a path"))
}
