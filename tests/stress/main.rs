//! Many principals use many capsules at once while these are upgraded, reloaded and unloaded under them. Nothing of one principal
//! may show up at another, and nothing may be left behind.
//!
//! It runs for `STRESS_SECS` seconds, 60 unless that is set, with the seed `STRESS_SEED`, which it prints.

#![allow(clippy::expect_used)]

mod actor;
mod capsules;
mod dice;
mod ledger;

use std::sync::Arc;
use std::time::{Duration, Instant};

use astrid_host::{Host, HostOptions, Principal};

use actor::Actor;
use capsules::Capsules;
use dice::Dice;
use ledger::Ledger;

/// How long threads that were lent to blocking work may take to end.
const LENT: Duration = Duration::from_secs(10);
const PRINCIPALS: usize = 200;
const CAPSULES: usize = 20;
/// Actors at work at the same time.
const ACTORS: usize = 24;

fn main() {
    let seconds = std::env::var("STRESS_SECS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let seed = std::env::var("STRESS_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()));
    println!("seed {seed}, {seconds} seconds");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime");
    let ledger = Arc::new(Ledger::default());
    let wrong = runtime.block_on(play(Duration::from_secs(seconds), seed, &ledger));
    println!("{ledger}");
    for sentence in &wrong {
        println!("wrong: {sentence}");
    }
    let failed = usize::from(!wrong.is_empty());
    println!("{} passed, {failed} failed", 1 - failed);
    std::process::exit(i32::from(failed > 0));
}

/// Plays to the end and says everything that was not as it should be.
async fn play(length: Duration, seed: u64, ledger: &Arc<Ledger>) -> Vec<String> {
    let home = tempfile::tempdir().expect("a folder");
    let packages = tempfile::tempdir().expect("a folder");
    let mut options = HostOptions::default();
    options.quotas.set("max_cpu_fuel_per_sec", u64::MAX).expect("a legal quota");
    let host = Host::builder(home.path()).options(options).open().await.expect("a host");
    let capsules = Arc::new(Capsules::write(packages.path(), CAPSULES));
    capsules.install_all(&host).await;
    // Once through, so that every thread and file that is ever needed exists.
    capsules.warm(&host).await;
    let before = (entries("/proc/self/task"), entries("/proc/self/fd"));

    let until = Instant::now() + length;
    let actors = (0..ACTORS).map(|n| {
        let actor =
            Actor::new(host.clone(), Arc::clone(&capsules), Arc::clone(ledger), Dice::new(seed + n as u64));
        tokio::spawn(actor.act(until))
    });
    for actor in actors.collect::<Vec<_>>() {
        actor.await.expect("an actor does not panic");
    }

    let mut wrong = ledger.wrong();
    for capsule in host.capsules() {
        if let Err(error) = capsule.unload().await {
            wrong.push(format!("`{}` does not unload: {error}", capsule.id()));
        }
    }
    for n in 0..PRINCIPALS {
        // A principal whom the dice never chose is not known, and has used nothing.
        let Ok(usage) = host.usage(&named(n)) else { continue };
        if usage.instances != 0 {
            wrong.push(format!("p{n} is left with {} instances", usage.instances));
        }
    }
    let mut after = (entries("/proc/self/task"), entries("/proc/self/fd"));
    // A thread that was lent to blocking work ends a while after it, and nobody is told.
    let patience = Instant::now() + LENT;
    while after.0 > before.0 && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(50)).await;
        after = (entries("/proc/self/task"), entries("/proc/self/fd"));
    }
    if after.0 > before.0 {
        wrong.push(format!("{} threads before, {} after", before.0, after.0));
    }
    if after.1 > before.1 {
        wrong.push(format!("{} descriptors before, {} after", before.1, after.1));
    }
    wrong.extend(ledger.compare(&host));
    if let Err(error) = host.close().await {
        wrong.push(format!("the host does not close: {error}"));
    }
    wrong
}

/// The n-th principal.
fn named(n: usize) -> Principal {
    Principal::parse(&format!("p{n}")).expect("a principal")
}

fn entries(folder: &str) -> usize {
    std::fs::read_dir(folder).expect("the folder can be read").count()
}
