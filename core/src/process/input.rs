//! What is written to a child.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::net::unix::pipe;
use tokio::sync::Notify;

use crate::cancel::Cancel;

/// Why nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// The way into a child. One writes at a time; whoever comes meanwhile is turned away.
#[derive(Debug, Default)]
pub struct Input {
    pipe: Mutex<Place>,
    closing: Cancel,
    /// How many writes the child's pipe has taken.
    taken: AtomicU64,
    drained: Notify,
}

#[derive(Debug, Default)]
enum Place {
    Open(pipe::Sender),
    /// Somebody writes.
    Taken,
    #[default]
    Closed,
}

impl Input {
    /// The way through a pipe, or none.
    pub(super) fn new(pipe: Option<pipe::Sender>) -> Self {
        Self { pipe: Mutex::new(pipe.map_or(Place::Closed, Place::Open)), ..Self::default() }
    }

    /// Whether more can be written.
    pub fn is_open(&self) -> bool {
        !matches!(*self.pipe.lock(), Place::Closed) && !self.closing.is_given()
    }

    /// Writes everything, waiting for the child to read.
    ///
    /// # Errors
    /// [`Closed`] when it is closed or somebody writes, and when the child reads no more.
    pub async fn write(&self, bytes: &[u8]) -> Result<(), Closed> {
        let mut writing = self.take()?;
        if let Some(pipe) = &writing.pipe {
            tokio::select! {
                biased;
                () = self.closing.given() => writing.pipe = None,
                written = write_all(pipe, bytes) => {
                    if written.is_err() {
                        writing.pipe = None;
                    }
                }
            }
        }
        let closed = writing.pipe.is_none();
        drop(writing);
        self.taken.fetch_add(u64::from(!closed), Ordering::AcqRel);
        self.drained.notify_waiters();
        if closed { Err(Closed) } else { Ok(()) }
    }

    /// Closes it: the child reads what was written and then the end. Whoever writes at the moment is told.
    pub fn close(&self) {
        self.closing.give();
        let mut place = self.pipe.lock();
        if matches!(*place, Place::Open(_)) {
            *place = Place::Closed;
        }
    }

    /// Waits until the child's pipe has taken more writes than `seen`, and says how many.
    pub async fn drained(&self, seen: u64) -> u64 {
        loop {
            let mut drained = std::pin::pin!(self.drained.notified());
            drained.as_mut().enable();
            let taken = self.taken.load(Ordering::Acquire);
            if taken > seen {
                return taken;
            }
            drained.await;
        }
    }

    fn take(&self) -> Result<Writing<'_>, Closed> {
        if self.closing.is_given() {
            return Err(Closed);
        }
        let mut place = self.pipe.lock();
        match std::mem::replace(&mut *place, Place::Taken) {
            Place::Open(pipe) => Ok(Writing { input: self, pipe: Some(pipe) }),
            other => {
                *place = other;
                Err(Closed)
            }
        }
    }
}

/// The pipe while somebody writes; a writer that is dropped meanwhile gives it back.
struct Writing<'a> {
    input: &'a Input,
    pipe: Option<pipe::Sender>,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let mut place = self.input.pipe.lock();
        *place = match self.pipe.take() {
            Some(pipe) if !self.input.closing.is_given() => Place::Open(pipe),
            _ => Place::Closed,
        };
    }
}

async fn write_all(pipe: &pipe::Sender, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        pipe.writable().await?;
        match pipe.try_write(bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
