//! What a host counts for its operators: by capsule and operation, never by principal.
//!
//! A host call adds to two preallocated atomics and takes no lock. What is read, and when, costs only the reader.

mod capsule;
mod class;
mod exposition;
mod histogram;
mod outcome;
mod tell;

pub use capsule::CapsuleMetrics;
pub use class::PrincipalClass;
pub use exposition::Exposition;
pub use histogram::{Histogram, Reading};
pub use outcome::{Ended, Outcomes};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::limits;

/// The counters of one host.
#[derive(Debug)]
pub struct Metrics {
    /// The names of the operations, by number.
    operations: Box<[&'static str]>,
    durations: Box<[Histogram]>,
    capsules: Mutex<BTreeMap<Arc<str>, Arc<CapsuleMetrics>>>,
}

impl Metrics {
    /// Counters for these operations, whose place in the list is their number.
    pub fn new(operations: impl IntoIterator<Item = &'static str>) -> Self {
        let operations: Box<[_]> = operations.into_iter().collect();
        let durations = operations.iter().map(|_| Histogram::default()).collect();
        Self { operations, durations, capsules: Mutex::default() }
    }

    /// The counters of a capsule, which go on where they were when it is loaded again.
    ///
    /// Those of capsules that are gone are forgotten, all at once, when more are kept than the limit allows.
    #[must_use]
    pub fn capsule(&self, id: &Arc<str>) -> Arc<CapsuleMetrics> {
        let mut capsules = self.capsules.lock();
        if let Some(known) = capsules.get(id) {
            return Arc::clone(known);
        }
        if capsules.len() >= limits::METERED_CAPSULES {
            capsules.retain(|_, metrics| Arc::strong_count(metrics) > 1);
        }
        let metrics = Arc::new(CapsuleMetrics::new(self.operations.len()));
        capsules.insert(Arc::clone(id), Arc::clone(&metrics));
        metrics
    }

    /// Counts a host call of a capsule, and how long it took where that was measured.
    pub fn called(&self, capsule: &CapsuleMetrics, operation: usize, ended: Ended, took: Option<Duration>) {
        if let Some(calls) = capsule.calls(operation) {
            calls.add(ended);
        }
        if let (Some(took), Some(durations)) = (took, self.durations.get(operation)) {
            durations.record(took);
        }
    }
}
