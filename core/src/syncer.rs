//! One background thread that brings acknowledged writes to the disk, together and soon.
//!
//! Writers count their writes with [`Syncer::written`], which costs two atomic operations. The thread sleeps while
//! nothing is dirty; after the first write it waits a moment so that others join, then syncs once for all of them.
//! Who must not return before the disk has it calls [`Syncer::wait`], or awaits [`Syncer::synced`] where no thread may be
//! held, and shares the sync with every concurrent caller.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

/// The syncing thread and the count of what it has synced. Dropping it syncs what is left and ends the thread.
pub(crate) struct Syncer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    process: u32,
}

struct Shared {
    written: AtomicU64,
    idle: AtomicBool,
    broken: AtomicBool,
    state: Mutex<State>,
    wake: Condvar,
    done: Condvar,
}

#[derive(Default)]
struct State {
    synced: u64,
    /// Those who wait without a thread, each with its ticket.
    waiting: Vec<(u64, oneshot::Sender<()>)>,
    urgent: bool,
    stop: bool,
    failed: bool,
}

/// A sync failed, now or earlier; what was written since the last good one may be lost with the power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SyncFailed;

impl Syncer {
    /// Starts the thread. `delay` is how long it collects writes before it calls `sync`; after one failure of `sync`
    /// it never calls it again, because a second success would not bring back what the first lost.
    pub(crate) fn start(
        name: &str,
        delay: Duration,
        sync: impl Fn() -> Result<(), SyncFailed> + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            written: AtomicU64::new(0),
            idle: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            state: Mutex::new(State::default()),
            wake: Condvar::new(),
            done: Condvar::new(),
        });
        let its = Arc::clone(&shared);
        let thread =
            std::thread::Builder::new().name(name.to_owned()).spawn(move || its.run(delay, &sync))?;
        Ok(Self { shared, thread: Some(thread), process: std::process::id() })
    }

    /// Counts one write that the operating system has taken, and returns its ticket for [`Syncer::wait`].
    pub(crate) fn written(&self) -> u64 {
        let ticket = self.shared.written.fetch_add(1, SeqCst) + 1;
        if self.shared.idle.swap(false, SeqCst) {
            // Taking the lock first means the thread is either waiting already or has yet to look at the count.
            drop(held(&self.shared.state));
            self.shared.wake.notify_one();
        }
        ticket
    }

    /// Returns once every write up to this ticket is on the disk.
    pub(crate) fn wait(&self, ticket: u64) -> Result<(), SyncFailed> {
        let mut state = held(&self.shared.state);
        while state.synced < ticket && !state.failed && !state.stop {
            state.urgent = true;
            self.shared.wake.notify_one();
            state = self.shared.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.synced < ticket { Err(SyncFailed) } else { Ok(()) }
    }

    /// The same without holding a thread: for calls on the host's workers. What is shared does not outlive the syncer:
    /// once it is dropped everything is synced or has failed.
    pub(crate) fn synced(&self, ticket: u64) -> impl Future<Output = Result<(), SyncFailed>> + Send + use<> {
        let told = {
            let mut state = held(&self.shared.state);
            if state.synced >= ticket {
                None
            } else {
                let (tell, told) = oneshot::channel();
                // Nobody will sync any more: the sender is dropped here, which is how a failure is told.
                if !state.failed && !state.stop {
                    state.urgent = true;
                    state.waiting.push((ticket, tell));
                    self.shared.wake.notify_one();
                }
                Some(told)
            }
        };
        async move {
            match told {
                Some(told) => told.await.map_err(|_| SyncFailed),
                None => Ok(()),
            }
        }
    }

    /// As [`Self::synced`], for everything written until now.
    pub(crate) fn all_synced(&self) -> impl Future<Output = Result<(), SyncFailed>> + Send + use<> {
        self.synced(self.shared.written.load(SeqCst))
    }

    /// True once a sync has failed: what is written from now on would never be synced.
    pub(crate) fn is_broken(&self) -> bool {
        self.shared.broken.load(SeqCst)
    }

    /// True if everything written until now is on the disk.
    #[cfg(test)]
    pub(crate) fn has_synced_all(&self) -> bool {
        self.has_synced(self.shared.written.load(SeqCst))
    }

    /// True if the write with this ticket is on the disk.
    #[cfg(test)]
    pub(crate) fn has_synced(&self, ticket: u64) -> bool {
        held(&self.shared.state).synced >= ticket
    }

    /// Returns once everything written until now is on the disk.
    pub(crate) fn flush(&self) -> Result<(), SyncFailed> {
        self.wait(self.shared.written.load(SeqCst))
    }
}

