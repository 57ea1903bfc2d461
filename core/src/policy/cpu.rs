//! How much of the processor a principal may still use in this second.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use super::Quotas;
use super::window::WINDOW;
use crate::limits::FUEL_PER_TRIGGER;

/// The fuel a principal burns, over all its capsules, in fixed windows of one second.
///
/// A call reserves its share before it runs, `max_cpu_fuel_per_sec` divided by `max_in_flight_calls`, and runs with that
/// much fuel; so calls that start together cannot multiply the budget. It is admitted while fewer than
/// `max_in_flight_calls` run and what is spent and reserved is not above the budget: a window may be overdrawn by one
/// share, and the debt is carried into the windows that follow. Nothing unused is carried over.
///
/// Clones are handles to the same window. It reads no clock: whoever asks says what time it is.
#[derive(Clone, Debug, Default)]
pub struct CpuWindow(Arc<Mutex<Ledger>>);

#[derive(Debug, Default)]
struct Ledger {
    opened: Option<Instant>,
    spent: u64,
    reserved: u64,
    calls: u64,
}

/// Why a call cannot start now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// As many calls run as may; one must end first.
    Calls,
    /// The budget is used up until then, unless a call ends earlier and gives its share back.
    Fuel {
        /// When there is budget again.
        until: Instant,
    },
}

/// What a window holds at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Fuel burned in this window, with the debt of those before.
    pub fuel: u64,
    /// Fuel set aside for calls that run.
    pub reserved: u64,
    /// Calls that run.
    pub calls: u64,
}

impl CpuWindow {
    /// What is burned and set aside now.
    #[must_use]
    pub fn spent(&self, now: Instant, quotas: &Quotas) -> Spent {
        let mut ledger = self.0.lock();
        ledger.roll(now, quotas.max_cpu_fuel_per_sec);
        Spent { fuel: ledger.spent, reserved: ledger.reserved, calls: ledger.calls }
    }

    /// Reserves fuel for one call.
    pub fn reserve(&self, now: Instant, quotas: &Quotas) -> Result<Reservation, Busy> {
        let budget = quotas.max_cpu_fuel_per_sec;
        let mut ledger = self.0.lock();
        ledger.roll(now, budget);
        if ledger.calls >= quotas.max_in_flight_calls {
            return Err(Busy::Calls);
        }
        if let Some(until) = ledger.overdrawn(budget) {
            return Err(Busy::Fuel { until });
        }
        let fuel = if budget == Quotas::UNLIMITED {
            FUEL_PER_TRIGGER
        } else {
            (budget / quotas.max_in_flight_calls.max(1)).clamp(1, FUEL_PER_TRIGGER)
        };
        ledger.calls += 1;
        ledger.reserved = ledger.reserved.saturating_add(fuel);
        drop(ledger);
        Ok(Reservation { window: self.clone(), fuel, used: fuel })
    }

    /// Charges fuel that was burned without a reservation, as a run loop does. When the budget is overdrawn, the answer
    /// says until when the loop is to be delayed.
    pub fn charge(&self, now: Instant, fuel: u64, quotas: &Quotas) -> Option<Instant> {
        let mut ledger = self.0.lock();
        ledger.roll(now, quotas.max_cpu_fuel_per_sec);
        ledger.spent = ledger.spent.saturating_add(fuel);
        ledger.overdrawn(quotas.max_cpu_fuel_per_sec)
    }
}

impl Ledger {
    /// Closes the windows that are over: each pays for one budget's worth of what was spent.
    fn roll(&mut self, now: Instant, budget: u64) {
        let opened = *self.opened.get_or_insert(now);
        let windows = now.saturating_duration_since(opened).as_secs();
        if windows > 0 {
            self.spent = self.spent.saturating_sub(budget.saturating_mul(windows));
            self.opened =
                opened.checked_add(WINDOW * u32::try_from(windows).unwrap_or(u32::MAX)).or(Some(now));
        }
    }

    /// When there will be budget again, if there is none now.
    fn overdrawn(&self, budget: u64) -> Option<Instant> {
        let over = self.spent.saturating_add(self.reserved).checked_sub(budget).filter(|over| *over > 0)?;
        if budget == Quotas::UNLIMITED {
            return None;
        }
        let windows = u32::try_from(over.div_ceil(budget.max(1))).unwrap_or(u32::MAX);
        self.opened.and_then(|opened| opened.checked_add(WINDOW.saturating_mul(windows)))
    }
}

