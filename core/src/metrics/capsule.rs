//! What is counted of one capsule.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::class::PrincipalClass;
use super::histogram::Histogram;
use super::outcome::Outcomes;
use super::tell::OTHER;
use crate::limits;

/// Operations whose counts are allocated together, once a capsule calls the first of them: most capsules call few.
const CHUNK: usize = 16;

/// The counters of one capsule, shared by all its instances and kept while the host is open. Relaxed atomics throughout:
/// they order nothing and are read for people.
#[derive(Debug)]
pub struct CapsuleMetrics {
    calls: Box<[OnceLock<Box<[Outcomes; CHUNK]>>]>,
    actions: [OnceLock<Box<Action>>; limits::METERED_ACTIONS],
    /// Triggers of the actions that found no place of their own.
    other_actions: OnceLock<Box<Histogram>>,
    /// Triggers.
    pub triggers: Outcomes,
    /// Fuel burned by its guests.
    pub fuel: AtomicU64,
    /// Instances that exist now.
    pub instances: AtomicI64,
    /// Bytes that its instances hold now, by linear memories and tables.
    pub memory_bytes: AtomicI64,
    /// Messages that wait in its subscriptions now.
    pub queued_messages: AtomicI64,
    /// Bytes that wait in its subscriptions now.
    pub queued_bytes: AtomicI64,
    /// Messages its subscriptions lost, for whatever reason.
    pub lost_messages: AtomicU64,
    /// Messages its subscriptions lost because others needed their bytes, by the class of who published them.
    byte_evictions: [AtomicU64; PrincipalClass::ALL.len()],
    /// Log lines by level, from trace to error.
    pub log_lines: [AtomicU64; 5],
    /// Log lines that did not come into the file.
    pub log_lines_lost: AtomicU64,
    /// Log lines that did not come to the embedding program.
    pub log_lines_untold: AtomicU64,
}

/// The triggers of one action.
#[derive(Debug)]
struct Action {
    name: Box<str>,
    took: Histogram,
}

impl CapsuleMetrics {
    /// The counters of a capsule that may call `operations` different ones.
    #[must_use]
    pub fn new(operations: usize) -> Self {
        Self {
            calls: (0..operations.div_ceil(CHUNK)).map(|_| OnceLock::new()).collect(),
            actions: [const { OnceLock::new() }; limits::METERED_ACTIONS],
            other_actions: OnceLock::new(),
            triggers: Outcomes::default(),
            fuel: AtomicU64::new(0),
            instances: AtomicI64::new(0),
            memory_bytes: AtomicI64::new(0),
            queued_messages: AtomicI64::new(0),
            queued_bytes: AtomicI64::new(0),
            lost_messages: AtomicU64::new(0),
            byte_evictions: Default::default(),
            log_lines: Default::default(),
            log_lines_lost: AtomicU64::new(0),
            log_lines_untold: AtomicU64::new(0),
        }
    }

    /// The host calls of the operation with this number; none for a number that no operation has.
    #[must_use]
    pub fn calls(&self, operation: usize) -> Option<&Outcomes> {
        let chunk = self.calls.get(operation / CHUNK)?;
        Some(&chunk.get_or_init(Box::default)[operation % CHUNK])
    }

    /// The operations it called, by number.
    pub(super) fn called(&self) -> impl Iterator<Item = (usize, &Outcomes)> {
        self.calls.iter().enumerate().filter_map(|(n, chunk)| Some((n, chunk.get()?))).flat_map(
            |(n, chunk)| chunk.iter().enumerate().map(move |(m, outcomes)| (n * CHUNK + m, outcomes)),
        )
    }

    /// Counts how long a trigger of `action` took. The first actions have a histogram each; whatever comes later, or has a
    /// name too long for a label, shares one, so that nobody can make series without end.
    pub fn trigger_took(&self, action: &str, took: Duration) {
        // One that is called like what the others share would make the same series twice.
        if action.len() <= limits::METERED_ACTION_BYTES && action != OTHER {
            for place in &self.actions {
                let found = place
                    .get_or_init(|| Box::new(Action { name: action.into(), took: Histogram::default() }));
                if *found.name == *action {
                    return found.took.record(took);
                }
            }
        }
        self.other_actions.get_or_init(Box::default).record(took);
    }

    /// The actions it was triggered with, and how long they took; those without a place of their own come last, as `None`.
    pub(super) fn actions(&self) -> impl Iterator<Item = (Option<&str>, &Histogram)> {
        let named = self
            .actions
            .iter()
            .filter_map(|place| place.get())
            .map(|action| (Some(&*action.name), &action.took));
        named.chain(self.other_actions.get().map(|took| (None, &**took)))
    }

    /// Counts a message that had to make room, and says how many that makes.
    pub fn byte_evicted(&self, class: PrincipalClass) -> u64 {
        self.byte_evictions[class as usize].fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Messages that had to make room, by class.
    pub(super) fn byte_evictions(&self) -> impl Iterator<Item = (PrincipalClass, u64)> + '_ {
        PrincipalClass::ALL
            .into_iter()
            .zip(&self.byte_evictions)
            .map(|(class, count)| (class, count.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_without_a_place_share_one() {
        let metrics = CapsuleMetrics::new(3);
        for n in 0..limits::METERED_ACTIONS + 5 {
            metrics.trigger_took(&format!("action-{n}"), Duration::from_millis(1));
        }
        metrics.trigger_took("action-0", Duration::from_millis(1));
        metrics.trigger_took(&"x".repeat(limits::METERED_ACTION_BYTES + 1), Duration::from_millis(1));
        let told: Vec<_> = metrics.actions().map(|(name, took)| (name, took.read().count())).collect();
        assert_eq!(told.len(), limits::METERED_ACTIONS + 1);
        assert_eq!(told[0], (Some("action-0"), 2));
        assert_eq!(told[limits::METERED_ACTIONS], (None, 6));
    }

    #[test]
    fn an_action_called_like_what_the_others_share_makes_no_second_series() {
        let metrics = CapsuleMetrics::new(3);
        metrics.trigger_took(OTHER, Duration::from_millis(1));
        let told: Vec<_> = metrics.actions().map(|(name, took)| (name, took.read().count())).collect();
        assert_eq!(told, [(None, 1)]);
    }

    #[test]
    fn operations_are_told_apart() {
        let metrics = CapsuleMetrics::new(202);
        metrics.calls(17).unwrap().add(super::super::Ended::Denied);
        assert!(metrics.calls(300).is_none());
        let told: Vec<_> =
            metrics.called().filter(|(_, outcomes)| outcomes.sum() > 0).map(|(n, _)| n).collect();
        assert_eq!(told, [17]);
    }
}
