//! What the host tells without asking anything: it waits here, bounded and in order, until JavaScript has time for it.

use std::collections::VecDeque;

use parking_lot::{Condvar, Mutex};

/// Lines of guests' logs that may wait for the JavaScript thread.
const LINES_WAITING: usize = 256;
/// Checkpoints that may wait for it.
const CHECKPOINTS_WAITING: usize = 64;

/// The notices that nobody has heard of yet, each as JSON.
#[derive(Default)]
pub struct Notices {
    state: Mutex<State>,
    taken: Condvar,
}

#[derive(Default)]
struct State {
    lines: VecDeque<String>,
    checkpoints: VecDeque<String>,
    closed: bool,
}

impl Notices {
    /// Puts a line of a log in. The thread that brings it is there for nothing else and waits for room; what is logged
    /// meanwhile and does not fit, the host counts and tells.
    pub fn put_line(&self, text: String) {
        let mut state = self.state.lock();
        self.taken.wait_while(&mut state, |state| state.lines.len() >= LINES_WAITING && !state.closed);
        if !state.closed {
            state.lines.push_back(text);
        }
    }

    /// Puts a checkpoint in. The audit log must not wait, so the oldest gives way: a later one covers all that it does.
    pub fn put_checkpoint(&self, text: String) {
        let mut state = self.state.lock();
        if state.closed {
            return;
        }
        if state.checkpoints.len() >= CHECKPOINTS_WAITING {
            state.checkpoints.pop_front();
        }
        state.checkpoints.push_back(text);
    }

    /// Takes all lines that wait.
    pub fn take_lines(&self) -> Vec<String> {
        let lines = std::mem::take(&mut self.state.lock().lines);
        self.taken.notify_all();
        lines.into()
    }

    /// Takes all checkpoints that wait.
    pub fn take_checkpoints(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().checkpoints).into()
    }

    /// Drops what waits and what comes.
    pub fn close(&self) {
        *self.state.lock() = State { closed: true, ..State::default() };
        self.taken.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn a_line_waits_for_room_and_none_is_lost() {
        let notices = Arc::new(Notices::default());
        let writer = thread::spawn({
            let notices = Arc::clone(&notices);
            move || (0..3 * LINES_WAITING).for_each(|n| notices.put_line(n.to_string()))
        });
        let mut told = Vec::new();
        while told.len() < 3 * LINES_WAITING {
            let taken = notices.take_lines();
            assert!(taken.len() <= LINES_WAITING);
            told.extend(taken);
            thread::yield_now();
        }
        writer.join().unwrap();
        assert!(told.iter().enumerate().all(|(n, line)| *line == n.to_string()));
    }

    #[test]
    fn the_oldest_checkpoint_gives_way() {
        let notices = Notices::default();
        (0..=CHECKPOINTS_WAITING).for_each(|n| notices.put_checkpoint(n.to_string()));
        let told = notices.take_checkpoints();
        assert_eq!((told.len(), told[0].as_str()), (CHECKPOINTS_WAITING, "1"));
    }

    #[test]
    fn closing_frees_whoever_waits_for_room() {
        let notices = Arc::new(Notices::default());
        (0..LINES_WAITING).for_each(|_| notices.put_line(String::new()));
        let writer = thread::spawn({
            let notices = Arc::clone(&notices);
            move || notices.put_line(String::new())
        });
        notices.close();
        writer.join().unwrap();
        assert!(notices.take_lines().is_empty());
    }
}
