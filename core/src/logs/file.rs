//! One day of one log: a file that grows by whole lines, and never beyond its budget.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

use jiff::civil::Date;

use super::line::LogLine;
use crate::limits;

/// The file of a day, open for appending.
#[derive(Debug)]
pub(super) struct DayFile {
    file: File,
    /// The day.
    pub(super) date: Date,
    /// Bytes of whole lines that the file holds.
    length: u64,
    /// Lines that are not in the file yet.
    waiting: String,
    full: bool,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is in the file, or will be at the next flush.
    Yes,
    /// The day's budget is used up.
    No,
}

impl DayFile {
    /// Opens the file of a day in a folder, both of which are made if they are missing; only their owner can read them.
    pub(super) fn open(folder: &Path, date: Date) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = folder.join(format!("{date}.log"));
        let file = OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path)?;
        let length = file.metadata()?.len();
        let full = length >= limits::LOG_DAY_BYTES;
        let mut last = *b"\n";
        if length > 0 {
            file.read_exact_at(&mut last, length - 1)?;
        }
        // A process that was killed may have left half a line behind; the next one does not join it.
        let waiting = if last == *b"\n" { String::new() } else { "\n".to_owned() };
        Ok(Self { file, date, length, waiting, full })
    }

    /// Adds a line; the first that goes beyond the budget is replaced by a last one that says so.
    pub(super) fn add(&mut self, line: &LogLine) -> Kept {
        if self.full {
            return Kept::No;
        }
        let text = line.to_string();
        let after = self.length + (self.waiting.len() + text.len() + 1) as u64;
        if after > limits::LOG_DAY_BYTES {
            self.full = true;
            let message = "the log of this day is full; further lines are not kept".to_owned();
            let last = LogLine { level: super::Level::Warn, message, ..line.clone() };
            self.push(&last.to_string());
            return Kept::No;
        }
        self.push(&text);
        Kept::Yes
    }

    /// Hands what waits to the operating system. After a failure the file ends with a whole line again, where that can
    /// be done, and the lines are gone.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        match self.file.write_all(waiting.as_bytes()) {
            Ok(()) => {
                self.length += waiting.len() as u64;
                Ok(())
            }
            Err(error) => {
                // A torn line would swallow the next one. If this fails too, that is the lesser harm.
                let _ = self.file.set_len(self.length);
                Err(error)
            }
        }
    }

    /// How many lines the next flush writes.
    pub(super) fn waiting_lines(&self) -> u64 {
        self.waiting.bytes().filter(|byte| *byte == b'\n').count() as u64
    }

    fn push(&mut self, text: &str) {
        self.waiting.push_str(text);
        self.waiting.push('\n');
    }
}
