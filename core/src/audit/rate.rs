//! How fast and how much of the log each (capsule, principal) may fill, so that no guest crowds out another.
//!
//! A bucket holds ten seconds' worth of entries and of bytes. What finds it empty is merged with its repeats or refused
//! (`tally.rs`). The few entries that can be neither, because their call had been let in already, are written all the
//! same and leave a debt; who is deep in debt is not let in any more.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::choices::AuditChoices;
use crate::limits;

/// (capsule, principal) pairs that are remembered before those with nothing to remember are forgotten.
const PAIRS: usize = 4096;

/// The buckets of all pairs.
#[derive(Default)]
pub(super) struct Rates {
    pairs: HashMap<String, Pair>,
    /// How many pairs there may be before it is worth looking for those to forget.
    most: usize,
}

/// What one (capsule, principal) has left.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    entries: Bucket,
    bytes: Bucket,
    /// Bytes of the log that are its entries; heeded only where the log has a limit.
    pub(super) used: u64,
    /// Open tallies.
    pub(super) tallies: usize,
}

impl Rates {
    /// The pair, with what has flowed back into its buckets by `now`.
    pub(super) fn pair(
        &mut self,
        capsule: &str,
        principal: &str,
        now: Instant,
        choices: &AuditChoices,
    ) -> &mut Pair {
        if self.pairs.len() > self.most {
            self.forget(now, choices);
        }
        let pair = self.pairs.entry(name(capsule, principal)).or_insert_with(|| Pair::full(now, choices));
        pair.refill(now, choices);
        pair
    }

    /// One of the pair's tallies was closed, with an entry of so many bytes, which it pays for now. `share` is what the
    /// entry takes of its share.
    pub(super) fn tally_closed(&mut self, capsule: &str, principal: &str, bytes: usize, share: u64) {
        if let Some(pair) = self.pairs.get_mut(&name(capsule, principal)) {
            pair.tallies = pair.tallies.saturating_sub(1);
            pair.take(bytes);
            pair.used = pair.used.saturating_add(share);
        }
    }

    /// Drops the pairs that a new one would equal.
    fn forget(&mut self, now: Instant, choices: &AuditChoices) {
        self.pairs.retain(|_, pair| {
            pair.refill(now, choices);
            let full =
                pair.entries.is_full(choices.entries_per_sec) && pair.bytes.is_full(choices.bytes_per_sec);
            !full || pair.tallies > 0 || pair.used > 0
        });
        self.most = PAIRS.max(self.pairs.len() * 2);
    }
}

/// No id has a zero byte, so no two pairs have one name.
fn name(capsule: &str, principal: &str) -> String {
    format!("{capsule}\0{principal}")
}

impl Pair {
    fn full(now: Instant, choices: &AuditChoices) -> Self {
        let entries = Bucket::full(choices.entries_per_sec, now);
        Self { entries, bytes: Bucket::full(choices.bytes_per_sec, now), used: 0, tallies: 0 }
    }

    fn refill(&mut self, now: Instant, choices: &AuditChoices) {
        self.entries.refill(now, choices.entries_per_sec);
        self.bytes.refill(now, choices.bytes_per_sec);
    }

    /// True if one more entry of this size is within the rate.
    pub(super) fn affords(&self, bytes: usize) -> bool {
        self.entries.holds(1) && self.bytes.holds(bytes as u64)
    }

    /// Takes an entry of this size, into debt if need be.
    pub(super) fn take(&mut self, bytes: usize) {
        self.entries.take(1);
        self.bytes.take(bytes as u64);
    }

    /// True if it owes as much as its buckets can hold.
    pub(super) fn is_deep_in_debt(&self, choices: &AuditChoices) -> bool {
        self.entries.owes_all(choices.entries_per_sec) || self.bytes.owes_all(choices.bytes_per_sec)
    }
}

/// A bucket of things that flow back at a rate; below nothing it is a debt.
#[derive(Clone, Copy)]
struct Bucket {
    level: f64,
    at: Instant,
}

impl Bucket {
    fn full(per_sec: u64, now: Instant) -> Self {
        Self { level: capacity(per_sec), at: now }
    }

    fn refill(&mut self, now: Instant, per_sec: u64) {
        let since = now.saturating_duration_since(self.at);
        // A clock is read far more often than anything flows back; what a nanosecond brings must not be lost.
        if since > Duration::from_millis(1) {
            self.level = (self.level + since.as_secs_f64() * real(per_sec)).min(capacity(per_sec));
            self.at = now;
        }
    }

    fn holds(&self, count: u64) -> bool {
        self.level >= real(count)
    }

    fn take(&mut self, count: u64) {
        self.level -= real(count);
    }

    fn is_full(&self, per_sec: u64) -> bool {
        self.level >= capacity(per_sec)
    }

    fn owes_all(&self, per_sec: u64) -> bool {
        self.level <= -capacity(per_sec)
    }
}

fn capacity(per_sec: u64) -> f64 {
    real(per_sec) * limits::AUDIT_BURST.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "rates beyond 2^52 a second are no limit")]
fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow() -> AuditChoices {
        AuditChoices { entries_per_sec: 2, bytes_per_sec: 2000, ..AuditChoices::default() }
    }

    #[test]
    fn ten_seconds_worth_may_come_at_once_and_flows_back_at_the_rate() {
        let (mut rates, choices, start) = (Rates::default(), slow(), Instant::now());
        for _ in 0..20 {
            let pair = rates.pair("c", "alice", start, &choices);
            assert!(pair.affords(100));
            pair.take(100);
        }
        assert!(!rates.pair("c", "alice", start, &choices).affords(100));
        assert!(rates.pair("c", "bob", start, &choices).affords(100));
        assert!(rates.pair("d", "alice", start, &choices).affords(100));
        let later = start + Duration::from_secs(1);
        let pair = rates.pair("c", "alice", later, &choices);
        pair.take(100);
        pair.take(100);
        assert!(!pair.affords(100));
    }

    #[test]
    fn bytes_count_as_well() {
        let (mut rates, choices, now) = (Rates::default(), slow(), Instant::now());
        let pair = rates.pair("c", "alice", now, &choices);
        pair.take(19_950);
        assert!(pair.affords(50) && !pair.affords(51));
    }

    #[test]
    fn a_debt_has_a_bottom() {
        let (mut rates, choices, now) = (Rates::default(), slow(), Instant::now());
        let pair = rates.pair("c", "alice", now, &choices);
        for _ in 0..39 {
            pair.take(1);
        }
        assert!(!pair.is_deep_in_debt(&choices));
        pair.take(1);
        assert!(pair.is_deep_in_debt(&choices));
    }

    #[test]
    fn only_pairs_with_nothing_to_remember_are_forgotten() {
        let (mut rates, choices, now) = (Rates::default(), slow(), Instant::now());
        rates.pair("c", "busy", now, &choices).take(1);
        rates.most = PAIRS;
        for n in 0..PAIRS + 10 {
            rates.pair("c", &n.to_string(), now, &choices);
        }
        assert!(rates.pairs.len() <= 12);
        assert!(!rates.pair("c", "busy", now, &choices).entries.is_full(2));
    }
}
