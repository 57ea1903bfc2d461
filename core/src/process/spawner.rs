//! The thread that children are started from.
//!
//! The kernel kills a child when the thread that started it ends. Guests run on threads that come and go, so one thread of the
//! host's own starts them all, and ends with the host: whatever is left by then ends with it.

use std::io;
use std::process::{Child, Command};
use std::sync::mpsc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// Starts children, one after the other.
#[derive(Debug)]
pub(super) struct Spawner(Mutex<Option<mpsc::Sender<Job>>>);

/// A child nobody looks after yet; dropped, it is killed.
#[derive(Debug)]
pub(super) struct Started(Option<Child>);

impl Spawner {
    /// A spawner whose thread starts with the first child.
    pub fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Starts a child.
    pub async fn start(&self, mut command: Command) -> io::Result<Started> {
        let (tell, told) = oneshot::channel();
        let job = Box::new(move || {
            // Nobody may wait any more; then what was started is dropped here, and so killed.
            drop(tell.send(command.spawn().map(|child| Started(Some(child)))));
        });
        self.send(job)?;
        told.await.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn send(&self, mut job: Job) -> io::Result<()> {
        let mut jobs = self.0.lock();
        if let Some(known) = &*jobs {
            match known.send(job) {
                Ok(()) => return Ok(()),
                Err(mpsc::SendError(back)) => job = back,
            }
        }
        // Also in a forked process, which has the handle of its parent's thread and not the thread.
        let (send, work) = mpsc::channel::<Job>();
        std::thread::Builder::new().name("astrid-spawner".to_owned()).spawn(move || {
            for job in work {
                job();
            }
        })?;
        send.send(job).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        *jobs = Some(send);
        Ok(())
    }
}

impl Started {
    /// Its number in the operating system.
    pub fn id(&self) -> Option<u32> {
        self.0.as_ref().map(Child::id)
    }

    /// The child, to be looked after by whoever takes it.
    pub fn take(mut self) -> Option<Child> {
        self.0.take()
    }

    /// Its ends of the pipes.
    pub fn pipes(&mut self) -> Option<&mut Child> {
        self.0.as_mut()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            // It has just been started: the wrapper ends at once, and what is inside with it.
            if child.kill().is_ok() {
                drop(child.wait());
            }
        }
    }
}
