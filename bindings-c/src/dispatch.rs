//! Where callbacks run: on the runtime's threads, or on the caller's own thread when it says so.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::thread::{self, Thread};

use parking_lot::Mutex;

/// Something to be run where callbacks run.
pub(crate) struct Job {
    run: Box<dyn FnOnce(Turn) + Send>,
    kind: Kind,
}

/// What becomes of a job whose turn does not come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It fails when its own thread waits for it, and is forgotten when the host is closed.
    Question,
    /// It is forgotten when the host is closed.
    Telling,
    /// It stays until it runs.
    Notice,
}

/// How a job's turn came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Now.
    Call,
    /// Never: the thread that would run it is the one that waits for it.
    WouldBlock,
}

impl Job {
    /// A job whose answer somebody waits for.
    pub(crate) fn question(run: impl FnOnce(Turn) + Send + 'static) -> Self {
        Self { run: Box::new(run), kind: Kind::Question }
    }

    /// A job that somebody counts on, such as the end of a call.
    pub(crate) fn notice(run: impl FnOnce() + Send + 'static) -> Self {
        Self { run: Box::new(move |_| run()), kind: Kind::Notice }
    }
}

/// Where this host's callbacks run.
#[derive(Clone)]
pub(crate) enum Callbacks {
    /// Each on a thread that the runtime keeps for what may block.
    Runtime,
    /// On the thread that dispatches.
    Dispatch(Arc<Queue>),
}

impl Callbacks {
    /// Hands a job over. It must be called on the host's runtime.
    pub(crate) fn post(&self, job: Job) {
        match self {
            Self::Runtime => drop(tokio::task::spawn_blocking(move || (job.run)(Turn::Call))),
            Self::Dispatch(queue) => queue.post(job),
        }
    }

    /// Runs something where callbacks run and returns when it has run or never will. It is for threads that may wait for
    /// that, which need not be the runtime's: where callbacks run on threads of the library, this one is as good as any.
    pub(crate) fn tell(&self, run: impl FnOnce() + Send + 'static) {
        match self {
            Self::Runtime => run(),
            Self::Dispatch(queue) => {
                let (taken, wait) = tokio::sync::oneshot::channel::<()>();
                let run = move |_| {
                    run();
                    drop(taken);
                };
                queue.post(Job { run: Box::new(run), kind: Kind::Telling });
                // Nothing is ever sent: the sender is dropped when the job has run, and with the job when it is forgotten.
                let _ = wait.blocking_recv();
            }
        }
    }
}

/// The jobs that wait for the dispatching thread.
pub(crate) struct Queue {
    state: Mutex<State>,
    reader: PipeReader,
    writer: PipeWriter,
}

struct State {
    jobs: VecDeque<Job>,
    /// The thread that dispatches; it is also woken when it waits in a synchronous call.
    owner: Thread,
    /// Whether the pipe holds its one byte.
    signalled: bool,
    /// How many callbacks on the owner's stack wait in a synchronous call.
    blocked: usize,
    /// Whether the host is closed, so that nobody is asked or told anything any more.
    over: bool,
}

thread_local! {
    /// The queues whose jobs run on this thread right now, innermost last.
    static RUNNING: RefCell<Vec<*const Queue>> = const { RefCell::new(Vec::new()) };
}

