//! Drives a guest call on whatever thread polls it, and stops it when its time is up or its capsule goes.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Sleep;

use super::machine::Machine;
use crate::abi::clock::{CallClock, Remaining};
use crate::cancel::Cancel;
use crate::limits;

/// Why a call was stopped from outside; its instance must be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Its time ran out.
    Expired,
    /// Its capsule is being unloaded.
    Cancelled,
}

/// While a human is asked the clock stands still; it is looked at again after at least this long.
const PAUSED_LOOK: Duration = Duration::from_millis(5);

/// Polls `call` to its end, or to its clock's end, or to a grace after `cancel`.
///
/// Nothing is registered anywhere until the call waits for the first time: a call that never waits costs two atomics.
pub async fn watched<F: Future>(
    machine: &Machine,
    runtime: &Handle,
    clock: &CallClock,
    cancel: &Cancel,
    call: F,
) -> Result<F::Output, Stopped> {
    let mut call = pin!(call);
    let cancelled = cancel.given();
    let mut cancelled = pin!(cancelled);
    let mut deadline: Option<Pin<Box<Sleep>>> = None;
    let mut grace: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|context| {
        let polled = {
            let _running = machine.ticker.running();
            call.as_mut().poll(context)
        };
        if let Poll::Ready(output) = polled {
            return Poll::Ready(Ok(output));
        }
        if grace.is_none() && cancelled.as_mut().poll(context).is_ready() {
            grace = Some(timer(runtime, limits::CANCEL_GRACE));
        }
        if grace.as_mut().is_some_and(|grace| grace.as_mut().poll(context).is_ready()) {
            return Poll::Ready(Err(Stopped::Cancelled));
        }
        loop {
            let sleep = match &mut deadline {
                Some(sleep) => sleep,
                None => match clock.remaining() {
                    Remaining::Unbounded => return Poll::Pending,
                    Remaining::Expired => return Poll::Ready(Err(Stopped::Expired)),
                    Remaining::Left(left) => deadline.insert(timer(runtime, left)),
                    Remaining::Paused(left) => deadline.insert(timer(runtime, left.max(PAUSED_LOOK))),
                },
            };
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            deadline = None;
        }
    })
    .await
}

fn timer(runtime: &Handle, duration: Duration) -> Pin<Box<Sleep>> {
    let _entered = runtime.enter();
    Box::pin(tokio::time::sleep(duration))
}
