//! A copy of the log up to a checkpoint, made while it is open.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::checkpoint::Checkpoint;
use super::log::Log;
use super::segment;
use super::state::Extent;
use crate::error::{Error, ErrorKind, Result};

impl Log {
    /// Copies the log into an empty folder, up to and with the checkpoint that is returned, and brings the copy to the
    /// disk. The copy verifies like the log itself.
    pub fn copy_to(&self, folder: &Path) -> Result<Checkpoint> {
        let (checkpoint, extent) = self.checkpoint_with_extent()?;
        let copied = || -> io::Result<()> {
            for first in segment::list(&self.shared.folder)? {
                if first > extent.last {
                    break;
                }
                copy_segment(&self.shared.folder, folder, first, extent)?;
            }
            File::open(folder)?.sync_all()
        };
        copied().map_err(|cause| {
            Error::new(ErrorKind::AuditUnavailable, "the audit log could not be copied").caused_by(cause)
        })?;
        Ok(checkpoint)
    }
}

fn copy_segment(from: &Path, to: &Path, first: u64, extent: Extent) -> io::Result<()> {
    let source = File::open(segment::path(from, first))?;
    let mut options = OpenOptions::new();
    let mut copy = options.write(true).create_new(true).mode(0o600).open(segment::path(to, first))?;
    let most = if first == extent.last { extent.used as u64 } else { u64::MAX };
    io::copy(&mut source.take(most), &mut copy)?;
    copy.sync_all()
}
