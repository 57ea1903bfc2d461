//! Waiting for a run loop: until it is ready, or until it runs no longer.

use std::time::Duration;

use futures_util::future::{Either, select};

use super::{Loaded, State};
use crate::error::{Error, ErrorKind, Result};
use crate::timer;

impl Loaded {
    /// Waits until the run loop is ready, or is not needed any more.
    ///
    /// # Errors
    /// [`ErrorKind::NotReady`] when it failed, or is not ready within `timeout`; [`ErrorKind::Closed`] once the
    /// generation is replaced or unloaded.
    pub async fn wait_ready(&self, timeout: Option<Duration>) -> Result<()> {
        let runtime = self.live()?.context.host.runtime.clone();
        let waiting = std::pin::pin!(self.became_ready());
        let Some(timeout) = timeout else { return waiting.await };
        let late = std::pin::pin!(timer::sleep(&runtime, timeout));
        match select(waiting, late).await {
            Either::Left((ready, _)) => ready,
            Either::Right(_) => {
                let message = format!("the run loop did not signal that it is ready within {timeout:?}");
                Err(Error::new(ErrorKind::NotReady, message).with("capsule", &*self.id))
            }
        }
    }

    async fn became_ready(&self) -> Result<()> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.successor.get().is_some() {
                return Err(self.unloaded());
            }
            match self.state() {
                State::Ready | State::Running | State::Completed => return Ok(()),
                State::Loading => {}
                State::Failed => {
                    let failure = self.state.lock().failure.clone();
                    let why = failure.map(|failure| failure.text).unwrap_or_default();
                    let message = format!("the run loop failed: {why}");
                    return Err(Error::new(ErrorKind::NotReady, message).with("capsule", &*self.id));
                }
                State::Unloaded => return Err(self.unloaded()),
            }
            let ready = std::pin::pin!(self.ready.given());
            select(changed, ready).await;
        }
    }

    /// Waits until the run loop runs no longer, or another generation has taken the place of this one.
    pub(super) async fn ran_out(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let runs = matches!(self.state(), State::Loading | State::Running);
            if !runs || self.successor.get().is_some() {
                return;
            }
            changed.await;
        }
    }
}
