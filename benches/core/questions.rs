//! Questions to people: what one costs with a handler that answers at once, and what those that wait take.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use astrid_host::people::Decision;
use astrid_host::{Host, HostOptions, Principal};
use tokio::sync::Notify;

use crate::clock::{descriptors, private_kib, threads};
use crate::measure::Figure;
use crate::stage::{Stage, guest};
use crate::worker::{CALLS, Work, Worker};

/// Measures the round trip of an approval, in the class of the process.
pub async fn measure() -> Vec<Figure> {
    let build = |home: &Path| {
        Host::builder(home).on_approval(Arc::new(|_| Box::pin(async { Ok(Decision::Approve) })))
    };
    let worker = Worker::start_by(build, HostOptions::default()).await;
    let figure =
        worker.figure("approval, asked and answered in Rust", "two entries", Work::Ask, CALLS, 0).await;
    worker.stage.close().await;
    vec![figure]
}

/// Measures `crowd` questions that wait at once, each of a principal of its own.
pub async fn wait(crowd: usize) -> Vec<Figure> {
    let (asked, all) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (counting, telling) = (Arc::clone(&asked), Arc::clone(&all));
    let build = |home: &Path| {
        Host::builder(home).on_approval(Arc::new(move |_| {
            counting.fetch_add(1, Ordering::SeqCst);
            telling.notify_one();
            Box::pin(std::future::pending())
        }))
    };
    let mut options = HostOptions::default();
    options.max_principals = crowd + 2;
    let stage = Stage::build(build, options).await;
    let worker = stage.load(&guest("worker"), "worker", "").await;
    let ask = |n: usize| {
        let numbers = [Work::Ask as u32, 1, 0, 0];
        let payload: Vec<u8> = numbers.into_iter().flat_map(u32::to_le_bytes).collect();
        let worker = worker.clone();
        tokio::spawn(async move {
            let principal = Principal::parse(&format!("p{n}")).expect("a principal");
            drop(worker.trigger("work", payload).principal(principal).await);
        })
    };
    let mut calls = vec![ask(0)];
    while asked.load(Ordering::SeqCst) < 1 {
        all.notified().await;
    }
    let before = (private_kib(), threads(), descriptors());
    let began = Instant::now();
    calls.extend((1..crowd).map(ask));
    while asked.load(Ordering::SeqCst) < crowd {
        all.notified().await;
    }
    let took = began.elapsed().as_secs_f64() * 1e6 / (crowd - 1) as f64;
    let memory = private_kib().saturating_sub(before.0) as f64 / (crowd - 1) as f64;
    let (more_threads, more_files) =
        (threads() as f64 - before.1 as f64, descriptors() as f64 - before.2 as f64);
    let began = Instant::now();
    stage.close().await;
    let close = began.elapsed().as_secs_f64() * 1e3;
    for call in calls {
        call.await.expect("the call ends");
    }
    let figure = |what: &str, unit, includes, value| {
        Figure::of(format!("{crowd} questions that wait: {what}"), unit, includes, vec![value])
    };
    vec![
        figure("private memory of each", "KiB", "a new principal, its instance, the question", memory),
        figure("asking", "us", "wall clock; a new principal, its instance, one entry", took),
        figure("threads more than with one", "", "", more_threads),
        figure("descriptors more than with one", "", "", more_files),
        figure("closing the host", "ms", "wall clock; every question ended and recorded", close),
    ]
}
