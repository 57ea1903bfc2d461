//! The end of a generation: cancelled, awaited, let go.

use std::sync::Arc;

use futures_util::future::{Either, select};

use super::{Live, Loaded, RunLoop, State};
use crate::audit::{Draft, Outcome};
use crate::error::Result;
use crate::limits;
use crate::timer;

impl Loaded {
    /// Cancels everything the generation does, waits for it to end, lets go of what it held, and records that under
    /// `operation`. Idempotent.
    ///
    /// # Errors
    /// When the end could not be recorded.
    pub(super) async fn end(&self, operation: &str) -> Result<()> {
        let Some(live) = self.let_go().await else { return Ok(()) };
        let draft = Draft {
            capsule: Some(&self.id),
            artifact: Some(&self.hash),
            principal: Some(live.context.owner.as_str()),
            ..Draft::new(operation, Outcome::Allowed)
        };
        live.context.host.audit.append_settled(&draft).await
    }

    /// Ends the generation without an entry of its own; gives what it held, unless somebody else ends it already.
    pub(super) async fn let_go(&self) -> Option<Live> {
        // From here on no call is admitted; those that are count as in flight before they look.
        let live = self.live.write().take()?;
        let context = Arc::clone(&live.context);
        context.cancel.give();
        let run = {
            let mut stage = self.state.lock();
            stage.state = State::Unloaded;
            stage.run.take()
        };
        self.changed.notify_waiters();
        let runtime = &context.host.runtime;
        if let Some(RunLoop { mut task, stop }) = run {
            stop.give();
            let late = std::pin::pin!(timer::sleep(runtime, limits::UNLOAD_WAIT));
            if let Either::Right(_) = select(&mut task, late).await {
                task.abort();
            }
        }
        let late = std::pin::pin!(timer::sleep(runtime, limits::UNLOAD_WAIT));
        select(std::pin::pin!(self.in_flight.none()), late).await;
        self.shelf.close();
        if let Ok(source) = uuid::Uuid::parse_str(&context.source) {
            context.host.registry.leave(&source, &context.capabilities);
        }
        for uplink in context.uplinks.clear() {
            context.host.desk.uplink_unregistered(uplink);
        }
        Some(live)
    }

    /// Tells everything it does to stop, without waiting for it.
    pub(super) fn cancel(&self) {
        if let Some(context) = self.context() {
            context.cancel.give();
        }
        self.stop_run();
    }
}
