//! What is known of a file or folder.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, FileType, Statx, StatxFlags, StatxTimestamp};

use super::FsError;

/// What kind of thing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file with content.
    Regular,
    /// A folder.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A block device.
    BlockDevice,
    /// A character device.
    CharacterDevice,
    /// A named pipe.
    Fifo,
    /// A local socket.
    Socket,
    /// None of these.
    Unknown,
}

/// Seconds since the start of 1970, negative before, and nanoseconds below 1,000,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Whole seconds.
    pub seconds: i64,
    /// The rest.
    pub nanoseconds: u32,
}

/// What the operating system says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStat {
    /// Its length in bytes.
    pub size: u64,
    /// Its kind.
    pub kind: Kind,
    /// Its permission bits.
    pub mode: u32,
    /// When its content was last changed.
    pub modified: Option<Moment>,
    /// When it was made.
    pub created: Option<Moment>,
    /// When it was last read.
    pub accessed: Option<Moment>,
    /// How many names it has.
    pub(super) names: u32,
    /// The device and inode that tell it from every other file.
    pub(super) identity: (u64, u64),
    /// The user and group it belongs to.
    pub(super) owner: (u32, u32),
}

impl FileStat {
    /// Asks about the open file itself.
    pub(super) fn of(file: impl AsFd) -> Result<Self, FsError> {
        let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        let found = rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, wanted)?;
        Ok(Self::read(&found))
    }

    fn read(found: &Statx) -> Self {
        let known = StatxFlags::from_bits_retain(found.stx_mask);
        let moment = |flag: StatxFlags, at: &StatxTimestamp| {
            known
                .contains(flag)
                .then_some(Moment { seconds: at.tv_sec, nanoseconds: at.tv_nsec.min(999_999_999) })
        };
        Self {
            size: found.stx_size,
            kind: kind(FileType::from_raw_mode(found.stx_mode.into())),
            mode: u32::from(found.stx_mode) & 0o7777,
            modified: moment(StatxFlags::MTIME, &found.stx_mtime),
            created: moment(StatxFlags::BTIME, &found.stx_btime),
            accessed: moment(StatxFlags::ATIME, &found.stx_atime),
            names: found.stx_nlink,
            identity: (rustix::fs::makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino),
            owner: (found.stx_uid, found.stx_gid),
        }
    }

    /// Whether it is of this kind.
    pub(super) fn is(&self, kind: Kind) -> bool {
        self.kind == kind
    }
}

fn kind(file_type: FileType) -> Kind {
    match file_type {
        FileType::RegularFile => Kind::Regular,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::BlockDevice => Kind::BlockDevice,
        FileType::CharacterDevice => Kind::CharacterDevice,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        FileType::Unknown => Kind::Unknown,
    }
}
