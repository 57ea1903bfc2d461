//! `Host`: ties the rooms together, owns the runtime, opens and closes. No logic of its own.

mod allowances;
mod audit;
mod builder;
mod capsule;
mod diagnose;
mod identities;
mod inspect;
mod keep;
mod lifecycle;
mod logs;
mod metrics;
mod options;
mod principals;
mod publish;
mod requests;
mod subscribe;
mod sweep;
mod touched;
mod usage;
mod watch;
mod workspace;

pub use audit::AuditLog;
pub use builder::HostBuilder;
pub use capsule::{Capsule, Trigger};
pub use keep::{BackUp, RotateKeys};
pub use options::HostOptions;
pub use publish::{Outcome, Publish};
pub use requests::{Install, Load};
pub use subscribe::{BusMessage, Messages};
pub use usage::Usage;
pub use watch::{CapsuleChange, CapsuleChanges, Watch};

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join_all, select};
use parking_lot::{Mutex, RwLock};
use tokio::runtime::{Handle, Runtime};

use crate::abi::context::HostContext;
use crate::audit::{Draft, Outcome as AuditOutcome};
use crate::capsule::{Exported, Slot, Terms};
use crate::dispatch::Dispatcher;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::manifest::{EnvKind, ParseOptions};
use crate::principal::Principal;
use crate::store::Scope;
use crate::timer;

/// How long closing waits for the runtime's tasks to let go.
const SHUTDOWN: Duration = Duration::from_secs(2);

/// An open home with its capsules: a cheap handle, to be cloned and shared.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    /// The process that opened the host; in a child of `fork` its threads do not exist.
    process: u32,
    open: RwLock<Option<Open>>,
    capsules: Mutex<BTreeMap<Arc<str>, Arc<Slot>>>,
    parse: ParseOptions,
    require_principal: bool,
    allow_missing_imports: bool,
    terms: Terms,
}

struct Open {
    context: Arc<HostContext>,
    dispatcher: Arc<Dispatcher>,
    engine: Arc<Engine>,
    runtime: Runtime,
}

/// What a call of the host works with while it is open.
struct Rooms {
    context: Arc<HostContext>,
    dispatcher: Arc<Dispatcher>,
    engine: Arc<Engine>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("closed", &self.is_closed()).finish()
    }
}

impl Host {
    /// Begins to open the host whose data lives in the folder `home`.
    pub fn builder(home: impl Into<PathBuf>) -> HostBuilder {
        HostBuilder::new(home.into())
    }

    /// Installs a capsule from a folder, an archive or a manifest: runs its hook, then pins its hash. An installed capsule is
    /// upgraded.
    ///
    /// If the capsule is loaded, the new version is brought up beside the running one and takes its place in one step when it
    /// is ready; handles follow it. From then on calls go to the new generation; the old one's run loop stops, and the rest
    /// of it ends when the calls it has admitted are answered, at the latest after 30 s. From when the new run loop subscribes
    /// until the swap, a message may be heard by both. If the hook fails or the new version does not become ready within `ready_within`, the call fails, the old version
    /// goes on running and stays the one that is pinned; what the hook has written stays written.
    pub fn install(&self, path: impl AsRef<Path>) -> Install {
        Install::new(self.clone(), path.as_ref().to_owned())
    }

    /// Loads a capsule from a folder with a `Capsule.toml`, a `.capsule` archive, or the manifest itself.
    pub fn load(&self, path: impl AsRef<Path>) -> Load {
        Load::from_path(self.clone(), path.as_ref().to_owned())
    }

    /// Loads a capsule from memory; `hash_hex` is the BLAKE3 the bytes must have.
    pub fn load_component(&self, component: Vec<u8>, manifest_toml: &str, hash_hex: &str) -> Load {
        Load::from_memory(self.clone(), component, manifest_toml.to_owned(), hash_hex.to_owned())
    }

