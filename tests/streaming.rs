//! Hundreds of responses come in at once, and none of them has a thread.

#![allow(clippy::expect_used)]

use std::future::IntoFuture as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use astrid_host::{Host, HostOptions};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};

const CAPSULES: usize = 50;
const EACH: usize = 10;

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

/// A server that begins every response, counts it, and goes on when it is told.
struct Server {
    begun: Semaphore,
    go_on: Notify,
}

impl Server {
    async fn serve(self: Arc<Self>, mut peer: TcpStream) -> std::io::Result<()> {
        let mut head = [0; 4096];
        while peer.read(&mut head).await? > 0 {
            let go_on = self.go_on.notified();
            peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst").await?;
            self.begun.add_permits(1);
            go_on.await;
            peer.write_all(b"later").await?;
        }
        Ok(())
    }
}

/// Opens streams, reads the piece that is there from each, and then waits for the next of each.
fn script(url: &str) -> String {
    let mut calls = Vec::new();
    let read = |n: usize| json!({ "op": "http.http-stream.read-chunk", "on": n.to_string() });
    for n in 0..EACH {
        calls.push(json!({ "op": "http.http-stream-start", "args": { "url": url }, "as": n.to_string() }));
        calls.push(read(n));
    }
    calls.extend((0..EACH).map(read));
    json!({ "calls": calls }).to_string()
}

#[tokio::test(flavor = "current_thread")]
async fn hundreds_of_streams_need_no_thread_of_their_own() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let server = Arc::new(Server { begun: Semaphore::new(0), go_on: Notify::new() });
    let serving = Arc::clone(&server);
    tokio::spawn(async move {
        while let Ok((peer, _)) = listener.accept().await {
            tokio::spawn(Arc::clone(&serving).serve(peer));
        }
    });

    let home = tempfile::tempdir().expect("a folder");
    let mut options = HostOptions::default();
    options.quotas.set("max_http_streams", EACH as u64).expect("a legal quota");
    options.quotas.set("max_in_flight_calls", CAPSULES as u64).expect("a legal quota");
    options.quotas.set("max_cpu_fuel_per_sec", u64::MAX).expect("a legal quota");
    options.quotas.set("max_memory_bytes", u64::MAX).expect("a legal quota");
    for n in 0..CAPSULES {
        options.network.local_egress.insert(format!("c{n}"), vec!["127.0.0.1:*".to_owned()]);
    }
    let host = Host::builder(home.path()).options(options).open().await.expect("a host");
    let (component, hash) = puppet();
    let mut capsules = Vec::new();
    for n in 0..CAPSULES {
        let manifest = format!(
            "[package]\nname = \"c{n}\"\nversion = \"1.0.0\"\n[[component]]\nfile = \"guest.wasm\"\n\
             [capabilities]\nnet = [\"127.0.0.1\"]\n"
        );
        capsules
            .push(host.load_component(component.clone(), &manifest, &hash).await.expect("the puppet loads"));
    }
    capsules[0].trigger("script", r#"{"calls":[]}"#).await.expect("a trigger");
    let before = threads();

    let calls: Vec<_> = capsules
        .iter()
        .map(|capsule| host.spawn(capsule.trigger("script", script(&url)).into_future()).expect("open"))
        .collect();
    let all = u32::try_from(CAPSULES * EACH).expect("a small number");
    tokio::time::timeout(Duration::from_mins(1), server.begun.acquire_many(all))
        .await
        .expect("every response has begun")
        .expect("the server is there")
        .forget();
    let during = threads();
    assert!(during <= before, "{before} threads before, {during} while {all} responses come in");

    server.go_on.notify_waiters();
    for ended in join_all(calls).await {
        let result = ended.expect("not aborted").expect("the guest ended");
        let told: Value = result.json().expect("JSON");
        let read = told.as_array().expect("an array").iter().filter_map(|call| call["ok"].as_str());
        // A guest that is served late finds both pieces at once.
        let read: String = read.collect();
        let pieces = |wanted: &str| read.matches(wanted).count();
        assert_eq!((pieces("first"), pieces("later")), (EACH, EACH), "{told}");
    }
    host.close().await.expect("closed");
}
