//! The host's local socket: clients of the same user, who show that they may read the host's token.
//!
//! One task accepts; every client is greeted in a task of its own, so one that stalls keeps nobody else waiting. Who passes the
//! handshake waits here until an instance of a capsule takes the connection. How many clients are anywhere on that way is
//! bounded by one number.

use std::collections::VecDeque;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use futures_util::future::{Either, select};
use parking_lot::Mutex;
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::task::AbortOnDropHandle;

use super::handshake::{Doorkeeper, Ingress, Outcome, greet};
use super::token::Token;
use crate::error::{Error, ErrorKind, Result};
use crate::stream::{Awaited, Ready};
use crate::{limits, store};

/// The socket's name in its folder.
const SOCKET: &str = "system.sock";
/// The token's.
const TOKEN: &str = "system.token";
/// The longest path that the address of a socket holds, in bytes.
const PATH_BYTES: usize = 107;

/// The local socket of a host. It is opened when the first capsule that may listen on it is loaded.
#[derive(Debug)]
pub struct LocalSocket {
    folder: PathBuf,
    runtime: Handle,
    hall: Arc<Hall>,
    bound: Mutex<Option<Bound>>,
}

/// A client that has passed the handshake.
#[derive(Debug)]
pub struct Arrived {
    /// The connection, of which nothing was read behind the handshake.
    pub socket: UnixStream,
    /// Who it is, if it said so.
    pub ingress: Option<Ingress>,
}

/// Where clients wait for a capsule.
#[derive(Debug, Default)]
struct Hall {
    waiting: Mutex<Waiting>,
    /// Told when somebody came or the socket was closed.
    came: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    clients: VecDeque<Client>,
    next: u64,
    closed: bool,
}

#[derive(Debug)]
struct Client {
    number: u64,
    arrived: Arrived,
    /// Dropped when it is taken, which ends the task that would send it away.
    _waits: oneshot::Sender<()>,
}

/// The open socket. Dropping it stops accepting and removes the files.
#[derive(Debug)]
struct Bound {
    folder: PathBuf,
    process: u32,
    _accepting: AbortOnDropHandle<()>,
}

impl Drop for Bound {
    fn drop(&mut self) {
        // A child of `fork` has the handle, and its parent needs the files.
        if self.process == std::process::id() {
            for name in [SOCKET, TOKEN] {
                // Somebody may have removed them already.
                drop(fs::remove_file(self.folder.join(name)));
            }
        }
    }
}

impl LocalSocket {
    /// A socket that will lie in `folder`, and is not open yet.
    #[must_use]
    pub fn new(folder: PathBuf, runtime: Handle) -> Arc<Self> {
        Arc::new(Self { folder, runtime, hall: Arc::default(), bound: Mutex::new(None) })
    }

    /// Opens it, unless it is open: makes the token, binds the socket under a name of its own and gives it its name when it is
    /// ready, in place of one that a process left behind. `door` is asked about every client.
    ///
    /// # Errors
    /// [`ErrorKind::HomeUnusable`] when the files cannot be made, [`ErrorKind::Closed`] after [`Self::close`].
    pub fn open(&self, door: Weak<dyn Doorkeeper>) -> Result<()> {
        let mut bound = self.bound.lock();
        if self.hall.waiting.lock().closed {
            return Err(Error::new(ErrorKind::Closed, "the host is closed"));
        }
        if bound.is_some() {
            return Ok(());
        }
        let unusable = |cause: io::Error| {
            Error::new(ErrorKind::HomeUnusable, "the local socket cannot be opened")
                .with("path", self.folder.join(SOCKET).display().to_string())
                .caused_by(cause)
        };
        store::folder(&self.folder).map_err(unusable)?;
        let token = Token::make(&self.folder.join(TOKEN))?;
        let listener = bind(&self.folder).map_err(unusable)?;
        let listener = {
            let _entered = self.runtime.enter();
            UnixListener::from_std(listener).map_err(unusable)?
        };
        let serving = serve(listener, Arc::new(token), door, Arc::clone(&self.hall));
        let accepting = AbortOnDropHandle::new(self.runtime.spawn(serving));
        let (folder, process) = (self.folder.clone(), std::process::id());
        *bound = Some(Bound { folder, process, _accepting: accepting });
        Ok(())
    }

    /// Takes the first client that `may_take` agrees to; waits for one. None when the socket was closed. A client that is
    /// nobody's yet stays for others.
    pub async fn next(&self, may_take: impl Fn(Option<&Ingress>) -> bool) -> Option<Arrived> {
        loop {
            let came = self.hall.came.notified();
            let mut came = std::pin::pin!(came);
            came.as_mut().enable();
            {
                let mut waiting = self.hall.waiting.lock();
                if waiting.closed {
                    return None;
                }
                if let Some(client) = waiting.take(&may_take) {
                    return Some(client);
                }
            }
            came.await;
        }
    }

    /// Follows whether a client waits that `may_take` agrees to, without keeping the socket.
    #[must_use]
    pub fn readiness<F>(self: &Arc<Self>, may_take: F) -> impl Awaited + use<F>
    where
        F: Fn(Option<&Ingress>) -> bool + Send + Sync + 'static,
    {
        Arrival { hall: Arc::downgrade(&self.hall), may_take: Arc::new(may_take) }
    }

