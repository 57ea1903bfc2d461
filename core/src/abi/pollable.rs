//! What `astrid:io/poll` waits for.

use crate::bus::Readiness;

/// A guest's handle on the readiness of something the host keeps.
///
/// It holds the shared state of readiness and never the thing itself, so a guest with a garbage collector may drop
/// the two in either order.
#[derive(Debug)]
pub struct Pollable {
    readiness: Readiness,
}

impl Pollable {
    /// A pollable that follows `readiness`.
    #[must_use]
    pub fn new(readiness: Readiness) -> Self {
        Self { readiness }
    }

    /// The readiness it follows.
    #[must_use]
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }
}
