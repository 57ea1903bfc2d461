//! Why a file call did not take place.

use rustix::io::Errno;

/// The reasons a guest can be told. None carries a path or anything else of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FsError {
    /// Nothing is there, or its parent is not.
    NotFound,
    /// The operating system, the open mode or the kind of file does not permit it.
    Access,
    /// No pattern covers it, or there is no such root.
    CapabilityDenied,
    /// It leads out of its root.
    BoundaryEscape,
    /// It is malformed, or not of the kind that is needed.
    InvalidPath,
    /// Nothing can be had at the moment.
    WouldBlock,
    /// It is a folder.
    IsDirectory,
    /// A file stands where a folder is needed.
    NotDirectory,
    /// The folder has entries.
    NotEmpty,
    /// More than one call may carry, or more than may be written in total.
    TooLarge,
    /// Too many open files or entries made, or the disk is full.
    Quota,
    /// Two roots where there must be one.
    CrossVfs,
    /// Something is there already.
    AlreadyExists,
    /// The host has closed the file, or the capsule is being stopped.
    Closed,
    /// A fault of the host; the sentence is fixed.
    Fault(&'static str),
}

impl From<Errno> for FsError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::NOENT => Self::NotFound,
            // A circle of links is not a path the system lets anybody go.
            Errno::ACCESS
            | Errno::PERM
            | Errno::ROFS
            | Errno::LOOP
            | Errno::TXTBSY
            | Errno::BUSY
            | Errno::MLINK
            | Errno::NXIO
            | Errno::NODEV
            | Errno::OPNOTSUPP => Self::Access,
            Errno::INVAL | Errno::NAMETOOLONG | Errno::ILSEQ => Self::InvalidPath,
            Errno::AGAIN => Self::WouldBlock,
            Errno::ISDIR => Self::IsDirectory,
            Errno::NOTDIR => Self::NotDirectory,
            Errno::NOTEMPTY => Self::NotEmpty,
            Errno::FBIG | Errno::OVERFLOW => Self::TooLarge,
            Errno::NOSPC | Errno::DQUOT => Self::Quota,
            Errno::XDEV => Self::CrossVfs,
            Errno::EXIST => Self::AlreadyExists,
            other => {
                tracing::error!(errno = other.raw_os_error(), "a file call failed");
                Self::Fault("storage failed")
            }
        }
    }
}

impl From<std::io::Error> for FsError {
    fn from(error: std::io::Error) -> Self {
        Errno::from_io_error(&error).map_or_else(
            || {
                tracing::error!(%error, "a file call failed");
                Self::Fault("storage failed")
            },
            Self::from,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_the_system_has_an_arm_and_none_carries_text_of_the_system() {
        for raw in 1..134 {
            match FsError::from(Errno::from_raw_os_error(raw)) {
                FsError::Fault(text) => assert_eq!(text, "storage failed"),
                FsError::CapabilityDenied | FsError::BoundaryEscape | FsError::Closed => {
                    panic!("the system does not decide this ({raw})")
                }
                _ => {}
            }
        }
        assert_eq!(FsError::from(Errno::NOSPC), FsError::Quota);
        assert_eq!(FsError::from(std::io::Error::other("x")), FsError::Fault("storage failed"));
    }
}
