//! The place of a capsule in a host: whoever asks for the capsule finds its current generation here.
//!
//! A generation is made beside the current one, is brought up until its run loop is ready, and takes the place in one
//! step. Only then does the old one end: the calls it has admitted are awaited, then it is cancelled and let go.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::select;
use parking_lot::{Mutex, RwLock};
use uuid::Uuid;

use super::load::prepare;
use super::restart::Budget;
use super::{Loaded, Loading, Package, Restart};
use crate::abi::context::HostContext;
use crate::audit::{Draft, Outcome, Recorded};
use crate::cancel::Cancel;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::pending::Pending;
use crate::timer;

/// Knows which capsule hears which message; told whenever a generation comes or goes.
pub trait Routes: Send + Sync {
    /// The handlers of an earlier generation leave and those of this one enter, in one step.
    fn replace(&self, capsule: &Arc<Loaded>);
    /// The handlers of the capsule leave.
    fn leave(&self, id: &str);
}

/// What the embedding program chose for the life of its capsules.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What becomes of run loops that fail.
    pub restart: Restart,
    /// How long the run loop of a new generation has to become ready before the old one is kept instead.
    pub ready_within: Duration,
}

/// The place of one loaded capsule.
pub struct Slot {
    id: Arc<str>,
    place: RwLock<Place>,
    /// Held while a generation is being replaced, so that there is never more than one candidate.
    pub(super) changing: Arc<tokio::sync::Mutex<()>>,
    /// Given when the capsule is unloaded: nothing takes the place any more, and nobody waits to.
    pub(super) ended: Cancel,
    pub(super) budget: Mutex<Budget>,
    pub(super) terms: Terms,
    /// As the embedding program asked when it loaded the capsule, before an installation narrowed it.
    pub(super) asked: Loading,
    retiring: Pending,
    routes: Weak<dyn Routes>,
}

struct Place {
    current: Arc<Loaded>,
    /// Where it lies; none when it came from the embedding program's memory.
    path: Option<PathBuf>,
    generation: u64,
    restarts: u32,
    failure: Option<String>,
    unloaded: bool,
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Slot {
    /// The place of a capsule whose first generation is `loaded`; it begins to live with [`Self::begin`].
    #[must_use]
    pub fn new(
        loaded: &Arc<Loaded>,
        asked: Loading,
        path: Option<PathBuf>,
        terms: Terms,
        routes: Weak<dyn Routes>,
    ) -> Arc<Self> {
        let budget = Mutex::new(Budget::new(terms.restart.clone()));
        let place = Place {
            current: Arc::clone(loaded),
            path,
            generation: 1,
            restarts: 0,
            failure: None,
            unloaded: false,
        };
        Arc::new(Self {
            id: Arc::clone(loaded.id()),
            place: RwLock::new(place),
            changing: Arc::default(),
            ended: Cancel::default(),
            budget,
            terms,
            asked,
            retiring: Pending::default(),
            routes,
        })
    }

    /// Enters the first generation where others find it, and starts its run loop.
    ///
    /// # Errors
    /// When its owner is refused by now.
    pub fn begin(self: &Arc<Self>) -> Result<()> {
        let place = self.place.write();
        let loaded = Arc::clone(&place.current);
        self.publish(&loaded);
        drop(place);
        loaded.start()
    }

    /// The capsule's id.
    #[must_use]
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The generation that serves now; after an unload, the last one.
    #[must_use]
    pub fn current(&self) -> Arc<Loaded> {
        Arc::clone(&self.place.read().current)
    }

    /// Where the current generation was read from; none when it came from memory.
    #[must_use]
    pub fn path(&self) -> Option<PathBuf> {
        self.place.read().path.clone()
    }

    /// The number of the current generation, from 1.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.place.read().generation
    }

