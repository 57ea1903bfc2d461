//! The end of a stream from which a guest reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::{Awaited, Ended, Ready, Source, breathe};
use crate::limits;

/// A source as a guest sees it: no read gives more than 1 MiB, and after its end or a failure it is closed for good.
///
/// Clones are the same stream.
#[derive(Clone, Debug)]
pub struct Reader(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Arc<dyn Source>,
    ended: AtomicBool,
}

impl Reader {
    /// Reads from `source`.
    #[must_use]
    pub fn new(source: Arc<dyn Source>) -> Self {
        Self(Arc::new(Inner { source, ended: AtomicBool::new(false) }))
    }

    /// Takes at most `most` bytes, and at most 1 MiB, that are there now.
    ///
    /// # Errors
    /// [`Ended`]: a failure is told once, then the stream is closed.
    pub fn read(&self, most: u64) -> Result<Bytes, Ended> {
        if self.0.ended.load(Ordering::Acquire) {
            return Err(Ended::Closed);
        }
        match ceiling(most) {
            0 => Ok(Bytes::new()),
            most => self.0.source.read(most).inspect_err(|_| self.0.ended.store(true, Ordering::Release)),
        }
    }

    /// Waits until a byte is there or the stream ends, then does what [`Self::read`] does.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn read_waiting(&self, most: u64) -> Result<Bytes, Ended> {
        if most == 0 {
            self.ready().await;
            return self.read(0);
        }
        loop {
            let bytes = self.read(most)?;
            if !bytes.is_empty() {
                return Ok(bytes);
            }
            self.ready().await;
            // Readiness may have been wrong, and may be so again.
            breathe().await;
        }
    }
}

impl Awaited for Reader {
    fn is_ready(&self) -> bool {
        self.0.ended.load(Ordering::Acquire) || self.0.source.is_ready()
    }

    /// Never: a stream that has ended is ready, so that the guest finds out.
    fn is_closed(&self) -> bool {
        false
    }

    fn ready(&self) -> Ready {
        if self.0.ended.load(Ordering::Acquire) {
            return Box::pin(std::future::ready(()));
        }
        Arc::clone(&self.0.source).ready()
    }
}

/// The one place where the length of a read is bounded.
fn ceiling(most: u64) -> usize {
    usize::try_from(most).map_or(limits::STREAM_READ_BYTES, |most| most.min(limits::STREAM_READ_BYTES))
}
