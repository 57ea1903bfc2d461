//! Whatever happens while a generation takes the place of another, every call is answered by one of the two.

#![allow(clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use astrid_host::audit::{Filter, Outcome};
use astrid_host::{ErrorKind, Host, HostOptions, Principal};
use futures_util::future::join_all;
use serde_json::{Value, json};

const UPGRADES: u64 = 12;
const CALLERS: usize = 4;

/// What the run loop of a version does before it waits for ever.
#[derive(Clone, Copy)]
enum RunLoop {
    Ready,
    NeverReady,
}

fn write(folder: &Path, version: u64, run_loop: RunLoop) {
    let index: Value =
        serde_json::from_slice(&std::fs::read(env!("GUESTS_INDEX")).expect("an index")).expect("JSON");
    let puppet = index["puppet"]["path"].as_str().expect("a path");
    let puppet = Path::new(env!("CARGO_MANIFEST_DIR")).join(puppet);
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::copy(puppet, folder.join("guest.wasm")).expect("the component");
    let wait = json!({ "op": "sys.sleep-ns", "args": { "duration-ns": 60_000_000_000_u64 } });
    let run = match run_loop {
        RunLoop::Ready => json!({ "calls": [{ "op": "sys.signal-ready" }, wait] }),
        RunLoop::NeverReady => json!({ "calls": [wait] }),
    };
    let answer = json!({ "calls": [], "reply": { "action": "final", "data": format!("version {version}") } });
    let manifest = format!(
        "[package]\nname = \"main\"\nversion = \"{version}.0.0\"\n[[component]]\nfile = \"guest.wasm\"\n\
         [subscribe]\n\"ask.it\" = {{ wit = \"opaque\", handler = \"who\" }}\n\
         [env.run]\ntype = \"text\"\ndefault = '{run}'\n[env.on-who]\ntype = \"text\"\ndefault = '{answer}'\n"
    );
    std::fs::write(folder.join("Capsule.toml"), manifest).expect("the manifest");
}

async fn world() -> (tempfile::TempDir, PathBuf, Host) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut options = HostOptions::default();
    options.ready_within = Duration::from_mins(1);
    options.quotas.set("max_cpu_fuel_per_sec", u64::MAX).expect("a legal quota");
    let host = Host::builder(folder.path().join("home")).options(options).open().await.expect("a host");
    let capsule = folder.path().join("main");
    write(&capsule, 1, RunLoop::Ready);
    host.install(&capsule).await.expect("installed");
    (folder, capsule, host)
}

fn entries(host: &Host, operation: &str, outcome: Outcome) -> usize {
    let (operation, outcome) = (Some(operation.to_owned()), Some(outcome));
    let filter = Filter { operation, outcome, ..Filter::default() };
    host.audit().entries(&filter).expect("entries").len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_lost_while_versions_change() {
    let (_folder, folder, host) = world().await;
    let capsule = host.load(&folder).await.expect("loaded");
    let done = Arc::new(AtomicBool::new(false));
    let callers = (0..CALLERS).map(|n| {
        let (host, capsule, done) = (host.clone(), capsule.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            let (mut calls, mut last) = (0, 0);
            while !done.load(Ordering::Relaxed) {
                let data = if n % 2 == 0 {
                    capsule.trigger("who", "").await.expect("an answer").data
                } else {
                    let principal = Principal::parse("alice").expect("a principal");
                    let outcome = host.publish("ask.it", b"{}".to_vec()).principal(principal).await;
                    let outcome = outcome.expect("published");
                    assert_eq!((outcome.handlers, outcome.decision), (1, "final"), "{outcome:?}");
                    outcome.data
                };
                let version = data.as_deref().and_then(|data| data.strip_prefix("version "));
                let version: u64 = version.and_then(|text| text.parse().ok()).expect("a version's answer");
                assert!(version >= last, "version {version} answered after version {last}");
                (calls, last) = (calls + 1, version);
                tokio::task::yield_now().await;
            }
            calls
        })
    });
    let callers: Vec<_> = callers.collect();
    for version in 2..=UPGRADES {
        write(&folder, version, RunLoop::Ready);
        host.install(&folder).await.expect("upgraded");
        assert_eq!(capsule.generation(), version);
        let answer = capsule.trigger("who", "").await.expect("an answer");
        assert_eq!(answer.data, Some(format!("version {version}")));
    }
    done.store(true, Ordering::Relaxed);
    let calls: usize = join_all(callers).await.into_iter().map(|calls| calls.expect("no panic")).sum();
    assert!(calls > 0);
    capsule.unload().await.expect("unloaded");
    // Every generation has ended, with its run loop, and let its instances go.
    assert_eq!(entries(&host, "capsule.retire", Outcome::Allowed) as u64, UPGRADES - 1);
    for principal in ["default", "alice"] {
        let usage = host.usage(&Principal::parse(principal).expect("a principal")).expect("known");
        assert_eq!(usage.instances, 0, "{principal}");
    }
    assert!(host.audit().verify().expect("a log").intact);
    host.close().await.expect("closed");
}

#[tokio::test(flavor = "current_thread")]
async fn a_reload_that_nobody_waits_for_any_more_leaves_the_old_generation() {
    let (_folder, folder, host) = world().await;
    let capsule = host.load(&folder).await.expect("loaded");
    capsule.wait_ready(None).await.expect("ready");
    write(&folder, 2, RunLoop::NeverReady);
    let instances = || host.usage(&Principal::default()).expect("known").instances;
    let before = instances();
    let reload = tokio::spawn({
        let capsule = capsule.clone();
        async move { capsule.reload().await }
    });
    // The candidate has an instance for its run loop.
    while instances() == before {
        tokio::task::yield_now().await;
    }
    reload.abort();
    assert!(reload.await.expect_err("it was dropped").is_cancelled());
    while instances() > before {
        tokio::task::yield_now().await;
    }
    assert_eq!((capsule.generation(), capsule.version().as_str()), (1, "1.0.0"));
    let answer = capsule.trigger("who", "").await.expect("an answer");
    assert_eq!(answer.data.as_deref(), Some("version 1"));
    // The next one has its turn.
    write(&folder, 3, RunLoop::Ready);
    capsule.reload().await.expect("reloaded");
    assert_eq!(capsule.generation(), 2);
    host.close().await.expect("closed");
}

#[tokio::test(flavor = "current_thread")]
async fn unloading_ends_a_reload_that_waits() {
    let (_folder, folder, host) = world().await;
    let capsule = host.load(&folder).await.expect("loaded");
    write(&folder, 2, RunLoop::NeverReady);
    let instances = || host.usage(&Principal::default()).expect("known").instances;
    let reload = tokio::spawn({
        let capsule = capsule.clone();
        async move { capsule.reload().await }
    });
    while instances() < 2 {
        tokio::task::yield_now().await;
    }
    capsule.unload().await.expect("unloaded");
    let error = reload.await.expect("not aborted").expect_err("the capsule is gone");
    assert_eq!(error.kind(), ErrorKind::Closed);
    while instances() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(entries(&host, "capsule.unload", Outcome::Allowed), 1);
    host.close().await.expect("closed");
}
