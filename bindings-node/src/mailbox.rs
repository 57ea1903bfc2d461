//! The one way from the host's threads to JavaScript: letters in a queue, and a bell that wakes the event loop.
//!
//! The bell is a weak thread-safe function with room for one ring, so it never keeps the process alive, and a ring
//! that finds the bell already rung has nothing to add. JavaScript empties the queue on its own thread. While that
//! thread waits in `triggerSync` it takes the questions out by itself, and a new question unparks it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, Thread};

use napi::bindgen_prelude::{Function, Result};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode, UnknownReturnValue};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::letter::Letter;
use crate::notices::Notices;

/// Questions that may wait for the JavaScript thread; whoever asks one more waits for room.
const QUESTIONS_WAITING: usize = 256;

/// Wakes the event loop: no arguments, the answer ignored, errors not handed to the callee, weak, room for one ring.
type Bell = ThreadsafeFunction<(), UnknownReturnValue, (), napi::Status, false, true, 1>;

/// What the JavaScript side said to a question.
pub enum Reply {
    /// The handler's value, as JSON.
    Answer(String),
    /// The handler threw, or its Promise was rejected; JavaScript keeps the exception under the question's number.
    Raised(String),
    /// The handler's value has the wrong type.
    Wrong(String),
    /// The handler answered a Promise to a thread that waits in `triggerSync`.
    WouldBlock(String),
}

/// A question on its way to a handler.
pub struct Question {
    /// Its number, unique in this mailbox.
    pub id: u32,
    /// The question as JSON, with the name of its handler.
    pub text: String,
    room: OwnedSemaphorePermit,
}

/// The letters of one host.
pub struct Mailbox {
    state: Mutex<State>,
    notices: Notices,
    room: Arc<Semaphore>,
    next_question: AtomicU32,
}

struct State {
    letters: VecDeque<Letter>,
    questions: VecDeque<Question>,
    replies: HashMap<u32, oneshot::Sender<Reply>>,
    waiting_threads: Vec<Thread>,
    bell: Option<Arc<Bell>>,
    rung: bool,
}

impl Mailbox {
    /// A mailbox whose bell calls `pump` on the thread that owns it.
    pub fn new(pump: &Function<(), UnknownReturnValue>) -> Result<Arc<Self>> {
        let bell = pump
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .callee_handled::<false>()
            .max_queue_size::<1>()
            .build()?;
        Ok(Arc::new(Self {
            state: Mutex::new(State {
                letters: VecDeque::new(),
                questions: VecDeque::new(),
                replies: HashMap::new(),
                waiting_threads: Vec::new(),
                bell: Some(Arc::new(bell)),
                rung: false,
            }),
            notices: Notices::default(),
            room: Arc::new(Semaphore::new(QUESTIONS_WAITING)),
            next_question: AtomicU32::new(1),
        }))
    }

    /// Posts a letter; after [`Mailbox::close`] it is dropped.
    pub fn post(&self, letter: Letter) {
        let bell = {
            let mut state = self.state.lock();
            if state.bell.is_none() {
                return;
            }
            state.letters.push_back(letter);
            state.ring()
        };
        ring(bell);
    }

    /// What JavaScript is told and not asked.
    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    /// Tells JavaScript something in its own time: `put` puts it among the notices, and may wait there.
    pub fn tell(&self, put: impl FnOnce(&Notices)) {
        put(&self.notices);
        let bell = self.state.lock().ring();
        ring(bell);
    }

    /// Asks JavaScript and waits for its reply; `None` when the mailbox is closed before one came.
    ///
    /// Dropping the future withdraws the question.
    pub async fn ask(self: Arc<Self>, text: String) -> Option<(u32, Reply)> {
        let room = Arc::clone(&self.room).acquire_owned().await.ok()?;
        let id = self.next_question.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        let bell = {
            let mut state = self.state.lock();
            state.bell.as_ref()?;
            state.replies.insert(id, sender);
            state.questions.push_back(Question { id, text, room });
            for thread in &state.waiting_threads {
                thread.unpark();
            }
            state.ring()
        };
        ring(bell);
        let _withdraw = Withdraw { mailbox: &self, id };
        receiver.await.ok().map(|reply| (id, reply))
    }

    /// Hands a reply to whoever asked; false when nobody waits for it any more.
    pub fn reply(&self, id: u32, reply: Reply) -> bool {
        let sender = self.state.lock().replies.remove(&id);
        sender.is_some_and(|sender| sender.send(reply).is_ok())
    }

    /// Takes every letter, the questions among them, in the order they came. Whoever looks at the notices afterwards finds
    /// those that came before the letters.
    pub fn drain(&self) -> Vec<Letter> {
        let mut state = self.state.lock();
        state.rung = false;
        let mut letters: Vec<Letter> = state.letters.drain(..).collect();
        letters.extend(state.questions.drain(..).map(Letter::from));
        letters
    }

    /// Takes the oldest question, for a thread that waits in `triggerSync`.
    pub fn next_question(&self) -> Option<Letter> {
        self.state.lock().questions.pop_front().map(Letter::from)
    }

    /// Counts the calling thread among those that a question unparks, until the answer is dropped.
    pub fn wait_here(&self) -> Waiting<'_> {
        self.state.lock().waiting_threads.push(thread::current());
        Waiting(self)
    }

    /// Lets go of JavaScript: letters are dropped and whoever asked hears that nobody is there.
    pub fn close(&self) {
        let left = {
            let mut state = self.state.lock();
            let letters = std::mem::take(&mut state.letters);
            let questions = std::mem::take(&mut state.questions);
            let replies = std::mem::take(&mut state.replies);
            (state.bell.take(), letters, questions, replies)
        };
        self.notices.close();
        self.room.close();
        drop(left);
    }
}

impl State {
    /// The bell, if it must be rung now.
    fn ring(&mut self) -> Option<Arc<Bell>> {
        if std::mem::replace(&mut self.rung, true) { None } else { self.bell.clone() }
    }
}

/// Rings outside the lock. A full queue means that a ring is under way already; a closing environment that nobody
/// will ever read the letters, which [`Mailbox::close`] settles when the environment drops the host.
fn ring(bell: Option<Arc<Bell>>) {
    if let Some(bell) = bell {
        bell.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }
}

impl From<Question> for Letter {
    fn from(question: Question) -> Self {
        drop(question.room);
        Letter::Question { id: question.id, text: question.text }
    }
}

/// Withdraws a question, unless its reply came.
struct Withdraw<'a> {
    mailbox: &'a Mailbox,
    id: u32,
}

impl Drop for Withdraw<'_> {
    fn drop(&mut self) {
        let mut state = self.mailbox.state.lock();
        if state.replies.remove(&self.id).is_none() {
            return;
        }
        let place = state.questions.iter().position(|question| question.id == self.id);
        let unread = place.and_then(|place| state.questions.remove(place));
        drop(state);
        if unread.is_none() {
            self.mailbox.post(Letter::Withdrawn { id: self.id });
        }
    }
}

/// While this lives, a new question unparks the thread that made it.
pub struct Waiting<'a>(&'a Mailbox);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let here = thread::current().id();
        let threads = &mut self.0.state.lock().waiting_threads;
        if let Some(place) = threads.iter().rposition(|thread| thread.id() == here) {
            threads.remove(place);
        }
    }
}
