//! Installing: the hook runs once under the capsule's own gate, then the hash is pinned.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::inspect::{accepted, refuse_more};
use super::load::{assemble, compile, narrowed};
use super::trigger::removed;
use super::{Loading, Package, Slot, hex};
use crate::abi::context::{CapsuleContext, HostContext};
use crate::abi::state::{Caller, FailureSlot, Phase};
use crate::abi::tenant::{Counters, Tenant};
use crate::audit::{Draft, Outcome, Recorded};
use crate::engine::{Compiled, Engine, Instance, Start};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::policy::Capabilities;
use crate::store::Receipt;

/// What an installation did.
#[derive(Clone, Debug)]
pub struct Installed {
    /// The capsule's id.
    pub id: String,
    /// The version that is installed now.
    pub version: String,
    /// The BLAKE3 that is pinned now, as hex.
    pub hash: String,
    /// The version it replaces, if the capsule was installed before.
    pub upgraded_from: Option<String>,
    /// What its manifest says that this host ignores.
    pub warnings: Vec<String>,
}

/// Runs the install hook, or the upgrade hook where an installation exists, and pins the hash. `accept` allows an upgrade to
/// ask for more capabilities than were accepted before.
///
/// `loaded` finds the place of the capsule if it is loaded by then, and `path` is where the package lies: a new generation is
/// brought up there after the hook, and takes over once the hash is pinned. The order is hook, new generation ready, pin, entry, swap. So if the hook fails, or the new generation
/// does not become ready, the earlier installation stays pinned and what runs goes on; what the hook has written to the
/// capsule's data stays written.
///
/// # Errors
/// [`ErrorKind::CapabilityDenied`] naming what an upgrade asks for beyond what was accepted, before its hook runs;
/// [`ErrorKind::InstallFailed`] when the hook failed, with its own error as the cause, or when the capsule was installed or
/// uninstalled meanwhile; [`ErrorKind::CallbackFailed`]
/// when a callback did; [`ErrorKind::NotReady`] when the new generation of a loaded capsule did not become ready; whatever
/// is wrong with the component.
pub async fn install(
    host: &Arc<HostContext>,
    engine: &Arc<Engine>,
    package: Package,
    loading: Loading,
    path: PathBuf,
    loaded: &(dyn Fn() -> Option<Arc<Slot>> + Sync),
    accept: bool,
) -> Result<Installed> {
    let _installing = host.installing.begin();
    let id = package.id().to_owned();
    let before = host.store.receipts().get(&id)?;
    let phase = if before.is_some() { Phase::Upgrade } else { Phase::Install };
    host.audit.admit()?;
    let principal = loading.principal.clone();
    let attenuation = loading.attenuate.clone();
    let mut record =
        Record { host, id: &id, package: &package, principal: principal.as_str(), phase, open: true };
    let ready = async {
        let asked = asked(&package, attenuation.as_deref())?;
        if let Some(receipt) = before.as_ref().filter(|_| !accept) {
            refuse_more(&accepted(Some(receipt))?, &asked)?;
        }
        run_hook(host, engine, &package, loading, phase).await?;
        // Looked for after the hook, which may ask people: meanwhile the capsule may be loaded or unloaded, and a run loop
        // that fails is restarted all the same.
        let next = match loaded() {
            Some(slot) => {
                let turn = Arc::clone(&slot.changing).lock_owned().await;
                let loading = narrowed(slot.asked.clone(), attenuation.clone());
                let candidate = slot.candidate(host, engine, package.clone(), loading).await?;
                Some((slot, candidate, turn))
            }
            None => None,
        };
        Ok((next, asked.declared()))
    };
    let ready: Result<_> = ready.await;
    let ready = ready.map_err(|error| error.with("capsule", &id));
    let now = now_ms();
    let kept = ready.and_then(|(next, capabilities)| {
        // A hook whose questions were cut off by closing has not installed anything, whatever it says.
        if host.closing.is_given() {
            return Err(
                Error::new(ErrorKind::Closed, "the host was closed while the hook ran").with("capsule", &id)
            );
        }
        let receipt = Receipt {
            capsule: id.clone(),
            version: package.manifest.package.version.to_string(),
            hash: package.hash,
            principal: principal.to_string(),
            attenuation,
            capabilities,
            installed_at: before.as_ref().map_or(now, |receipt| receipt.installed_at),
            updated_at: now,
        };
        if !host.store.receipts().replace(before.as_ref(), &receipt)? {
            let message = "the capsule was installed or uninstalled by somebody else meanwhile";
            return Err(Error::new(ErrorKind::InstallFailed, message).with("capsule", &id));
        }
        Ok((next, receipt))
    });
    let recorded = record.close(kept.as_ref().err()).await;
    let (next, receipt) = kept?;
    if let Err(error) = recorded {
        unpin(host, &receipt, before.as_ref());
        return Err(error);
    }
    if let Some((slot, candidate, _turn)) = next {
        match slot.take_over(candidate, Some(path), false) {
            // Unloaded meanwhile: installed all the same, for the next load.
            Err(error) if error.kind() == ErrorKind::Closed => {}
            taken => taken?,
        }
    }
    Ok(Installed {
        id: id.clone(),
        version: package.manifest.package.version.to_string(),
        hash: hex(&package.hash),
        upgraded_from: before.map(|receipt| receipt.version),
        warnings: package.warnings.clone(),
    })
}

