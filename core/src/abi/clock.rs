//! The wall clock of one guest call: a budget that stands still while a human is asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// What is left of a call's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remaining {
    /// This much is left, and it is running out.
    Left(Duration),
    /// The clock stands still; this much will be left when it runs again.
    Paused(Duration),
    /// Nothing is left.
    Expired,
    /// The call has no deadline.
    Unbounded,
}

/// A deadline shared by the guest's store, the host calls it makes and whoever drives the call.
#[derive(Clone, Debug)]
pub struct CallClock(Arc<Mutex<Face>>);

#[derive(Debug)]
struct Face {
    deadline: Option<Instant>,
    paused: u32,
    paused_at: Instant,
}

impl CallClock {
    /// A clock that runs out after `budget`, or never.
    #[must_use]
    pub fn start(budget: Option<Duration>) -> Self {
        let now = Instant::now();
        let deadline = budget.and_then(|budget| now.checked_add(budget));
        Self(Arc::new(Mutex::new(Face { deadline, paused: 0, paused_at: now })))
    }

    /// Sets the budget anew from now on; a clock belongs to an instance and is wound for each call.
    pub fn rewind(&self, budget: Option<Duration>) {
        let now = Instant::now();
        let mut face = self.0.lock();
        face.deadline = budget.and_then(|budget| now.checked_add(budget));
        face.paused = 0;
    }

    /// What is left now.
    #[must_use]
    pub fn remaining(&self) -> Remaining {
        let face = self.0.lock();
        let Some(deadline) = face.deadline else { return Remaining::Unbounded };
        if face.paused > 0 {
            return Remaining::Paused(deadline.saturating_duration_since(face.paused_at));
        }
        match deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Remaining::Expired,
            left => Remaining::Left(left),
        }
    }

    /// Stops the clock until the returned guard is dropped; pauses may overlap.
    #[must_use]
    pub fn pause(&self) -> Pause {
        let mut face = self.0.lock();
        if face.paused == 0 {
            face.paused_at = Instant::now();
        }
        face.paused += 1;
        Pause(self.clone())
    }
}

/// Keeps a [`CallClock`] standing still.
#[derive(Debug)]
pub struct Pause(CallClock);

impl Drop for Pause {
    fn drop(&mut self) {
        let mut face = self.0.0.lock();
        face.paused = face.paused.saturating_sub(1);
        if face.paused == 0 {
            let stood = face.paused_at.elapsed();
            face.deadline = face.deadline.and_then(|deadline| deadline.checked_add(stood));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paused_clock_keeps_what_was_left() {
        let clock = CallClock::start(Some(Duration::from_mins(1)));
        let outer = clock.pause();
        let inner = clock.pause();
        assert!(matches!(clock.remaining(), Remaining::Paused(left) if left > Duration::from_secs(50)));
        drop(inner);
        assert!(matches!(clock.remaining(), Remaining::Paused(_)));
        drop(outer);
        assert!(matches!(clock.remaining(), Remaining::Left(_)));
    }

    #[test]
    fn a_budget_of_nothing_has_run_out() {
        assert_eq!(CallClock::start(Some(Duration::ZERO)).remaining(), Remaining::Expired);
        assert_eq!(CallClock::start(None).remaining(), Remaining::Unbounded);
    }
}
