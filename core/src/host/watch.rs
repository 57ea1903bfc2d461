//! Watching the folders of capsules, so that an embedding program hears what changed in them.

use std::collections::HashMap;
use std::future::IntoFuture;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use futures_util::Stream;
use futures_util::future::select;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::requests::absolute;
use super::touched::Touched;
use super::{Capsule, Host, Inner};
use crate::cancel::Cancel;
use crate::capsule::{MANIFEST_FILE, fingerprint};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::people::BoxFuture;

/// A capsule's folder that is not what it was.
#[derive(Debug)]
pub struct CapsuleChange {
    /// The folder.
    pub folder: PathBuf,
    /// Whether there is no manifest in it any more.
    pub gone: bool,
    /// The capsule that is loaded from it, if one is.
    pub id: Option<String>,
    /// How reloading it went; none if that was not asked for, or nothing is loaded from the folder.
    pub reloaded: Option<Result<()>>,
}

/// A watch about to begin; await it.
#[derive(Debug)]
#[must_use = "nothing is watched until the request is awaited"]
pub struct Watch {
    host: Host,
    folder: PathBuf,
    reload: bool,
}

impl Watch {
    /// Reloads what is loaded from a folder that changed. A changed component is not run by that: it is not the one that
    /// the installation pinned, so reloading it fails with `hash_mismatch` until the program installs it. A capsule that was
    /// never installed is pinned by its own manifest alone; whoever may write the folder may change both.
    pub fn reload(mut self, reload: bool) -> Self {
        self.reload = reload;
        self
    }

    async fn begin(self) -> Result<CapsuleChanges> {
        let rooms = self.host.rooms()?;
        let touched = Arc::new(Touched::new(self.folder.clone()));
        let told = Arc::clone(&touched);
        // Entering every folder below takes a while, and so does reading what lies there.
        let watcher = rooms.off_the_workers(move || Ok((begin(&told)?, look_at_all(&told)))).await?;
        let (sender, receiver) = channel(limits::WATCH_CHANGES);
        let watching = Watching {
            _watcher: watcher.0,
            known: watcher.1,
            touched,
            sender,
            host: Arc::downgrade(&self.host.0),
            runtime: rooms.context.runtime.clone(),
            closing: rooms.context.closing.clone(),
            reload: self.reload,
        };
        rooms.context.runtime.spawn(watching.run());
        Ok(CapsuleChanges(tokio::sync::Mutex::new(receiver)))
    }
}

impl IntoFuture for Watch {
    type Output = Result<CapsuleChanges>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.begin())
    }
}

/// What changed, in the order in which it was noticed; a `Stream`. Dropping it ends the watch, and so does closing the host.
#[derive(Debug)]
pub struct CapsuleChanges(tokio::sync::Mutex<Receiver<CapsuleChange>>);

impl CapsuleChanges {
    /// The next change; none once the host is closed. At most 64 wait here; the watch rests until they are taken.
    pub async fn next(&self) -> Option<CapsuleChange> {
        self.0.lock().await.recv().await
    }
}

impl Stream for CapsuleChanges {
    type Item = CapsuleChange;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<CapsuleChange>> {
        self.get_mut().0.get_mut().poll_recv(context)
    }
}

impl Host {
    /// Watches a capsule's folder, or a folder of such folders, also those that come later. A change is told when its
    /// capsule's folder has been left alone for 500 ms and its files are not what they were; `node_modules`, `target`,
    /// `dist`, `.git` and symbolic links are not looked at. One thread listens to the operating system for each watch.
    pub fn watch(&self, folder: impl AsRef<Path>) -> Watch {
        let folder = absolute(folder.as_ref().to_owned());
        Watch { host: self.clone(), folder, reload: false }
    }

    /// The capsule that is loaded from the folder, also if the folder is gone by now.
    fn loaded_from(&self, folder: &Path) -> Option<Capsule> {
        self.capsules().into_iter().find(|capsule| {
            let path = capsule.path();
            path.is_some_and(|path| path == folder || path.parent() == Some(folder) && !path.is_dir())
        })
    }
}

