//! Nothing that waits holds a thread: hundreds of guests sit in `recv`, `sleep-ns` and `block` on two workers.

#![allow(clippy::expect_used)]

use std::future::IntoFuture as _;
use std::path::Path;
use std::time::Duration;

use astrid_host::audit::{Filter, Outcome};
use astrid_host::{Capsule, Host, Principal};
use serde_json::{Value, json};

const PRINCIPALS: usize = 10;
/// Below the most calls that one principal may have in flight, which is 64.
const EACH: usize = 60;

fn puppet() -> (Vec<u8>, String) {
    let index: Value =
        serde_json::from_slice(&std::fs::read(env!("GUESTS_INDEX")).expect("an index")).expect("JSON");
    let guest = &index["puppet"];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(guest["path"].as_str().expect("a path"));
    (std::fs::read(path).expect("the component"), guest["hash"].as_str().expect("a hash").to_owned())
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("the threads of this process").count()
}

/// What each guest does: it says that it is there, and waits for a word that comes much later.
fn script() -> String {
    let wait = json!({ "calls": [
        { "op": "ipc.subscribe", "args": { "topic-pattern": "main.go" }, "as": "s" },
        { "op": "ipc.publish", "args": { "topic": "main.waiting", "payload": "1" } },
        { "op": "ipc.subscription.recv", "on": "s", "args": { "timeout-ms": 60_000 } },
    ] });
    wait.to_string()
}

async fn load(host: &Host) -> Capsule {
    let (component, hash) = puppet();
    let manifest = "[package]\nname = \"main\"\nversion = \"1.0.0\"\n[[component]]\nfile = \"guest.wasm\"\n\
        [publish]\n\"main.waiting\" = \"opaque\"\n[subscribe]\n\"main.go\" = \"opaque\"\n";
    host.load_component(component, manifest, &hash).await.expect("the puppet loads")
}

#[tokio::test(flavor = "current_thread")]
async fn hundreds_of_waiting_guests_need_no_thread_of_their_own() {
    let home = tempfile::tempdir().expect("a folder");
    let mut options = astrid_host::HostOptions::default();
    options.quotas.set("max_in_flight_calls", 64).expect("a legal quota");
    options.quotas.set("max_cpu_fuel_per_sec", u64::MAX).expect("a legal quota");
    options.quotas.set("max_memory_bytes", u64::MAX).expect("a legal quota");
    options.instances.most = EACH;
    options.worker_threads = 2;
    let host = Host::builder(home.path()).options(options).open().await.expect("a host");
    let capsule = load(&host).await;
    let heard = host.subscribe("main.waiting").expect("a subscription");
    // Once through, so that every thread that is ever needed exists.
    capsule.trigger("script", r#"{"calls":[]}"#).await.expect("a trigger");
    let before = threads();

    // One capsule has 128 subscriptions; more guests than that are refused with `quota` and do not wait.
    let mut waiting = Vec::new();
    for n in 0..PRINCIPALS * EACH {
        let principal = Principal::parse(&format!("p{}", n % PRINCIPALS)).expect("a principal");
        let script = if n < 100 { script() } else { sleeping() };
        waiting.push(
            host.spawn(capsule.trigger("script", script).principal(principal).into_future()).expect("open"),
        );
    }
    for _ in 0..waiting.len() {
        heard.next().await.expect("a guest that waits");
    }
    let during = threads();
    assert!(during <= before, "{before} threads before, {during} while {} guests wait", waiting.len());

    // Unloading ends every wait at once, and each ended wait has its entry.
    capsule.unload().await.expect("unloaded");
    for call in waiting {
        // A guest that was told of its cancellation may still answer within its grace; either way it has ended.
        let _ended =
            tokio::time::timeout(Duration::from_secs(20), call).await.expect("ended").expect("not aborted");
    }
    let cut = |operation: &str| {
        let filter = Filter {
            operation: Some(operation.to_owned()),
            outcome: Some(Outcome::Cancelled),
            ..Filter::default()
        };
        host.audit().entries(&filter).expect("entries").len()
    };
    assert_eq!(cut("ipc.subscription.recv"), 100);
    assert_eq!(cut("sys.sleep-ns"), PRINCIPALS * EACH - 100);
    assert!(host.audit().verify().expect("a log").intact);
    host.close().await.expect("closed");
}

fn sleeping() -> String {
    let sleep = json!({ "calls": [
        { "op": "ipc.publish", "args": { "topic": "main.waiting", "payload": "1" } },
        { "op": "sys.sleep-ns", "args": { "duration-ns": 60_000_000_000_u64 } },
    ] });
    sleep.to_string()
}