    /// Sets a value the manifest declares in `[env]`, for every principal; a secret goes to the secret store.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the capsule is not loaded, [`ErrorKind::InvalidArgument`] for a key it does not declare.
    pub fn configure(&self, capsule: &str, key: &str, value: &str) -> Result<()> {
        self.configure_scope(&Scope::host(capsule), key, value)
    }

    /// As [`Self::configure`], for one principal.
    ///
    /// # Errors
    /// As [`Self::configure`].
    pub fn configure_for(&self, capsule: &str, principal: &Principal, key: &str, value: &str) -> Result<()> {
        self.configure_scope(&Scope::of(principal, capsule), key, value)
    }

    fn configure_scope(&self, scope: &Scope, key: &str, value: &str) -> Result<()> {
        let rooms = self.rooms()?;
        let capsule = self.capsule(&scope.capsule)?;
        let field =
            capsule.manifest().env.iter().find(|field| field.key == key).cloned().ok_or_else(|| {
                let message = format!("the manifest declares no [env.{key}]");
                Error::new(ErrorKind::InvalidArgument, message).with("capsule", &scope.capsule)
            })?;
        rooms.context.audit.admit()?;
        let (set, content) = match field.kind {
            // Of a secret nothing is told but that it was set.
            EnvKind::Secret => {
                let set = rooms.context.store.secrets().set(scope, key, value);
                (set.and_then(|()| rooms.context.store.settle()), None)
            }
            _ => (rooms.context.store.settings().set(scope, key, value), Some(value.as_bytes())),
        };
        let (outcome, reason) = match &set {
            Ok(()) => (AuditOutcome::Allowed, ""),
            Err(error) => (AuditOutcome::Failed, error.kind().code()),
        };
        let recorded = rooms.context.audit.append_synced(&Draft {
            capsule: Some(&scope.capsule),
            principal: scope.principal.as_ref().map(Principal::as_str),
            reason,
            subject: key,
            bytes: content.map_or(0, <[u8]>::len) as u64,
            content,
            ..Draft::new("host.configure", outcome)
        });
        set.and(recorded)
    }

    /// Publishes a JSON payload and waits for what the handlers decide.
    ///
    /// Messages of one principal are served in the order in which they were published, one at a time for each capsule; a
    /// publish waits for its turn. So a callback that a handler waits for must not wait for a publish to the same capsule
    /// and principal: that would wait for the handler.
    pub fn publish(&self, topic: impl Into<String>, payload: Vec<u8>) -> Publish {
        Publish::new(self.clone(), topic.into(), payload)
    }

    /// Subscribes to a topic or to a pattern that ends in `.*`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for a malformed pattern.
    pub fn subscribe(&self, pattern: &str) -> Result<Messages> {
        Messages::open(&self.rooms()?.context, pattern)
    }

    /// What a principal has used since the host was opened, beside its limits.
    ///
    /// # Errors
    /// [`ErrorKind::PrincipalRefused`] when nobody named the principal yet.
    pub fn usage(&self, principal: &Principal) -> Result<Usage> {
        Usage::read(&self.rooms()?.context, principal)
    }

    /// The audit log.
    #[must_use]
    pub fn audit(&self) -> AuditLog {
        AuditLog::new(self.clone())
    }

    /// Every loaded capsule, by id.
    #[must_use]
    pub fn capsules(&self) -> Vec<Capsule> {
        self.0.capsules.lock().values().map(|slot| Capsule::new(self.clone(), Arc::clone(slot))).collect()
    }

