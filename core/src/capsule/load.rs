//! Loading: the pinned bytes, compiled, entered in the registry, with the run loop started.

use std::pin::pin;
use std::sync::{Arc, OnceLock};

use futures_util::future::{Either, select};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use super::{Life, Live, Loaded, Package, Shelf, State, hex};
use crate::abi::context::{Binding, CapsuleContext, HostContext};
use crate::abi::tenant::Tenant;
use crate::audit::{Draft, Outcome};
use crate::cancel::Cancel;
use crate::engine::{Compiled, Engine};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::manifest::Manifest;
use crate::pending::Pending;
use crate::people::Uplinks;
use crate::policy::{Acl, Capabilities};
use crate::principal::Principal;
use crate::process::Registry;
use crate::store::Receipt;

/// The name space in which source ids are derived from a capsule's id and artifact.
const SOURCES: Uuid = Uuid::from_u128(0x6a1d_3c1e_8f0b_5d6c_9b52_0b1f_5c0d_7a11);

/// For whom, and with how much of what its manifest asks, a capsule is loaded or installed.
#[derive(Clone, Debug)]
pub struct Loading {
    /// The owner.
    pub principal: Principal,
    /// The capabilities to keep; all of them when none is named. Never adds any.
    pub attenuate: Option<Vec<String>>,
    /// Whether the run loop may serve every principal.
    pub shared: bool,
}

/// Loads a capsule whose hash is pinned. Its run loop is not started yet.
///
/// # Errors
/// [`ErrorKind::NotInstalled`] when nothing pins the hash, [`ErrorKind::HashMismatch`] when the bytes are others, and
/// whatever is wrong with the component or the principal.
pub async fn load(
    host: &Arc<HostContext>,
    engine: &Arc<Engine>,
    package: Package,
    loading: Loading,
) -> Result<Arc<Loaded>> {
    let id = package.id().to_owned();
    let principal = loading.principal.clone();
    let hash = package.hash;
    let loaded =
        load_plainly(host, engine, package, loading).await.map_err(|error| error.with("capsule", &id));
    let (outcome, reason) = match &loaded {
        Ok(_) => (Outcome::Allowed, ""),
        Err(error) => (Outcome::Failed, error.kind().code()),
    };
    let draft = Draft {
        capsule: Some(&id),
        artifact: Some(&hash),
        principal: Some(principal.as_str()),
        reason,
        ..Draft::new("capsule.load", outcome)
    };
    if let Err(error) = host.audit.append_settled(&draft).await {
        match loaded {
            // Nothing that could not be recorded stays loaded.
            Ok(loaded) => drop(loaded.let_go().await),
            // The log was closed with the host.
            Err(closed) if closed.kind() == ErrorKind::Closed => return Err(closed),
            Err(_) => {}
        }
        return Err(error);
    }
    loaded
}

async fn load_plainly(
    host: &Arc<HostContext>,
    engine: &Arc<Engine>,
    package: Package,
    loading: Loading,
) -> Result<Arc<Loaded>> {
    let loading = pinned(host, &package, loading)?;
    host.audit.admit()?;
    prepare(host, engine, package, loading).await
}

/// The hash must be pinned; what was given up when it was, stays given up.
///
/// # Errors
/// [`ErrorKind::NotInstalled`] and [`ErrorKind::HashMismatch`], as [`load`].
pub(super) fn pinned(host: &HostContext, package: &Package, loading: Loading) -> Result<Loading> {
    let receipt = check_pin(host, package.id(), &package.hash, package.named_hash.is_some())?;
    Ok(narrowed(loading, receipt.and_then(|receipt| receipt.attenuation)))
}

/// Compiles a package and puts a generation together that does nothing yet.
///
/// # Errors
/// Whatever is wrong with the component or the principal.
pub(super) async fn prepare(
    host: &Arc<HostContext>,
    engine: &Arc<Engine>,
    package: Package,
    loading: Loading,
) -> Result<Arc<Loaded>> {
    let owner = host.tenants.admit(&loading.principal)?;
    prune_logs(host, package.id());
    let compiled = compile(host, engine, &package).await?;
    let context = assemble(host, &package.manifest, package.hash, &loading)?;
    if context.capabilities.may_bind_unix() {
        host.open_local_socket()?;
    }
    let live = Live { context, compiled: Arc::new(compiled) };
    Ok(Loaded::new(live, loading, owner, package.warnings.into(), package.named_hash.is_some()))
}

/// Compiles a package, unless the host is closed meanwhile: a compilation cannot be stopped, but nobody has to wait for it.
///
/// # Errors
/// Whatever is wrong with the component; [`ErrorKind::Closed`].
pub(super) async fn compile(host: &HostContext, engine: &Arc<Engine>, package: &Package) -> Result<Compiled> {
    let closing = pin!(host.closing.given());
    let compiling = pin!(Compiled::compile(engine, &host.runtime, Arc::clone(&package.component)));
    // Closing is asked first: afterwards there is no runtime that could keep the time.
    match select(closing, compiling).await {
        Either::Left(_) => {
            Err(Error::new(ErrorKind::Closed, "the host was closed while the capsule was compiled"))
        }
        Either::Right((compiled, _)) => compiled,
    }
}

