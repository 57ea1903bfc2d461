//! How many bytes may still be published in this second.

use std::time::{Duration, Instant};

/// How long a window lasts.
pub(super) const WINDOW: Duration = Duration::from_secs(1);

/// A fixed window of one second that counts bytes. It reads no clock: whoever asks says what time it is.
#[derive(Clone, Debug, Default)]
pub struct ThroughputWindow {
    opened: Option<Instant>,
    bytes: u64,
}

impl ThroughputWindow {
    /// The bytes counted in the window that is open now.
    #[must_use]
    pub fn spent(&self, now: Instant) -> u64 {
        let open = self.opened.is_some_and(|opened| now.saturating_duration_since(opened) < WINDOW);
        if open { self.bytes } else { 0 }
    }

    /// Counts `bytes` if the window's total stays within `limit`; otherwise nothing is counted and the answer is false.
    pub fn try_charge(&mut self, now: Instant, bytes: u64, limit: u64) -> bool {
        let over = self.opened.is_none_or(|opened| now.saturating_duration_since(opened) >= WINDOW);
        if over {
            (self.opened, self.bytes) = (Some(now), 0);
        }
        match self.bytes.checked_add(bytes) {
            Some(total) if total <= limit => {
                self.bytes = total;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_limit_is_reached_and_not_passed() {
        let (mut window, now) = (ThroughputWindow::default(), Instant::now());
        assert!(window.try_charge(now, 60, 100));
        assert!(!window.try_charge(now, 41, 100), "a refused charge is not counted");
        assert_eq!((window.spent(now), window.spent(now + WINDOW)), (60, 0));
        assert!(window.try_charge(now, 40, 100));
        assert!(!window.try_charge(now + Duration::from_millis(999), 1, 100));
        assert!(window.try_charge(now + WINDOW, 100, 100));
        assert!(!window.try_charge(now + WINDOW, u64::MAX, u64::MAX), "an overflow is a refusal");
    }

    proptest! {
        #[test]
        fn what_is_admitted_is_what_fits(charges in vec((0..400_u64, 0..900_u64, 1..3000_u64), 0..200)) {
            let (start, mut window) = (Instant::now(), ThroughputWindow::default());
            let (mut now, mut opened, mut admitted) = (start, None, 0);
            for (millis, bytes, limit) in charges {
                now += Duration::from_millis(millis);
                if opened.is_none_or(|opened| now.duration_since(opened) >= WINDOW) {
                    (opened, admitted) = (Some(now), 0);
                }
                let fits = admitted + bytes <= limit;
                prop_assert_eq!(window.try_charge(now, bytes, limit), fits);
                admitted += if fits { bytes } else { 0 };
                prop_assert_eq!(window.spent(now), admitted);
            }
        }
    }

    #[test]
    fn a_clock_that_seems_to_go_back_opens_nothing() {
        let (mut window, now) = (ThroughputWindow::default(), Instant::now() + WINDOW);
        assert!(window.try_charge(now, 100, 100));
        assert!(!window.try_charge(now.checked_sub(WINDOW / 2).unwrap(), 1, 100));
    }
}
