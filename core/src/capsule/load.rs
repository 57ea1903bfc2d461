//! Loading: the pinned bytes, compiled, entered in the registry, with the run loop started.

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{Life, Live, Loaded, Package, Shelf, State, hex};
use crate::abi::context::{Binding, CapsuleContext, HostContext, Slots};
use crate::audit::{Draft, Outcome};
use crate::cancel::Cancel;
use crate::engine::{Compiled, Engine};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::pending::Pending;
use crate::people::Uplinks;
use crate::policy::{Acl, Capabilities};
use crate::principal::Principal;
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

/// Loads a capsule whose hash is pinned.
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
    if let Err(error) = host.audit.append(&draft) {
        // Nothing that could not be recorded stays loaded.
        if let Ok(loaded) = loaded {
            loaded.unload().await?;
        }
        return Err(error);
    }
    let loaded = loaded?;
    let live = loaded.live()?;
    if live.compiled.exports().run {
        let tenant = host.tenants.admit(&live.context.owner)?;
        loaded.start_run(&live, &tenant);
    }
    Ok(loaded)
}

async fn load_plainly(
    host: &Arc<HostContext>,
    engine: &Arc<Engine>,
    package: Package,
    loading: Loading,
) -> Result<Arc<Loaded>> {
    let receipt = check_pin(host, &package)?;
    let loading = narrowed(loading, receipt.and_then(|receipt| receipt.attenuation));
    host.audit.admit()?;
    host.tenants.admit(&loading.principal)?;
    let compiled = Compiled::compile(engine, &host.runtime, Arc::clone(&package.component)).await?;
    let context = assemble(host, &package, loading)?;
    if let Ok(source) = Uuid::parse_str(&context.source) {
        host.registry.enter(source, Arc::clone(&context.capabilities));
    }
    let state = if compiled.exports().run { State::Loading } else { State::Ready };
    Ok(Arc::new(Loaded {
        id: Arc::clone(&context.id),
        hash: package.hash,
        manifest: package.manifest,
        warnings: package.warnings,
        ready: context.ready.clone(),
        live: RwLock::new(Some(Live { context, compiled: Arc::new(compiled) })),
        shelf: Shelf::default(),
        state: Mutex::new(Life { state, failure: None, run: None }),
        changed: Notify::new(),
        in_flight: Pending::default(),
    }))
}

/// The hash comes from an installation here, else from the manifest or the file an installer wrote beside it.
fn check_pin(host: &HostContext, package: &Package) -> Result<Option<Receipt>> {
    match host.store.receipts().get(package.id())? {
        Some(receipt) if receipt.hash == package.hash => Ok(Some(receipt)),
        Some(receipt) => {
            let message = format!(
                "the component's BLAKE3 is {}, installed was {}: install it again to accept the change",
                hex(&package.hash),
                hex(&receipt.hash)
            );
            Err(Error::new(ErrorKind::HashMismatch, message))
        }
        None if package.named_hash.is_some() => Ok(None),
        None => {
            let message =
                "nothing pins the component's hash: install the capsule, or name the hash in its manifest";
            Err(Error::new(ErrorKind::NotInstalled, message))
        }
    }
}

/// What was given up at installation stays given up: a load may only narrow further.
fn narrowed(mut loading: Loading, installed: Option<Vec<String>>) -> Loading {
    loading.attenuate = match (loading.attenuate, installed) {
        (Some(asked), Some(kept)) => Some(asked.into_iter().filter(|name| kept.contains(name)).collect()),
        (asked, kept) => asked.or(kept),
    };
    loading
}

/// Everything the capsule's instances will share.
pub(super) fn assemble(
    host: &Arc<HostContext>,
    package: &Package,
    loading: Loading,
) -> Result<Arc<CapsuleContext>> {
    let manifest = Arc::clone(&package.manifest);
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
    // The contract's number is the most; a profile may lower it.
    let quota =
        host.tenants.known(&loading.principal).map(|tenant| tenant.profile().quotas.max_subscriptions);
    let quota = quota.and_then(|quota| usize::try_from(quota).ok()).unwrap_or(usize::MAX);
    let subscriptions = quota.min(limits::SUBSCRIPTIONS);
    let name = [manifest.package.name.as_bytes(), &[0], &package.hash].concat();
    let source = Uuid::new_v5(&SOURCES, &name).to_string();
    Ok(Arc::new(CapsuleContext {
        host: Arc::clone(host),
        id: Arc::from(manifest.package.name.as_str()),
        artifact: package.hash,
        source: Arc::from(source),
        owner: loading.principal,
        shared: loading.shared,
        capabilities: Arc::new(capabilities),
        publish: Acl::publish(&manifest),
        subscribe: Acl::subscribe(&manifest),
        bindings,
        uplinks: Uplinks::new(&manifest.package.name),
        cancel: Cancel::default(),
        ready: Cancel::default(),
        subscriptions: Arc::new(Slots::new(subscriptions)),
        run_interest: Arc::default(),
        manifest,
    }))
}
