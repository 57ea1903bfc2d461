//! One capsule's life: read, pinned, loaded, triggered, run, unloaded.

mod archive;
mod compose;
mod discover;
mod files;
mod fingerprint;
mod forget;
mod imports;
mod inspect;
mod install;
mod load;
mod package;
mod ready;
mod reload;
mod restart;
mod row;
mod run;
mod share;
mod shelf;
mod slot;
mod span;
mod trigger;
mod unload;

pub use discover::{Discovery, Found, candidates, discover};
pub use files::read_static;
pub use fingerprint::{fingerprint, is_ignored};
pub use imports::{Exported, load_levels};
pub use inspect::{Changes, Inspection, InstalledVersion, inspect};
pub use install::{Installed, install};
pub use load::{Loading, load};
pub use package::{MANIFEST_FILE, Package, hex, parse_hash};
pub use restart::Restart;
pub use slot::{Candidate, Routes, Slot, Terms};
pub use trigger::{HookResult, Invocation};

use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use crate::abi::context::CapsuleContext;
use crate::abi::tenant::Tenant;
use crate::cancel::Cancel;
use crate::engine::Compiled;
use crate::error::{Error, ErrorKind, Result};
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
    /// Every state, in the order of a life.
    pub const ALL: [Self; 6] =
        [Self::Loading, Self::Ready, Self::Running, Self::Completed, Self::Failed, Self::Unloaded];

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

/// One generation of a loaded capsule: these bytes, loaded once.
#[derive(Debug)]
pub struct Loaded {
    id: Arc<str>,
    hash: [u8; 32],
    manifest: Arc<Manifest>,
    warnings: Arc<[String]>,
    /// For whom, and with how much of what the manifest asks.
    loading: Loading,
    /// The owner as it was when this was loaded.
    owner: Arc<Tenant>,
    /// Whether its hash was named beside it, so that it needs no installation.
    is_named: bool,
    /// Taken away on unload, so that a forgotten handle keeps neither the database nor the runtime alive.
    live: RwLock<Option<Live>>,
    shelf: Arc<Shelf>,
    /// Given by the run loop when it is ready.
    ready: Cancel,
    state: Mutex<Life>,
    changed: Notify,
    /// Triggers being served.
    in_flight: Pending,
    /// The place it has or had, once it has one.
    slot: OnceLock<Weak<Slot>>,
    /// The generation that took its place; calls that come too late go there.
    successor: OnceLock<Arc<Loaded>>,
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
    failure: Option<Failure>,
    run: Option<RunLoop>,
}

/// A run loop that was started.
#[derive(Debug)]
struct RunLoop {
    task: tokio::task::JoinHandle<()>,
    /// Tells it, and nothing else of the generation, to stop.
    stop: Cancel,
}

/// Why a run loop ended that should not have.
#[derive(Clone, Debug)]
struct Failure {
    kind: ErrorKind,
    text: String,
    /// Whether somebody has taken it up: each failure is answered once.
    answered: bool,
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
    pub fn warnings(&self) -> &Arc<[String]> {
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

    /// Drops the instances that waited too long for work.
    pub fn expire(&self, now: Instant) {
        self.shelf.expire(now);
    }

    fn live(&self) -> Result<Live> {
        self.live.read().clone().ok_or_else(|| self.unloaded())
    }

    fn unloaded(&self) -> Error {
        Error::new(ErrorKind::Closed, "the capsule was unloaded").with("capsule", &*self.id)
    }

    fn enter(&self, state: State, failure: Option<Failure>) {
        let mut life = self.state.lock();
        if life.state != State::Unloaded {
            life.state = state;
            life.failure = failure;
        }
        drop(life);
        self.changed.notify_waiters();
    }

    /// Whether it has a hook to be called.
    fn has_hook(&self) -> bool {
        self.live().is_ok_and(|live| live.compiled.exports().hook)
    }

    /// The failure of the run loop, for the one who asks first.
    fn unanswered_failure(&self) -> Option<Failure> {
        let mut life = self.state.lock();
        let failure = life.failure.as_mut().filter(|failure| !failure.answered)?;
        failure.answered = true;
        Some(failure.clone())
    }
}