/// Fuel that is set aside for one call. Dropping it unsettled charges all of it.
#[derive(Debug)]
#[must_use]
pub struct Reservation {
    window: CpuWindow,
    fuel: u64,
    used: u64,
}

impl Reservation {
    /// The fuel the call may burn.
    pub fn fuel(&self) -> u64 {
        self.fuel
    }

    /// Ends the call: what it used is charged, the rest is given back.
    pub fn settle(mut self, used: u64) {
        self.used = used;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut ledger = self.window.0.lock();
        ledger.calls -= 1;
        ledger.reserved -= self.fuel;
        ledger.spent = ledger.spent.saturating_add(self.used);
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use std::time::Duration;

    impl CpuWindow {
        /// Whether a call could begin then, had nothing else happened.
        fn would_begin_at(&self, then: Instant, quotas: &Quotas) -> bool {
            let ledger = self.0.lock();
            let copy = Ledger { opened: ledger.opened, spent: ledger.spent, reserved: 0, calls: 0 };
            drop(ledger);
            Self(Arc::new(Mutex::new(copy))).reserve(then, quotas).is_ok()
        }
    }

    fn quotas(budget: u64, calls: u64) -> Quotas {
        Quotas { max_cpu_fuel_per_sec: budget, max_in_flight_calls: calls, ..Quotas::default() }
    }

    #[test]
    fn concurrent_calls_share_the_budget() {
        let (window, now, quotas) = (CpuWindow::default(), Instant::now(), quotas(1000, 4));
        let running: Vec<_> = (0..4).map(|_| window.reserve(now, &quotas).unwrap()).collect();
        assert!(running.iter().all(|call| call.fuel() == 250));
        assert_eq!(window.reserve(now, &quotas).unwrap_err(), Busy::Calls);
        for call in running {
            call.settle(10);
        }
        assert!(window.reserve(now, &quotas).is_ok(), "what was not used is given back");
    }

    #[test]
    fn exactly_the_budget_passes_and_more_waits_for_the_next_window() {
        let (window, now, quotas) = (CpuWindow::default(), Instant::now(), quotas(1000, 1));
        window.reserve(now, &quotas).unwrap().settle(1000);
        window.reserve(now, &quotas).unwrap().settle(1);
        let Err(Busy::Fuel { until }) = window.reserve(now, &quotas) else {
            panic!("admitted above the budget")
        };
        assert_eq!(until, now + WINDOW);
        assert!(window.reserve(until, &quotas).is_ok());
    }

    #[test]
    fn a_dropped_reservation_is_charged_in_full_and_frees_its_place() {
        let (window, now, quotas) = (CpuWindow::default(), Instant::now(), quotas(1000, 1));
        drop(window.reserve(now, &quotas).unwrap());
        drop(window.reserve(now, &quotas).unwrap());
        assert!(matches!(window.reserve(now, &quotas), Err(Busy::Fuel { .. })));
    }

    #[test]
    fn debt_is_carried_and_nothing_unused_is() {
        let (window, now, quotas) = (CpuWindow::default(), Instant::now(), quotas(100, 1));
        assert_eq!(window.charge(now, 100, &quotas), None);
        assert_eq!(window.charge(now, 250, &quotas), Some(now + 3 * WINDOW));
        assert!(matches!(window.reserve(now + WINDOW, &quotas), Err(Busy::Fuel { .. })));
        assert!(window.reserve(now + 3 * WINDOW, &quotas).is_ok());
        let later = now + 100 * WINDOW;
        assert_eq!(window.charge(later, 100, &quotas), None);
        assert!(window.charge(later, 1, &quotas).is_some(), "idle windows are not saved up");
    }

    #[test]
    fn without_a_limit_only_the_number_of_calls_counts() {
        let (window, now, quotas) = (CpuWindow::default(), Instant::now(), quotas(Quotas::UNLIMITED, 2));
        assert_eq!(window.charge(now, u64::MAX, &quotas), None);
        let first = window.reserve(now, &quotas).unwrap();
        assert_eq!(first.fuel(), FUEL_PER_TRIGGER);
        let _second = window.reserve(now, &quotas).unwrap();
        assert_eq!(window.reserve(now, &quotas).unwrap_err(), Busy::Calls);
    }

    /// What a principal's calls do to a window.
    #[derive(Clone, Debug)]
    enum Step {
        Pass(u64),
        Begin,
        /// Ends the n-th call, which used this many thousandths of its share; dropped unsettled above a thousand.
        End(usize, u64),
        Charge(u64),
        Budget(u64),
    }

    fn step(budgets: bool) -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..1500_u64).prop_map(Step::Pass),
            Just(Step::Begin),
            Just(Step::Begin),
            (any::<usize>(), 0..1101_u64).prop_map(|(n, part)| Step::End(n, part)),
            if budgets { (0..5000_u64).prop_map(Step::Charge).boxed() } else { Just(Step::Begin).boxed() },
            if budgets { (1..5000_u64).prop_map(Step::Budget).boxed() } else { Just(Step::Begin).boxed() },
        ]
    }

    proptest! {
        #[test]
        fn what_is_set_aside_is_what_runs(calls in 1..65_u64, steps in vec(step(true), 0..200)) {
            let (window, mut now) = (CpuWindow::default(), Instant::now());
            let mut quotas = quotas(1000, calls);
            let mut running: Vec<Reservation> = Vec::new();
            for step in steps {
                let before = window.spent(now, &quotas);
                match step {
                    Step::Pass(millis) => now += Duration::from_millis(millis),
                    Step::Budget(budget) => quotas.max_cpu_fuel_per_sec = budget,
                    Step::Charge(fuel) => {
                        let until = window.charge(now, fuel, &quotas);
                        prop_assert!(until.is_none_or(|until| until > now));
                        prop_assert_eq!(window.spent(now, &quotas).fuel, before.fuel + fuel);
                    }
                    Step::End(n, part) if !running.is_empty() => {
                        let call = running.swap_remove(n % running.len());
                        let used = if part > 1000 { call.fuel() } else { call.fuel() * part / 1000 };
                        if part > 1000 { drop(call) } else { call.settle(used) }
                        prop_assert_eq!(window.spent(now, &quotas).fuel, before.fuel + used);
                    }
                    Step::End(..) => {}
                    Step::Begin => match window.reserve(now, &quotas) {
                        Ok(call) => {
                            prop_assert!(before.fuel + before.reserved <= quotas.max_cpu_fuel_per_sec);
                            prop_assert!(call.fuel() >= 1 && before.calls < calls);
                            running.push(call);
                        }
                        Err(Busy::Calls) => prop_assert_eq!(before.calls, calls),
                        Err(Busy::Fuel { until }) => {
                            prop_assert!(until > now);
                            prop_assert!(before.fuel + before.reserved > quotas.max_cpu_fuel_per_sec);
                            prop_assert!(!running.is_empty() || window.would_begin_at(until, &quotas));
                        }
                    },
                }
                let after = window.spent(now, &quotas);
                prop_assert_eq!(after.calls, running.len() as u64);
                prop_assert_eq!(after.reserved, running.iter().map(Reservation::fuel).sum::<u64>());
            }
            running.clear();
            let after = window.spent(now, &quotas);
            prop_assert_eq!((after.calls, after.reserved), (0, 0));
        }

        #[test]
        fn no_more_is_burned_than_the_budget_and_one_share(
            budget in 64..100_000_u64, calls in 1..65_u64, steps in vec(step(false), 0..300),
        ) {
            let (window, start, quotas) = (CpuWindow::default(), Instant::now(), quotas(budget, calls));
            let (mut now, mut burned, mut running) = (start, 0, Vec::<Reservation>::new());
            // The first look opens the first window.
            prop_assert_eq!(window.spent(now, &quotas), Spent::default());
            for step in steps {
                match step {
                    Step::Pass(millis) => now += Duration::from_millis(millis),
                    Step::Begin => running.extend(window.reserve(now, &quotas)),
                    Step::End(n, part) if !running.is_empty() => {
                        let call = running.swap_remove(n % running.len());
                        let used = call.fuel() * part.min(1000) / 1000;
                        burned += used;
                        call.settle(used);
                    }
                    _ => {}
                }
                let windows = now.duration_since(start).as_secs() + 1;
                prop_assert!(burned <= budget * windows + budget / calls, "{} burned in {}", burned, windows);
            }
        }
    }
}
