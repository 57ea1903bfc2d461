//! What this machine lets the host do.

use std::sync::Arc;

use super::Host;
use crate::error::Result;
use crate::process::Diagnosis;

impl Host {
    /// What works on this machine and what stands in the way, found out by trying: whether capsules' programs can be run in a
    /// sandbox, and what enforces their limits. The first call starts a program in the sandbox, the others remember.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) after closing.
    pub async fn diagnose(&self) -> Result<Diagnosis> {
        let context = Arc::clone(&self.rooms()?.context);
        let sandbox = Arc::clone(&context.sandbox);
        // On the host's runtime, whoever polls this.
        let asked = context.runtime.spawn(sandbox.diagnose()).await;
        Ok(asked.unwrap_or_default())
    }
}