/// The standard library's lock, on purpose: a thread that waits on it is known to the kernel alone. A lock with a table of
/// waiters in the process would leave the parent's waiting threads in the table of a child of `fork`, where they are not.
fn held(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn run(&self, delay: Duration, sync: &dyn Fn() -> Result<(), SyncFailed>) {
        let mut state = held(&self.state);
        loop {
            while !state.stop && self.written.load(SeqCst) == state.synced {
                self.idle.store(true, SeqCst);
                if self.written.load(SeqCst) == state.synced {
                    state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
            self.idle.store(false, SeqCst);
            if !state.urgent && !state.stop {
                state = self.wake.wait_timeout(state, delay).unwrap_or_else(PoisonError::into_inner).0;
            }
            state.urgent = false;
            let target = self.written.load(SeqCst);
            if target > state.synced {
                drop(state);
                let outcome = sync();
                state = held(&self.state);
                if outcome.is_ok() {
                    state.synced = target;
                } else {
                    state.failed = true;
                    self.broken.store(true, SeqCst);
                }
                state.tell();
                self.done.notify_all();
            }
            if state.stop || state.failed {
                state.stop = true;
                state.waiting.clear();
                self.done.notify_all();
                return;
            }
        }
    }
}

impl State {
    /// Tells those whose writes are on the disk, or everybody that they never will be.
    fn tell(&mut self) {
        let (synced, failed) = (self.synced, self.failed);
        for (ticket, tell) in std::mem::take(&mut self.waiting) {
            if ticket <= synced {
                // Whoever was dropped while it waited needs no answer.
                let _ = tell.send(());
            } else if !failed {
                self.waiting.push((ticket, tell));
            }
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        // A forked child has the handle but not the thread: waiting for it would never end.
        if self.process != std::process::id() {
            std::mem::forget(thread);
            return;
        }
        held(&self.shared.state).stop = true;
        self.shared.wake.notify_one();
        if thread.join().is_err() {
            tracing::error!("the syncing thread panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_synced_without_being_asked() {
        let (tell, told) = std::sync::mpsc::channel();
        let syncer = Syncer::start("test", Duration::from_millis(1), move || {
            let _ = tell.send(());
            Ok(())
        })
        .unwrap();
        for _ in 0..3 {
            syncer.written();
            told.recv().unwrap();
        }
    }

    #[test]
    fn waiting_does_not_wait_for_the_delay_and_is_shared() {
        let syncs = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&syncs);
        let syncer = Syncer::start("test", Duration::from_hours(1), move || {
            counted.fetch_add(1, SeqCst);
            Ok(())
        })
        .unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        syncer.wait(syncer.written()).unwrap();
                    }
                });
            }
        });
        assert!(syncs.load(SeqCst) <= 400);
        assert_eq!(held(&syncer.shared.state).synced, 400);
    }

    #[tokio::test]
    async fn a_task_waits_without_a_thread_and_hears_of_success_and_failure() {
        let syncer = Syncer::start("test", Duration::from_hours(1), || Ok(())).unwrap();
        let ticket = syncer.written();
        syncer.synced(ticket).await.unwrap();
        syncer.synced(ticket).await.unwrap();
        let broken = Syncer::start("test", Duration::from_hours(1), || Err(SyncFailed)).unwrap();
        assert_eq!(broken.synced(broken.written()).await, Err(SyncFailed));
        assert_eq!(broken.synced(broken.written()).await, Err(SyncFailed));
    }

    #[test]
    fn dropping_syncs_what_is_left() {
        let syncs = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&syncs);
        let syncer = Syncer::start("test", Duration::from_hours(1), move || {
            counted.fetch_add(1, SeqCst);
            Ok(())
        })
        .unwrap();
        syncer.written();
        drop(syncer);
        assert_eq!(syncs.load(SeqCst), 1);
    }

    #[test]
    fn a_failure_is_told_to_everybody_and_never_repaired() {
        let syncer = Syncer::start("test", Duration::from_millis(1), || Err(SyncFailed)).unwrap();
        assert_eq!(syncer.wait(syncer.written()), Err(SyncFailed));
        assert_eq!(syncer.wait(syncer.written()), Err(SyncFailed));
        assert_eq!(syncer.flush(), Err(SyncFailed));
        assert!(syncer.is_broken());
    }
}
