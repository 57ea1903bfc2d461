//! What `astrid:io/poll` waits for.

use std::sync::Arc;

use super::context::Slot;
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
