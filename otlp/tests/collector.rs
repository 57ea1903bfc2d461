//! A collector on loopback receives the spans of a trigger, in the trace that the trigger names.

#![allow(clippy::expect_used)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use astrid_host_otlp::Export;
use tracing::field::Empty;
use tracing_subscriber::layer::SubscriberExt as _;

const TRACE: [u8; 16] =
    [0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c];
const PARENT: [u8; 8] = [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31];
const SPAN: [u8; 8] = [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0];

/// Takes one request and answers it well; gives its head and its body.
fn receive(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).expect("a request");
        assert_ne!(read, 0, "the request ends too early");
        bytes.extend_from_slice(&chunk[..read]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).expect("text").to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|length| length.parse().ok()).expect("a length");
        if bytes.len() >= end + 4 + length {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").expect("an answer");
            return (head, bytes[end + 4..].to_vec());
        }
    }
}

fn count(whole: &[u8], part: &[u8]) -> usize {
    whole.windows(part.len()).filter(|window| *window == part).count()
}

/// The spans of one trigger with one host call, as the core makes them (`capsule/span.rs` and `abi/call.rs` there).
fn trigger(action: &str, sampled: bool) {
    let trigger = tracing::info_span!(
        target: "astrid::trigger", "astrid.trigger", capsule = "notes", action, trace_id = Empty, span_id = Empty,
        parent_id = Empty, sampled = Empty, outcome = Empty, fuel = Empty,
    );
    trigger.record("parent_id", "b7ad6b7169203331".to_owned());
    trigger.record("trace_id", "0af7651916cd43dd8448eb211c80319c".to_owned());
    trigger.record("span_id", "123456789abcdef0".to_owned());
    trigger.record("sampled", sampled);
    trigger.in_scope(|| {
        let call =
            tracing::debug_span!(target: "astrid::call", "astrid.call", op = "kv.kv-set", outcome = Empty);
        call.record("outcome", "denied");
    });
    trigger.record("fuel", 1234_u64);
    trigger.record("outcome", "allowed");
}

#[test]
fn the_spans_of_a_trigger_reach_a_collector_in_its_trace() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}/v1/traces", listener.local_addr().expect("an address"));
    let collector = std::thread::spawn(move || receive(&mut listener.accept().expect("a connection").0));

    let export = Export::to(&endpoint, "the-service").expect("an exporter");
    let subscriber = tracing_subscriber::registry().with(export.layer());
    tracing::subscriber::with_default(subscriber, || {
        tracing::info_span!("somebody-elses").in_scope(|| trigger("save", true));
        // The caller of this one records nothing, so nobody else does.
        trigger("unsampled", false);
    });
    export.flush().expect("the collector takes the spans");

    let (head, body) = collector.join().expect("a request");
    assert!(head.starts_with("post /v1/traces "), "{head}");
    assert!(head.contains("content-type: application/x-protobuf"), "{head}");
    assert_eq!((count(&body, b"astrid.trigger"), count(&body, b"astrid.call")), (1, 1));
    assert_eq!(count(&body, &TRACE), 2, "both spans are in the trace of the caller");
    assert_eq!(count(&body, &PARENT), 1, "the trigger is a child of the caller's span");
    assert_eq!(count(&body, &SPAN), 2, "the call is a child of the trigger");
    for text in ["the-service", "notes", "save", "kv.kv-set", "astrid.fuel", "denied"] {
        assert!(count(&body, text.as_bytes()) >= 1, "{text} is missing");
    }
    assert_eq!(count(&body, b"unsampled") + count(&body, b"somebody-elses"), 0);
}

#[test]
fn a_collector_that_is_not_there_is_an_error_and_nothing_else() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}/v1/traces", listener.local_addr().expect("an address"));
    drop(listener);
    let export = Export::to(&endpoint, "the-service").expect("an exporter");
    let subscriber = tracing_subscriber::registry().with(export.layer());
    tracing::subscriber::with_default(subscriber, || trigger("save", true));
    assert!(export.flush().is_err());
}
