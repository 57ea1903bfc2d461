//! The audit log on its way to wherever the program writes it.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use astrid_host::audit::Filter;
use astrid_host::{Host, Result};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::bridge::Bridge;
use crate::call::Call;

/// Bytes of one piece.
const PIECE: usize = 64 * 1024;
/// Pieces that are read ahead.
const AHEAD: usize = 4;

/// An export under way, in pieces: what writes them is the program's, and runs on the program's own thread.
#[pyclass(frozen, module = "astrid_host._native")]
pub(crate) struct Export {
    pieces: Arc<Mutex<Receiver<Result<Vec<u8>>>>>,
    host: Host,
    bridge: Arc<Bridge>,
}

impl Export {
    /// Begins to read the log, on a thread of the host's runtime that may block.
    pub(crate) fn begin(host: &Host, bridge: &Arc<Bridge>, filter: Filter) -> Result<Self> {
        let (sender, pieces) = channel(AHEAD);
        let log = host.audit();
        host.handle()?.spawn_blocking(move || {
            let mut out = BufWriter::with_capacity(PIECE, Pieces(&sender));
            if let Err(error) = log.export_filtered(&mut out, &filter) {
                // What the writer still holds is of an export that failed; and nobody may be waiting any more.
                drop(out.into_parts());
                let _ = sender.blocking_send(Err(error));
            }
        });
        Ok(Self { pieces: Arc::new(Mutex::new(pieces)), host: host.clone(), bridge: Arc::clone(bridge) })
    }
}

#[pymethods]
impl Export {
    /// The next piece; none at the end.
    fn next(&self) -> Call {
        let pieces = Arc::clone(&self.pieces);
        let next = async move { pieces.lock().await.recv().await.transpose() };
        Call::new(&self.host, &self.bridge, next, |py, piece| {
            Ok(piece.map_or_else(|| py.None(), |piece| PyBytes::new(py, &piece).into_any().unbind()))
        })
    }
}

/// Writes by sending; fails once nobody receives.
struct Pieces<'a>(&'a Sender<Result<Vec<u8>>>);

impl Write for Pieces<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(piece.to_vec()));
        sent.map(|()| piece.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
