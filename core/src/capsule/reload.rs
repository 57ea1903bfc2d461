//! Reloading: what lies where the capsule came from takes the place of what runs.

use std::sync::Arc;

use super::load::pinned;
use super::slot::record;
use super::{Package, Slot};
use crate::abi::context::HostContext;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};

impl Slot {
    /// Loads the package in place of the current generation, also of one whose run loop has failed. If it does not come
    /// up, the current one goes on as if nothing had been tried.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when the package is another capsule, [`ErrorKind::NotReady`] when its run loop fails
    /// or is not ready in time, [`ErrorKind::Closed`] when the capsule is unloaded meanwhile, and what loading answers.
    pub async fn reload(
        self: &Arc<Self>,
        host: &Arc<HostContext>,
        engine: &Arc<Engine>,
        package: Package,
    ) -> Result<()> {
        let _turn = self.changing.lock().await;
        if package.id() != &**self.id() {
            let message = format!("`{}` is another capsule", package.id());
            return Err(Error::new(ErrorKind::InvalidArgument, message).with("capsule", &**self.id()));
        }
        host.audit.admit()?;
        let before = self.current();
        let made = match pinned(host, &package, self.asked.clone()) {
            Ok(loading) => self.candidate(host, engine, package, loading).await,
            Err(error) => Err(error),
        };
        let made = made.map_err(|error| error.with("capsule", &**self.id()));
        // The entry comes first: nothing takes the place that could not be recorded.
        let about = made.as_ref().ok().and_then(super::Candidate::loaded).unwrap_or(&before);
        let recorded = record(host, "capsule.reload", about, made.as_ref().err(), &[])?;
        host.audit.settled(recorded).await?;
        self.take_over(made?, None, false)
    }
}
