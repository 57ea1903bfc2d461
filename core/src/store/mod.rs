//! What the host keeps between two runs: guests' key-value data, secrets, settings, receipts and allowances.
//!
//! Everything lives under one home folder in one embedded database, open in one process at a time. Guests reach their
//! own [`Namespace`] and nothing else; what belongs to the host lies in a different keyspace.

mod allowances;
mod backup;
mod database;
mod durability;
mod forget;
mod formats;
mod home;
mod identity;
mod journal;
mod keys;
mod kv;
mod namespace;
mod profiles;
mod receipts;
mod rotate;
mod seal;
mod secrets;
mod settings;

use std::path::Path;
use std::sync::Arc;

use parking_lot::{MappedRwLockReadGuard, Mutex, MutexGuard, RwLock, RwLockReadGuard};

use crate::error::{Error, ErrorKind, Result};
use crate::principal::Principal;

use database::Database;
use home::Home;
pub(crate) use home::{folder, write_private};
use keys::KeyFiles;
use seal::Seal;

pub use allowances::Allowances;
pub use backup::Backup;
pub use durability::Durability;
pub use identity::{Identities, Link, Unlinked, User};
pub use kv::{KvError, Namespace, Page};
pub use profiles::{Profiles, StagedProfile};
pub use receipts::{Receipt, Receipts};
pub use rotate::LeftOfSeed;
pub use secrets::Secrets;
pub use settings::Settings;

/// The open store of one home. Clones are handles to the same store. A forked child must not use
/// them; it may drop them.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

struct Shared {
    open: RwLock<Option<Open>>,
    /// Held while keys change or the home is copied, so that no copy has some keys of before and some of after.
    keeping: Mutex<()>,
    /// The process that opened it; a forked child has the handles but neither the threads nor the right to the files.
    process: u32,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Closing the database waits for its threads, which a forked child does not have.
        if self.process != std::process::id() {
            std::mem::forget(self.open.get_mut().take());
        }
    }
}

/// What is open between [`Store::open`] and [`Store::close`]. The database goes first, then the home's lock.
struct Open {
    database: Database,
    home: Home,
    /// Seals secrets.
    seal: RwLock<Seal>,
    /// The embedder keeps the key that seals secrets, not the home.
    own_key: bool,
}

/// Whose secret or setting it is: one principal's, or the whole host's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The principal it belongs to; none means host-wide, for every principal that has none of its own.
    pub principal: Option<Principal>,
    /// The capsule it is for.
    pub capsule: String,
}

impl Scope {
    /// Host-wide, for this capsule.
    pub fn host(capsule: impl Into<String>) -> Self {
        Self { principal: None, capsule: capsule.into() }
    }

    /// One principal's, for this capsule.
    pub fn of(principal: &Principal, capsule: impl Into<String>) -> Self {
        Self { principal: Some(principal.clone()), capsule: capsule.into() }
    }
}

impl Store {
    /// Opens or creates the home with [`Durability::Process`].
    ///
    /// Fails with [`ErrorKind::HomeLocked`] while another process or host has it open, with [`ErrorKind::HomeUnusable`]
    /// if it cannot be created, read or written, has a newer format or another key, and with [`ErrorKind::StoreUnavailable`] if the
    /// database itself does not open.
    pub fn open(home: &Path) -> Result<Self> {
        Self::open_with(home, Durability::default(), None)
    }

    /// Opens or creates the home with the durability the embedder wants, and its own key for sealing secrets if it keeps
    /// one.
    pub fn open_with(home: &Path, durability: Durability, secret_key: Option<[u8; 32]>) -> Result<Self> {
        let home = Home::open(home)?;
        KeyFiles::audit(&home).load(home.is_fresh())?;
        let database = Database::open(&home.database_folder(), durability)?;
        formats::settle(&database, formats::FORMATS, formats::MIGRATIONS)
            .map_err(|error| error.with("home", home.path().display().to_string()))?;
        let seal = rotate::seal_of(&home, &database, secret_key)?;
        home.finish()?;
        let own_key = secret_key.is_some();
        let open = RwLock::new(Some(Open { database, home, seal: RwLock::new(seal), own_key }));
        Ok(Self(Arc::new(Shared { open, keeping: Mutex::default(), process: std::process::id() })))
    }

