//! What the host costs, in processor time over all threads unless a line says otherwise, with audit and quotas on.
//!
//! `cargo bench --workspace --bench core [-- NAME …]` measures the operations whose names contain one of the words, or all, prints
//! a line for each figure and writes `target/bench/core.json`.

#![allow(
    clippy::expect_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod calls;
mod clock;
mod crowd;
mod echoes;
mod files;
mod floor;
mod loads;
mod measure;
mod programs;
mod publishes;
mod questions;
mod requests;
mod splices;
mod stage;
mod triggers;
mod worker;

use std::future::Future;
use std::pin::Pin;

use measure::Figure;

type Measuring = Pin<Box<dyn Future<Output = Vec<Figure>>>>;
type Operation = (&'static str, fn() -> Measuring);

/// Every operation by name.
const OPERATIONS: &[Operation] = &[
    ("floor", || Box::pin(floor::measure())),
    ("trigger", || Box::pin(triggers::measure())),
    ("load", || Box::pin(loads::measure())),
    ("calls", || Box::pin(calls::measure())),
    ("files", || Box::pin(files::measure())),
    ("echo", || Box::pin(echoes::measure())),
    ("splice", || Box::pin(splices::measure())),
    ("requests", || Box::pin(requests::measure())),
    ("programs", || Box::pin(programs::measure())),
    ("questions", || Box::pin(questions::measure())),
    ("questions-1000", || Box::pin(questions::wait(1_000))),
    ("questions-10000", || Box::pin(questions::wait(10_000))),
    ("publish", || Box::pin(publishes::measure())),
    ("crowd-1000", || Box::pin(crowd::measure(1_000))),
    ("crowd-10000", || Box::pin(crowd::measure(10_000))),
];

fn main() {
    // `cargo bench` adds a flag of its own.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut figures = Vec::new();
    for (name, operation) in OPERATIONS {
        if !wanted.is_empty() && !wanted.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        for figure in runtime.block_on(operation()) {
            println!("{}", figure.line());
            figures.push(figure.json());
        }
    }
    let folder = std::path::Path::new(env!("GUESTS_INDEX"))
        .ancestors()
        .nth(2)
        .expect("the target folder")
        .join("bench");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let text = serde_json::to_string_pretty(&figures).expect("figures are JSON");
    std::fs::write(folder.join("core.json"), text + "\n").expect("the figures can be written");
}
