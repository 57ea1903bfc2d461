//! Compiled code that a home keeps on disk, so that a capsule is compiled once and not at every start.
//!
//! A file is believed only under its seal ([`Code::unseal`]), and what is loaded are the very bytes that were checked: the
//! file is read whole first. Whatever is wrong with it costs a compilation and a warning, never more.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use parking_lot::Mutex;
use zeroize::Zeroizing;

use super::code::{Code, Origin};
use crate::limits;

/// What the name of a kept file ends in.
const KEPT: &str = "code";
/// What the name of a file ends in until it is whole.
const DRAFT: &str = "new";

/// The folder of one home with the key that seals its files.
pub struct Cache {
    folder: PathBuf,
    key: Zeroizing<[u8; 32]>,
    most: u64,
    drafts: AtomicU64,
    /// Done before the first draft is written: what processes before this one left half written goes.
    swept: Once,
    /// Held while files are counted and removed, so that two writers do not both remove for the same bytes.
    tidying: Mutex<()>,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Cache {
    /// The cache in `folder`, which is made when the first code is kept, sealed with `key`.
    #[must_use]
    pub fn new(folder: PathBuf, key: Zeroizing<[u8; 32]>) -> Self {
        Self::of_size(folder, key, limits::CODE_CACHE_BYTES)
    }

    fn of_size(folder: PathBuf, key: Zeroizing<[u8; 32]>, most: u64) -> Self {
        Self { folder, key, most, drafts: AtomicU64::new(0), swept: Once::new(), tidying: Mutex::new(()) }
    }

    /// The code of this origin, if it was kept here and nobody touched it since. A file that is not what this home wrote
    /// is removed.
    pub fn find(&self, origin: &Origin) -> Option<Code> {
        let path = self.path(origin);
        let bytes = match read(&path, self.most) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(target: "astrid::engine", %error, "a file of the code cache cannot be read");
                return None;
            }
        };
        let Some(code) = Code::unseal(bytes, &self.key, origin) else {
            tracing::warn!(
                target: "astrid::engine", file = %path.display(),
                "a file of the code cache was not written by this home, or was changed since; it is compiled again"
            );
            self.forget(origin);
            return None;
        };
        Some(code)
    }

    /// Removes the file of this origin.
    pub fn forget(&self, origin: &Origin) {
        // If it stays it is found wanting again, and replaced by the next compilation.
        drop(fs::remove_file(self.path(origin)));
    }

    /// Keeps code for the next time. That it could not be kept is worth a warning and nothing else.
    pub fn keep(&self, origin: &Origin, code: &Code) {
        if code.len() as u64 >= self.most {
            return;
        }
        let kept = self.write(origin, &code.sealed(&self.key, origin)).and_then(|()| self.tidy());
        if let Err(error) = kept {
            tracing::warn!(target: "astrid::engine", %error, "compiled code was not kept");
        }
    }

    fn path(&self, origin: &Origin) -> PathBuf {
        // One name for both hashes: code of the same component for an older engine is never even opened.
        let both = blake3::hash(&[origin.component, origin.engine].concat());
        self.folder.join(both.to_hex().as_str()).with_extension(KEPT)
    }

    fn write(&self, origin: &Origin, bytes: &[u8]) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        self.swept.call_once(|| sweep(&self.folder));
        let path = self.path(origin);
        let number = self.drafts.fetch_add(1, Ordering::Relaxed);
        let draft = path.with_extension(format!("{number}.{DRAFT}"));
        let written = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&draft)
            .and_then(|mut file| file.write_all(bytes))
            .and_then(|()| fs::rename(&draft, &path));
        if written.is_err() {
            drop(fs::remove_file(&draft));
        }
        written
    }

    /// Removes what was used longest ago until the rest is within the limit.
    fn tidy(&self) -> io::Result<()> {
        let _alone = self.tidying.lock();
        let mut kept = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let path = entry.path();
            if path.extension().is_none_or(|extension| extension != KEPT) {
                continue;
            }
            // A file that went away meanwhile counts nothing.
            if let Ok(meta) = entry.metadata() {
                kept.push((meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), meta.len(), path));
            }
        }
        kept.sort();
        let mut total: u64 = kept.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in kept {
            if total <= self.most {
                break;
            }
            fs::remove_file(path)?;
            total -= bytes;
        }
        Ok(())
    }
}

/// Removes the drafts of processes that ended in the middle of one; the home belongs to this process alone.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == DRAFT) {
            // One that stays is in the way of nothing but its own name.
            drop(fs::remove_file(path));
        }
    }
}

/// Reads a regular file of at most `most` bytes and marks it as used now.
fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // Looked at before it is opened: opening a pipe would wait for its writer.
    let found = fs::symlink_metadata(path)?;
    if !found.is_file() || found.len() > most {
        return Err(io::Error::other("it is no regular file, or too large"));
    }
    let file = File::open(path)?;
    let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0));
    (&file).take(most).read_to_end(&mut bytes)?;
    mark_used(&file);
    Ok(bytes)
}

