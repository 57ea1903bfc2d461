//! What capsules changed of the workspace, where each has an overlay of its own.

use std::sync::Arc;

use super::Capsule;
use crate::audit::{Draft, Outcome};
use crate::error::{Error, ErrorKind, Result};
use crate::principal::Principal;
use crate::vfs::Vfs;

impl Capsule {
    /// Puts what this capsule changed for a principal into the workspace, and says how many files and folders that wrote
    /// or removed. Where the workspace changed as well, the overlay wins. Files that are open in the overlay are closed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when the host was not opened with [`WorkspaceMode::Overlay`](crate::WorkspaceMode),
    /// [`ErrorKind::StoreUnavailable`] when something could not be written: it is still in the overlay, to be committed
    /// again.
    pub async fn commit(&self, principal: &Principal) -> Result<u64> {
        self.settle("workspace.commit", principal, Vfs::commit).await
    }

    /// Throws away what this capsule changed for a principal. Files that are open in the overlay are closed.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub async fn rollback(&self, principal: &Principal) -> Result<()> {
        self.settle("workspace.rollback", principal, Vfs::rollback).await
    }

    /// Does it on a thread that may be blocked, and records it.
    async fn settle<T: Send + 'static>(
        &self,
        operation: &'static str,
        principal: &Principal,
        work: impl FnOnce(&Vfs, &Principal, &Arc<str>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let context = self.host.rooms()?.context;
        context.audit.admit()?;
        let (id, artifact) = (Arc::<str>::from(self.id()), *self.slot.current().hash());
        let (principal, runtime) = (principal.clone(), context.runtime.clone());
        let under_way = context.file_work.begin();
        let settled = runtime.spawn_blocking(move || {
            let _under_way = under_way;
            let done = work(&context.vfs, &principal, &id);
            let (outcome, reason) = match &done {
                Ok(_) => (Outcome::Allowed, ""),
                Err(error) => (Outcome::Failed, error.kind().code()),
            };
            let draft = Draft {
                capsule: Some(&id),
                artifact: Some(&artifact),
                principal: Some(principal.as_str()),
                reason,
                ..Draft::new(operation, outcome)
            };
            context.audit.append(&draft)?;
            done
        });
        settled
            .await
            .map_err(|error| Error::new(ErrorKind::Closed, "the host was closed").caused_by(error))?
    }
}
