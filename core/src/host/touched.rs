//! Which capsules' folders the operating system says were touched, and since when each has been left alone.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use futures_util::future::select;
use notify::{Event, EventKind};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::capsule::{MANIFEST_FILE, is_ignored};
use crate::limits;
use crate::timer;

/// The folders below one that is watched.
#[derive(Debug)]
pub(super) struct Touched {
    root: PathBuf,
    last: Mutex<HashMap<PathBuf, Instant>>,
    news: Notify,
}

impl Touched {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, last: Mutex::default(), news: Notify::new() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Takes what the operating system says; runs on the thread that listens to it.
    pub(super) fn hear(&self, event: notify::Result<Event>) {
        match event {
            // Reading is no change, and our own reading least of all.
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
            Ok(event) if !event.need_rescan() => {
                for folder in event.paths.iter().filter_map(|path| self.capsule_of(path)) {
                    self.touch(folder);
                }
            }
            // Something was missed: everything may have changed.
            Ok(_) | Err(_) => self.folders().into_iter().for_each(|folder| self.touch(folder)),
        }
    }

    /// Remembers that a folder was touched just now.
    pub(super) fn touch(&self, folder: PathBuf) {
        self.last.lock().insert(folder, Instant::now());
        self.news.notify_one();
    }

    /// The next folder that has not been touched for long enough.
    pub(super) async fn at_rest(&self, runtime: &Handle) -> PathBuf {
        loop {
            let longest = {
                let mut last = self.last.lock();
                let longest = last.iter().min_by_key(|(_, at)| **at);
                let longest = longest.map(|(folder, at)| (folder.clone(), at.elapsed()));
                match longest {
                    Some((folder, rested)) if rested >= limits::WATCH_DEBOUNCE => {
                        last.remove(&folder);
                        return folder;
                    }
                    longest => longest.map(|(_, rested)| limits::WATCH_DEBOUNCE.saturating_sub(rested)),
                }
            };
            let news = std::pin::pin!(self.news.notified());
            match longest {
                Some(rest) => {
                    select(news, std::pin::pin!(timer::sleep(runtime, rest))).await;
                }
                None => news.await,
            }
        }
    }

    /// The capsules' folders that are there now.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        if self.is_capsule() {
            return vec![self.root.clone()];
        }
        let entries = std::fs::read_dir(&self.root).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        folders.map(|entry| entry.path()).collect()
    }

    /// The capsule's folder that a path lies in, unless it is not looked at.
    fn capsule_of(&self, path: &Path) -> Option<PathBuf> {
        let relative = path.strip_prefix(&self.root).ok()?;
        if is_ignored(relative) {
            return None;
        }
        if self.is_capsule() {
            return Some(self.root.clone());
        }
        let first = relative.components().next()?;
        // A file beside the capsules' folders belongs to none of them, except a manifest, which makes the whole one capsule.
        let folder = self.root.join(first);
        if folder.is_file() { None } else { Some(folder) }
    }

    fn is_capsule(&self) -> bool {
        self.root.join(MANIFEST_FILE).is_file()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{AccessKind, CreateKind};

    fn created(path: &Path) -> Event {
        Event::new(EventKind::Create(CreateKind::File)).add_path(path.to_owned())
    }

    #[test]
    fn a_folder_is_touched_once_however_often_and_only_by_what_counts() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
            std::fs::write(dir.path().join(name).join(MANIFEST_FILE), "").unwrap();
        }
        let touched = Touched::new(dir.path().to_owned());
        for path in ["a/guest.wasm", "a/Capsule.toml", "a/target/x", "b/node_modules/y/z"] {
            touched.hear(Ok(created(&dir.path().join(path))));
        }
        let read =
            Event::new(EventKind::Access(AccessKind::Read)).add_path(dir.path().join("b/Capsule.toml"));
        touched.hear(Ok(read));
        let waiting: Vec<_> = touched.last.lock().keys().cloned().collect();
        assert_eq!(waiting, [dir.path().join("a")]);
        touched.hear(Err(notify::Error::generic("missed")));
        assert_eq!(touched.last.lock().len(), 2);
    }

    #[test]
    fn a_manifest_makes_the_whole_folder_one_capsule() {
        let dir = tempfile::tempdir().unwrap();
        let touched = Touched::new(dir.path().to_owned());
        std::fs::create_dir(dir.path().join("src")).unwrap();
        assert_eq!(touched.capsule_of(&dir.path().join("src/x")), Some(dir.path().join("src")));
        std::fs::write(dir.path().join(MANIFEST_FILE), "").unwrap();
        assert_eq!(touched.capsule_of(&dir.path().join("src/x")), Some(dir.path().to_owned()));
        assert_eq!(touched.capsule_of(Path::new("/elsewhere")), None);
    }
}
