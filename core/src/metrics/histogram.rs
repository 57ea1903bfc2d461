//! How long things took: a histogram whose bounds are the same everywhere.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Finite bounds. The first is a microsecond and each is four times the one before, so the last is 67 seconds and a
/// duration finds its place by its leading zeros.
pub const BOUNDS: usize = 14;

/// Durations, counted by how long they were. Recording is two relaxed additions.
#[derive(Debug, Default)]
pub struct Histogram {
    /// One for each bound, and one for what is longer than all.
    places: [AtomicU64; BOUNDS + 1],
    nanoseconds: AtomicU64,
}

/// What a histogram held at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// How many durations were at most as long as each bound, the last being all of them.
    pub cumulative: [u64; BOUNDS + 1],
    /// Their sum, in nanoseconds.
    pub nanoseconds: u64,
}

impl Histogram {
    /// Counts a duration.
    pub fn record(&self, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.places[place(nanoseconds)].fetch_add(1, Ordering::Relaxed);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// What it holds now.
    #[must_use]
    pub fn read(&self) -> Reading {
        let mut reading =
            Reading { nanoseconds: self.nanoseconds.load(Ordering::Relaxed), ..Reading::default() };
        let mut sum = 0;
        for (cumulative, place) in reading.cumulative.iter_mut().zip(&self.places) {
            sum += place.load(Ordering::Relaxed);
            *cumulative = sum;
        }
        reading
    }
}

impl Reading {
    /// How many durations there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.cumulative[BOUNDS]
    }
}

/// The bound at `n`, in nanoseconds.
#[must_use]
pub fn bound(n: usize) -> u64 {
    1000 << (2 * n)
}

/// The first bound that is not shorter.
fn place(nanoseconds: u64) -> usize {
    let microseconds = nanoseconds.div_ceil(1000);
    let bits = u64::BITS - microseconds.saturating_sub(1).leading_zeros();
    (bits.div_ceil(2) as usize).min(BOUNDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_includes_itself_and_nothing_longer() {
        assert_eq!(place(0), 0);
        for n in 0..BOUNDS {
            assert_eq!(place(bound(n)), n);
            assert_eq!(place(bound(n) + 1), n + 1);
        }
        assert_eq!(place(u64::MAX), BOUNDS);
    }

    #[test]
    fn counts_are_cumulative() {
        let histogram = Histogram::default();
        for took in [Duration::ZERO, Duration::from_micros(3), Duration::from_secs(1000)] {
            histogram.record(took);
        }
        let reading = histogram.read();
        assert_eq!((reading.cumulative[0], reading.cumulative[1], reading.count()), (1, 2, 3));
        assert_eq!(reading.nanoseconds, 1_000_000_003_000);
    }
}
