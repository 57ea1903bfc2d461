//! Requests over HTTP through a capsule, beside the host's own client without one.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use astrid_host::http::{Client, Gate, Hop, HttpError, Options, Request, Whose};
use astrid_host::net::{Connector, Network};
use astrid_host::{Capsule, HostOptions, Principal};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use url::Url;

use crate::measure::Figure;
use crate::stage::{Stage, guest};

/// Requests of one round.
const REQUESTS: u32 = 500;
/// Bytes of the body of one round.
const BYTES: usize = 128 << 20;
/// Rounds of each, by turns.
const ROUNDS: usize = 7;

/// Measures what a small request takes, one after another over one connection, and how fast a long body streams.
pub async fn measure() -> Vec<Figure> {
    let base = serve();
    let mut options = HostOptions::default();
    options.audit.entries_per_sec = u64::MAX;
    options.audit.bytes_per_sec = u64::MAX;
    options.network.local_egress.insert("main".to_owned(), vec!["127.0.0.1:*".to_owned()]);
    let stage = Stage::open_with(options).await;
    let capsule = stage.load(&guest("puppet"), "main", "[capabilities]\nnet = [\"127.0.0.1\"]\n").await;
    let direct = Direct::new();
    let (mut asked, mut asked_direct) = (Vec::new(), Vec::new());
    let (mut streamed, mut streamed_direct) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        request_through(&capsule, &base).await;
        asked.push(micros(began));
        let began = Instant::now();
        for _ in 0..REQUESTS {
            direct.whole(&format!("{base}/small")).await;
        }
        asked_direct.push(micros(began));
        let began = Instant::now();
        stream_through(&capsule, &base).await;
        streamed.push(rate(began));
        let began = Instant::now();
        direct.stream(&format!("{base}/long")).await;
        streamed_direct.push(rate(began));
    }
    stage.close().await;
    let guest = "a script in JSON and four entries of the audit for each; wall clock";
    let alone = "the host's client without a guest; wall clock";
    vec![
        Figure::of("http-request, 5 bytes", "us", guest, asked),
        Figure::of("the same from Rust", "us", alone, asked_direct),
        Figure::of("http-stream, skipped", "MiB/s", "an entry for each piece; wall clock", streamed),
        Figure::of("the same from Rust", "MiB/s", alone, streamed_direct),
    ]
}

fn micros(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e6 / f64::from(REQUESTS)
}

fn rate(began: Instant) -> f64 {
    (BYTES >> 20) as f64 / began.elapsed().as_secs_f64()
}

async fn request_through(capsule: &Capsule, base: &str) {
    let request = json!({ "op": "http.http-request", "args": { "url": format!("{base}/small") } });
    let calls = json!({ "calls": [{ "op": "repeat", "times": REQUESTS, "last": true, "calls": [request] }] });
    let result = capsule.trigger("script", calls.to_string()).await.expect("a trigger");
    let last = result.json().expect("JSON");
    assert_eq!(last[0][0][0]["ok"]["body"], "hello", "{last}");
}

async fn stream_through(capsule: &Capsule, base: &str) {
    let skip = json!({ "op": "io.input-stream.blocking-skip", "on": "in", "args": { "len": 1 << 20 } });
    let calls = json!({ "calls": [
        { "op": "http.http-stream-start", "args": { "url": format!("{base}/long") }, "as": "s" },
        { "op": "http.http-stream.body-stream", "on": "s", "as": "in" },
        { "op": "until", "arm": "closed", "most": BYTES, "calls": [skip] },
    ] });
    let result = capsule.trigger("script", calls.to_string()).await.expect("a trigger");
    let told = result.json().expect("JSON");
    assert_eq!(told[2]["ok"]["met"], true, "{told}");
}

/// The client, with nobody to ask.
struct Direct {
    client: Arc<Client>,
    whose: Whose,
}

/// Lets everything through and records nothing.
struct Open;

impl Gate for Open {
    fn admit(&self, _: &Url) -> Result<bool, HttpError> {
        Ok(true)
    }

    fn sending(&self, _: &Hop<'_>) -> Result<(), HttpError> {
        Ok(())
    }

    fn answered(&self, _: &Hop<'_>, _: Result<u16, HttpError>) -> Result<(), HttpError> {
        Ok(())
    }
}

impl Direct {
    fn new() -> Self {
        let network = Network::default();
        let connector = Connector::new(tokio::runtime::Handle::current(), &network);
        let client = Client::new(connector, &network).expect("a client");
        let principal = Principal::parse("default").expect("a principal");
        Self { client, whose: Whose { principal, capsule: Arc::from("main") } }
    }

    async fn send(&self, url: &str, options: Options) -> astrid_host::http::Answer {
        let request = Request::read(url, "GET", &[], None, &options, &mut |_| Ok(None)).expect("a request");
        let client = Arc::clone(&self.client);
        client.send(request, options, self.whose.clone(), Arc::new(Open)).await.expect("a response")
    }

    async fn whole(&self, url: &str) {
        let answer = self.send(url, Options::whole(self.client.ceilings())).await;
        let body = answer.body.whole(self.client.runtime(), Duration::from_mins(1)).await;
        assert_eq!(body.expect("a body"), b"hello");
    }

    async fn stream(&self, url: &str) {
        let answer = self.send(url, Options::streamed(self.client.ceilings())).await;
        let mut all = 0;
        loop {
            let piece = answer.body.next(self.client.runtime(), Duration::from_mins(1)).await;
            match piece.expect("a piece").len() {
                0 => break,
                some => all += some,
            }
        }
        assert_eq!(all, BYTES);
    }
}

/// A server on a thread of its own, and where it is.
fn serve() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.set_nonblocking(true).expect("a socket");
    let port = listener.local_addr().expect("an address").port();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    thread::spawn(move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            while let Ok((peer, _)) = listener.accept().await {
                tokio::spawn(answer(peer));
            }
        });
    });
    format!("http://127.0.0.1:{port}")
}

async fn answer(mut peer: tokio::net::TcpStream) -> std::io::Result<()> {
    peer.set_nodelay(true)?;
    let (mut head, piece) = (vec![0; 4096], vec![7; 256 << 10]);
    loop {
        let length = peer.read(&mut head).await?;
        if length == 0 {
            return Ok(());
        }
        if head.starts_with(b"GET /small") {
            peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await?;
        } else {
            peer.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {BYTES}\r\n\r\n").as_bytes()).await?;
            for _ in 0..BYTES / piece.len() {
                peer.write_all(&piece).await?;
            }
        }
    }
}
