//! Second names of files. A file that has more names than this host gave it may be one from outside that somebody linked
//! into a root, and then neither reading nor writing it stays inside.
//!
//! The host notes on the file itself how many names it gave, in an extended attribute no guest can reach, so that the
//! note lives and dies with the file.

use std::os::fd::AsFd;

use rustix::fs::XattrFlags;
use rustix::io::Errno;

use super::FsError;
use super::stat::FileStat;

const NOTE: &str = "user.astrid.names";

/// Whether every name of the open file but one was given by this host.
pub(super) fn are_ours(file: impl AsFd, stat: &FileStat) -> bool {
    stat.names <= 1 || given(file) >= stat.names - 1
}

/// Notes that the host is about to give the file one name more. A file system that keeps no notes gives no second names.
pub(super) fn note_one_more(file: impl AsFd) -> Result<(), FsError> {
    let more = given(file.as_fd()).saturating_add(1);
    write(file, more)
}

/// Notes that a name the host gave is gone again.
pub(super) fn note_one_less(file: impl AsFd) -> Result<(), FsError> {
    let less = given(file.as_fd()).saturating_sub(1);
    write(file, less)
}

fn given(file: impl AsFd) -> u32 {
    let mut text = [0; 16];
    let length = rustix::fs::fgetxattr(file, NOTE, &mut text).unwrap_or(0);
    text.get(..length).and_then(|text| std::str::from_utf8(text).ok()?.parse().ok()).unwrap_or(0)
}

fn write(file: impl AsFd, names: u32) -> Result<(), FsError> {
    match rustix::fs::fsetxattr(file, NOTE, names.to_string().as_bytes(), XattrFlags::empty()) {
        Ok(()) => Ok(()),
        Err(Errno::OPNOTSUPP) => Err(FsError::Access),
        Err(errno) => Err(errno.into()),
    }
}