    /// How often its run loop was restarted.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.place.read().restarts
    }

    /// Why its run loop failed last.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.place.read().failure.clone()
    }

    pub(super) fn set_failure(&self, failure: String) {
        self.place.write().failure = Some(failure);
    }

    pub(super) fn is_current(&self, loaded: &Arc<Loaded>) -> bool {
        Arc::ptr_eq(&self.place.read().current, loaded)
    }

    /// Waits until the run loop of the current generation is ready, whichever generation that is by then.
    ///
    /// # Errors
    /// As [`Loaded::wait_ready`].
    pub async fn wait_ready(&self, timeout: Option<Duration>) -> Result<()> {
        let deadline = timeout.and_then(|timeout| std::time::Instant::now().checked_add(timeout));
        loop {
            let current = self.current();
            let left = deadline.map(|at| at.saturating_duration_since(std::time::Instant::now()));
            match current.wait_ready(left).await {
                Err(error) if error.kind() == ErrorKind::Closed && !self.is_current(&current) => {}
                ready => return ready,
            }
        }
    }

    /// Loads the package beside the current generation and brings it up: compiled, its run loop started and ready. The
    /// current generation goes on undisturbed; a candidate that is dropped ends.
    ///
    /// # Errors
    /// What loading answers; [`ErrorKind::NotReady`] when the run loop fails or is not ready in time;
    /// [`ErrorKind::Closed`] when the capsule is unloaded meanwhile.
    pub(super) async fn candidate(
        &self,
        host: &Arc<HostContext>,
        engine: &Arc<Engine>,
        package: Package,
        loading: Loading,
    ) -> Result<Candidate> {
        let candidate = Candidate(Some(prepare(host, engine, package, loading).await?));
        candidate.start()?;
        candidate.wait_ready(self.terms.ready_within, &self.ended, &host.closing).await?;
        Ok(candidate)
    }

    /// Puts the candidate in the place of the current generation and retires that one. A `path` is where it was read from,
    /// if that is another place than before.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] when the capsule was unloaded; the candidate is then dropped.
    pub(super) fn take_over(
        self: &Arc<Self>,
        mut candidate: Candidate,
        path: Option<PathBuf>,
        restarted: bool,
    ) -> Result<()> {
        let mut place = self.place.write();
        if place.unloaded {
            return Err(place.current.unloaded());
        }
        let Some(next) = candidate.0.take() else { return Ok(()) };
        let old = std::mem::replace(&mut place.current, Arc::clone(&next));
        place.generation += 1;
        if restarted {
            place.restarts = place.restarts.saturating_add(1);
        }
        if path.is_some() {
            place.path = path;
        }
        self.publish(&next);
        drop(place);
        // Nobody else replaces this generation: the place changed under its lock.
        drop(old.successor.set(Arc::clone(&next)));
        old.changed.notify_waiters();
        // Its calls may take their time; two run loops should not hear the same messages meanwhile.
        old.stop_run();
        self.retire(old);
        // It may have failed between becoming ready and taking the place.
        self.look_after(&next);
        self.watch_recovery(next);
        Ok(())
    }

    /// Lets everybody find the generation; called while the place is held.
    fn publish(self: &Arc<Self>, loaded: &Arc<Loaded>) {
        // A generation has one place in its life.
        drop(loaded.slot.set(Arc::downgrade(self)));
        if let Some(context) = loaded.context()
            && let Ok(source) = Uuid::parse_str(&context.source)
        {
            context.host.registry.enter(source, Arc::clone(&context.capabilities));
        }
        if let Some(routes) = self.routes.upgrade() {
            routes.replace(loaded);
        }
    }

    /// Ends a generation that has been replaced, once the calls it has admitted are answered, or have had their time.
    fn retire(&self, old: Arc<Loaded>) {
        let Ok(live) = old.live() else { return };
        let runtime = live.context.host.runtime.clone();
        let (ended, begun) = (self.ended.clone(), self.retiring.begin());
        runtime.clone().spawn(async move {
            let late = std::pin::pin!(timer::sleep(&runtime, limits::DRAIN_WAIT));
            let ended = std::pin::pin!(ended.given());
            let late = select(late, ended);
            select(std::pin::pin!(old.in_flight.none()), late).await;
            if let Err(error) = old.end("capsule.retire").await {
                tracing::error!(%error, "the end of a replaced generation could not be recorded");
            }
            drop(begun);
        });
    }

    /// Cancels everything the capsule does, in whichever generation, and lets go of it. Whoever waits to replace it, now
    /// or after a pause, stops. Idempotent.
    ///
    /// # Errors
    /// When the unload could not be recorded.
    pub async fn unload(&self) -> Result<()> {
        let current = {
            let mut place = self.place.write();
            if !std::mem::replace(&mut place.unloaded, true)
                && let Some(routes) = self.routes.upgrade()
            {
                routes.leave(&self.id);
            }
            Arc::clone(&place.current)
        };
        self.ended.give();
        let runtime = current.context().map(|context| context.host.runtime.clone());
        let unloaded = current.end("capsule.unload").await;
        if let Some(runtime) = runtime {
            let late = std::pin::pin!(timer::sleep(&runtime, limits::UNLOAD_WAIT));
            select(std::pin::pin!(self.retiring.none()), late).await;
        }
        unloaded
    }

    /// Tells everything to stop, without waiting for it.
    pub fn cancel(&self) {
        self.ended.give();
        self.current().cancel();
    }
}

/// A generation that is being brought up; it ends if it is dropped before it has taken its place.
#[derive(Debug)]
pub struct Candidate(Option<Arc<Loaded>>);

impl Candidate {
    pub(super) fn of(loaded: Arc<Loaded>) -> Self {
        Self(Some(loaded))
    }

    /// The generation.
    pub(super) fn loaded(&self) -> Option<&Arc<Loaded>> {
        self.0.as_ref()
    }

    fn start(&self) -> Result<()> {
        self.0.as_ref().map_or(Ok(()), Loaded::start)
    }

    async fn wait_ready(&self, within: Duration, ended: &Cancel, closing: &Cancel) -> Result<()> {
        let Some(loaded) = &self.0 else { return Ok(()) };
        let ready = std::pin::pin!(loaded.wait_ready(Some(within)));
        let (ended, closing) = (std::pin::pin!(ended.given()), std::pin::pin!(closing.given()));
        let stopped = select(ended, closing);
        match select(ready, stopped).await {
            futures_util::future::Either::Left((ready, _)) => ready,
            futures_util::future::Either::Right(_) => Err(loaded.unloaded()),
        }
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        let Some(loaded) = self.0.take() else { return };
        let Ok(live) = loaded.live() else { return };
        live.context.host.runtime.spawn(async move {
            loaded.let_go().await;
        });
    }
}

/// Records what became of a reload or a restart; installations have entries of their own kind.
pub(super) fn record(
    host: &HostContext,
    operation: &str,
    about: &Loaded,
    failed: Option<&Error>,
    detail: &[(&str, &str)],
) -> Result<Recorded> {
    let (outcome, reason) = match failed {
        None => (Outcome::Allowed, ""),
        Some(error) => (Outcome::Failed, error.kind().code()),
    };
    let draft = Draft {
        capsule: Some(&about.id),
        artifact: Some(&about.hash),
        principal: Some(about.loading.principal.as_str()),
        reason,
        detail,
        ..Draft::new(operation, outcome)
    };
    host.audit.append_unsettled(&draft)
}
