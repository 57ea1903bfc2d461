//! The watchdog of run loops: one that only ever computes is ended.

use std::time::Duration;

use crate::limits;

/// What the watchdog makes of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bark {
    /// Go on.
    Quiet,
    /// So many windows in a row have passed in which the loop computed and never waited: it ends.
    Bite,
}

/// Counts the ticks for which a run loop has computed, in windows, and whether it has waited in each.
///
/// Ticks that pass while the loop waits, or stands back because its principal is overdrawn, are not its own and do not
/// count.
#[derive(Clone, Debug, Default)]
pub struct Watchdog {
    ticks: u32,
    waits: u64,
    silent: u8,
}

impl Watchdog {
    /// Looks at a tick of a loop that has made `waits` host calls that waited since it began.
    pub fn tick(&mut self, window: Duration, waits: u64) -> Bark {
        self.ticks += 1;
        if self.ticks < ticks(window) {
            return Bark::Quiet;
        }
        self.ticks = 0;
        let waited = std::mem::replace(&mut self.waits, waits) != waits;
        self.silent = if waited { 0 } else { self.silent.saturating_add(1) };
        if self.silent < limits::WATCHDOG_WINDOWS { Bark::Quiet } else { Bark::Bite }
    }
}

/// The window of an owner whose calls may last `max_timeout_secs`.
#[must_use]
pub fn window(max_timeout_secs: u64) -> Duration {
    Duration::from_secs(max_timeout_secs).min(limits::WATCHDOG_WINDOW)
}

/// At least one.
fn ticks(window: Duration) -> u32 {
    u32::try_from(window.as_millis() / limits::TICK.as_millis()).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_millis(30);

    fn barks(watchdog: &mut Watchdog, ticks: usize, waits: u64) -> Vec<Bark> {
        (0..ticks).map(|_| watchdog.tick(WINDOW, waits)).collect()
    }

    #[test]
    fn bites_at_the_end_of_the_third_silent_window() {
        let mut watchdog = Watchdog::default();
        assert_eq!(barks(&mut watchdog, 8, 0), [Bark::Quiet; 8]);
        assert_eq!(watchdog.tick(WINDOW, 0), Bark::Bite);
    }

    #[test]
    fn one_wait_in_a_window_begins_anew() {
        let mut watchdog = Watchdog::default();
        for round in 1..100 {
            assert_eq!(barks(&mut watchdog, 6, round), [Bark::Quiet; 6]);
        }
        // The last round has left one silent window behind it.
        assert_eq!(barks(&mut watchdog, 3, 99).last(), Some(&Bark::Quiet));
        assert_eq!(barks(&mut watchdog, 3, 99).last(), Some(&Bark::Bite));
    }

    #[test]
    fn a_window_is_as_long_as_the_longest_call_but_not_longer_than_its_limit() {
        assert_eq!(window(2), Duration::from_secs(2));
        assert_eq!(window(300), limits::WATCHDOG_WINDOW);
        assert_eq!(ticks(Duration::ZERO), 1);
        assert_eq!(ticks(limits::WATCHDOG_WINDOW), 500);
    }
}
