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
    use super::*;

    #[test]
    fn the_limit_is_reached_and_not_passed() {
        let (mut window, now) = (ThroughputWindow::default(), Instant::now());
        assert!(window.try_charge(now, 60, 100));
        assert!(!window.try_charge(now, 41, 100), "a refused charge is not counted");
        assert!(window.try_charge(now, 40, 100));
        assert!(!window.try_charge(now + Duration::from_millis(999), 1, 100));
        assert!(window.try_charge(now + WINDOW, 100, 100));
        assert!(!window.try_charge(now + WINDOW, u64::MAX, u64::MAX), "an overflow is a refusal");
    }

    #[test]
    fn no_second_admits_more_than_the_limit() {
        let start = Instant::now();
        let (mut window, mut admitted, mut seed) = (ThroughputWindow::default(), [0_u64; 40], 7_u64);
        let mut at = Duration::ZERO;
        let mut opened = start;
        let mut n = 0;
        assert!(window.try_charge(start, 0, 10_000));
        while n < admitted.len() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            at += Duration::from_millis(seed >> 58);
            let now = start + at;
            if now.duration_since(opened) >= WINDOW {
                (opened, n) = (now, n + 1);
            }
            let bytes = (seed >> 33) % 900;
            if n < admitted.len() && window.try_charge(now, bytes, 10_000) {
                admitted[n] += bytes;
            }
        }
        assert!(admitted.iter().all(|bytes| *bytes <= 10_000));
        assert!(admitted.iter().all(|bytes| *bytes > 1_000));
    }

    #[test]
    fn a_clock_that_seems_to_go_back_opens_nothing() {
        let (mut window, now) = (ThroughputWindow::default(), Instant::now() + WINDOW);
        assert!(window.try_charge(now, 100, 100));
        assert!(!window.try_charge(now.checked_sub(WINDOW / 2).unwrap(), 1, 100));
    }
}
