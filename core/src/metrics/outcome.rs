//! How things ended, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// How a trigger or a host call ended; the names are those of the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was done.
    Allowed,
    /// It was refused.
    Denied,
    /// It was tried and went wrong.
    Failed,
    /// It was stopped.
    Cancelled,
}

impl Ended {
    /// Every outcome, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Allowed, Self::Denied, Self::Failed, Self::Cancelled];

    /// Its name as a label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A counter for each outcome.
#[derive(Debug, Default)]
pub struct Outcomes([AtomicU64; Ended::ALL.len()]);

impl Outcomes {
    /// Counts one more.
    pub fn add(&self, ended: Ended) {
        self.0[ended as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The counts.
    pub(super) fn read(&self) -> impl Iterator<Item = (Ended, u64)> + '_ {
        Ended::ALL.into_iter().zip(&self.0).map(|(ended, count)| (ended, count.load(Ordering::Relaxed)))
    }

    /// All outcomes together.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.0.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }
}
