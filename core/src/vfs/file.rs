//! An open file.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::FsError;
use super::meter::{Budget, Meter};
use super::overlay::{Era, InEra};
use super::stat::FileStat;
use crate::cancel::Cancel;
use crate::limits;

/// What an open file may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Reading; the file must exist.
    Read,
    /// Writing; the file is made, or emptied.
    Write,
    /// Writing at the end; the file is made if it is missing.
    Append,
    /// Reading and writing; the file must exist.
    ReadWrite,
}

/// An open file with what it may be used for. It stays the file it was opened on, whatever its path leads to later.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    mode: Mode,
    meter: Arc<Meter>,
    era: Option<Era>,
}

impl OpenFile {
    pub(super) fn new(fd: OwnedFd, mode: Mode, meter: Arc<Meter>, era: Option<Era>) -> Self {
        Self { file: File::from(fd), mode, meter, era }
    }

    /// Up to `most` bytes from the offset, and never more than 1 MiB; empty where the file ends.
    pub fn read_at(&self, offset: u64, most: u32) -> Result<Vec<u8>, FsError> {
        let _era = self.open_still()?;
        if !matches!(self.mode, Mode::Read | Mode::ReadWrite) {
            return Err(FsError::Access);
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(limits::FILE_CALL_BYTES);
        let left = self.file.metadata()?.len().saturating_sub(offset);
        // One that is longer than it says, as some file systems have them, is read a little further.
        let likely = usize::try_from(left).unwrap_or(usize::MAX).max(limits::KIB).min(most);
        let mut bytes = vec![0; likely];
        let mut filled = 0;
        while filled < bytes.len() {
            let Some(at) = offset.checked_add(filled as u64).filter(|at| i64::try_from(*at).is_ok()) else {
                break;
            };
            match self.file.read_at(&mut bytes[filled..], at) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Writes at most 1 MiB at the offset, or at the end in [`Mode::Append`], and gives the number of bytes written.
    pub fn write_at(&self, offset: u64, data: &[u8], budget: Budget) -> Result<u32, FsError> {
        let _era = self.writable()?;
        if data.len() > limits::FILE_CALL_BYTES {
            return Err(FsError::TooLarge);
        }
        let end = offset.checked_add(data.len() as u64).filter(|end| i64::try_from(*end).is_ok());
        if end.is_none() && self.mode != Mode::Append {
            return Err(FsError::TooLarge);
        }
        let taken = self.meter.take(data.len() as u64, budget)?;
        let mut written = 0;
        let mut failed = None;
        while written < data.len() {
            let outcome = match self.mode {
                Mode::Append => (&self.file).write(&data[written..]),
                _ => self.file.write_at(&data[written..], offset + written as u64),
            };
            match outcome {
                Ok(0) => break,
                Ok(more) => written += more,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        taken.keep_bytes(written as u64);
        match failed {
            Some(error) if written == 0 => Err(error.into()),
            _ => Ok(u32::try_from(written).unwrap_or(u32::MAX)),
        }
    }

    /// Returns when the content has reached the disk.
    pub fn sync_data(&self) -> Result<(), FsError> {
        let _era = self.open_still()?;
        Ok(self.file.sync_data()?)
    }

    /// Returns when content and metadata have reached the disk.
    pub fn sync_all(&self) -> Result<(), FsError> {
        let _era = self.open_still()?;
        Ok(self.file.sync_all()?)
    }

    /// What is known of the open file.
    pub fn stat(&self) -> Result<FileStat, FsError> {
        let _era = self.open_still()?;
        FileStat::of(&self.file)
    }

    /// Cuts the file, or extends it with zeroes, which counts as writing them.
    pub fn set_len(&self, size: u64, budget: Budget) -> Result<(), FsError> {
        let _era = self.writable()?;
        if i64::try_from(size).is_err() {
            return Err(FsError::TooLarge);
        }
        let more = size.saturating_sub(self.file.metadata()?.len());
        let taken = self.meter.take(more, budget)?;
        self.file.set_len(size)?;
        taken.keep();
        Ok(())
    }

    fn writable(&self) -> Result<Option<InEra<'_>>, FsError> {
        let era = self.open_still()?;
        if self.mode == Mode::Read { Err(FsError::Access) } else { Ok(era) }
    }

    /// A file of an overlay that was committed or rolled back in the meantime is closed. While the returned guard lives
    /// neither begins.
    fn open_still(&self) -> Result<Option<InEra<'_>>, FsError> {
        self.era.as_ref().map(Era::enter).transpose()
    }
}

/// Writes all of it, counting what was written.
pub(super) fn write_all(fd: impl AsFd, mut data: &[u8], written: &mut u64) -> Result<(), FsError> {
    while !data.is_empty() {
        match rustix::io::write(&fd, data) {
            Ok(0) => return Err(FsError::Fault("storage failed")),
            Ok(more) => {
                *written += more as u64;
                data = &data[more..];
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// Copies everything, a piece at a time; each piece is taken from the budget before it is written, and the copy ends
/// when it is no longer wanted.
pub(super) fn copy_all(
    from: &mut File,
    to: &mut File,
    cancel: &Cancel,
    mut take: impl FnMut(u64) -> Result<(), FsError>,
) -> Result<u64, FsError> {
    let mut piece = vec![0; limits::COPY_PIECE_BYTES];
    let mut copied = 0;
    loop {
        if cancel.is_given() {
            return Err(FsError::Closed);
        }
        match from.read(&mut piece) {
            Ok(0) => return Ok(copied),
            Ok(read) => {
                take(read as u64)?;
                write_all(&*to, &piece[..read], &mut copied)?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}
