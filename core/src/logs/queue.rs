//! Lines on their way: many guests put them in without waiting, one thread takes them out.
//!
//! The queue has a budget, and no capsule may hold more than its share of it, so that one that floods loses its own lines
//! and not those of others. What is lost is counted, and told with the next line of the same log.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::line::{LogLine, Owner};
use crate::limits;
use crate::principal::Principal;

/// What a line costs beside its text, in bytes.
const LINE_COST: usize = 128;

/// Lines between those who write and the one who reads.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Told when the first line comes, and when the queue is closed.
    filled: Condvar,
    /// Told when the reader has gone home.
    left: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<LogLine>,
    bytes: usize,
    held: HashMap<Arc<str>, usize>,
    lost: HashMap<Owner, u64>,
    closed: bool,
    gone: bool,
}

impl Queue {
    /// Puts a line in; false when it did not fit or nobody takes lines any more.
    pub(super) fn put(&self, line: LogLine) -> bool {
        let mut guard = self.lock();
        let state = &mut *guard;
        if state.closed {
            return false;
        }
        let cost = cost(&line);
        let held = state.held.get(&line.owner.capsule).copied().unwrap_or_default();
        let full =
            state.bytes + cost > limits::LOG_QUEUE_BYTES || held + cost > limits::LOG_QUEUE_SHARE_BYTES;
        if full {
            if state.lost.len() < limits::LOG_LOSSES || state.lost.contains_key(&line.owner) {
                *state.lost.entry(line.owner).or_default() += 1;
            }
            return false;
        }
        let first = state.lines.is_empty();
        if !state.lost.is_empty()
            && let Some(lost) = state.lost.remove(&line.owner)
        {
            state.lines.push_back(LogLine::of_losses(line.owner.clone(), lost, line.time));
        }
        state.bytes += cost;
        *state.held.entry(Arc::clone(&line.owner.capsule)).or_default() += cost;
        state.lines.push_back(line);
        drop(guard);
        if first {
            self.filled.notify_one();
        }
        true
    }

    /// Waits for lines and takes all that are there, in order, with a last one for each log that lost lines since; none once
    /// the queue is closed and empty.
    pub(super) fn take(&self) -> Option<VecDeque<LogLine>> {
        let mut state = self.lock();
        while state.lines.is_empty() && !state.closed {
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let left = State { closed: state.closed, gone: state.gone, ..State::default() };
        let State { mut lines, lost, .. } = std::mem::replace(&mut *state, left);
        drop(state);
        let now = SystemTime::now();
        lines.extend(lost.into_iter().map(|(owner, lost)| LogLine::of_losses(owner, lost, now)));
        (!lines.is_empty()).then_some(lines)
    }

    /// Forgets what the logs of a principal lost, of which the next line would tell.
    pub(super) fn forget(&self, principal: &Principal) {
        self.lock().lost.retain(|owner, _| owner.principal != *principal);
    }

    /// Takes no more lines, and waits until the reader is through with those that are there, but never longer than `most`.
    pub(super) fn close(&self, most: Duration) {
        let until = Instant::now() + most;
        let mut state = self.lock();
        state.closed = true;
        self.filled.notify_all();
        while !state.gone {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.left.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Says that nobody will take lines any more.
    pub(super) fn leave(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.gone = true;
        drop(state);
        self.left.notify_all();
    }

    /// A panic between two statements of this file leaves nothing half done that could harm.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cost(line: &LogLine) -> usize {
    line.message.len() + LINE_COST
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::Level;
    use crate::principal::Principal;

    fn line(capsule: &str, length: usize) -> LogLine {
        let owner = Owner { principal: Principal::default(), capsule: Arc::from(capsule) };
        LogLine::new(owner, Level::Info, &"x".repeat(length), &[])
    }

    #[test]
    fn who_floods_loses_lines_of_its_own_and_is_told_how_many() {
        let queue = Queue::default();
        let mut taken = 0;
        while queue.put(line("loud", 1000)) {
            taken += 1;
        }
        assert!(taken * 1000 < limits::LOG_QUEUE_SHARE_BYTES);
        assert!(!queue.put(line("loud", 1000)));
        assert!(queue.put(line("quiet", 1000)));
        let lines = queue.take().unwrap();
        assert_eq!(lines.len(), taken + 2);
        assert_eq!(lines[taken + 1].lost, 2);
        assert!(queue.put(line("loud", 1000)));
    }

    #[test]
    fn a_loss_stands_before_the_next_line_of_the_log() {
        let queue = Queue::default();
        while queue.put(line("loud", 1000)) {}
        // Something small still fits where something large did not.
        assert!(queue.put(line("quiet", 1)));
        assert!(queue.put(line("loud", 1)));
        let lines = queue.take().unwrap();
        let lost: Vec<_> = lines.iter().rev().take(3).map(|line| line.lost).collect();
        assert_eq!(lost, [0, 1, 0]);
    }

    #[test]
    fn the_whole_queue_is_bounded_over_all_capsules() {
        let queue = Queue::default();
        let mut bytes = 0;
        for n in 0..1000 {
            if queue.put(line(&format!("c{n}"), 60 * 1024)) {
                bytes += 60 * 1024;
            }
        }
        assert!(bytes <= limits::LOG_QUEUE_BYTES);
    }

    #[test]
    fn closing_lets_the_reader_finish() {
        let queue = Arc::new(Queue::default());
        assert!(queue.put(line("a", 1)));
        let reader = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                let mut seen = 0;
                while let Some(batch) = queue.take() {
                    seen += batch.len();
                }
                queue.leave();
                seen
            }
        });
        queue.close(Duration::from_mins(1));
        assert_eq!(reader.join().unwrap(), 1);
        assert!(!queue.put(line("a", 1)));
    }
}
