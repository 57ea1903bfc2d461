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
pub(super) struct Spawner(Mutex<Option<(u32, mpsc::Sender<Job>)>>);

/// A wrapper nobody looks after yet. Dropped, it is told nothing, and so ends by itself without having started a program.
#[derive(Debug)]
pub(super) struct Started {
    child: Option<Child>,
    reap: mpsc::Sender<Job>,
}

impl Spawner {
    /// A spawner whose thread starts with the first child.
    pub fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Starts a child.
    pub async fn start(&self, mut command: Command) -> io::Result<Started> {
        let (tell, told) = oneshot::channel();
        let jobs = self.jobs()?;
        let reap = jobs.clone();
        let job: Job = Box::new(move || {
            // Nobody may wait any more; then what was started is dropped here.
            drop(tell.send(command.spawn().map(|child| Started { child: Some(child), reap })));
        });
        jobs.send(job).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        told.await.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
    }

    /// Where the thread takes its work, which starts with the first.
    fn jobs(&self) -> io::Result<mpsc::Sender<Job>> {
        let mut jobs = self.0.lock();
        // A forked process has the handle of its parent's thread and not the thread.
        if let Some((process, known)) = &*jobs
            && *process == std::process::id()
        {
            return Ok(known.clone());
        }
        let (send, work) = mpsc::channel::<Job>();
        std::thread::Builder::new().name("astrid-spawner".to_owned()).spawn(move || {
            for job in work {
                job();
            }
        })?;
        *jobs = Some((std::process::id(), send.clone()));
        Ok(send)
    }
}

impl Started {
    /// Its number in the operating system.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The child, to be looked after by whoever takes it.
    pub fn take(mut self) -> Option<Child> {
        self.child.take()
    }

    /// Its ends of the pipes.
    pub fn pipes(&mut self) -> Option<&mut Child> {
        self.child.as_mut()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop((child.stdin.take(), child.stdout.take(), child.stderr.take()));
            // Without the thread there is no host, and the system reaps it.
            drop(self.reap.send(Box::new(move || drop(child.wait()))));
        }
    }
}
