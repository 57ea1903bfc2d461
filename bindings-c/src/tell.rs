//! What is only told, and to which nobody waits for an answer: lines of logs, and checkpoints.
//!
//! The core gives out lines on a thread that may wait, with a bounded queue before it. It gives out checkpoints where the
//! audit log is synced, which must not wait; so a thread of the binding's own stands between.

use std::collections::VecDeque;
use std::ffi::c_void;
use std::sync::{Arc, Weak};
use std::thread;

use ::astrid_host::audit::{Checkpoint, CheckpointSink};
use ::astrid_host::logs::{LogLine, LogSink};
use ::astrid_host::{Error, ErrorKind, Result};
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::checkpoint::astrid_checkpoint;
use crate::closure::Closure;
use crate::dispatch::Callbacks;
use crate::log::astrid_log_line;
use crate::question::Shown;

/// How many checkpoints wait for the callback at most.
const CHECKPOINTS: usize = 64;

type Take<V> = unsafe extern "C" fn(*mut c_void, *const V);

/// A callback that is told something; it is owned by the handlers, so that letting go of it at `close` is theirs alone.
pub(crate) type Told<V> = Closure<Take<V>>;

/// Tells the callback of one thing and returns when it has taken it, or cannot any more.
fn tell<T, V: 'static>(listener: &Weak<Told<V>>, callbacks: &Callbacks, thing: &T)
where
    T: Shown<View = V> + Clone + Send + 'static,
{
    let (listener, thing) = (Weak::clone(listener), thing.clone());
    callbacks.tell(move || {
        if let Some(listener) = listener.upgrade() {
            let (ctx, call) = listener.parts();
            // SAFETY: (callbacks) `call` goes with `ctx`, which is not dropped while `listener` lives; the view lives until
            // `call` returns.
            thing.show(|view| unsafe { call(ctx, view) });
        }
    });
}

/// The core's view of the log callback.
pub(crate) fn log_sink(listener: &Arc<Told<astrid_log_line>>, callbacks: &Callbacks) -> LogSink {
    let (listener, callbacks) = (Arc::downgrade(listener), callbacks.clone());
    Arc::new(move |line: &LogLine| tell(&listener, &callbacks, line))
}

impl Shown for Checkpoint {
    type View = astrid_checkpoint;

    fn show(&self, with: impl FnOnce(*const Self::View)) {
        with(&astrid_checkpoint::from(self));
    }
}

/// The checkpoints on their way to the callback.
#[derive(Default)]
struct Waiting {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    checkpoints: VecDeque<Checkpoint>,
    ended: bool,
}

impl Waiting {
    fn put(&self, checkpoint: &Checkpoint) {
        let mut state = self.state.lock();
        if state.checkpoints.len() == CHECKPOINTS {
            state.checkpoints.pop_front();
        }
        state.checkpoints.push_back(checkpoint.clone());
        drop(state);
        self.changed.notify_one();
    }

    /// Waits for the next one; none when no other can come.
    fn next(&self) -> Option<Checkpoint> {
        let mut state = self.state.lock();
        loop {
            match state.checkpoints.pop_front() {
                None if !state.ended => self.changed.wait(&mut state),
                next => return next,
            }
        }
    }
}

/// The core's end; its drop says that no other checkpoint comes.
struct Entrance(Arc<Waiting>);

impl Drop for Entrance {
    fn drop(&mut self) {
        self.0.state.lock().ended = true;
        self.0.changed.notify_one();
    }
}

/// Told when the callback has taken the last checkpoint.
pub(crate) type LastTaken = oneshot::Receiver<()>;

/// The core's view of the checkpoint callback, and the news of its end.
pub(crate) fn checkpoint_sink(
    listener: &Arc<Told<astrid_checkpoint>>,
    callbacks: &Callbacks,
) -> Result<(CheckpointSink, LastTaken)> {
    let (listener, callbacks) = (Arc::downgrade(listener), callbacks.clone());
    let waiting = Arc::<Waiting>::default();
    let entrance = Entrance(Arc::clone(&waiting));
    let (taken, last) = oneshot::channel();
    thread::Builder::new()
        .name("astrid-checkpoints".to_owned())
        .spawn(move || {
            while let Some(checkpoint) = waiting.next() {
                tell(&listener, &callbacks, &checkpoint);
            }
            // Nobody waits any more when the host was not closed but let go of.
            let _ = taken.send(());
        })
        .map_err(|cause| Error::new(ErrorKind::Internal, "no thread can be started").caused_by(cause))?;
    Ok((Arc::new(move |checkpoint: &Checkpoint| entrance.0.put(checkpoint)), last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(sequence: u64) -> Checkpoint {
        Checkpoint {
            sequence,
            entries: 0,
            time_ns: 0,
            head: [0; 32],
            public_key: [0; 32],
            signature: [0; 64],
        }
    }

    #[test]
    fn the_newest_checkpoints_wait_and_all_of_them_come_before_the_end() {
        let waiting = Arc::<Waiting>::default();
        let entrance = Entrance(Arc::clone(&waiting));
        (0..CHECKPOINTS as u64 + 2).for_each(|sequence| entrance.0.put(&checkpoint(sequence)));
        drop(entrance);
        let told: Vec<u64> = std::iter::from_fn(|| waiting.next()).map(|kept| kept.sequence).collect();
        assert_eq!(told, (2..CHECKPOINTS as u64 + 2).collect::<Vec<_>>());
    }
}