impl Queue {
    /// An empty queue that the current thread dispatches until another one does.
    pub(crate) fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let (jobs, owner) = (VecDeque::new(), thread::current());
        let state = State { jobs, owner, signalled: false, blocked: 0, over: false };
        Ok(Self { state: Mutex::new(state), reader, writer })
    }

    /// The descriptor that is readable while jobs wait.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.reader.as_raw_fd()
    }

    /// Makes the current thread the one that dispatches.
    pub(crate) fn own(&self) {
        self.state.lock().owner = thread::current();
    }

    /// Whether the current thread is the one that dispatches.
    pub(crate) fn is_mine(&self) -> bool {
        self.state.lock().owner.id() == thread::current().id()
    }

    /// Whether a job of this queue runs on this thread.
    pub(crate) fn is_running_here(&self) -> bool {
        RUNNING.with_borrow(|running| running.contains(&std::ptr::from_ref(self)))
    }

    /// Runs `wait`, during which the owner's thread stands still inside a callback: a question that comes then could
    /// be answered by nobody and is refused at once.
    pub(crate) fn blocked<T>(&self, wait: impl FnOnce() -> T) -> T {
        struct Unblock<'a>(&'a Queue);
        impl Drop for Unblock<'_> {
            fn drop(&mut self) {
                self.0.state.lock().blocked -= 1;
            }
        }
        self.state.lock().blocked += 1;
        let _unblock = Unblock(self);
        wait()
    }

    /// Appends a job and wakes the owner.
    fn post(&self, job: Job) {
        let mut state = self.state.lock();
        if job.kind == Kind::Question && state.blocked > 0 {
            drop(state);
            (job.run)(Turn::WouldBlock);
            return;
        }
        if state.over && job.kind != Kind::Notice {
            // Its drop may be foreign code, so it runs outside the lock.
            drop(state);
            drop(job);
            return;
        }
        state.jobs.push_back(job);
        if !state.signalled {
            // The pipe is empty here and the flag says so under the lock, so one byte always fits.
            state.signalled = (&self.writer).write(&[1]).is_ok();
        }
        let owner = state.owner.clone();
        drop(state);
        owner.unpark();
    }

    /// Runs the jobs that wait now, and not those that they bring about, so that it always returns. Says how many.
    pub(crate) fn run(&self) -> u32 {
        let waiting = self.state.lock().jobs.len();
        let mut ran = 0;
        for _ in 0..waiting {
            let Some(job) = self.next() else { break };
            let _running = Running::enter(self);
            (job.run)(Turn::Call);
            ran += 1;
        }
        ran
    }

    /// Lets go of the questions that wait and of what was to be told, now and from now on; nobody wants them any more.
    pub(crate) fn forget(&self) {
        let mut state = self.state.lock();
        state.over = true;
        let (notices, others) =
            std::mem::take(&mut state.jobs).into_iter().partition(|job| job.kind == Kind::Notice);
        state.jobs = notices;
        self.calm(&mut state);
        drop(state);
        // Their drop may be foreign code, so it runs outside the lock.
        drop::<VecDeque<Job>>(others);
    }

    fn next(&self) -> Option<Job> {
        let mut state = self.state.lock();
        let job = state.jobs.pop_front();
        self.calm(&mut state);
        job
    }

    /// Takes the byte back when nothing waits any more.
    fn calm(&self, state: &mut State) {
        if state.jobs.is_empty() && state.signalled {
            // The flag says that the one byte is there, so this read cannot wait.
            state.signalled = (&self.reader).read(&mut [0]).is_err();
        }
    }
}

/// Marks the queue as running on this thread; unmarks it also when a job panics.
struct Running;

impl Running {
    fn enter(queue: &Queue) -> Self {
        RUNNING.with_borrow_mut(|running| running.push(std::ptr::from_ref(queue)));
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.with_borrow_mut(Vec::pop);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn jobs_run_in_their_order_and_a_new_one_waits_for_the_next_turn() {
        let queue = Arc::new(Queue::new().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (again, late) = (Arc::clone(&queue), Arc::clone(&seen));
        for n in 0..2 {
            let seen = Arc::clone(&seen);
            queue.post(Job::notice(move || seen.lock().push(n)));
        }
        queue.post(Job::notice(move || again.post(Job::notice(move || late.lock().push(9)))));
        assert_eq!(queue.run(), 3);
        assert_eq!(*seen.lock(), [0, 1]);
        assert!(queue.state.lock().signalled);
        assert_eq!(queue.run(), 1);
        assert_eq!(*seen.lock(), [0, 1, 9]);
        assert!(!queue.state.lock().signalled);
    }

    #[test]
    fn a_question_that_its_own_thread_waits_for_is_refused_and_a_notice_is_kept() {
        let queue = Queue::new().unwrap();
        let refused = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&refused);
        queue.blocked(|| {
            queue.post(Job::question(move |turn| {
                count.fetch_add(u32::from(turn == Turn::WouldBlock), Ordering::Relaxed);
            }));
            queue.post(Job::notice(|| {}));
        });
        assert_eq!(refused.load(Ordering::Relaxed), 1);
        assert_eq!(queue.run(), 1);
    }

    #[test]
    fn who_tells_something_is_not_left_waiting_by_the_end() {
        let queue = Arc::new(Queue::new().unwrap());
        let callbacks = Callbacks::Dispatch(Arc::clone(&queue));
        let telling = thread::spawn(move || {
            callbacks.tell(|| panic!("nobody dispatches"));
            callbacks.tell(|| panic!("the host is closed"));
        });
        while queue.state.lock().jobs.is_empty() {
            thread::yield_now();
        }
        queue.post(Job::notice(|| {}));
        queue.forget();
        telling.join().unwrap();
        assert_eq!(queue.run(), 1);
    }
}