impl Loaded {
    fn new(
        live: Live,
        loading: Loading,
        owner: Arc<Tenant>,
        warnings: Arc<[String]>,
        is_named: bool,
    ) -> Arc<Self> {
        let state = if live.compiled.exports().run { State::Loading } else { State::Ready };
        let context = &live.context;
        Arc::new(Self {
            id: Arc::clone(&context.id),
            hash: context.artifact,
            manifest: Arc::clone(&context.manifest),
            warnings,
            loading,
            owner,
            is_named,
            ready: context.ready.clone(),
            shelf: Shelf::new(context),
            live: RwLock::new(Some(live)),
            state: Mutex::new(Life { state, failure: None, run: None }),
            changed: Notify::new(),
            in_flight: Pending::default(),
            slot: OnceLock::new(),
            successor: OnceLock::new(),
        })
    }

    /// The same bytes once more, as a generation that does nothing yet.
    ///
    /// # Errors
    /// When this one was unloaded, or its owner is refused by now.
    pub(super) fn again(&self) -> Result<Arc<Self>> {
        let Live { context, compiled } = self.live()?;
        let owner = context.host.tenants.admit(&context.owner)?;
        let context = assemble(&context.host, &self.manifest, self.hash, &self.loading)?;
        let (loading, warnings) = (self.loading.clone(), Arc::clone(&self.warnings));
        Ok(Self::new(Live { context, compiled }, loading, owner, warnings, self.is_named))
    }

    /// Looks once more, now that whoever removes its owner or its pin finds it, whether one of them went while it was
    /// loaded. Whoever has the owner's name by now is somebody else.
    ///
    /// # Errors
    /// [`ErrorKind::PrincipalRefused`] for the owner, and as [`load`] for the pin.
    pub fn still_stands(&self) -> Result<()> {
        let Live { context, .. } = self.live()?;
        if self.owner.gone().is_given() {
            let message = format!("the owner was removed while the capsule was loaded: `{}`", context.owner);
            return Err(Error::new(ErrorKind::PrincipalRefused, message).with("capsule", &*self.id));
        }
        let pin = check_pin(&context.host, &self.id, &self.hash, self.is_named);
        pin.map(drop).map_err(|error| error.with("capsule", &*self.id))
    }
}

/// Throws old days of the capsule's logs away, beside the loading.
fn prune_logs(host: &Arc<HostContext>, id: &str) {
    let (pruning, id) = (Arc::clone(host), id.to_owned());
    host.runtime.spawn_blocking(move || pruning.logs.prune(&id));
}

/// The hash comes from an installation here, else from the manifest or the file an installer wrote beside it.
fn check_pin(host: &HostContext, id: &str, hash: &[u8; 32], is_named: bool) -> Result<Option<Receipt>> {
    match host.store.receipts().get(id)? {
        Some(receipt) if receipt.hash == *hash => Ok(Some(receipt)),
        Some(receipt) => {
            let message = format!(
                "the component's BLAKE3 is {}, installed was {}: install it again to accept the change",
                hex(hash),
                hex(&receipt.hash)
            );
            Err(Error::new(ErrorKind::HashMismatch, message))
        }
        None if is_named => Ok(None),
        None => {
            let message =
                "nothing pins the component's hash: install the capsule, or name the hash in its manifest";
            Err(Error::new(ErrorKind::NotInstalled, message))
        }
    }
}

/// What was given up at installation stays given up: a load may only narrow further.
pub(super) fn narrowed(mut loading: Loading, installed: Option<Vec<String>>) -> Loading {
    loading.attenuate = match (loading.attenuate, installed) {
        (Some(asked), Some(kept)) => Some(asked.into_iter().filter(|name| kept.contains(name)).collect()),
        (asked, kept) => asked.or(kept),
    };
    loading
}

/// Everything the capsule's instances will share.
pub(super) fn assemble(
    host: &Arc<HostContext>,
    manifest: &Arc<Manifest>,
    hash: [u8; 32],
    loading: &Loading,
) -> Result<Arc<CapsuleContext>> {
    let manifest = Arc::clone(manifest);
    let capabilities = Capabilities::compile(&manifest)?;
    let capabilities = match &loading.attenuate {
        Some(keep) => capabilities.attenuate(keep)?,
        None => capabilities,
    };
    let bindings = manifest
        .subscribe
        .iter()
        .filter_map(|rule| {
            let action = rule.handler.clone()?;
            Some(Binding { action, topic: rule.pattern.as_str().to_owned() })
        })
        .collect();
    let name = [manifest.package.name.as_bytes(), &[0], &hash].concat();
    let source = Uuid::new_v5(&SOURCES, &name).to_string();
    let id: Arc<str> = Arc::from(manifest.package.name.as_str());
    let metrics = host.metrics.capsule(&id);
    Ok(Arc::new(CapsuleContext {
        host: Arc::clone(host),
        id,
        artifact: hash,
        source: Arc::from(source),
        owner: loading.principal.clone(),
        shared: loading.shared,
        capabilities: Arc::new(capabilities),
        publish: Acl::publish(&manifest),
        subscribe: Acl::subscribe(&manifest),
        bindings,
        metrics,
        uplinks: Arc::new(Uplinks::new(&manifest.package.name)),
        processes: Arc::new(
            Registry::new()
                .ok_or_else(|| Error::new(ErrorKind::Internal, "the system gives no randomness"))?,
        ),
        cancel: Cancel::default(),
        ready: Cancel::default(),
        file_calls: Arc::new(Semaphore::new(limits::FILE_CALLS)),
        run_interest: Arc::default(),
        manifest,
    }))
}
