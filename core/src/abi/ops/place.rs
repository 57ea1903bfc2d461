//! The number of a row, found once.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Remembers a number that follows from the table alone, so that whoever finds it first finds the same as all others.
#[derive(Debug)]
pub struct Place(AtomicUsize);

impl Place {
    /// Not looked for yet. No row has this number: it is not below the length of any table.
    const NOWHERE: usize = usize::MAX;

    /// A number that is not known yet.
    #[allow(clippy::declare_interior_mutable_const)] // Each row makes a place of its own out of it.
    pub(super) const UNKNOWN: Self = Self(AtomicUsize::new(Self::NOWHERE));

    pub(super) fn or_find(&self, find: impl FnOnce() -> usize) -> usize {
        let known = self.0.load(Ordering::Relaxed);
        if known != Self::NOWHERE {
            return known;
        }
        let found = find();
        self.0.store(found, Ordering::Relaxed);
        found
    }
}

/// A place is the same as itself only.
impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Place {}
