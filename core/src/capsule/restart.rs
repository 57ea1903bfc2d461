//! Run loops that fail are started again: after a pause that doubles, and not for ever.
//!
//! What a run loop may fail is counted for the capsule, not for a generation, and forgiven only when it has been ready and
//! running for a while. A restart makes a new generation of the same bytes; nothing is read again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::json;

use super::slot::{Candidate, record};
use super::{Failure, Invocation, Loaded, Slot};
use crate::abi::context::HostContext;
use crate::abi::state::Caller;
use crate::audit::{Draft, Outcome};
use crate::error::{ErrorKind, Result};
use crate::limits;
use crate::timer;
use crate::topic::HEALTH_FAILED;

/// The action with which a capsule learns that its run loop was restarted.
const RESTARTED: &str = "handle_lifecycle_restart";

/// What becomes of run loops that trap or cannot be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// Whether they are started again.
    pub enabled: bool,
    /// The pause before the first attempt; each further one is twice as long.
    pub first: Duration,
    /// The longest pause.
    pub most: Duration,
    /// Attempts until the capsule is left alone.
    pub attempts: u32,
    /// How long a run loop must have been ready and running before its earlier failures are forgotten.
    pub recovery: Duration,
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            enabled: true,
            first: limits::RESTART_FIRST,
            most: limits::RESTART_MOST,
            attempts: limits::RESTART_ATTEMPTS,
            recovery: limits::RESTART_RECOVERY,
        }
    }
}

/// The attempts a capsule has left.
#[derive(Debug)]
pub struct Budget {
    restart: Restart,
    used: u32,
}

impl Budget {
    /// All of them.
    #[must_use]
    pub fn new(restart: Restart) -> Self {
        Self { restart, used: 0 }
    }

    /// Takes an attempt and says how long to wait before it; none when there is none left.
    pub fn next(&mut self) -> Option<Duration> {
        if !self.restart.enabled || self.used >= self.restart.attempts {
            return None;
        }
        let doubled = 1_u32.checked_shl(self.used).unwrap_or(u32::MAX);
        self.used += 1;
        Some(self.restart.first.saturating_mul(doubled).min(self.restart.most))
    }

    /// Forgets what was used.
    pub fn recover(&mut self) {
        self.used = 0;
    }

    /// Attempts taken since the last recovery.
    #[must_use]
    pub fn used(&self) -> u32 {
        self.used
    }
}

impl Slot {
    /// Answers the failure of a generation's run loop, once, if it has the place and has failed.
    pub(super) fn look_after(self: &Arc<Self>, loaded: &Arc<Loaded>) {
        if !self.is_current(loaded) || self.ended.is_given() {
            return;
        }
        let Some(failure) = loaded.unanswered_failure() else { return };
        let Some(context) = loaded.context() else { return };
        self.set_failure(failure.text.clone());
        let news = json!({ "capsule_id": &**self.id(), "reason": reason(&failure) });
        if let Err(error) = context.host.announce(HEALTH_FAILED, &news) {
            tracing::error!(%error, "the failure of a run loop could not be published");
        }
        self.restart_later(&context.host, loaded);
    }

    /// Takes an attempt, and restarts the generation after its pause. Nothing but a timer waits meanwhile.
    fn restart_later(self: &Arc<Self>, host: &Arc<HostContext>, failed: &Arc<Loaded>) {
        let (pause, attempt) = {
            let mut budget = self.budget.lock();
            (budget.next(), budget.used())
        };
        let Some(pause) = pause else {
            if self.terms.restart.enabled {
                self.give_up(host, failed);
            }
            return;
        };
        let (slot, failed) = (Arc::clone(self), Arc::clone(failed));
        let runtime = host.runtime.clone();
        let host = Arc::clone(host);
        runtime.clone().spawn(async move {
            let pause = std::pin::pin!(timer::sleep(&runtime, pause));
            if let Either::Right(_) = select(pause, std::pin::pin!(slot.ended.given())).await {
                return;
            }
            if let Err(error) = slot.restart(&host, &failed, attempt).await {
                tracing::warn!(target: "astrid::capsule", capsule = &**slot.id(), %error, "a restart failed");
                if slot.is_current(&failed) && !slot.ended.is_given() {
                    slot.restart_later(&host, &failed);
                }
            }
        });
    }

