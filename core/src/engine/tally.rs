//! What compiling cost this process; the engine is the process's, and so is the count.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::metrics::{Exposition, Histogram};

/// Where machine code came from without compiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The engine remembered it.
    Memory,
    /// It lay on disk.
    Disk,
}

/// Components compiled, and found.
#[derive(Debug)]
pub struct Tally {
    took: Histogram,
    found: [AtomicU64; 2],
}

/// The tally of this process.
pub fn tally() -> &'static Tally {
    static TALLY: std::sync::LazyLock<Tally> =
        std::sync::LazyLock::new(|| Tally { took: Histogram::default(), found: Default::default() });
    &TALLY
}

impl Tally {
    /// Counts a compilation, whether or not it went well.
    pub fn compiled(&self, took: Duration) {
        self.took.record(took);
    }

    /// Counts a component that did not have to be compiled.
    pub fn found(&self, place: Found) {
        self.found[place as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Writes the families.
    pub fn tell(&self, text: &mut Exposition) {
        text.histogram(
            "astrid_compile_duration_seconds",
            "How long compilations of components took, in this process.",
        );
        text.reading(&[], &self.took.read());
        text.counter(
            "astrid_compile_cache_hits_total",
            "Components that were not compiled because their code was there.",
        );
        for (name, count) in ["memory", "disk"].iter().zip(&self.found) {
            text.sample(&[("place", name)], count.load(Ordering::Relaxed));
        }
    }
}