    /// The key-value namespace of one capsule for one principal.
    pub fn kv(&self, principal: &Principal, capsule: &str) -> Namespace {
        Namespace::new(self.clone(), principal, capsule)
    }

    /// Secrets, encrypted at rest.
    pub fn secrets(&self) -> Secrets<'_> {
        Secrets::new(self)
    }

    /// Settings, in the clear.
    pub fn settings(&self) -> Settings<'_> {
        Settings::new(self)
    }

    /// What is installed.
    pub fn receipts(&self) -> Receipts<'_> {
        Receipts::new(self)
    }

    /// What was allowed beforehand.
    pub fn allowances(&self) -> Allowances<'_> {
        Allowances::new(self)
    }

    /// Users and their accounts on outside platforms.
    pub fn identities(&self) -> Identities<'_> {
        Identities::new(self)
    }

    /// Bytes of keys and values the principal's guests keep, over all capsules.
    pub fn used_bytes(&self, principal: &Principal) -> Result<u64> {
        self.opened()?.database.used_by(principal)
    }

    /// Erases the principal's key-value data, secrets, settings and allowances, all or nothing. Host-wide secrets and
    /// settings and the receipts stay.
    pub fn erase(&self, principal: &Principal) -> Result<()> {
        self.opened()?.database.erase(principal)
    }

    /// Waits until everything written until now is as durable as the embedder wants, and holds no thread meanwhile. What a
    /// guest changes (its keys, a secret that was elicited, an approval that is kept) is acknowledged after this only.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] when it could not be brought to the disk, or the store is closed.
    pub fn settled(&self) -> impl Future<Output = Result<()>> + Send + use<> {
        let settled = self.opened().map(|open| open.database.settled());
        async move { settled?.await }
    }

    /// As [`Self::settled`] on the calling thread, for the embedding program's own calls.
    ///
    /// # Errors
    /// As [`Self::settled`].
    pub fn settle(&self) -> Result<()> {
        let open = self.opened()?;
        if open.database.is_power_safe() { open.database.sync() } else { Ok(()) }
    }

    /// Returns once everything written until now is on the disk.
    pub fn sync(&self) -> Result<()> {
        self.opened()?.database.sync()
    }

    /// The folder of the audit log.
    pub fn audit_folder(&self) -> Result<std::path::PathBuf> {
        Ok(self.opened()?.home.audit_folder())
    }

    /// The key that seals the code cache: no secret itself, but only this home can make it.
    pub fn cache_key(&self) -> Result<zeroize::Zeroizing<[u8; 32]>> {
        KeyFiles::audit(&self.opened()?.home).cache()
    }

    /// The folder of the code cache, which may be removed at any time.
    pub fn cache_folder(&self) -> Result<std::path::PathBuf> {
        Ok(self.opened()?.home.cache_folder())
    }

    /// Brings everything to the disk and releases the home, even while handles live: from now on they answer
    /// [`ErrorKind::StoreUnavailable`]. Waits for the calls that are inside. Closing twice is fine.
    pub fn close(&self) -> Result<()> {
        if self.0.process != std::process::id() {
            return Err(Error::new(ErrorKind::Closed, "the store belongs to the parent of this process"));
        }
        let Some(open) = self.0.open.write().take() else { return Ok(()) };
        open.database.sync()
    }

    /// To be held while keys change or the home is copied.
    pub fn keep_alone(&self) -> MutexGuard<'_, ()> {
        self.0.keeping.lock()
    }

    fn opened(&self) -> Result<MappedRwLockReadGuard<'_, Open>> {
        RwLockReadGuard::try_map(self.0.open.read(), Option::as_ref)
            .map_err(|_| Error::new(ErrorKind::StoreUnavailable, "the store is closed"))
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}
