//! Host calls of a guest: values by key, and messages to itself.

use std::time::Instant;

use astrid_host::HostOptions;
use astrid_host::store::Durability;
use futures_util::future::join_all;

use crate::measure::Figure;
use crate::worker::{CALLS, Work, Worker};

/// Writes at once in the class that waits for the disk.
const AT_ONCE: usize = 64;
/// Rounds of what waits for the disk.
const ROUNDS: usize = 21;

/// Measures `kv-get` and `kv-set`, and `publish` with the `recv` that follows.
pub async fn measure() -> Vec<Figure> {
    let worker = Worker::start(HostOptions::default(), None).await;
    worker.work(Work::Set, 1, [0, 0]).await;
    let mut figures = vec![
        worker.figure("kv-get, 64 B", "no entry", Work::Get, CALLS, 0).await,
        worker.figure("kv-set, 64 B, class of the process", "one entry", Work::Set, CALLS, 0).await,
        worker.figure("publish and recv, 1 B", "one entry", Work::Send, CALLS, 0).await,
    ];
    worker.stage.close().await;
    let mut options = HostOptions::default();
    options.durability = Durability::Power;
    options.instances.most = AT_ONCE;
    let worker = Worker::start(options, None).await;
    for at_once in [1, AT_ONCE] {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let began = Instant::now();
            join_all((0..at_once).map(|_| worker.work(Work::Set, 1, [0, 0]))).await;
            rounds.push(began.elapsed().as_secs_f64() * 1e6 / at_once as f64);
        }
        let name = format!("kv-set, 64 B, class of power, {at_once} at once");
        figures.push(Figure::of(
            name,
            "us",
            "one trigger, two entries, its part of a sync; wall clock",
            rounds,
        ));
    }
    worker.stage.close().await;
    figures
}
