//! The embedded database: two keyspaces for guests, one for the host, and the one way to change them.

use std::path::Path;

use fjall::{Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode, Readable};
use parking_lot::Mutex;

use super::durability::Durability;
use super::journal::Journal;
use super::namespace::{self, Kind};
use crate::error::{Cause, Error, ErrorKind, Result};
use crate::limits;
use crate::principal::Principal;
use crate::syncer::{SyncFailed, Syncer};

/// Locks that namespaces share by their hash. More than enough for two keys to meet seldom.
const STRIPES: usize = 64;
/// Bytes of blocks the database keeps in memory.
const CACHE_BYTES: u64 = 16 * limits::MIB as u64;
/// The names of the keyspaces in the database.
const KEYSPACES: [&str; 3] = ["values", "usage", "host"];
/// Bytes that are copied in one batch, and the largest record that makes it more.
const COPIED_AT_ONCE: usize = 4 * limits::MIB;
/// Threads that flush and compact.
const WORKERS: usize = 2;
/// Part of [`limits::SYNC_WITHIN`] that is left for the sync itself.
const COLLECT: u32 = 2;

/// The open database.
pub(super) struct Database {
    // Dropped first: it ends the thread, which holds a handle of the database.
    syncer: Syncer,
    durability: Durability,
    stripes: Box<[Mutex<()>]>,
    /// Guests' values, by principal, capsule and key.
    pub(super) values: Keyspace,
    /// Bytes used by each (principal, capsule), changed in the same batch as the values.
    pub(super) usage: Keyspace,
    /// What belongs to the host; no guest call reads or writes here.
    pub(super) host: Keyspace,
    db: fjall::Database,
}

impl Database {
    pub(super) fn open(folder: &Path, durability: Durability) -> Result<Self> {
        let open = || -> fjall::Result<_> {
            let db =
                fjall::Database::builder(folder).cache_size(CACHE_BYTES).worker_threads(WORKERS).open()?;
            let [values, usage, host] =
                KEYSPACES.map(|name| db.keyspace(name, KeyspaceCreateOptions::default));
            let (values, usage, host) = (values?, usage?, host?);
            Ok((db, values, usage, host))
        };
        let (db, values, usage, host) = open().map_err(|cause| {
            unavailable("the database does not open", cause).with("path", folder.display().to_string())
        })?;
        let (journal, written) = (Journal::of(folder), db.clone());
        let syncer = Syncer::start("astrid-store-sync", limits::SYNC_WITHIN / COLLECT, move || {
            let outcome = match journal.sync() {
                Ok(true) => Ok(()),
                Ok(false) => written.persist(PersistMode::SyncData).map_err(Cause::from),
                Err(cause) => Err(Cause::from(cause)),
            };
            outcome.map_err(|cause| {
                tracing::error!(%cause, "the store could not be synced; nothing is written any more");
                SyncFailed
            })
        })
        .map_err(|cause| unavailable("the syncing thread does not start", cause))?;
        let stripes = (0..STRIPES).map(|_| Mutex::new(())).collect();
        Ok(Self { syncer, durability, stripes, values, usage, host, db })
    }

    /// As [`Self::change_soon`]; returns when the write is as durable as was asked, which may hold the thread.
    pub(super) fn change<R, E: From<Error>>(
        &self,
        namespace: &[u8],
        work: impl FnOnce(&mut OwnedWriteBatch) -> Result<R, E>,
    ) -> Result<R, E> {
        let (result, ticket) = self.committed(namespace, work)?;
        ticket.map_or(Ok(()), |ticket| self.settle(ticket))?;
        Ok(result)
    }

    /// Reads the namespace's records, decides, and commits what `work` put into the batch, while no other change of
    /// this namespace runs. Nothing is changed if `work` fails. Returns when the operating system has the write; whoever
    /// acknowledges it to a guest awaits [`Self::settled`] first.
    pub(super) fn change_soon<R, E: From<Error>>(
        &self,
        namespace: &[u8],
        work: impl FnOnce(&mut OwnedWriteBatch) -> Result<R, E>,
    ) -> Result<R, E> {
        self.committed(namespace, work).map(|(result, _)| result)
    }

    fn committed<R, E: From<Error>>(
        &self,
        namespace: &[u8],
        work: impl FnOnce(&mut OwnedWriteBatch) -> Result<R, E>,
    ) -> Result<(R, Option<u64>), E> {
        let _exclusive = self.stripe(namespace).lock();
        let mut batch = self.db.batch();
        let result = work(&mut batch)?;
        let ticket = if batch.is_empty() { None } else { Some(self.commit(batch)?) };
        Ok((result, ticket))
    }

    /// Whether what is acknowledged survives the loss of power.
    pub(super) fn is_power_safe(&self) -> bool {
        self.durability == Durability::Power
    }

    /// Whether the disk has everything committed until now.
    #[cfg(test)]
    pub(super) fn is_synced(&self) -> bool {
        self.syncer.has_synced_all()
    }

    /// Waits, without a thread, until everything committed until now is as durable as was asked.
    pub(super) fn settled(&self) -> impl Future<Output = Result<()>> + Send + use<> {
        let synced = self.is_power_safe().then(|| self.syncer.all_synced());
        async move {
            match synced {
                Some(synced) => synced.await.map_err(not_synced),
                None => Ok(()),
            }
        }
    }

