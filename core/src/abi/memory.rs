//! What a principal's guests hold in memory, summed over its instances of all capsules, under one ceiling.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::ResourceLimiter;

use super::tenant::Tenant;
use crate::limits;
use crate::principal::Principal;

/// Bytes that many hold together. The sum never passes the ceiling each of them names, however many ask at once.
#[derive(Debug, Default)]
pub struct Held {
    now: AtomicU64,
    peak: AtomicU64,
}

impl Held {
    /// Takes `bytes`, unless more than `most` were held then.
    pub fn take(&self, bytes: u64, most: u64) -> bool {
        let more = |now: u64| now.checked_add(bytes).filter(|sum| *sum <= most);
        let Ok(before) = self.now.fetch_update(Ordering::AcqRel, Ordering::Acquire, more) else {
            return false;
        };
        self.peak.fetch_max(before.saturating_add(bytes), Ordering::Relaxed);
        true
    }

    /// Gives back what was taken.
    pub fn give_back(&self, bytes: u64) {
        self.now.fetch_sub(bytes, Ordering::AcqRel);
    }

    /// The bytes held now.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now.load(Ordering::Acquire)
    }

    /// The most that were held at once.
    #[must_use]
    pub fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }
}

/// The arguments of one host call, for as long as it is under way. What the engine copies in before the call is judged is
/// bounded for each call by its own fuel; this bounds the sum for a principal whose calls wait.
#[derive(Debug)]
pub struct InFlight(Option<(Arc<Tenant>, u64)>);

impl InFlight {
    /// Charges `bytes`; none when the principal's calls hold as many as they may.
    #[must_use]
    pub fn begin(tenant: &Arc<Tenant>, bytes: u64) -> Option<Self> {
        if bytes == 0 {
            return Some(Self(None));
        }
        tenant.call_bytes.take(bytes, limits::CALL_BYTES).then(|| Self(Some((Arc::clone(tenant), bytes))))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some((tenant, bytes)) = self.0.take() {
            tenant.call_bytes.give_back(bytes);
        }
    }
}

/// Where instances of a capsule wait for work. They give way to a guest of the same principal that needs their memory.
pub trait IdleInstances: Send + Sync {
    /// Drops those of the principal that wait; true when there was one.
    fn give_way(&self, principal: &Principal) -> bool;
}

/// Counts the linear memories and tables of one store into its principal's sum; dropping it gives them back.
#[derive(Debug)]
pub struct MemoryMeter {
    tenant: Arc<Tenant>,
    held: u64,
    /// Whether growth was refused since the flag was last cleared.
    pub refused: bool,
}

impl MemoryMeter {
    /// The meter of a store that holds nothing yet.
    #[must_use]
    pub fn new(tenant: Arc<Tenant>) -> Self {
        Self { tenant, held: 0, refused: false }
    }

    /// The bytes that the store holds.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.held
    }

    /// What growth the allocator then fails to make stays counted until the store is dropped: too much, never too little.
    fn grow(&mut self, each: u64, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return false;
        }
        let more = (desired.saturating_sub(current) as u64).saturating_mul(each);
        let ceiling = self.tenant.profile().quotas.max_memory_bytes;
        let taken = self.tenant.memory.take(more, ceiling)
            || (more <= ceiling && self.tenant.idle_give_way() && self.tenant.memory.take(more, ceiling));
        if taken {
            self.held = self.held.saturating_add(more);
        } else {
            self.refused = true;
        }
        taken
    }
}

impl Drop for MemoryMeter {
    fn drop(&mut self) {
        self.tenant.memory.give_back(self.held);
    }
}

