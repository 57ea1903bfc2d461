//! What guests log: a file for each day of each (principal, capsule), and the embedding program's own sink.
//!
//! A guest never waits for its log. Lines go into bounded queues, one for the files and one for the sink, each emptied by
//! a thread of its own that is started with the first line and called in order. What does not fit is counted, and told in
//! the log itself.

mod file;
mod files;
mod line;
mod prune;
mod queue;

pub use line::{Level, LogLine, Owner};

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::metrics::{CapsuleMetrics, Metrics};
use crate::principal::Principal;
use files::{Files, today};
use queue::Queue;

/// Takes lines as they come: called in their order, from one thread that is neither a guest's nor a worker's. One that
/// panics loses the line; one that is slow loses lines, which the next one counts in `lost_before`.
pub type LogSink = Arc<dyn Fn(&LogLine) + Send + Sync>;

/// The logs of a host.
pub struct Logs {
    process: u32,
    metrics: Arc<Metrics>,
    folder: PathBuf,
    written: Arc<Mutex<Files>>,
    files: Reader,
    told: Option<(LogSink, Reader)>,
}

/// A queue, and the thread that empties it once there is something in it.
#[derive(Debug, Default)]
struct Reader {
    queue: Arc<Queue>,
    started: OnceLock<()>,
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logs").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Logs {
    /// Logs whose files lie in `folder`, which is made with the first line; each line goes to `sink` as well.
    #[must_use]
    pub fn new(folder: PathBuf, sink: Option<LogSink>, metrics: Arc<Metrics>) -> Self {
        let told = sink.map(|sink| (sink, Reader::default()));
        let written = Arc::new(Mutex::new(Files::new(folder.clone())));
        Self { process: std::process::id(), metrics, folder, written, files: Reader::default(), told }
    }

    /// Takes a line, and returns at once.
    pub fn write(&self, line: LogLine, counted: &CapsuleMetrics) {
        counted.log_lines[line.level as usize].fetch_add(1, Ordering::Relaxed);
        if let Some((sink, reader)) = &self.told {
            let taken = reader.put(line.clone(), "astrid-log-sink", || {
                let sink = Arc::clone(sink);
                move |lines: &VecDeque<LogLine>| tell(&sink, lines)
            });
            if !taken {
                counted.log_lines_untold.fetch_add(1, Ordering::Relaxed);
            }
        }
        let kept = self.files.put(line, "astrid-log", || {
            let (files, metrics) = (Arc::clone(&self.written), Arc::clone(&self.metrics));
            move |lines: &VecDeque<LogLine>| {
                files.lock().write(lines, &mut |owner, count| {
                    metrics.capsule(&owner.capsule).log_lines_lost.fetch_add(count, Ordering::Relaxed);
                });
            }
        });
        if !kept {
            counted.log_lines_lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Throws away the days of a capsule's logs that are too old. Reads folders: not for a thread that must not wait.
    pub fn prune(&self, capsule: &str) {
        if let Err(error) = Files::new(self.folder.clone()).prune_capsule(capsule, today()) {
            tracing::warn!(target: "astrid::logs", capsule, %error, "old logs could not be removed");
        }
    }

    /// Removes every log of a principal, and keeps nothing that its guests have said until now. Removes files: not for a
    /// thread that must not wait.
    ///
    /// # Errors
    /// [`ErrorKind::HomeUnusable`] when they could not be removed.
    pub fn forget(&self, principal: &Principal) -> Result<()> {
        self.files.queue.forget(principal);
        self.written.lock().forget(principal).map_err(|cause| {
            Error::new(ErrorKind::HomeUnusable, "the logs of a principal cannot be removed").caused_by(cause)
        })
    }

    /// Takes no more lines, and waits a moment until those that are there are written and told. Idempotent.
    pub fn close(&self) {
        // In a child of `fork` the threads do not exist.
        if self.process != std::process::id() {
            return;
        }
        self.files.close();
        if let Some((_, reader)) = &self.told {
            reader.close();
        }
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.close();
    }
}

impl Reader {
    /// Puts a line in, and starts the thread if it is not there yet; it gives all lines to what `make` makes.
    fn put<F>(&self, line: LogLine, name: &str, make: impl FnOnce() -> F) -> bool
    where
        F: FnMut(&VecDeque<LogLine>) + Send + 'static,
    {
        self.started.get_or_init(|| {
            let (queue, mut take) = (Leaving(Arc::clone(&self.queue)), make());
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
                while let Some(lines) = queue.0.take() {
                    take(&lines);
                }
            });
            if let Err(error) = thread {
                tracing::error!(target: "astrid::logs", %error, "no thread can be started for the logs");
            }
        });
        self.queue.put(line)
    }

    fn close(&self) {
        if self.started.get().is_some() {
            self.queue.close(limits::LOG_CLOSE_WAIT);
        } else {
            self.queue.leave();
        }
    }
}

/// The reader's end of a queue: once it is gone, however that came about, nobody waits for it.
struct Leaving(Arc<Queue>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// How often a sink has panicked in this process; told at powers of two, so that the host's log is not flooded either.
static PANICS: AtomicU64 = AtomicU64::new(0);

fn tell(sink: &LogSink, lines: &VecDeque<LogLine>) {
    for line in lines {
        if catch_unwind(AssertUnwindSafe(|| sink(line))).is_err() {
            let panics = PANICS.fetch_add(1, Ordering::Relaxed) + 1;
            if panics.is_power_of_two() {
                tracing::error!(target: "astrid::logs", panics, "the log sink panicked");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str) -> LogLine {
        let owner = Owner { principal: Principal::default(), capsule: Arc::from("notes") };
        LogLine::new(owner, Level::Info, message, &[])
    }

    #[test]
    fn closing_leaves_every_line_written_and_told_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let metrics = Arc::new(Metrics::new([]));
        let counted = metrics.capsule(&Arc::from("notes"));
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let sink: LogSink = Arc::new({
            let told = Arc::clone(&told);
            move |line| {
                assert_ne!(line.message, "3", "this one breaks the sink");
                told.lock().push(line.message.clone());
            }
        });
        let logs = Logs::new(folder.path().to_owned(), Some(sink), metrics);
        for n in 0..6 {
            logs.write(line(&n.to_string()), &counted);
        }
        logs.close();
        assert_eq!(*told.lock(), ["0", "1", "2", "4", "5"]);
        let day = std::fs::read_dir(folder.path().join("default/notes")).unwrap().next().unwrap().unwrap();
        assert_eq!(std::fs::read_to_string(day.path()).unwrap().lines().count(), 6);
        logs.write(line("late"), &counted);
        assert_eq!(counted.log_lines_lost.load(Ordering::Relaxed), 1);
        assert_eq!(counted.log_lines[Level::Info as usize].load(Ordering::Relaxed), 7);
    }

    #[test]
    fn a_host_without_a_line_has_no_thread_and_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let logs = Logs::new(folder.path().join("log"), None, Arc::new(Metrics::new([])));
        logs.prune("notes");
        logs.close();
        assert!(!folder.path().join("log").exists());
    }
}