    /// As [`Self::change`], while no other change of any namespace runs.
    pub(super) fn change_all<R>(&self, work: impl FnOnce(&mut OwnedWriteBatch) -> Result<R>) -> Result<R> {
        let (result, ticket) = {
            let _exclusive: Vec<_> = self.stripes.iter().map(Mutex::lock).collect();
            let mut batch = self.db.batch();
            let result = work(&mut batch)?;
            if batch.is_empty() {
                return Ok(result);
            }
            (result, self.commit(batch)?)
        };
        self.settle(ticket)?;
        Ok(result)
    }

    /// Removes everything of one principal in one batch, while nobody changes anything.
    pub(super) fn erase(&self, principal: &Principal) -> Result<()> {
        self.change_all(|batch| {
            let own = namespace::principal_head(principal);
            remove_all(batch, &self.values, &own)?;
            remove_all(batch, &self.usage, &own)?;
            for kind in [Kind::Secret, Kind::Setting, Kind::Allowance] {
                remove_all(batch, &self.host, &namespace::owned_head(kind, principal))?;
            }
            Ok(())
        })
    }

    /// Writes every record of the host with this prefix anew, and what `also` adds, in one batch, while nobody changes
    /// anything; returns when the disk has it.
    pub(super) fn rewrite(
        &self,
        prefix: &[u8],
        rewrite: impl Fn(&[u8], &[u8]) -> Result<Vec<u8>>,
        also: impl FnOnce(&mut OwnedWriteBatch),
    ) -> Result<()> {
        self.change_all(|batch| {
            for guard in self.host.prefix(prefix) {
                let (key, value) = guard.into_inner().map_err(unreadable)?;
                let value = rewrite(&key, &value)?;
                batch.insert(&self.host, key, value);
            }
            also(batch);
            Ok(())
        })?;
        self.sync()
    }

    /// Copies the database as it is at this moment into an empty folder, and brings the copy to the disk.
    pub(super) fn copy_to(&self, folder: &Path) -> Result<()> {
        let snapshot = self.db.snapshot();
        let copied = || -> fjall::Result<()> {
            let copy = fjall::Database::builder(folder).cache_size(CACHE_BYTES).worker_threads(1).open()?;
            for (name, keyspace) in KEYSPACES.into_iter().zip([&self.values, &self.usage, &self.host]) {
                let target = copy.keyspace(name, KeyspaceCreateOptions::default)?;
                let (mut batch, mut bytes) = (copy.batch(), 0);
                for guard in snapshot.iter(keyspace) {
                    let (key, value) = guard.into_inner()?;
                    bytes += key.len() + value.len();
                    batch.insert(&target, key, value);
                    if bytes >= COPIED_AT_ONCE {
                        std::mem::replace(&mut batch, copy.batch()).commit()?;
                        bytes = 0;
                    }
                }
                batch.commit()?;
            }
            copy.persist(PersistMode::SyncAll)
        };
        copied().map_err(|cause| unavailable("the database cannot be copied", cause))
    }

    /// Bytes used in one namespace.
    pub(super) fn used(&self, namespace: &[u8]) -> Result<u64> {
        self.usage.get(namespace).map_err(unreadable)?.map_or(Ok(0), |bytes| count(&bytes))
    }

    /// Bytes used by one principal over all capsules.
    pub(super) fn used_by(&self, principal: &Principal) -> Result<u64> {
        let mut total = 0u64;
        for guard in self.usage.prefix(namespace::principal_head(principal)) {
            total = total.saturating_add(count(&guard.value().map_err(unreadable)?)?);
        }
        Ok(total)
    }

    /// Returns once everything committed until now is on the disk.
    pub(super) fn sync(&self) -> Result<()> {
        self.syncer.flush().map_err(not_synced)
    }

    /// After this the operating system has the batch.
    fn commit(&self, batch: OwnedWriteBatch) -> Result<u64> {
        if self.syncer.is_broken() {
            return Err(not_synced(SyncFailed));
        }
        batch.commit().map_err(|cause| unavailable("the database cannot be written", cause))?;
        Ok(self.syncer.written())
    }

    fn settle(&self, ticket: u64) -> Result<()> {
        match self.durability {
            Durability::Process => Ok(()),
            Durability::Power => self.syncer.wait(ticket).map_err(not_synced),
        }
    }

    fn stripe(&self, namespace: &[u8]) -> &Mutex<()> {
        let hash = blake3::hash(namespace);
        &self.stripes[usize::from(hash.as_bytes()[0]) % STRIPES]
    }
}

/// Puts the removal of every key with this prefix into the batch.
fn remove_all(batch: &mut OwnedWriteBatch, keyspace: &Keyspace, prefix: &[u8]) -> Result<()> {
    for guard in keyspace.prefix(prefix) {
        batch.remove(keyspace, guard.key().map_err(unreadable)?);
    }
    Ok(())
}

/// A usage record.
fn count(bytes: &[u8]) -> Result<u64> {
    let bytes = bytes.try_into().map_err(|cause| unavailable("a usage record is malformed", cause))?;
    Ok(u64::from_le_bytes(bytes))
}

pub(super) fn unreadable(cause: fjall::Error) -> Error {
    unavailable("the database cannot be read", cause)
}

pub(super) fn unavailable(message: &str, cause: impl Into<Cause>) -> Error {
    Error::new(ErrorKind::StoreUnavailable, message).caused_by(cause)
}

fn not_synced(_: SyncFailed) -> Error {
    Error::new(ErrorKind::StoreUnavailable, "a write could not be brought to the disk")
}
