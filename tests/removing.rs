//! Nothing that a guest writes while its principal is removed outlives the removal, and nobody else notices.

#![allow(clippy::expect_used)]

use std::future::IntoFuture as _;
use std::path::Path;

use astrid_host::{Capsule, Host, HostOptions, Principal};
use futures_util::future::join_all;
use serde_json::{Value, json};

const PRINCIPALS: usize = 4;
const WRITERS: usize = 3;
const ROUNDS: usize = 5;

fn puppet() -> (Vec<u8>, String) {
    let index: Value =
        serde_json::from_slice(&std::fs::read(env!("GUESTS_INDEX")).expect("an index")).expect("JSON");
    let guest = &index["puppet"];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(guest["path"].as_str().expect("a path"));
    (std::fs::read(path).expect("the component"), guest["hash"].as_str().expect("a hash").to_owned())
}

fn named(name: &str) -> Principal {
    Principal::parse(name).expect("a principal")
}

/// Says that it is there, and then writes for as long as it may.
fn writing(principal: &Principal, n: usize) -> String {
    let topic = format!("main.writes.{principal}");
    let set = json!({ "op": "kv.kv-set", "args": { "key": format!("{n}-{{i}}"), "value": "x" } });
    let script = json!({ "calls": [
        { "op": "ipc.publish", "args": { "topic": topic, "payload": "1" } },
        { "op": "repeat", "args": { "times": 1_000_000, "last": true, "calls": [set] } },
    ] });
    script.to_string()
}

async fn keys(capsule: &Capsule, principal: &Principal) -> Value {
    let script = json!({ "calls": [{ "op": "kv.kv-list-keys", "args": { "prefix": "" } }] }).to_string();
    let listed = capsule.trigger("script", script).principal(principal.clone()).await.expect("a listing");
    listed.json().expect("JSON")[0]["ok"].clone()
}

async fn come_and_go(host: &Host, capsule: &Capsule, principal: Principal) {
    let heard = host.subscribe(&format!("main.writes.{principal}")).expect("a subscription");
    for round in 0..ROUNDS {
        let writers: Vec<_> = (0..WRITERS)
            .map(|n| capsule.trigger("script", writing(&principal, n)).principal(principal.clone()))
            .map(|trigger| host.spawn(trigger.into_future()).expect("open"))
            .collect();
        for _ in 0..WRITERS {
            heard.next().await.expect("a writer");
        }
        host.remove_principal(&principal).await.expect("removed");
        assert_eq!(keys(capsule, &principal).await, json!([]), "{principal}, round {round}");
        for writer in writers {
            // How a writer ends is its own matter: cancelled, or out of fuel just before.
            drop(writer.await.expect("no panic"));
        }
        assert_eq!(keys(capsule, &principal).await, json!([]), "{principal}, round {round}, later");
        let used = host.usage(&principal).expect("usage");
        assert_eq!((used.stored_bytes, used.in_flight_calls), (0, 0));
    }
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_written_during_a_removal_does_not_outlive_it() {
    let home = tempfile::tempdir().expect("a folder");
    // The writers write as fast as the machine lets them, and a listing of the same principal must still be recorded.
    let mut options = HostOptions::default();
    (options.audit.entries_per_sec, options.audit.bytes_per_sec) = (1_000_000_000, 1_000_000_000_000);
    let host = Host::builder(home.path()).options(options).open().await.expect("a host");
    let (component, hash) = puppet();
    let manifest = "[package]\nname = \"main\"\nversion = \"1.0.0\"\n[[component]]\nfile = \"guest.wasm\"\n\
        [publish]\n\"main.*\" = \"opaque\"\n";
    let capsule = host.load_component(component, manifest, &hash).await.expect("the puppet loads");
    let bob = named("bob");
    let kept =
        json!({ "calls": [{ "op": "kv.kv-set", "args": { "key": "kept", "value": "x" } }] }).to_string();
    capsule.trigger("script", kept).principal(bob.clone()).await.expect("a trigger");

    let all = (0..PRINCIPALS).map(|n| come_and_go(&host, &capsule, named(&format!("p{n}"))));
    join_all(all).await;

    assert_eq!(keys(&capsule, &bob).await, json!(["kept"]));
    for n in 0..PRINCIPALS {
        host.remove_principal(&named(&format!("p{n}"))).await.expect("removed");
    }
    assert_eq!(host.principals().expect("open"), [bob, Principal::default()]);
    assert!(host.audit().verify().expect("verified").intact);
    host.close().await.expect("closed");
}
