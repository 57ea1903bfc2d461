//! The instances of one (capsule, principal): which wait for work, how many are at work, and who waits for one.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Notify;

use crate::policy::Instances;

/// One row of the shelf. `T` is the instance; the row only counts and keeps.
#[derive(Debug)]
pub struct Row<T> {
    idle: Vec<(T, Instant)>,
    at_work: usize,
    used: Instant,
    came_back: Arc<Notify>,
}

/// What a trigger finds.
#[derive(Debug)]
pub enum Found<T> {
    /// The instance that waited shortest; it counts as at work now.
    Warm(T),
    /// None waits, but one more may be made; it counts as at work already.
    Room,
    /// All are at work; the signal is given when one comes back.
    Full(Arc<Notify>),
}

impl<T> Row<T> {
    /// A row without instances.
    pub fn new(now: Instant) -> Self {
        Self { idle: Vec::new(), at_work: 0, used: now, came_back: Arc::default() }
    }

    /// Takes an instance, or the right to make one.
    pub fn take(&mut self, choices: &Instances, now: Instant) -> Found<T> {
        self.used = now;
        if let Some((instance, _)) = self.idle.pop() {
            self.at_work += 1;
            return Found::Warm(instance);
        }
        if self.at_work < choices.most {
            self.at_work += 1;
            return Found::Room;
        }
        Found::Full(Arc::clone(&self.came_back))
    }

    /// One that was at work is done: it waits from now on, or it is gone.
    pub fn put(&mut self, instance: Option<T>, now: Instant) {
        self.at_work = self.at_work.saturating_sub(1);
        self.used = now;
        if let Some(instance) = instance {
            self.idle.push((instance, now));
        }
        self.came_back.notify_one();
    }

    /// Takes away those that waited too long: above the warm ones each for itself, and all of them once the principal has
    /// not used the capsule for as long. `stays` names those that never go.
    pub fn expire(&mut self, choices: &Instances, now: Instant, stays: impl Fn(&T) -> bool) -> Vec<T> {
        let old = |since: Instant| now.saturating_duration_since(since) >= choices.idle;
        let keep = if self.at_work == 0 && old(self.used) { 0 } else { choices.warm };
        let mut surplus = self.idle.len().saturating_sub(keep);
        // The first waited longest.
        let going = self.idle.extract_if(.., |(instance, since)| {
            let goes = surplus > 0 && old(*since) && !stays(instance);
            surplus -= usize::from(goes);
            goes
        });
        going.map(|(instance, _)| instance).collect()
    }

    /// Takes away all that wait, except those that `stays` names.
    pub fn clear(&mut self, stays: impl Fn(&T) -> bool) -> Vec<T> {
        self.idle.extract_if(.., |(instance, _)| !stays(instance)).map(|(instance, _)| instance).collect()
    }

    /// Whether nothing is at work and nothing waits: the row may be forgotten.
    pub fn is_empty(&self) -> bool {
        self.idle.is_empty() && self.at_work == 0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const CHOICES: Instances = Instances { warm: 1, most: 3, idle: Duration::from_mins(1) };

    #[test]
    fn no_more_than_the_most_are_at_work() {
        let now = Instant::now();
        let mut row: Row<u32> = Row::new(now);
        for _ in 0..3 {
            assert!(matches!(row.take(&CHOICES, now), Found::Room));
        }
        assert!(matches!(row.take(&CHOICES, now), Found::Full(_)));
        row.put(Some(1), now);
        row.put(Some(2), now);
        assert!(matches!(row.take(&CHOICES, now), Found::Warm(2)), "the last is the warmest");
        assert!(matches!(row.take(&CHOICES, now), Found::Warm(1)));
        assert!(matches!(row.take(&CHOICES, now), Found::Full(_)));
        row.put(None, now);
        assert!(matches!(row.take(&CHOICES, now), Found::Room), "one that is gone makes room");
    }

    #[tokio::test]
    async fn who_waits_is_told_of_each_that_comes_back() {
        let now = Instant::now();
        let mut row: Row<u32> = Row::new(now);
        let one = Instances { most: 1, ..CHOICES };
        assert!(matches!(row.take(&one, now), Found::Room));
        let Found::Full(came_back) = row.take(&one, now) else { panic!("the row is full") };
        row.put(None, now);
        // Given before anybody listened, and heard all the same.
        came_back.notified().await;
        assert!(matches!(row.take(&one, now), Found::Room));
    }

    #[test]
    fn the_surplus_goes_when_it_waited_too_long_and_the_warm_when_their_principal_is_away() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut row: Row<u32> = Row::new(start);
        for _ in 0..3 {
            row.take(&CHOICES, start);
        }
        row.put(Some(1), at(0));
        row.put(Some(2), at(10));
        row.put(Some(3), at(20));
        assert!(row.expire(&CHOICES, at(59), |_| false).is_empty());
        assert_eq!(row.expire(&CHOICES, at(60), |_| false), [1]);
        assert_eq!(row.expire(&CHOICES, at(79), |_| false), [2]);
        assert!(row.expire(&CHOICES, at(79), |_| false).is_empty(), "one stays warm");
        assert_eq!(row.expire(&CHOICES, at(80), |_| false), [3], "unused for a minute, nothing stays");
        assert!(row.is_empty());
    }

    #[test]
    fn a_principal_at_work_keeps_its_warm_ones_and_some_never_go() {
        let start = Instant::now();
        let later = start + Duration::from_mins(10);
        let mut row: Row<u32> = Row::new(start);
        row.take(&CHOICES, start);
        row.take(&CHOICES, start);
        row.put(Some(1), start);
        assert!(row.expire(&CHOICES, later, |_| false).is_empty());
        row.put(Some(2), start);
        assert_eq!(row.expire(&CHOICES, later, |instance| *instance == 1), [2]);
        assert_eq!(row.clear(|instance| *instance == 1), [0_u32; 0]);
        assert_eq!(row.clear(|_| false), [1]);
    }
}