/// What the capsule will hold.
fn asked(package: &Package, attenuation: Option<&[String]>) -> Result<Capabilities> {
    let asked = Capabilities::compile(&package.manifest)?;
    match attenuation {
        Some(keep) => asked.attenuate(keep),
        None => Ok(asked),
    }
}

/// Takes back a pin that could not be recorded, unless another one stands there by now.
fn unpin(host: &HostContext, pinned: &Receipt, before: Option<&Receipt>) {
    let undone = host.store.receipts().take_back(pinned, before);
    if let Err(error) = undone {
        tracing::error!(%error, "a pin that could not be recorded could not be taken back");
    }
}

async fn run_hook(
    host: &Arc<HostContext>,
    engine: &Arc<Engine>,
    package: &Package,
    loading: Loading,
    phase: Phase,
) -> Result<()> {
    let tenant = host.tenants.admit(&loading.principal)?;
    let compiled = compile(host, engine, package).await?;
    let exports = compiled.exports();
    let context = assemble(host, &package.manifest, package.hash, &loading)?;
    let wanted = if phase == Phase::Upgrade { exports.upgrade } else { exports.install };
    // A capsule without the hook is installed all the same.
    if !wanted {
        return Ok(());
    }
    let _for_tenant = tenant.in_flight.begin();
    let ended = tenant.while_here(&host.runtime, call_hook(&compiled, &context, &tenant, phase)).await;
    // A hook whose questions were cut off because its principal was removed has not installed anything, whatever it says.
    ended.filter(|_| !tenant.gone().is_given()).unwrap_or_else(|| Err(removed(tenant.principal())))
}

async fn call_hook(
    compiled: &Compiled,
    context: &Arc<CapsuleContext>,
    tenant: &Arc<Tenant>,
    phase: Phase,
) -> Result<()> {
    let mut instance = Instance::make(compiled, context, tenant, limits::HOOK_TIMEOUT, u64::MAX).await?;
    let failure = FailureSlot::default();
    let start = Start {
        budget: Some(limits::HOOK_TIMEOUT),
        fuel: u64::MAX,
        caller: Some(Caller::embedder(Some(tenant.principal().clone()))),
        callback_failure: Arc::clone(&failure),
    };
    let exit = instance.plain(start, phase).await;
    Counters::add(&tenant.counters.fuel, exit.fuel);
    if let Some(failed) = failure.lock().take() {
        return Err(failed.into());
    }
    exit.result.map_err(|error| {
        let named = Error::new(ErrorKind::InstallFailed, format!("the hook failed: {}", error.message()));
        match error.guest_backtrace() {
            Some(backtrace) => named.with_guest_backtrace(backtrace.to_owned()).caused_by(error),
            None => named.caused_by(error),
        }
    })
}

/// The one entry of an installation, written even when its future is dropped.
struct Record<'a> {
    host: &'a HostContext,
    id: &'a str,
    package: &'a Package,
    principal: &'a str,
    phase: Phase,
    open: bool,
}

impl Record<'_> {
    async fn close(&mut self, error: Option<&Error>) -> Result<()> {
        let recorded = match error {
            None => self.write(Outcome::Allowed, ""),
            Some(error) if error.kind() == ErrorKind::CapabilityDenied => {
                self.write(Outcome::Denied, error.kind().code())
            }
            Some(error) => self.write(Outcome::Failed, error.kind().code()),
        };
        self.host.audit.settled(recorded?).await
    }

    fn write(&mut self, outcome: Outcome, reason: &str) -> Result<Recorded> {
        self.open = false;
        let operation = if self.phase == Phase::Upgrade { "capsule.upgrade" } else { "capsule.install" };
        let version = self.package.manifest.package.version.to_string();
        let draft = Draft {
            capsule: Some(self.id),
            artifact: Some(&self.package.hash),
            principal: Some(self.principal),
            reason,
            subject: &version,
            ..Draft::new(operation, outcome)
        };
        self.host.audit.append_unsettled(&draft)
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        if self.open {
            drop(self.write(Outcome::Cancelled, "abandoned"));
        }
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
