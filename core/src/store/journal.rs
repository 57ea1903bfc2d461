//! Syncing the database's journal without stopping its writers.
//!
//! The database syncs its journal under the lock that every write takes, so each sync would hold up all writers for as
//! long as the disk takes. The same file synced through a handle of our own holds up nobody. This relies on three
//! things the database does: journals are files named `<number>.jnl` in its folder, the greatest number is the one that
//! is written to, and a journal is synced before the next one is begun. Where no journal is found, the database's own
//! sync serves.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

/// The journals of one database.
pub(super) struct Journal {
    folder: PathBuf,
    open: Mutex<Option<(PathBuf, File)>>,
}

impl Journal {
    pub(super) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), open: Mutex::new(None) }
    }

    /// Brings what was written before this call to the disk. False if no journal was found.
    pub(super) fn sync(&self) -> io::Result<bool> {
        let mut open = self.open.lock();
        loop {
            let Some(newest) = self.newest()? else { return Ok(false) };
            if open.as_ref().is_none_or(|(path, _)| *path != newest) {
                match File::open(&newest) {
                    Ok(file) => *open = Some((newest, file)),
                    // It was written out and removed in the meantime; there is a newer one.
                    Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
                    Err(cause) => return Err(cause),
                }
            }
            if let Some((_, file)) = &*open {
                file.sync_data()?;
            }
            return Ok(true);
        }
    }

    fn newest(&self) -> io::Result<Option<PathBuf>> {
        let mut newest = None;
        for file in fs::read_dir(&self.folder)? {
            let path = file?.path();
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
            if path.extension().is_some_and(|extension| extension == "jnl") {
                newest = newest.max(number.map(|number| (number, path)));
            }
        }
        Ok(newest.map(|(_, path)| path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_journal_is_the_one_with_the_greatest_number() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::of(dir.path());
        assert!(!journal.sync().unwrap());
        for name in ["9.jnl", "10.jnl", "x.jnl", "11.log"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        assert!(journal.sync().unwrap());
        assert_eq!(journal.newest().unwrap(), Some(dir.path().join("10.jnl")));
        fs::remove_file(dir.path().join("10.jnl")).unwrap();
        assert!(journal.sync().unwrap());
    }

    #[test]
    fn the_database_keeps_its_journal_where_it_is_looked_for() {
        let dir = tempfile::tempdir().unwrap();
        let db = fjall::Database::builder(dir.path()).open().unwrap();
        let keyspace = db.keyspace("k", fjall::KeyspaceCreateOptions::default).unwrap();
        let journal = Journal::of(dir.path());
        for n in 0..3u64 {
            keyspace.insert(n.to_le_bytes(), vec![b'v'; 100]).unwrap();
            let newest = journal.newest().unwrap().unwrap();
            assert!(fs::read(&newest).unwrap().windows(8).any(|window| window == [b'v'; 8]));
            keyspace.rotate_memtable_and_wait().unwrap();
        }
    }
}
