//! What `astrid:io/poll` waits for.

use std::sync::Arc;

use super::context::Slot;
use super::holding::Holding;
use super::state::State;
use crate::stream::Awaited;

/// A guest's handle on the readiness of something.
///
/// Of what the host keeps it holds only a weak state, so a guest with a garbage collector may drop the two in either
/// order. That of a stream is the stream's child in the table of handles instead, and has to be dropped first.
#[derive(Debug)]
pub struct Pollable {
    awaited: Arc<dyn Awaited>,
    _slot: Slot,
}

impl Pollable {
    /// A pollable that follows `awaited` and takes one of its instance's places.
    #[must_use]
    pub fn new(awaited: impl Awaited + 'static, slot: Slot) -> Self {
        Self { awaited: Arc::new(awaited), _slot: slot }
    }

    /// What it follows.
    #[must_use]
    pub fn awaited(&self) -> &Arc<dyn Awaited> {
        &self.awaited
    }
}

impl State {
    /// A pollable for a guest. The functions that make one have no error arm: a guest that holds more than its quota has
    /// broken a rule, and traps.
    pub(super) fn pollable(&self, awaited: impl Awaited + 'static) -> wasmtime::Result<Pollable> {
        let slot = self.owner.take(&self.capsule.id, Holding::Pollables);
        let slot = slot.ok_or_else(|| wasmtime::Error::msg("too many pollables"))?;
        Ok(Pollable::new(awaited, slot))
    }
}
