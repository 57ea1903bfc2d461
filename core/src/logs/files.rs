//! The files of all logs of a host: `<folder>/<principal>/<capsule>/<YYYY-MM-DD>.log`, few of them open at a time.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use jiff::civil::Date;

use super::file::{DayFile, Kept};
use super::line::{LogLine, Owner, date_of};
use super::prune::prune;
use crate::limits;
use crate::principal::Principal;

/// How long it is remembered who was forgotten: longer than any line is on its way.
const REMEMBERED: Duration = Duration::from_mins(10);

/// Writes batches of lines; one thread does, and another may only forget.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    open: HashMap<Owner, Used>,
    turn: u64,
    /// When principals were forgotten: what they wrote until then is not kept, wherever it still waits.
    forgotten: HashMap<Principal, SystemTime>,
}

#[derive(Debug)]
struct Used {
    file: DayFile,
    turn: u64,
}

impl Files {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, open: HashMap::new(), turn: 0, forgotten: HashMap::new() }
    }

    /// Writes lines, each to the file of its own day; `lost` is told of those that are not kept. Everything is in the
    /// operating system's hands when this returns.
    pub(super) fn write(&mut self, lines: &VecDeque<LogLine>, lost: &mut dyn FnMut(&Owner, u64)) {
        for line in lines {
            let forgotten = self.forgotten.get(&line.owner.principal);
            if forgotten.is_none_or(|forgotten| line.time > *forgotten) {
                self.add(line, lost);
            }
        }
        self.forgotten.retain(|_, forgotten| forgotten.elapsed().is_ok_and(|since| since < REMEMBERED));
        self.open.retain(|owner, used| {
            let waiting = used.file.waiting_lines();
            let Err(error) = used.file.flush() else { return true };
            failed(owner, &error);
            lost(owner, waiting);
            // Opened anew with the next line, when the disk may have room again.
            false
        });
    }

    /// Prunes every log of a capsule, as it is done when the capsule is loaded.
    pub(super) fn prune_capsule(&self, capsule: &str, today: Date) -> io::Result<()> {
        let principals = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            principals => principals?,
        };
        for principal in principals {
            prune(&principal?.path().join(capsule), today)?;
        }
        Ok(())
    }

    /// Closes and removes every log of a principal, and keeps nothing that it wrote until now.
    pub(super) fn forget(&mut self, principal: &Principal) -> io::Result<()> {
        self.open.retain(|owner, _| owner.principal != *principal);
        self.forgotten.insert(principal.clone(), SystemTime::now());
        match std::fs::remove_dir_all(self.folder.join(principal.as_str())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn add(&mut self, line: &LogLine, lost: &mut dyn FnMut(&Owner, u64)) {
        let kept = self.file(line).map(|file| file.add(line));
        match kept {
            Ok(Kept::Yes) => {}
            Ok(Kept::No) => lost(&line.owner, 1),
            Err(error) => {
                failed(&line.owner, &error);
                lost(&line.owner, 1);
            }
        }
    }

    /// The file of the line's log and day. A line of another day than the last one turns the page: the old file is closed,
    /// the new one opened, and days that are too old go.
    fn file(&mut self, line: &LogLine) -> io::Result<&mut DayFile> {
        self.turn += 1;
        let (turn, date) = (self.turn, line.date());
        if self.open.get(&line.owner).is_some_and(|used| used.file.date != date) {
            self.shut(&line.owner.clone())?;
        }
        if !self.open.contains_key(&line.owner) {
            if self.open.len() >= limits::LOG_FILES {
                let stale =
                    self.open.iter().min_by_key(|(_, used)| used.turn).map(|(owner, _)| owner.clone());
                stale.map_or(Ok(()), |stale| self.shut(&stale))?;
            }
            let folder = self.folder.join(line.owner.principal.as_str()).join(&*line.owner.capsule);
            let file = DayFile::open(&folder, date)?;
            if let Err(error) = prune(&folder, date) {
                failed(&line.owner, &error);
            }
            self.open.insert(line.owner.clone(), Used { file, turn });
        }
        let used = self.open.get_mut(&line.owner).ok_or_else(|| io::Error::other("the file is gone"))?;
        used.turn = turn;
        Ok(&mut used.file)
    }

    fn shut(&mut self, owner: &Owner) -> io::Result<()> {
        self.open.remove(owner).map_or(Ok(()), |mut used| used.file.flush())
    }
}

fn failed(owner: &Owner, error: &io::Error) {
    let (capsule, principal) = (&*owner.capsule, owner.principal.as_str());
    tracing::error!(target: "astrid::logs", capsule, principal, %error, "a log could not be written");
}

/// Today, in UTC.
pub(super) fn today() -> Date {
    date_of(std::time::SystemTime::now())
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
