//! The output of a child, of which a bounded part is kept.
//!
//! Bytes have places, counted from the first byte the child ever wrote. Whoever drains the ring takes what is in it; whoever
//! reads from a place on leaves it there for others. Both, and being pushed out, move the first place that is kept.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::limits;

/// What happens to more output than is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The oldest bytes go.
    #[default]
    DropOldest,
    /// The child waits until somebody reads.
    Backpressure,
    /// All of it is wanted: too much is a failure of the call.
    Refuse,
}

/// A part of an output.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    /// The bytes.
    pub data: Vec<u8>,
    /// The place after them.
    pub next: u64,
    /// Bytes that were gone before the part was asked for.
    pub dropped: u64,
    /// Whether it reaches the end of an output that has ended.
    pub at_end: bool,
}

/// One output of one child.
#[derive(Debug)]
pub struct Ring {
    state: Mutex<State>,
    changed: Notify,
    capacity: usize,
    overflow: Overflow,
}

#[derive(Debug, Default)]
struct State {
    bytes: VecDeque<u8>,
    /// The place of the first byte that is kept.
    start: u64,
    /// Bytes that were pushed out.
    dropped: u64,
    /// The child has ended: what is left in the pipe is kept beside what fills the ring.
    ending: bool,
    ended: bool,
    refused: bool,
}

impl Ring {
    /// An empty ring for at most `capacity` bytes.
    #[must_use]
    pub fn new(capacity: usize, overflow: Overflow) -> Self {
        Self { state: Mutex::default(), changed: Notify::new(), capacity, overflow }
    }

    /// How many bytes may be pushed now; none while the child has to wait.
    pub(super) fn room(&self, most: usize) -> usize {
        let state = self.state.lock();
        let left = if state.ending { limits::PIPE_BYTES } else { 0 };
        match self.overflow {
            Overflow::Backpressure => (self.capacity + left).saturating_sub(state.bytes.len()).min(most),
            Overflow::DropOldest | Overflow::Refuse => most,
        }
    }

    /// Whether the child has ended and nothing more is kept of what it wrote: one that is being killed may write until it is dead.
    pub(super) fn is_complete(&self) -> bool {
        let ending = self.state.lock().ending;
        ending && self.room(1) == 0
    }

    /// Keeps what the child wrote.
    pub(super) fn push(&self, bytes: &[u8]) {
        let mut state = self.state.lock();
        if self.overflow == Overflow::Refuse && state.bytes.len() + bytes.len() > self.capacity {
            state.refused = true;
        } else {
            state.bytes.extend(bytes);
        }
        if self.overflow == Overflow::DropOldest {
            let surplus = state.bytes.len().saturating_sub(self.capacity);
            state.bytes.drain(..surplus);
            state.start += surplus as u64;
            state.dropped += surplus as u64;
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// The child has ended and fills the ring no further than its pipe holds.
    pub(super) fn ending(&self) {
        self.state.lock().ending = true;
        self.changed.notify_waiters();
    }

    /// There will be no more.
    pub(super) fn end(&self) {
        self.state.lock().ended = true;
        self.changed.notify_waiters();
    }

    /// Takes everything that is kept.
    pub fn drain(&self) -> Vec<u8> {
        let mut state = self.state.lock();
        let taken: Vec<u8> = std::mem::take(&mut state.bytes).into();
        state.start += taken.len() as u64;
        drop(state);
        self.changed.notify_waiters();
        taken
    }

    /// At most `most` bytes from `place` on, or from the first that is kept, and leaves them there. A place that was never
    /// reached is the end.
    pub fn since(&self, place: Option<u64>, most: usize) -> Part {
        let state = self.state.lock();
        let end = state.start + state.bytes.len() as u64;
        let asked = place.unwrap_or(state.start).min(end);
        let from = asked.max(state.start);
        let skip = usize::try_from(from - state.start).unwrap_or(usize::MAX);
        let data: Vec<u8> = state.bytes.iter().skip(skip).take(most).copied().collect();
        let next = from + data.len() as u64;
        Part { data, next, dropped: from - asked, at_end: state.ended && next == end }
    }

    /// Bytes that are kept.
    pub fn buffered(&self) -> u64 {
        self.state.lock().bytes.len() as u64
    }

    /// Bytes that were pushed out by newer ones.
    pub fn dropped(&self) -> u64 {
        self.state.lock().dropped
    }

    /// Whether there is something to read, or nothing more will come.
    pub fn is_ready(&self) -> bool {
        let state = self.state.lock();
        !state.bytes.is_empty() || state.ended
    }

    /// Whether more was written than a call that wants all of it may carry.
    pub fn is_refused(&self) -> bool {
        self.state.lock().refused
    }

    /// The place after the last byte; it only grows.
    pub fn written(&self) -> u64 {
        let state = self.state.lock();
        state.start + state.bytes.len() as u64
    }

    /// Waits until `is` says so; it is asked after every change.
    pub async fn until(&self, is: impl Fn(&Self) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if is(self) {
                return;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(data: &[u8], next: u64, dropped: u64, at_end: bool) -> Part {
        Part { data: data.to_vec(), next, dropped, at_end }
    }

    #[test]
    fn places_outlive_draining_and_being_pushed_out() {
        let ring = Ring::new(4, Overflow::DropOldest);
        ring.push(b"abc");
        assert_eq!(ring.since(None, 2), part(b"ab", 2, 0, false));
        assert_eq!(ring.since(Some(2), 9), part(b"c", 3, 0, false));
        ring.push(b"def");
        assert_eq!((ring.buffered(), ring.dropped()), (4, 2));
        assert_eq!(ring.since(Some(0), 9), part(b"cdef", 6, 2, false));
        assert_eq!(ring.drain(), b"cdef");
        assert_eq!(ring.since(Some(3), 9), part(b"", 6, 3, false));
        assert_eq!(ring.since(Some(99), 9), part(b"", 6, 0, false));
        ring.end();
        assert_eq!(ring.since(None, 9), part(b"", 6, 0, true));
        assert_eq!(ring.dropped(), 2, "what was drained was not pushed out");
    }

    #[test]
    fn a_child_waits_for_room_until_it_has_ended() {
        let ring = Ring::new(4, Overflow::Backpressure);
        ring.push(b"abc");
        assert_eq!(ring.room(9), 1);
        ring.push(b"d");
        assert_eq!(ring.room(9), 0);
        ring.ending();
        assert_eq!(ring.room(9), 9);
        assert!(!ring.is_complete());
        ring.push(b"efg");
        // One that is not dead yet and goes on writing does not fill the host's memory.
        ring.push(&vec![b'x'; ring.room(usize::MAX)]);
        assert!(ring.is_complete() && ring.room(9) == 0);
        assert!(ring.drain().starts_with(b"abcdefgx"));
    }

    #[test]
    fn what_is_wanted_whole_is_refused_when_it_is_too_much() {
        let ring = Ring::new(4, Overflow::Refuse);
        ring.push(b"abcd");
        assert!(!ring.is_refused());
        ring.push(b"e");
        assert!(ring.is_refused());
        assert_eq!(ring.drain(), b"abcd");
    }
}