/// The time of the last change stands for the time of the last use: the other clocks of a file are often off.
fn mark_used(file: &File) {
    // A file that cannot be marked is only removed earlier than others.
    drop(file.set_modified(SystemTime::now()));
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;

    fn origin(n: u8) -> Origin {
        Origin { component: [n; 32], engine: [0; 32] }
    }

    fn cache(home: &Path, most: u64) -> Cache {
        Cache::of_size(home.join("cache"), Zeroizing::new([3; 32]), most)
    }

    fn files(cache: &Cache) -> usize {
        fs::read_dir(&cache.folder).unwrap().count()
    }

    #[test]
    fn what_was_kept_is_found_by_its_origin_and_is_private() {
        let home = tempfile::tempdir().unwrap();
        let cache = cache(home.path(), 1 << 20);
        assert!(cache.find(&origin(1)).is_none());
        cache.keep(&origin(1), &Code::made_up(b"one"));
        assert_eq!(cache.find(&origin(1)).unwrap().len(), 3);
        assert!(cache.find(&origin(2)).is_none());
        assert!(cache.find(&Origin { engine: [9; 32], ..origin(1) }).is_none(), "an older engine's code");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&cache.folder), mode(&cache.path(&origin(1)))), (0o700, 0o600));
        assert_eq!(files(&cache), 1, "no draft is left");
    }

    #[test]
    fn a_file_that_anybody_touched_is_removed_and_never_used() {
        let home = tempfile::tempdir().unwrap();
        let cache = cache(home.path(), 1 << 20);
        let path = cache.path(&origin(1));
        let fresh = || {
            cache.keep(&origin(1), &Code::made_up(b"one"));
            fs::read(&path).unwrap()
        };
        let whole = fresh();
        let mut flipped = whole.clone();
        flipped[whole.len() - 1] ^= 1;
        cache.keep(&origin(2), &Code::made_up(b"two"));
        let swapped = fs::read(cache.path(&origin(2))).unwrap();
        let elsewhere = Cache::of_size(home.path().join("other"), Zeroizing::new([4; 32]), 1 << 20);
        elsewhere.keep(&origin(1), &Code::made_up(b"one"));
        let foreign = fs::read(elsewhere.path(&origin(1))).unwrap();
        for forged in
            [&flipped[..], &whole[..whole.len() - 1], &whole[..20], b"", &swapped, &foreign, &whole[32..]]
        {
            fresh();
            fs::write(&path, forged).unwrap();
            assert!(cache.find(&origin(1)).is_none());
            assert!(!path.exists());
        }
        fresh();
        assert!(cache.find(&origin(1)).is_some());
    }

    #[test]
    fn what_is_no_regular_file_is_not_opened() {
        let home = tempfile::tempdir().unwrap();
        let cache = cache(home.path(), 1 << 20);
        cache.keep(&origin(1), &Code::made_up(b"one"));
        let aside = home.path().join("aside");
        fs::rename(cache.path(&origin(1)), &aside).unwrap();
        std::os::unix::fs::symlink(&aside, cache.path(&origin(1))).unwrap();
        assert!(cache.find(&origin(1)).is_none());
        cache.keep(&origin(1), &Code::made_up(b"one"));
        assert!(cache.find(&origin(1)).is_some());
    }

    #[test]
    fn what_was_used_longest_ago_gives_way() {
        let home = tempfile::tempdir().unwrap();
        // Room for three files of 100 bytes and their seals.
        let cache = cache(home.path(), 3 * 132);
        let code = Code::made_up(&[0; 100]);
        let used = |n: u8, ago: u64| {
            let file = File::open(cache.path(&origin(n))).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(ago)).unwrap();
        };
        for (n, ago) in [(1, 300), (2, 200), (3, 100)] {
            cache.keep(&origin(n), &code);
            used(n, ago);
        }
        assert!(cache.find(&origin(1)).is_some(), "which makes it the one used last");
        cache.keep(&origin(4), &code);
        assert!(cache.find(&origin(2)).is_none());
        assert!([1, 3, 4].iter().all(|n| cache.find(&origin(*n)).is_some()));
        cache.keep(&origin(5), &Code::made_up(&[0; 1000]));
        assert_eq!(files(&cache), 3, "what is larger than the cache is not kept at all");
    }

    #[test]
    fn drafts_of_a_process_that_ended_are_removed() {
        let home = tempfile::tempdir().unwrap();
        let cache = cache(home.path(), 1 << 20);
        fs::create_dir(&cache.folder).unwrap();
        fs::write(cache.path(&origin(9)).with_extension("0.new"), [0; 64]).unwrap();
        cache.keep(&origin(1), &Code::made_up(b"one"));
        assert_eq!(files(&cache), 1);
        assert!(cache.find(&origin(1)).is_some());
    }

    #[test]
    fn a_folder_that_cannot_be_used_costs_nothing_but_time() {
        let home = tempfile::tempdir().unwrap();
        let cache = cache(home.path(), 1 << 20);
        fs::write(&cache.folder, "a file").unwrap();
        cache.keep(&origin(1), &Code::made_up(b"one"));
        assert!(cache.find(&origin(1)).is_none());
    }
}
