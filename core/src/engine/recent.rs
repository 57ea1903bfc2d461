//! The components compiled last, by the BLAKE3 of their bytes: what is installed is loaded next.

use std::collections::VecDeque;

use parking_lot::Mutex;

use super::component::Linked;
use crate::limits;

/// A few compiled components, the least recently used of which gives way.
#[derive(Default)]
pub struct Recent(Mutex<VecDeque<([u8; 32], Linked)>>);

impl Recent {
    /// The machine code of the component with this hash, if it was compiled lately.
    pub fn get(&self, hash: &[u8; 32]) -> Option<Linked> {
        let mut recent = self.0.lock();
        let at = recent.iter().position(|(known, _)| known == hash)?;
        let found = recent.remove(at)?;
        let linked = found.1.clone();
        recent.push_front(found);
        Some(linked)
    }

    /// Remembers a component.
    pub fn put(&self, hash: [u8; 32], linked: Linked) {
        let mut recent = self.0.lock();
        recent.retain(|(known, _)| *known != hash);
        recent.push_front((hash, linked));
        recent.truncate(limits::RECENT_COMPONENTS);
    }
}
