//! What `astrid:io/poll` waits for.

use super::context::Slot;
use crate::bus::Readiness;

/// A guest's handle on the readiness of something the host keeps.
///
/// It holds the shared state of readiness and never the thing itself, so a guest with a garbage collector may drop
/// the two in either order.
#[derive(Debug)]
pub struct Pollable {
    readiness: Readiness,
    _slot: Slot,
}

impl Pollable {
    /// A pollable that follows `readiness` and takes one of its instance's places.
    #[must_use]
    pub fn new(readiness: Readiness, slot: Slot) -> Self {
        Self { readiness, _slot: slot }
    }

    /// The readiness it follows.
    #[must_use]
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }
}