    /// Closes it for good, removes its files and sends away whoever waits.
    pub fn close(&self) {
        let mut bound = self.bound.lock();
        let clients = {
            let mut waiting = self.hall.waiting.lock();
            waiting.closed = true;
            std::mem::take(&mut waiting.clients)
        };
        self.hall.came.notify_waiters();
        drop((bound.take(), clients));
    }
}

impl Waiting {
    fn take(&mut self, may_take: &impl Fn(Option<&Ingress>) -> bool) -> Option<Arrived> {
        let first = self.clients.iter().position(|client| may_take(client.arrived.ingress.as_ref()))?;
        self.clients.remove(first).map(|client| client.arrived)
    }
}

/// Binds under a name nobody knows, so that the socket is private before anybody finds it.
fn bind(folder: &Path) -> io::Result<StdListener> {
    let (new, own) = (folder.join("system.new"), folder.join(SOCKET));
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = if new.as_os_str().len() <= PATH_BYTES {
        StdListener::bind(&new)?
    } else {
        // The folder's descriptor stands for a path that is too long for an address.
        let held = File::open(folder)?;
        StdListener::bind(format!("/proc/self/fd/{}/system.new", held.as_raw_fd()))?
    };
    listener.set_nonblocking(true)?;
    fs::set_permissions(&new, Permissions::from_mode(0o600))?;
    fs::rename(&new, &own)?;
    Ok(listener)
}

/// Accepts for ever. A client has a place from here on until a capsule has taken it.
async fn serve(listener: UnixListener, token: Arc<Token>, door: Weak<dyn Doorkeeper>, hall: Arc<Hall>) {
    let places = Arc::new(Semaphore::new(limits::LOCAL_CLIENTS));
    let own = rustix::process::geteuid().as_raw();
    loop {
        // It is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            // Another user's client learns nothing.
            Ok((client, _)) if client.peer_cred().is_ok_and(|peer| peer.uid() == own) => {
                tokio::spawn(receive(client, place, Arc::clone(&token), door.clone(), Arc::clone(&hall)));
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(target: "astrid::net", %error, "the local socket accepts nobody for a moment");
                tokio::time::sleep(limits::ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Greets a client, and has it wait for a capsule if it may come in.
async fn receive(
    mut socket: UnixStream,
    place: OwnedSemaphorePermit,
    token: Arc<Token>,
    door: Weak<dyn Doorkeeper>,
    hall: Arc<Hall>,
) {
    let Some(door) = door.upgrade() else { return };
    let greeted = greet(&mut socket, &token, &*door).await;
    // Nobody may keep the host open by waiting here.
    drop(door);
    let ingress = match greeted {
        Ok(Outcome::ComesIn(ingress)) => ingress,
        Ok(Outcome::TurnedAway) => return,
        Err(error) => {
            tracing::debug!(target: "astrid::net", kind = %error.kind(), "a client broke off the handshake");
            return;
        }
    };
    let (waits, until_taken) = oneshot::channel();
    let number = {
        let mut waiting = hall.waiting.lock();
        if waiting.closed {
            return;
        }
        waiting.next += 1;
        let number = waiting.next;
        waiting.clients.push_back(Client { number, arrived: Arrived { socket, ingress }, _waits: waits });
        number
    };
    hall.came.notify_waiters();
    let late = std::pin::pin!(tokio::time::sleep(limits::LOCAL_WAIT));
    if let Either::Right(_) = select(until_taken, late).await {
        hall.waiting.lock().clients.retain(|client| client.number != number);
    }
    drop(place);
}

struct Arrival<F> {
    hall: Weak<Hall>,
    may_take: Arc<F>,
}

impl<F> std::fmt::Debug for Arrival<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Arrival")
    }
}

impl<F: Fn(Option<&Ingress>) -> bool> Arrival<F> {
    fn there(hall: &Hall, may_take: &F) -> bool {
        hall.waiting.lock().clients.iter().any(|client| may_take(client.arrived.ingress.as_ref()))
    }
}

impl<F: Fn(Option<&Ingress>) -> bool + Send + Sync + 'static> Awaited for Arrival<F> {
    fn is_ready(&self) -> bool {
        self.hall.upgrade().is_some_and(|hall| Self::there(&hall, &self.may_take))
    }

    fn is_closed(&self) -> bool {
        self.hall.upgrade().is_none_or(|hall| hall.waiting.lock().closed)
    }

    fn ready(&self) -> Ready {
        let (hall, may_take) = (self.hall.upgrade(), Arc::clone(&self.may_take));
        Box::pin(async move {
            let Some(hall) = hall else { return };
            loop {
                let came = hall.came.notified();
                let mut came = std::pin::pin!(came);
                came.as_mut().enable();
                if hall.waiting.lock().closed || Self::there(&hall, &may_take) {
                    return;
                }
                came.await;
            }
        })
    }
}

#[cfg(test)]
#[path = "local_tests.rs"]
mod tests;
