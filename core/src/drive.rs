//! Running a future on the calling thread, with a pulse for whoever must look after that thread meanwhile.

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

/// Wakes a thread that is parked in [`drive`].
struct Unpark {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }
}

/// Polls `future` on this thread until it is ready. While it waits the thread is parked, and `pulse` is called at least
/// every `interval` and whenever somebody unparks the thread; [`ControlFlow::Break`] drops the future, which cancels it.
///
/// # Errors
/// What `pulse` broke with.
pub fn drive<F: Future, B>(
    future: F,
    interval: Duration,
    mut pulse: impl FnMut() -> ControlFlow<B>,
) -> Result<F::Output, B> {
    let mut future = pin!(future);
    let unpark = Arc::new(Unpark { thread: std::thread::current(), woken: AtomicBool::new(false) });
    let waker = Waker::from(Arc::clone(&unpark));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Ok(output);
        }
        loop {
            if let ControlFlow::Break(reason) = pulse() {
                return Err(reason);
            }
            if unpark.woken.swap(false, Ordering::AcqRel) {
                break;
            }
            std::thread::park_timeout(interval);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_future_that_is_woken_from_elsewhere_ends() {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let helper = std::thread::spawn(move || sender.send(7));
        let driven = drive(receiver, Duration::from_mins(1), || ControlFlow::<()>::Continue(()));
        assert_eq!(driven.unwrap().unwrap(), 7);
        helper.join().unwrap().unwrap();
    }

    #[test]
    fn a_broken_pulse_drops_the_future() {
        struct Dropped(mpsc::Sender<()>);
        impl Drop for Dropped {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        let (sender, receiver) = mpsc::channel();
        let guard = Dropped(sender);
        let endless = async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        };
        assert_eq!(drive(endless, Duration::from_mins(1), || ControlFlow::Break("stop")), Err("stop"));
        receiver.recv().unwrap();
    }
}
