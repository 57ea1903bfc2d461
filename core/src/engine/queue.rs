//! Whose turn it is to compile: a few at a time, each on threads of its own that end with it.
//!
//! A thread that compiles cannot be stopped. So a compilation that takes long keeps its turn until it is done and its caller
//! stops waiting at the time limit. What may take long is compiled one after the other and never has the last turn: however
//! many slow components there are, the quick ones do not wait for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::{Either, select};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::timer;

/// Who compiles and who waits.
pub struct Queue {
    turns: Arc<Semaphore>,
    slow: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// What is known beforehand of how long a compilation takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// No more than a few seconds of one core.
    #[default]
    Quick,
    /// Perhaps as long as the bounds allow.
    Slow,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(limits::COMPILE_LANES)),
            slow: Arc::new(Semaphore::new(limits::COMPILE_LANES - 1)),
            waiting: AtomicUsize::new(0),
        }
    }
}

impl Queue {
    /// Waits for a turn, then has `work` done and gives its result. Dropping the future leaves the queue.
    ///
    /// # Errors
    /// [`ErrorKind::QuotaExceeded`] when too many wait, [`ErrorKind::Timeout`] when the work takes too long,
    /// [`ErrorKind::Internal`] when there is no thread to do it, and whatever the work says.
    pub async fn run<T: Send + 'static>(
        &self,
        runtime: &Handle,
        pace: Pace,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = {
            let _waits = Waits::begin(&self.waiting)?;
            let slow = if pace == Pace::Slow { Some(permit(&self.slow).await?) } else { None };
            (permit(&self.turns).await?, slow)
        };
        let (sender, done) = oneshot::channel();
        let job = move || {
            let result = on_own_threads(work);
            drop(turn);
            // The caller may have stopped waiting; what was compiled is remembered all the same.
            drop(sender.send(result));
        };
        std::thread::Builder::new()
            .name("astrid-compile".to_owned())
            .stack_size(limits::COMPILE_STACK_BYTES)
            .spawn(job)
            .map_err(|error| internal().caused_by(error))?;
        let late = std::pin::pin!(timer::sleep(runtime, limits::COMPILE_TIME));
        match select(done, late).await {
            Either::Left((done, _)) => done.map_err(|error| internal().caused_by(error))?,
            Either::Right(_) => {
                let message =
                    format!("the component was not compiled within the limit of {:?}", limits::COMPILE_TIME);
                Err(Error::new(ErrorKind::Timeout, message))
            }
        }
    }

    /// Compilations under way, those included that nobody waits for any more.
    pub fn running(&self) -> usize {
        limits::COMPILE_LANES.saturating_sub(self.turns.available_permits())
    }

    /// Compilations that wait for their turn.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }
}

async fn permit(of: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    Arc::clone(of).acquire_owned().await.map_err(|error| internal().caused_by(error))
}

/// The compiler spreads the functions of a component over the threads of the pool it is called in. With a pool for each
/// compilation none waits behind another's functions, and a child of `fork`, where the threads of a shared pool would not
/// exist, compiles like its parent.
fn on_own_threads<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(cores.min(limits::COMPILE_THREADS))
        .thread_name(|n| format!("astrid-compile-{n}"))
        .stack_size(limits::COMPILE_STACK_BYTES)
        .build()
        .map_err(|error| internal().caused_by(error))?;
    threads.install(work)
}

/// One caller that waits for a turn.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Result<Self> {
        let counted = Self(waiting);
        if waiting.fetch_add(1, Ordering::AcqRel) >= limits::COMPILE_QUEUE {
            let message =
                format!("more than the limit of {} compilations are waiting", limits::COMPILE_QUEUE);
            return Err(Error::new(ErrorKind::QuotaExceeded, message));
        }
        Ok(counted)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn internal() -> Error {
    Error::new(ErrorKind::Internal, "the compiler stopped")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn slow_compilations_leave_a_turn_to_the_others() {
        let queue = Arc::new(Queue::default());
        let runtime = Handle::current();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let (sender, started) = oneshot::channel();
        let slow = tokio::spawn({
            let (queue, runtime) = (Arc::clone(&queue), runtime.clone());
            async move {
                let work = move || {
                    sender.send(()).ok();
                    wait.recv().map_err(|error| internal().caused_by(error))
                };
                queue.run(&runtime, Pace::Slow, work).await
            }
        });
        started.await.unwrap();
        // A second slow one waits for the first, however many turns are free.
        let mut second = Box::pin(queue.run(&runtime, Pace::Slow, || Ok(())));
        let mut nobody = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(second.as_mut().poll(&mut nobody).is_pending());
        assert_eq!((queue.running(), queue.waiting()), (1, 1));
        for n in 0..3 {
            assert_eq!(queue.run(&runtime, Pace::Quick, move || Ok(n)).await.unwrap(), n);
        }
        go.send(()).unwrap();
        slow.await.unwrap().unwrap();
        second.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_stops_waiting_at_the_time_limit() {
        let queue = Queue::default();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let work = move || wait.recv().map_err(|error| internal().caused_by(error));
        let error = queue.run(&Handle::current(), Pace::Quick, work).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        drop(go);
    }

    #[tokio::test]
    async fn work_that_panics_costs_its_caller_and_no_turn() {
        let queue = Queue::default();
        for _ in 0..=limits::COMPILE_LANES {
            let work = || -> Result<()> { panic!("on purpose") };
            assert_eq!(
                queue.run(&Handle::current(), Pace::Quick, work).await.unwrap_err().kind(),
                ErrorKind::Internal
            );
        }
        assert!(queue.run(&Handle::current(), Pace::Quick, || Ok(())).await.is_ok());
    }

    #[test]
    fn the_queue_is_bounded() {
        let waiting = AtomicUsize::new(0);
        let held: Vec<_> = (0..limits::COMPILE_QUEUE).map(|_| Waits::begin(&waiting).unwrap()).collect();
        assert_eq!(Waits::begin(&waiting).err().unwrap().kind(), ErrorKind::QuotaExceeded);
        drop(held);
        assert_eq!(waiting.load(Ordering::Acquire), 0);
    }
}
