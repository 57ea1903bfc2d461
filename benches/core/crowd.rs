//! Capsules that wait: what each takes while it sits in `recv`, and what it costs to wake them all.

use std::time::{Duration, Instant};

use astrid_host::limits;

use crate::clock::{cpu_ns, descriptors, private_kib, threads};
use crate::measure::Figure;
use crate::stage::{Stage, guest};

/// How long the crowd is watched while nothing happens.
const WATCHED: Duration = Duration::from_secs(3);

/// Measures `crowd` capsules blocked in `recv`.
pub async fn measure(crowd: usize) -> Vec<Figure> {
    let mut options = astrid_host::HostOptions::default();
    options.max_principals = crowd + 1;
    let stage = Stage::open_with(options).await;
    let listens = guest("listens");
    let lines = "[publish]\n\"test.heard\" = \"opaque\"\n[subscribe]\n\"test.go\" = \"opaque\"\n";
    let first = stage.load_for("o0", &listens, "l0", lines).await;
    first.wait_ready(None).await.expect("ready");
    let before = (private_kib(), threads(), descriptors());
    for n in 1..crowd {
        // Each has an owner of its own: the message that wakes them is the system's, and every run loop hears it.
        let capsule = stage.load_for(&format!("o{n}"), &listens, &format!("l{n}"), lines).await;
        capsule.wait_ready(None).await.expect("ready");
    }
    let each = |after: u64, before: u64| after.saturating_sub(before) as f64 / (crowd - 1) as f64;
    let memory = each(private_kib(), before.0);
    let (more_threads, more_files) =
        (threads() as f64 - before.1 as f64, descriptors() as f64 - before.2 as f64);
    // Threads that were lent to loading end first, and what they used is not counted any more.
    tokio::time::sleep(limits::BLOCKING_IDLE * 2).await;
    let cpu = cpu_ns();
    tokio::time::sleep(WATCHED).await;
    let burned = cpu_ns().saturating_sub(cpu) as f64 / WATCHED.as_nanos() as f64 * 100.0;

    let heard = stage.host.subscribe("test.heard").expect("a subscription");
    let began = Instant::now();
    let woken = stage.host.publish("test.go", b"1".to_vec()).fan_out(crowd).await.expect("published");
    assert_eq!(woken.delivered, crowd as u64);
    for _ in 0..crowd {
        heard.next().await.expect("an answer");
    }
    let wake = began.elapsed().as_secs_f64() * 1e3;
    drop(heard);
    let began = Instant::now();
    stage.close().await;
    let close = began.elapsed().as_secs_f64() * 1e3;
    let figure = |what: &str, unit, includes, value| {
        Figure::of(format!("{crowd} capsules in recv: {what}"), unit, includes, vec![value])
    };
    vec![
        figure("private memory of each", "KiB", "store, instance, subscription", memory),
        figure("threads more than with one", "", "", more_threads),
        figure("descriptors more than with one", "", "", more_files),
        figure("processor while nothing happens", "%", "of one core", burned),
        figure("one message wakes all, all answer", "ms", "wall clock", wake),
        figure("closing the host", "ms", "wall clock; every run loop ended and recorded", close),
    ]
}
