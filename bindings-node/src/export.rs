//! The native half of an export: the audit log in pieces, on their way to wherever the program writes them.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use astrid_host::audit::Filter;
use astrid_host::{Error, ErrorKind, Host, Result};
use napi_derive::napi;
use parking_lot::Mutex as SyncMutex;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::calls::Calls;
use crate::letter::Value;

/// Bytes of one piece.
const PIECE: usize = 64 * 1024;
/// Pieces that are read ahead.
const AHEAD: usize = 4;

type Pieces = Arc<Mutex<Receiver<Result<Vec<u8>>>>>;

/// An export under way.
#[napi]
pub struct NativeExport {
    /// Nothing once it is closed; reading ends when the last who waits lets go of it.
    pieces: SyncMutex<Option<Pieces>>,
    runtime: Handle,
    calls: Arc<Calls>,
}

#[napi]
impl NativeExport {
    /// The next piece; nothing at the end.
    #[napi]
    pub fn next(&self, call: u32) {
        let pieces = self.pieces.lock().clone();
        self.calls.begin(call, &self.runtime, async move {
            let pieces = pieces.ok_or_else(|| Error::new(ErrorKind::Closed, "the export was closed"))?;
            let piece = pieces.lock().await.recv().await.transpose()?;
            Ok(piece.map_or(Value::Done, Value::Bytes))
        });
    }

    /// Reads no further.
    #[napi]
    pub fn close(&self) {
        let pieces = self.pieces.lock().take();
        drop(pieces);
    }
}

impl NativeExport {
    /// Begins to read the log, on a thread of the host's runtime that may block.
    pub fn begin(host: &Host, filter: Filter, calls: Arc<Calls>) -> Result<Self> {
        let (runtime, log) = (host.handle()?, host.audit());
        let (sender, pieces) = channel(AHEAD);
        runtime.spawn_blocking(move || {
            let mut out = BufWriter::with_capacity(PIECE, Sending(&sender));
            if let Err(error) = log.export_filtered(&mut out, &filter) {
                // What is left in the writer belongs to an export that failed; and nobody may be waiting any more.
                drop(out.into_parts());
                let _ = sender.blocking_send(Err(error));
            }
        });
        Ok(Self { pieces: SyncMutex::new(Some(Arc::new(Mutex::new(pieces)))), runtime, calls })
    }
}

/// Writes by sending; fails once nobody receives.
struct Sending<'a>(&'a Sender<Result<Vec<u8>>>);

impl Write for Sending<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(piece.to_vec()));
        sent.map(|()| piece.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