impl ResourceLimiter for MemoryMeter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(1, current, desired, maximum))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(limits::TABLE_SLOT_BYTES, current, desired, maximum))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use proptest::prelude::*;

    use super::*;
    use crate::policy::Profile;

    fn tenant(ceiling: u64) -> Arc<Tenant> {
        let mut profile = Profile::default();
        profile.quotas.max_memory_bytes = ceiling;
        Arc::new(Tenant::new(Principal::default(), profile, 0))
    }

    #[test]
    fn memories_and_tables_of_all_stores_share_one_ceiling() {
        let tenant = tenant(1000);
        let mut first = MemoryMeter::new(Arc::clone(&tenant));
        let mut second = MemoryMeter::new(Arc::clone(&tenant));
        assert!(first.memory_growing(0, 600, None).unwrap());
        assert!(!second.memory_growing(0, 401, None).unwrap());
        assert!(second.refused && !first.refused);
        assert!(second.table_growing(0, 12, None).unwrap());
        assert!(!second.table_growing(12, 13, None).unwrap());
        assert!(!first.memory_growing(600, 610, Some(605)).unwrap());
        let held = 600 + 12 * limits::TABLE_SLOT_BYTES;
        assert_eq!((tenant.memory.now(), tenant.memory.peak()), (held, held));
        drop(first);
        assert!(second.memory_growing(0, 600, None).unwrap());
        drop(second);
        assert_eq!((tenant.memory.now(), tenant.memory.peak()), (0, 984));
    }

    /// One idle instance that holds memory until it is asked to give way.
    struct Idle(Arc<Tenant>, AtomicBool);

    impl IdleInstances for Idle {
        fn give_way(&self, _: &Principal) -> bool {
            let had = self.1.swap(false, Ordering::AcqRel);
            if had {
                self.0.memory.give_back(800);
            }
            had
        }
    }

    #[test]
    fn who_waits_for_work_gives_way_to_who_works() {
        let tenant = tenant(1000);
        assert!(tenant.memory.take(800, 1000));
        let idle: Arc<dyn IdleInstances> = Arc::new(Idle(Arc::clone(&tenant), AtomicBool::new(true)));
        tenant.remember_idle(&idle);
        let mut meter = MemoryMeter::new(Arc::clone(&tenant));
        assert!(!meter.memory_growing(0, 1001, None).unwrap(), "nothing gives way for what can never fit");
        assert!(meter.memory_growing(0, 900, None).unwrap());
        assert!(!meter.memory_growing(900, 1001, None).unwrap());
        assert_eq!(tenant.memory.now(), 900);
    }

    #[test]
    fn the_arguments_of_waiting_calls_are_bounded_together() {
        let tenant = tenant(1000);
        let first = InFlight::begin(&tenant, limits::CALL_BYTES - 1).unwrap();
        assert!(InFlight::begin(&tenant, 2).is_none());
        let second = InFlight::begin(&tenant, 1).unwrap();
        assert!(InFlight::begin(&tenant, 0).is_some());
        drop((first, second));
        assert_eq!(tenant.call_bytes.now(), 0);
    }

    proptest! {
        /// Whatever the order of growing and dropping, the sum is what the living hold and never above the ceiling.
        #[test]
        fn the_sum_is_what_the_living_hold(
            ceiling in 0_u64..5000,
            steps in prop::collection::vec((0_usize..4, prop::option::of(0_u64..2000)), 0..60),
        ) {
            let held = Held::default();
            let (mut living, mut peak) = ([0_u64; 4], 0);
            for (who, grow) in steps {
                let sum: u64 = living.iter().sum();
                match grow {
                    Some(bytes) => {
                        let fits = sum + bytes <= ceiling;
                        prop_assert_eq!(held.take(bytes, ceiling), fits);
                        living[who] += if fits { bytes } else { 0 };
                    }
                    None => held.give_back(std::mem::take(&mut living[who])),
                }
                let sum: u64 = living.iter().sum();
                peak = peak.max(sum);
                prop_assert_eq!(held.now(), sum);
                prop_assert!(sum <= ceiling);
                prop_assert_eq!(held.peak(), peak);
            }
        }
    }

    #[test]
    fn many_at_once_never_pass_the_ceiling() {
        let held = Held::default();
        let taken: u64 = std::thread::scope(|scope| {
            let takers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..1000).map(|_| u64::from(held.take(3, 1000))).sum::<u64>()))
                .collect();
            takers.into_iter().map(|taker| taker.join().unwrap()).sum()
        });
        assert_eq!((taken, held.now()), (333, 999));
        held.give_back(999);
        assert!(!held.take(u64::MAX, u64::MAX - 1) && held.take(u64::MAX, u64::MAX));
    }
}
