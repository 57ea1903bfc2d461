//! One capsule's life: read, pinned, loaded, triggered, run, unloaded.

mod imports;
mod install;
mod load;
mod package;
mod run;
mod share;
mod shelf;
mod trigger;

pub use imports::{Exported, load_levels};
pub use install::{Installed, install};
pub use load::{Loading, load};
pub use package::{MANIFEST_FILE, Package, hex, parse_hash};
pub use trigger::{HookResult, Invocation};

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use crate::abi::context::CapsuleContext;
use crate::audit::{Draft, Outcome};
use crate::cancel::Cancel;
use crate::engine::Compiled;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::manifest::Manifest;
use crate::pending::Pending;
use shelf::Shelf;

/// Where a capsule is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Its run loop was started and has not signalled that it is ready.
    Loading,
    /// It serves triggers and has no run loop.
    Ready,
    /// Its run loop runs and has signalled that it is ready.
    Running,
    /// Its run loop returned; it goes on serving triggers.
    Completed,
    /// Its run loop trapped or could not be started; it goes on serving triggers.
    Failed,
    /// It was unloaded.
    Unloaded,
}

impl State {
    /// The state's name, the same in every language.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            State::Loading => "loading",
            State::Ready => "ready",
            State::Running => "running",
            State::Completed => "completed",
            State::Failed => "failed",
            State::Unloaded => "unloaded",
        }
    }
}

/// A loaded capsule, shared by everyone who holds a handle on it.
#[derive(Debug)]
pub struct Loaded {
    id: Arc<str>,
    hash: [u8; 32],
    manifest: Arc<Manifest>,
    warnings: Vec<String>,
    /// Taken away on unload, so that a forgotten handle keeps neither the database nor the runtime alive.
    live: RwLock<Option<Live>>,
    shelf: Shelf,
    /// Given by the run loop when it is ready.
    ready: Cancel,
    state: Mutex<Life>,
    changed: Notify,
    /// Triggers being served.
    in_flight: Pending,
}

/// What a capsule needs while it is loaded.
#[derive(Clone, Debug)]
struct Live {
    context: Arc<CapsuleContext>,
    compiled: Arc<Compiled>,
}

#[derive(Debug)]
struct Life {
    state: State,
    failure: Option<String>,
    run: Option<tokio::task::JoinHandle<()>>,
}

impl Loaded {
    /// The capsule's id.
    #[must_use]
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The BLAKE3 of its component.
    #[must_use]
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Its manifest.
    #[must_use]
    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// What its manifest says that this host ignores.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Where it is in its life.
    #[must_use]
    pub fn state(&self) -> State {
        match self.state.lock().state {
            State::Loading if self.ready.is_given() => State::Running,
            state => state,
        }
    }

    /// What its host calls share, while it is loaded.
    #[must_use]
    pub fn context(&self) -> Option<Arc<CapsuleContext>> {
        self.live.read().as_ref().map(|live| Arc::clone(&live.context))
    }

    fn live(&self) -> Result<Live> {
        let held = self.live.read().clone();
        held.ok_or_else(|| {
            Error::new(ErrorKind::Closed, "the capsule was unloaded").with("capsule", &*self.id)
        })
    }

    fn enter(&self, state: State, failure: Option<String>) {
        let mut life = self.state.lock();
        if life.state != State::Unloaded {
            life.state = state;
            life.failure = failure;
        }
        drop(life);
        self.changed.notify_waiters();
    }

    /// Waits until the run loop is ready, or is not needed any more.
    ///
    /// # Errors
    /// [`ErrorKind::NotReady`] when it failed, or is not ready within `timeout`; [`ErrorKind::Closed`] once unloaded.
    pub async fn wait_ready(&self, timeout: Option<Duration>) -> Result<()> {
        let runtime = self.live()?.context.host.runtime.clone();
        let waiting = std::pin::pin!(self.became_ready());
        let Some(timeout) = timeout else { return waiting.await };
        let late = std::pin::pin!(crate::abi::timer::sleep(&runtime, timeout));
        match futures_util::future::select(waiting, late).await {
            futures_util::future::Either::Left((ready, _)) => ready,
            futures_util::future::Either::Right(_) => {
                let message = format!("the run loop did not signal that it is ready within {timeout:?}");
                Err(Error::new(ErrorKind::NotReady, message).with("capsule", &*self.id))
            }
        }
    }

    async fn became_ready(&self) -> Result<()> {
        loop {
            let changed = self.changed.notified();
            let mut changed = std::pin::pin!(changed);
            changed.as_mut().enable();
            {
                let state = self.state();
                let life = self.state.lock();
                match state {
                    State::Ready | State::Running | State::Completed => return Ok(()),
                    State::Loading => {}
                    State::Failed => {
                        let why = life.failure.clone().unwrap_or_default();
                        let message = format!("the run loop failed: {why}");
                        return Err(Error::new(ErrorKind::NotReady, message).with("capsule", &*self.id));
                    }
                    State::Unloaded => {
                        return Err(Error::new(ErrorKind::Closed, "the capsule was unloaded")
                            .with("capsule", &*self.id));
                    }
                }
            }
            let ready = std::pin::pin!(self.ready.given());
            futures_util::future::select(changed, ready).await;
        }
    }

    /// Cancels everything the capsule does, waits for it to end, and lets go of what it held. Idempotent.
    pub async fn unload(&self) -> Result<()> {
        let Some(Live { context, .. }) = self.live.write().take() else { return Ok(()) };
        context.cancel.give();
        let run = {
            let mut life = self.state.lock();
            life.state = State::Unloaded;
            life.run.take()
        };
        self.changed.notify_waiters();
        let runtime = context.host.runtime.clone();
        if let Some(mut run) = run {
            let late = std::pin::pin!(crate::abi::timer::sleep(&runtime, limits::UNLOAD_WAIT));
            if let futures_util::future::Either::Right(_) = futures_util::future::select(&mut run, late).await
            {
                run.abort();
            }
        }
        let late = std::pin::pin!(crate::abi::timer::sleep(&runtime, limits::UNLOAD_WAIT));
        futures_util::future::select(std::pin::pin!(self.in_flight.none()), late).await;
        self.shelf.clear();
        if let Ok(source) = uuid::Uuid::parse_str(&context.source) {
            context.host.registry.leave(&source);
        }
        for uplink in context.uplinks.clear() {
            context.host.desk.uplink_unregistered(uplink);
        }
        let draft = Draft {
            capsule: Some(&self.id),
            artifact: Some(&self.hash),
            principal: Some(context.owner.as_str()),
            ..Draft::new("capsule.unload", Outcome::Allowed)
        };
        context.host.audit.append(&draft).map(drop)
    }
}
