//! A handle on a loaded capsule.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use super::Host;
use crate::abi::state::Caller;
use crate::capsule::{HookResult, Invocation, Loaded, State, hex};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Manifest;
use crate::people::BoxFuture;
use crate::principal::Principal;

/// A loaded capsule: a cheap handle, to be cloned and shared.
#[derive(Clone, Debug)]
pub struct Capsule {
    host: Host,
    loaded: Arc<Loaded>,
}

impl Capsule {
    pub(super) fn new(host: Host, loaded: Arc<Loaded>) -> Self {
        Self { host, loaded }
    }

    /// The capsule's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.loaded.id()
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> String {
        self.loaded.manifest().package.version.to_string()
    }

    /// The BLAKE3 of its component, as hex.
    #[must_use]
    pub fn hash(&self) -> String {
        hex(self.loaded.hash())
    }

    /// Its manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        self.loaded.manifest()
    }

    /// What its manifest says that this host ignores.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        self.loaded.warnings()
    }

    /// Where it is in its life.
    #[must_use]
    pub fn state(&self) -> State {
        self.loaded.state()
    }

    /// Calls its hook; await the returned request. Dropping the future stops the guest.
    pub fn trigger(&self, action: impl Into<String>, payload: impl Into<Vec<u8>>) -> Trigger {
        Trigger {
            capsule: self.clone(),
            action: action.into(),
            payload: payload.into(),
            principal: None,
            timeout: None,
        }
    }

    /// Waits until its run loop is ready; at once for a capsule without one.
    ///
    /// # Errors
    /// [`ErrorKind::NotReady`] when it failed or took longer than `timeout`.
    pub async fn wait_ready(&self, timeout: Option<Duration>) -> Result<()> {
        self.host.rooms()?;
        self.loaded.wait_ready(timeout).await
    }

    /// Cancels everything it does and lets go of it. Idempotent.
    ///
    /// # Errors
    /// When the unload could not be recorded.
    pub async fn unload(&self) -> Result<()> {
        let Ok(rooms) = self.host.rooms() else { return Ok(()) };
        rooms.dispatcher.leave(self.loaded.id());
        let unloaded = self.loaded.unload().await;
        let mut capsules = self.host.0.capsules.lock();
        if capsules.get(self.loaded.id()).is_some_and(|current| Arc::ptr_eq(current, &self.loaded)) {
            capsules.remove(self.loaded.id());
        }
        unloaded
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
}

impl Trigger {
    /// For whom; the capsule's owner when nobody is named.
    pub fn principal(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
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
            let invocation = Invocation {
                action: &self.action,
                payload: &self.payload,
                principal: self.principal.clone(),
                timeout: self.timeout,
                caller: Caller::embedder(self.principal.clone()),
            };
            self.capsule.loaded.invoke(invocation).await
        })
    }
}
