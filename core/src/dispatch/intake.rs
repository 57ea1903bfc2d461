//! How much of what guests published may be on its way to handlers at once.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::limits;
use crate::principal::Principal;

/// Counts deliveries and their bytes, host-wide and for each principal. The host's bounds are several times a principal's,
/// so that no single one can use them up.
#[derive(Clone, Debug, Default)]
pub(super) struct Intake(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    all: Load,
    /// Holds only principals with something on its way; the host's own messages count for nobody.
    each: HashMap<Option<Principal>, Load>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Load {
    deliveries: usize,
    bytes: usize,
}

impl Load {
    fn with(self, bytes: usize) -> Self {
        Self { deliveries: self.deliveries + 1, bytes: self.bytes + bytes }
    }

    fn without(self, bytes: usize) -> Self {
        Self { deliveries: self.deliveries - 1, bytes: self.bytes - bytes }
    }

    fn within(self, deliveries: usize, bytes: usize) -> bool {
        self.deliveries <= deliveries && self.bytes <= bytes
    }
}

/// A delivery that is counted until this is dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    intake: Intake,
    principal: Option<Principal>,
    bytes: usize,
}

impl Intake {
    /// Counts a delivery of so many bytes; none when that would be too much.
    pub(super) fn admit(&self, principal: Option<&Principal>, bytes: usize) -> Option<Admitted> {
        let principal = principal.cloned();
        let mut counts = self.0.lock();
        let all = counts.all.with(bytes);
        let own = counts.each.get(&principal).copied().unwrap_or_default().with(bytes);
        if !all.within(limits::DELIVERIES, limits::DELIVERY_BYTES)
            || !own.within(limits::DELIVERIES_OF_ONE, limits::DELIVERY_BYTES_OF_ONE)
        {
            return None;
        }
        counts.all = all;
        counts.each.insert(principal.clone(), own);
        drop(counts);
        Some(Admitted { intake: self.clone(), principal, bytes })
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut counts = self.intake.0.lock();
        counts.all = counts.all.without(self.bytes);
        if let Some(own) = counts.each.get_mut(&self.principal) {
            *own = own.without(self.bytes);
            if own.deliveries == 0 {
                counts.each.remove(&self.principal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn person(name: &str) -> Principal {
        Principal::parse(name).unwrap()
    }

    #[test]
    fn one_principal_leaves_room_for_others() {
        let intake = Intake::default();
        let (alice, bob) = (person("alice"), person("bob"));
        let mut held: Vec<_> =
            (0..limits::DELIVERIES_OF_ONE).map(|_| intake.admit(Some(&alice), 1).unwrap()).collect();
        assert!(intake.admit(Some(&alice), 1).is_none());
        assert!(intake.admit(Some(&bob), 1).is_some() && intake.admit(None, 1).is_some());
        held.pop();
        assert!(intake.admit(Some(&alice), limits::DELIVERY_BYTES_OF_ONE).is_none());
        assert!(intake.admit(Some(&alice), 1).is_some());
    }

    proptest! {
        #[test]
        fn what_is_counted_is_what_is_held(steps in prop::collection::vec((0..3usize, 0..2_000_000usize, any::<bool>()), 1..200)) {
            let intake = Intake::default();
            let people = [Some(person("a")), Some(person("b")), None];
            let mut held: Vec<Admitted> = Vec::new();
            for (who, bytes, gives_back) in steps {
                if gives_back && !held.is_empty() {
                    held.swap_remove(bytes % held.len());
                } else {
                    held.extend(intake.admit(people[who].as_ref(), bytes));
                }
                let of = |who: Option<&Option<Principal>>| {
                    let of = held.iter().filter(|one| who.is_none_or(|who| one.principal == *who));
                    of.fold(Load::default(), |load, one| load.with(one.bytes))
                };
                let counts = intake.0.lock();
                prop_assert_eq!(counts.all, of(None));
                prop_assert!(counts.all.within(limits::DELIVERIES, limits::DELIVERY_BYTES));
                for person in &people {
                    let own = counts.each.get(person).copied();
                    prop_assert_eq!(own.unwrap_or_default(), of(Some(person)));
                    prop_assert!(own.is_none_or(|own| own.deliveries > 0));
                    prop_assert!(of(Some(person)).within(limits::DELIVERIES_OF_ONE, limits::DELIVERY_BYTES_OF_ONE));
                }
            }
        }
    }
}
