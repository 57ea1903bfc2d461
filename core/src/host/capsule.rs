//! A handle on a loaded capsule.

use std::future::IntoFuture;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Host;
use crate::abi::state::Caller;
use crate::capsule::{HookResult, Invocation, Slot, State, hex};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Manifest;
use crate::people::BoxFuture;
use crate::principal::Principal;
use crate::trace::TraceParent;

/// A loaded capsule: a cheap handle, to be cloned and shared. It follows the capsule through upgrades, reloads and
/// restarts until it is unloaded.
#[derive(Clone, Debug)]
pub struct Capsule {
    pub(super) host: Host,
    pub(super) slot: Arc<Slot>,
}

impl Capsule {
    pub(super) fn new(host: Host, slot: Arc<Slot>) -> Self {
        Self { host, slot }
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    /// Where its current generation was read from.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.slot.path()
    }

    /// Enters the first generation and starts its run loop.
    pub(super) fn begin(&self) -> Result<()> {
        self.slot.begin()
    }

    pub(super) fn is_owned_by(&self, principal: &Principal) -> bool {
        self.slot.current().is_owned_by(principal)
    }

    /// The capsule's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.slot.id()
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> String {
        self.manifest().package.version.to_string()
    }

    /// The BLAKE3 of its component, as hex.
    #[must_use]
    pub fn hash(&self) -> String {
        hex(self.slot.current().hash())
    }

    /// The manifest of its current generation.
    #[must_use]
    pub fn manifest(&self) -> Arc<Manifest> {
        Arc::clone(self.slot.current().manifest())
    }

    /// What its manifest says that this host ignores.
    #[must_use]
    pub fn warnings(&self) -> Arc<[String]> {
        Arc::clone(self.slot.current().warnings())
    }

    /// Where it is in its life.
    #[must_use]
    pub fn state(&self) -> State {
        self.slot.current().state()
    }

    /// The number of the generation that serves now: 1 when it was loaded, one more with every upgrade, reload and restart.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.slot.generation()
    }

    /// How often its run loop was restarted since it was loaded.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.slot.restarts()
    }

    /// Why its run loop failed last since it was loaded; none if it never did.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.slot.failure()
    }

    /// Calls its hook; await the returned request. Dropping the future stops the guest.
    pub fn trigger(&self, action: impl Into<String>, payload: impl Into<Vec<u8>>) -> Trigger {
        Trigger {
            capsule: self.clone(),
            action: action.into(),
            payload: payload.into(),
            principal: None,
            timeout: None,
            traceparent: None,
        }
    }

    /// Waits until its run loop is ready; at once for a capsule without one.
    ///
    /// # Errors
    /// [`ErrorKind::NotReady`] when it failed or took longer than `timeout`.
    pub async fn wait_ready(&self, timeout: Option<Duration>) -> Result<()> {
        self.host.rooms()?;
        self.slot.wait_ready(timeout).await
    }

    /// Replaces what runs by what lies where the capsule came from now, if that is pinned; see [`Host::reload`].
    ///
    /// # Errors
    /// As [`Host::reload`].
    pub async fn reload(&self) -> Result<()> {
        self.host.reload_slot(&self.slot).await
    }

    /// Cancels everything it does, in whichever generation, and lets go of it. Idempotent.
    ///
    /// # Errors
    /// When the unload could not be recorded.
    pub async fn unload(&self) -> Result<()> {
        if self.host.is_closed() {
            return Ok(());
        }
        self.end().await
    }

    /// As [`Self::unload`], also for a host that is being closed. Its place in the host is free afterwards, even if this is
    /// given up half way.
    pub(super) async fn end(&self) -> Result<()> {
        let _leaving = Leaving(self);
        self.slot.unload().await
    }
}

/// A capsule that leaves the host's list when this is dropped, if it is the one that stands there.
struct Leaving<'a>(&'a Capsule);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let Capsule { host, slot } = self.0;
        let mut capsules = host.0.capsules.lock();
        if capsules.get(slot.id()).is_some_and(|current| Arc::ptr_eq(current, slot)) {
            capsules.remove(slot.id());
        }
    }
}

/// A call of a hook about to happen; await it.
#[derive(Debug)]
#[must_use = "nothing is called until the request is awaited"]
pub struct Trigger {
    capsule: Capsule,
    action: String,
    payload: Vec<u8>,
    principal: Option<Principal>,
    timeout: Option<Duration>,
    traceparent: Option<String>,
}

impl Trigger {
    /// For whom; the capsule's owner when nobody is named.
    pub fn principal(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// The W3C trace context this call is part of, as a `traceparent` header spells it. It is visible in the spans, and
    /// inherited by what is published during the call and by what that causes. A malformed one is an `invalid_argument`.
    pub fn traceparent(mut self, text: impl Into<String>) -> Self {
        self.traceparent = Some(text.into());
        self
    }

    /// A deadline shorter than the principal's quota.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl IntoFuture for Trigger {
    type Output = Result<HookResult>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let host = &self.capsule.host;
            host.rooms()?;
            if self.principal.is_none() && host.0.require_principal {
                return Err(Error::new(
                    ErrorKind::PrincipalRefused,
                    "this host serves calls that name a principal only",
                ));
            }
            let trace = self.traceparent.as_deref().map(TraceParent::parse).transpose()?;
            let invocation = Invocation {
                action: &self.action,
                payload: &self.payload,
                principal: self.principal.clone(),
                timeout: self.timeout,
                caller: Caller { trace, ..Caller::embedder(self.principal.clone()) },
            };
            self.capsule.slot.current().invoke(invocation).await
        })
    }
}
