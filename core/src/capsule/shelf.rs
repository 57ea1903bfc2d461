//! Where warm instances wait, each on the shelf of its own principal.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::engine::Instance;
use crate::limits;
use crate::principal::Principal;

/// The warm instances of one capsule. An instance is only ever taken by the principal it was made for.
#[derive(Debug, Default)]
pub struct Shelf(Mutex<HashMap<Principal, Vec<Instance>>>);

impl Shelf {
    /// Takes the instance of `principal` that was put back last.
    pub fn take(&self, principal: &Principal) -> Option<Instance> {
        self.0.lock().get_mut(principal)?.pop()
    }

    /// Puts an instance back, or drops it when it may not be used again or the shelf is full.
    pub fn put(&self, instance: Instance) {
        if !instance.reusable() {
            return;
        }
        let mut shelves = self.0.lock();
        let principal = instance.state().owner.principal();
        if let Some(shelf) = shelves.get_mut(principal) {
            if shelf.len() < limits::WARM_INSTANCES {
                shelf.push(instance);
            }
            return;
        }
        let principal = principal.clone();
        shelves.insert(principal, vec![instance]);
    }

    /// Drops the instances of one principal.
    pub fn forget(&self, principal: &Principal) {
        let gone = self.0.lock().remove(principal);
        drop(gone);
    }

    /// Drops every instance.
    pub fn clear(&self) {
        // Dropping a store may take a while; nobody should wait for the lock meanwhile.
        let shelves = std::mem::take(&mut *self.0.lock());
        drop(shelves);
    }
}