    async fn restart(
        self: &Arc<Self>,
        host: &Arc<HostContext>,
        failed: &Arc<Loaded>,
        attempt: u32,
    ) -> Result<()> {
        let turn = self.changing.lock().await;
        // An upgrade or a reload may have been quicker.
        if !self.is_current(failed) {
            return Ok(());
        }
        let made = failed.again();
        let attempt = attempt.to_string();
        let recorded =
            record(host, "capsule.restart", failed, made.as_ref().err(), &[("attempt", &attempt)])?;
        host.audit.settled(recorded).await?;
        let next = made?;
        self.take_over(Candidate::of(Arc::clone(&next)), None, true)?;
        drop(turn);
        if let Err(error) = next.start() {
            next.fail(&error);
            self.look_after(&next);
            return Ok(());
        }
        self.tell_restarted(host, &next).await;
        Ok(())
    }

    /// Calls the capsule's hook once the new run loop is ready or has had its time; what it answers does not matter.
    async fn tell_restarted(&self, host: &Arc<HostContext>, next: &Arc<Loaded>) {
        let within = std::pin::pin!(timer::sleep(&host.runtime, self.terms.ready_within));
        let ready = next.wait_ready(None);
        if let Either::Left((Err(_), _)) = select(std::pin::pin!(ready), within).await {
            return;
        }
        if !next.has_hook() {
            return;
        }
        let told = next.invoke(Invocation {
            action: RESTARTED,
            payload: b"",
            principal: None,
            timeout: None,
            caller: Caller::embedder(None),
        });
        if let Err(error) = told.await {
            tracing::debug!(target: "astrid::capsule", capsule = &**self.id(), %error, "the hook was not heard");
        }
    }

    fn give_up(&self, host: &HostContext, failed: &Loaded) {
        let attempts = self.terms.restart.attempts.to_string();
        let draft = Draft {
            capsule: Some(&failed.id),
            artifact: Some(&failed.hash),
            principal: Some(failed.loading.principal.as_str()),
            reason: "no attempts left",
            detail: &[("attempts", &attempts)],
            ..Draft::new("capsule.restart", Outcome::Denied)
        };
        if let Err(error) = host.audit.append(&draft) {
            tracing::error!(%error, "that a capsule is not restarted any more could not be recorded");
        }
    }

    /// Forgives earlier failures once this generation has been ready and running for long enough.
    pub(super) fn watch_recovery(self: &Arc<Self>, loaded: Arc<Loaded>) {
        if self.budget.lock().used() == 0 {
            return;
        }
        let Some(context) = loaded.context() else { return };
        let (runtime, slot) = (context.host.runtime.clone(), Arc::clone(self));
        runtime.clone().spawn(async move {
            if loaded.wait_ready(None).await.is_err() {
                return;
            }
            let recovered = std::pin::pin!(timer::sleep(&runtime, slot.terms.restart.recovery));
            let (ran_out, ended) = (std::pin::pin!(loaded.ran_out()), std::pin::pin!(slot.ended.given()));
            let stopped = select(ran_out, ended);
            if let Either::Left(_) = select(recovered, stopped).await {
                slot.budget.lock().recover();
                // Nobody waits for it.
                if let Err(error) = record(&context.host, "capsule.recovered", &loaded, None, &[]).map(drop) {
                    tracing::error!(%error, "that a capsule has recovered could not be recorded");
                }
            }
        });
    }
}

/// Few fixed sentences: what is published here must say nothing of a capsule's insides.
fn reason(failure: &Failure) -> &'static str {
    match failure.kind {
        ErrorKind::GuestTrap => "the run loop trapped",
        ErrorKind::MemoryExceeded => "the run loop needed more memory than its ceiling",
        ErrorKind::FuelExhausted | ErrorKind::Timeout => "the run loop did not start in time",
        _ => "the run loop could not be started",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_end() {
        let restart = Restart { attempts: 8, ..Restart::default() };
        let mut budget = Budget::new(restart);
        let pauses: Vec<u64> = std::iter::from_fn(|| budget.next()).map(|pause| pause.as_secs()).collect();
        assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 120, 120]);
        assert_eq!(budget.next(), None);
        budget.recover();
        assert_eq!(budget.next(), Some(limits::RESTART_FIRST));
    }

    #[test]
    fn disabled_means_not_once() {
        let mut budget = Budget::new(Restart { enabled: false, ..Restart::default() });
        assert_eq!(budget.next(), None);
    }

    #[test]
    fn very_many_attempts_do_not_overflow() {
        let mut budget = Budget::new(Restart { attempts: 100, ..Restart::default() });
        assert_eq!(std::iter::from_fn(|| budget.next()).last(), Some(limits::RESTART_MOST));
    }
}
