//! Closing a host lets go of everything, however many capsules are loaded and wherever their run loops wait.

#![allow(clippy::expect_used)]

use std::path::Path;
use std::time::Instant;

use astrid_host::{Capsule, Host, HostOptions, State};
use serde_json::Value;

const CAPSULES: usize = 1000;

fn guest(name: &str) -> (Vec<u8>, String) {
    let index: Value =
        serde_json::from_slice(&std::fs::read(env!("GUESTS_INDEX")).expect("an index")).expect("JSON");
    let guest = &index[name];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(guest["path"].as_str().expect("a path"));
    (std::fs::read(path).expect("the component"), guest["hash"].as_str().expect("a hash").to_owned())
}

fn count(folder: &str) -> usize {
    std::fs::read_dir(folder).expect("this process").count()
}

/// Threads that are ending are there for a moment longer; nobody is told when they are gone.
async fn back_to(folder: &str, before: usize) -> usize {
    for _ in 0..1000 {
        if count(folder) <= before {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    count(folder)
}

async fn open() -> (tempfile::TempDir, Host) {
    let home = tempfile::tempdir().expect("a folder");
    let host = Host::builder(home.path()).options(HostOptions::default()).open().await.expect("a host");
    (home, host)
}

async fn load(host: &Host, component: &[u8], hash: &str, n: usize) -> Capsule {
    let manifest = format!(
        "[package]\nname = \"c{n}\"\nversion = \"1.0.0\"\n[[component]]\nfile = \"guest.wasm\"\n\
         [publish]\n\"test.*\" = \"opaque\"\n[subscribe]\n\"test.*\" = \"opaque\"\n"
    );
    let capsule = host.load_component(component.to_vec(), &manifest, hash).await.expect("it loads");
    capsule.wait_ready(None).await.expect("it is ready");
    capsule
}

#[tokio::test(flavor = "current_thread")]
async fn a_thousand_waiting_run_loops_hold_nothing_after_closing() {
    let (component, hash) = guest("listens");
    // Once through, so that what a process makes once and keeps is there.
    let (home, host) = open().await;
    load(&host, &component, &hash, 0).await;
    host.close().await.expect("closed");
    drop((home, host));
    let (threads, files) = (count("/proc/self/task"), count("/proc/self/fd"));

    let (_home, host) = open().await;
    let (loading, during) = (Instant::now(), count("/proc/self/task"));
    let mut capsules = Vec::with_capacity(CAPSULES);
    for n in 0..CAPSULES {
        capsules.push(load(&host, &component, &hash, n).await);
    }
    let loaded = loading.elapsed();
    // What reads a capsule's old logs is done on threads that end when there is no more of it.
    let held = back_to("/proc/self/task", during).await;
    assert!(held <= during, "{during} threads before, {held} while {CAPSULES} run loops wait");
    let unloading = Instant::now();
    capsules[0].unload().await.expect("unloaded");
    let unloaded = unloading.elapsed();
    // Closed while they are all at work.
    let heard = host.publish("test.go", b"1".to_vec()).await.expect("published");
    assert_eq!(heard.delivered, CAPSULES as u64 - 1);

    let closing = Instant::now();
    host.close().await.expect("closed");
    let closed = closing.elapsed();
    println!("{CAPSULES} capsules: loaded in {loaded:?}, one unloaded in {unloaded:?}, closed in {closed:?}");
    assert!(capsules.iter().all(|capsule| capsule.state() == State::Unloaded));
    drop(host);
    assert_eq!(back_to("/proc/self/task", threads).await, threads);
    assert_eq!(back_to("/proc/self/fd", files).await, files);
}
