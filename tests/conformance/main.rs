//! Plays the scenarios through the Rust interface and says what they leave uncovered.

#![allow(missing_docs)]

mod callbacks;
mod calls;
mod coverage;
#[path = "../peers/dns.rs"]
mod dns;
mod fields;
#[path = "../peers/fill.rs"]
mod fill;
#[path = "../peers/h2.rs"]
mod h2;
#[path = "../peers/http.rs"]
mod http;
mod life;
mod matching;
mod options;
mod package;
mod packages;
#[path = "../peers/packed.rs"]
mod packed;
mod principals;
mod scenario;
#[path = "../peers/servers.rs"]
mod servers;
mod steps;
mod target;
#[path = "../peers/tls.rs"]
mod tls;
mod workspace;

use std::path::Path;
use std::process::ExitCode;

use coverage::Coverage;
use package::Guests;
use scenario::Scenario;

fn main() -> ExitCode {
    // The scenario to play may be named by the environment, or by an argument that is no option of cargo's.
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wanted = wanted.or_else(|| std::env::var("SCENARIO").ok()).unwrap_or_default();
    match play_all(&wanted) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Plays every scenario whose name contains the text; true if all passed and nothing is missing.
fn play_all(wanted: &str) -> Result<bool, String> {
    let guests = Guests::find()?;
    let peers = servers::start().map_err(|error| error.to_string())?;
    let filled = fill::scenarios(Path::new(env!("CARGO_MANIFEST_DIR")), &peers);
    let filled = filled.map_err(|error| error.to_string())?;
    let scenarios = Scenario::read_all(filled.path(), wanted)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let mut coverage = Coverage::default();
    let (mut passed, mut failed) = (0, 0);
    for scenario in &scenarios {
        match runtime.block_on(scenario.play(&guests, &mut coverage)) {
            Ok(()) => passed += 1,
            Err(failure) => {
                failed += 1;
                println!("FAILED {}: {failure}", scenario.name);
            }
        }
    }
    runtime.shutdown_background();
    let missing = if wanted.is_empty() { coverage.missing() } else { Vec::new() };
    for pair in &missing {
        println!("uncovered: {pair}");
    }
    println!("{passed} passed, {failed} failed");
    Ok(failed == 0 && missing.is_empty())
}