impl Capsule {
    /// Watches the folder it was loaded from; see [`Host::watch`].
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for a capsule that was not loaded from a folder.
    pub fn watch(&self) -> Result<Watch> {
        let folder = self.folder().ok_or_else(|| {
            let message = "a capsule that was not loaded from a folder cannot be watched";
            Error::new(ErrorKind::InvalidArgument, message).with("capsule", self.id())
        })?;
        Ok(self.host().watch(folder))
    }

    /// The folder its manifest lies in.
    fn folder(&self) -> Option<PathBuf> {
        let path = self.path()?;
        let folder = if path.is_dir() { Some(path) } else { path.parent().map(Path::to_owned) };
        folder.filter(|folder| folder.join(MANIFEST_FILE).is_file())
    }
}

/// A watch under way: a task that sleeps until a folder was touched and then left alone.
struct Watching {
    _watcher: RecommendedWatcher,
    touched: Arc<Touched>,
    known: HashMap<PathBuf, [u8; 32]>,
    sender: Sender<CapsuleChange>,
    host: Weak<Inner>,
    runtime: tokio::runtime::Handle,
    closing: Cancel,
    reload: bool,
}

impl Watching {
    async fn run(mut self) {
        let (closing, sender) = (self.closing.clone(), self.sender.clone());
        let ended = std::pin::pin!(async move {
            select(std::pin::pin!(closing.given()), std::pin::pin!(sender.closed())).await;
        });
        let watching = std::pin::pin!(async move { while self.tell_next().await.is_some() {} });
        select(ended, watching).await;
    }

    /// Waits for a folder that has come to rest and tells whether it changed; none once nobody listens.
    async fn tell_next(&mut self) -> Option<()> {
        let folder = self.touched.at_rest(&self.runtime).await;
        let read = self.runtime.spawn_blocking({
            let folder = folder.clone();
            move || fingerprint(&folder)
        });
        let Ok(Ok(now)) = read.await else {
            // It is being written to, or gone between two looks; the next touch, or this one, says more.
            if folder.exists() {
                self.touched.touch(folder);
            }
            return Some(());
        };
        let before = match now {
            Some(now) => self.known.insert(folder.clone(), now),
            None => self.known.remove(&folder),
        };
        if before == now {
            return Some(());
        }
        let host = self.host.upgrade().map(Host)?;
        let capsule = host.loaded_from(&folder);
        let id = capsule.as_ref().map(|capsule| capsule.id().to_owned());
        let reloaded = match capsule.filter(|_| self.reload && now.is_some()) {
            Some(capsule) => Some(capsule.reload().await),
            None => None,
        };
        drop(host);
        self.sender.send(CapsuleChange { folder, gone: now.is_none(), id, reloaded }).await.ok()
    }
}

fn begin(touched: &Arc<Touched>) -> Result<RecommendedWatcher> {
    let unwatchable = |error: notify::Error| {
        let kind = if touched.root().is_dir() { ErrorKind::InvalidArgument } else { ErrorKind::NotFound };
        let message = format!("`{}` cannot be watched: {error}", touched.root().display());
        Error::new(kind, message).caused_by(error)
    };
    let told = Arc::clone(touched);
    let config = notify::Config::default().with_follow_symlinks(false);
    let mut watcher = RecommendedWatcher::new(move |event| told.hear(event), config).map_err(unwatchable)?;
    watcher.watch(touched.root(), RecursiveMode::Recursive).map_err(unwatchable)?;
    Ok(watcher)
}

/// What lies in the folders now; one that cannot be read is read when it is touched next.
fn look_at_all(touched: &Touched) -> HashMap<PathBuf, [u8; 32]> {
    let read = |folder: PathBuf| fingerprint(&folder).ok().flatten().map(|found| (folder, found));
    touched.folders().into_iter().filter_map(read).collect()
}
