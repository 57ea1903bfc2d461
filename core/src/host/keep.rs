//! Keeping a home: a copy of it while it is open, and new keys for it.

use std::future::IntoFuture;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Host;
use crate::abi::context::HostContext;
use crate::audit::{Draft, Outcome, RetiredKey, key_change_to};
use crate::error::{Error, ErrorKind, Result};
use crate::people::BoxFuture;
use crate::store::Store;

/// A copy of the home about to be made; await it.
#[derive(Debug)]
#[must_use = "nothing is copied until the request is awaited"]
pub struct BackUp {
    host: Host,
    target: PathBuf,
}

/// New keys about to be made; await it.
#[derive(Debug)]
#[must_use = "no key is changed until the request is awaited"]
pub struct RotateKeys {
    host: Host,
    secret_key: Option<[u8; 32]>,
}

impl Host {
    /// Copies the home into the new folder `target`, which a host can open, while it stays open itself: the database as
    /// it is at one moment, the audit log up to a checkpoint made after it, the keys and the profiles. Whoever can read
    /// the copy can read its secrets, unless the key that seals them is the embedder's own. Nothing stands at `target`
    /// before the copy is whole; its parent folder has to exist. Awaiting it does not hold a thread.
    ///
    /// A home and its copy that are both used on go separate ways, and their audit logs with them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when something exists at `target`, if only a link, when it lies in the home, or
    /// cannot be written; [`ErrorKind::StoreUnavailable`] or [`ErrorKind::AuditUnavailable`] when the home cannot be
    /// read.
    pub fn backup(&self, target: impl AsRef<Path>) -> BackUp {
        BackUp { host: self.clone(), target: target.as_ref().to_owned() }
    }

    /// Gives the home a new key that signs the audit log and a new one that seals secrets. Every secret is sealed anew,
    /// all at once, and the chain of the audit names the new key under the signature of the old, so that whoever knows
    /// the first public key can go on verifying. A sudden end leaves each key either old or new.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when the embedder keeps the key that seals secrets and names no next one, or names
    /// one although the home keeps it; [`ErrorKind::StoreUnavailable`] or [`ErrorKind::AuditUnavailable`] when a key
    /// could not be changed.
    pub fn rotate_keys(&self) -> RotateKeys {
        RotateKeys { host: self.clone(), secret_key: None }
    }
}

impl RotateKeys {
    /// The embedder's next key for sealing secrets, where [`super::HostOptions::secret_key`] named the present one.
    pub fn secret_key(mut self, key: [u8; 32]) -> Self {
        self.secret_key = Some(key);
        self
    }
}

impl IntoFuture for BackUp {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let subject = self.target.display().to_string();
            aside(&self.host, "host.backup", subject, move |host| copy(host, &self.target)).await
        })
    }
}

impl IntoFuture for RotateKeys {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            aside(&self.host, "host.rotate_keys", String::new(), move |host| rotate(host, self.secret_key))
                .await
        })
    }
}

/// Does what reads and writes many files on a thread of its own, and writes its entry.
async fn aside(
    host: &Host,
    operation: &'static str,
    subject: String,
    work: impl FnOnce(&HostContext) -> Result<()> + Send + 'static,
) -> Result<()> {
    let context = host.rooms()?.context;
    context.audit.admit()?;
    let (sender, done) = tokio::sync::oneshot::channel();
    let its = Arc::clone(&context);
    std::thread::Builder::new()
        .name("astrid-keep".to_owned())
        .spawn(move || {
            let worked = work(&its);
            let outcome = if worked.is_ok() { Outcome::Allowed } else { Outcome::Failed };
            let reason = worked.as_ref().err().map_or("", |error| error.kind().code());
            let draft = Draft { reason, subject: &subject, ..Draft::new(operation, outcome) };
            // The entry is written even if nobody waits for the result any more.
            let recorded = its.audit.append_unsettled(&draft);
            drop(its);
            let _ = sender.send((worked, recorded));
        })
        .map_err(|cause| Error::new(ErrorKind::Internal, "no thread can be started").caused_by(cause))?;
    let stopped = |_| Error::new(ErrorKind::Internal, "the work on the home stopped");
    let (worked, recorded) = done.await.map_err(stopped)?;
    worked?;
    context.audit.settled(recorded?).await
}

fn copy(host: &HostContext, target: &Path) -> Result<()> {
    let _alone = host.store.keep_alone();
    let backup = host.store.begin_backup(target)?;
    // The log comes after the data, so that all the copy holds has its entry in the copy.
    host.store.copy_into(&backup)?;
    host.audit.copy_to(&backup.audit_folder())?;
    backup.finish()
}

fn rotate(host: &HostContext, secret_key: Option<[u8; 32]>) -> Result<()> {
    let _alone = host.store.keep_alone();
    // A change before this one may have failed half way.
    settle_keys(&host.store)?;
    host.store.rotate_secret_key(secret_key)?;
    let (old, _) = host.store.audit_keys()?;
    let next = host.store.make_next_audit_key()?;
    let record = host.audit.change_key(next)?;
    host.store.promote_audit_key(record, &RetiredKey::of(&old, record).to_bytes())?;
    host.audit.checkpoint().map(drop)
}

/// Ends a change of the audit's key that was cut off: the log says whether it was made.
pub(super) fn settle_keys(store: &Store) -> Result<()> {
    let Some(next) = store.next_audit_key()? else { return Ok(()) };
    match key_change_to(&store.audit_folder()?, &next.verifying_key().to_bytes())? {
        Some(record) => {
            let (old, _) = store.audit_keys()?;
            store.promote_audit_key(record, &RetiredKey::of(&old, record).to_bytes())
        }
        None => store.discard_next_audit_key(),
    }
}