    /// A loaded capsule.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when no capsule of that id is loaded.
    pub fn capsule(&self, id: &str) -> Result<Capsule> {
        let found = self.0.capsules.lock().get(id).cloned();
        let slot =
            found.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("no capsule `{id}` is loaded")))?;
        Ok(Capsule::new(self.clone(), slot))
    }

    /// The host's own runtime, for callbacks that have work to do.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] after closing.
    pub fn handle(&self) -> Result<Handle> {
        Ok(self.rooms()?.context.runtime.clone())
    }

    /// Runs a future on the host's runtime; dropping the returned handle's abort handle does not stop it.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] after closing.
    pub fn spawn<F>(&self, future: F) -> Result<tokio::task::JoinHandle<F::Output>>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        Ok(self.handle()?.spawn(future))
    }

    /// Whether the host was closed, or belongs to the parent of this process.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.process != std::process::id() || self.0.open.read().is_none()
    }

    /// Unloads every capsule, writes the last entry and its checkpoint, and gives the home back. Idempotent.
    ///
    /// # Errors
    /// When the last entries or the database could not be written; the host is closed all the same.
    pub async fn close(&self) -> Result<()> {
        if self.0.process != std::process::id() {
            return Ok(());
        }
        let Some(open) = self.0.open.write().take() else { return Ok(()) };
        open.context.closing.give();
        open.context.local.close();
        open.context.desk.close();
        open.installed().await;
        let capsules = std::mem::take(&mut *self.0.capsules.lock());
        let unloaded = join_all(capsules.values().map(|capsule| capsule.unload())).await;
        open.worked().await;
        let closed = open.finish();
        let (sender, done) = tokio::sync::oneshot::channel();
        // A runtime must not be waited for on one of its own threads, nor on somebody's executor.
        let ending = std::thread::Builder::new().name("astrid-close".to_owned()).spawn(move || {
            // Nobody writes a line any more; a sink may take a moment for those that are left.
            open.context.logs.close();
            open.runtime.shutdown_timeout(SHUTDOWN);
            drop((open.context, open.dispatcher, open.engine));
            // Nobody may be waiting any more.
            let _ = sender.send(());
        });
        if ending.is_ok() {
            // A thread that ended without a word has let go as well.
            let _ = done.await;
        }
        unloaded.into_iter().collect::<Result<()>>().and(closed)
    }

    fn rooms(&self) -> Result<Rooms> {
        if self.0.process != std::process::id() {
            return Err(Error::new(
                ErrorKind::Closed,
                "the host belongs to the process that forked this one",
            ));
        }
        let open = self.0.open.read();
        let open = open.as_ref().ok_or_else(|| Error::new(ErrorKind::Closed, "the host is closed"))?;
        Ok(Rooms {
            context: Arc::clone(&open.context),
            dispatcher: Arc::clone(&open.dispatcher),
            engine: Arc::clone(&open.engine),
        })
    }

    /// What the loaded capsules export.
    fn exported(&self) -> Exported {
        let mut exported = Exported::default();
        for capsule in self.0.capsules.lock().values() {
            exported.add(capsule.current().manifest());
        }
        exported
    }
}

impl Open {
    /// Waits for installations to end, which they do: their questions were cut off.
    async fn installed(&self) {
        let late = std::pin::pin!(timer::sleep(&self.context.runtime, limits::UNLOAD_WAIT));
        select(std::pin::pin!(self.context.installing.none()), late).await;
    }

    /// Waits for file calls that had begun, which write their own entries.
    async fn worked(&self) {
        let late = std::pin::pin!(timer::sleep(&self.context.runtime, limits::UNLOAD_WAIT));
        select(std::pin::pin!(self.context.file_work.none()), late).await;
    }

    /// The last words: an entry, a checkpoint, and everything on disk.
    fn finish(&self) -> Result<()> {
        self.context.local.close();
        self.context.desk.close();
        self.context.bus.close();
        let said = self.context.audit.append(&Draft::new("host.close", AuditOutcome::Allowed)).map(drop);
        let logged = self.context.audit.close();
        let stored = self.context.store.close();
        said.and(logged).and(stored)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let Some(open) = self.open.get_mut().take() else { return };
        if self.process != std::process::id() {
            // The threads that could end these things exist in the parent only; it still needs the files.
            std::mem::forget(open);
            return;
        }
        for capsule in self.capsules.get_mut().values() {
            capsule.cancel();
        }
        if let Err(error) = open.finish() {
            tracing::error!(%error, "a host was dropped without close, and its last entries were not written");
        }
        open.runtime.shutdown_background();
    }
}
