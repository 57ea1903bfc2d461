//! What one capsule has written for one principal since the host was opened.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::FsError;

/// Bytes written and entries made, both only ever added to: what is deleted again was written all the same.
#[derive(Debug, Default)]
pub struct Meter {
    bytes: AtomicU64,
    entries: AtomicU64,
}

/// How much may be written in total.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Bytes.
    pub bytes: u64,
    /// Files, folders and further names.
    pub entries: u64,
}

impl Meter {
    /// Bytes written so far, those of calls under way included.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    /// Files and folders made so far.
    pub fn entries(&self) -> u64 {
        self.entries.load(Ordering::Acquire)
    }

    /// Takes bytes from the budget before they are written; [`FsError::TooLarge`] when it has no more.
    pub(super) fn take(self: &Arc<Self>, bytes: u64, budget: Budget) -> Result<Taken, FsError> {
        add(&self.bytes, bytes, budget.bytes).ok_or(FsError::TooLarge)?;
        Ok(Taken { meter: Arc::clone(self), bytes, entries: 0 })
    }

    /// Takes one entry from the budget before it is made; [`FsError::Quota`] when it has no more.
    pub(super) fn take_entry(self: &Arc<Self>, budget: Budget) -> Result<Taken, FsError> {
        add(&self.entries, 1, budget.entries).ok_or(FsError::Quota)?;
        Ok(Taken { meter: Arc::clone(self), bytes: 0, entries: 1 })
    }
}

fn add(counter: &AtomicU64, more: u64, most: u64) -> Option<u64> {
    counter
        .fetch_update(Ordering::AcqRel, Ordering::Acquire, |held| {
            held.checked_add(more).filter(|sum| *sum <= most || more == 0)
        })
        .ok()
}

/// What was taken for a change that is under way; given back unless the change is [kept](Self::keep).
#[derive(Debug)]
pub(super) struct Taken {
    meter: Arc<Meter>,
    bytes: u64,
    entries: u64,
}

impl Taken {
    /// The change took place.
    pub fn keep(self) {
        self.keep_bytes(u64::MAX);
    }

    /// The change took place, with no more than so many bytes.
    pub fn keep_bytes(mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.entries = 0;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.meter.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
        self.meter.entries.fetch_sub(self.entries, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_exact_and_what_was_not_written_is_given_back() {
        let (meter, budget) = (Arc::new(Meter::default()), Budget { bytes: 10, entries: 1 });
        meter.take(4, budget).unwrap().keep();
        assert_eq!(meter.take(7, budget).unwrap_err(), FsError::TooLarge);
        drop(meter.take(6, budget).unwrap());
        meter.take(6, budget).unwrap().keep_bytes(5);
        assert_eq!(meter.bytes(), 9);
        meter.take(1, budget).unwrap().keep();
        meter.take(0, budget).unwrap().keep();
        assert_eq!(meter.take(1, budget).unwrap_err(), FsError::TooLarge);
        meter.take_entry(budget).unwrap().keep();
        assert_eq!(meter.take_entry(budget).unwrap_err(), FsError::Quota);
    }

    #[test]
    fn many_writers_never_pass_the_budget_together() {
        let (meter, budget) = (Arc::new(Meter::default()), Budget { bytes: 1000, entries: 1 });
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        if let Ok(taken) = meter.take(3, budget) {
                            taken.keep();
                        }
                    }
                });
            }
        });
        assert_eq!(meter.bytes(), 999);
    }
}
