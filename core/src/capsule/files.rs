//! Where the files of a capsule lie, and how they are read: never more of one than its limit.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::MANIFEST_FILE;
use super::archive::{Archive, EXTENSION};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// How large a file may be, and what it is called when it is larger.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub what: &'static str,
    pub bytes: usize,
    pub kind: ErrorKind,
}

/// The limit of a manifest.
pub(super) const MANIFEST: Limit =
    Limit { what: "the manifest", bytes: limits::MANIFEST_BYTES, kind: ErrorKind::ManifestInvalid };
/// The limit of a component, or of what is left for it.
pub(super) const COMPONENT: Limit =
    Limit { what: "the component", bytes: limits::COMPONENT_BYTES, kind: ErrorKind::ComponentInvalid };
/// The limit of the file an installer elsewhere wrote.
pub(super) const META: Limit =
    Limit { what: "`meta.json`", bytes: limits::META_BYTES, kind: ErrorKind::ManifestInvalid };
/// The limit of a file that the embedding program reads.
const STATIC: Limit =
    Limit { what: "the file", bytes: limits::STATIC_FILE_BYTES, kind: ErrorKind::InvalidArgument };

impl Limit {
    fn exceeded(self) -> Error {
        let Self { what, bytes, kind } = self;
        Error::new(kind, format!("{what} is larger than the limit of {bytes} bytes"))
    }
}

/// The files of one capsule, open for reading.
pub(super) enum Files {
    /// They lie in this folder.
    Folder(PathBuf),
    /// They were read from the archive at this path.
    Archive(PathBuf, Archive),
}

impl Files {
    /// Finds the files of the capsule at `path`, a folder, an archive or a manifest, and the manifest's name among them.
    pub(super) fn open(path: &Path) -> Result<(Self, String)> {
        if path.is_dir() {
            return Ok((Self::Folder(path.to_owned()), MANIFEST_FILE.to_owned()));
        }
        if is_archive(path) {
            return Ok((Self::Archive(path.to_owned(), Archive::read(path)?), MANIFEST_FILE.to_owned()));
        }
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, format!("`{}` names no manifest", path.display()))
        })?;
        Ok((Self::Folder(folder), name.to_owned()))
    }

    /// Reads a file whose path is relative to the manifest's folder, or absolute.
    pub(super) fn read(&self, path: &str, limit: Limit) -> Result<Vec<u8>> {
        match self {
            Self::Folder(folder) => read(&folder.join(path), limit),
            Self::Archive(archive, files) => match files.file(&plain(path)) {
                Some(bytes) if bytes.len() > limit.bytes => Err(limit.exceeded()),
                Some(bytes) => Ok(bytes.to_vec()),
                None => {
                    let message = format!("`{path}` is not in the archive");
                    Err(Error::new(ErrorKind::NotFound, message)
                        .with("archive", archive.display().to_string()))
                }
            },
        }
    }

    /// Whether the file is there.
    pub(super) fn has(&self, path: &str) -> bool {
        match self {
            Self::Folder(folder) => folder.join(path).exists(),
            Self::Archive(_, files) => files.file(&plain(path)).is_some(),
        }
    }
}

/// Reads a file that lies beneath the folder of the capsule at `path`, or in its archive.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is no such file, [`ErrorKind::InvalidArgument`] when it is a link, lies elsewhere, or has
/// more than [`limits::STATIC_FILE_BYTES`].
pub fn read_static(path: &Path, file: &str) -> Result<Vec<u8>> {
    match Files::open(path)?.0 {
        Files::Folder(folder) => read_beneath(&folder, file),
        archive @ Files::Archive(..) => archive.read(file, STATIC),
    }
}

/// Whether a path names an archive.
pub(super) fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == EXTENSION)
}

/// Reads a regular file; a pipe or a device would never end.
fn read(path: &Path, limit: Limit) -> Result<Vec<u8>> {
    let found = std::fs::metadata(path).map_err(|error| unreadable(path, error))?;
    if !found.is_file() {
        return Err(unreadable(path, io::Error::other("it is no regular file")));
    }
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    read_open(path, file, limit)
}

/// Reads what is open, looking at no more than the limit and one byte.
fn read_open(path: &Path, file: File, limit: Limit) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(limit.bytes as u64 + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, error))?;
    if bytes.len() > limit.bytes { Err(limit.exceeded()) } else { Ok(bytes) }
}

/// Reads a file without following a link on the way. What was opened is asked where it lies, because a folder may be
/// exchanged for a link after it was looked at.
fn read_beneath(folder: &Path, path: &str) -> Result<Vec<u8>> {
    let elsewhere = || {
        let message = format!("`{path}` leads out of the capsule's folder or through a link");
        Error::new(ErrorKind::InvalidArgument, message)
    };
    let root = folder.canonicalize().map_err(|error| unreadable(folder, error))?;
    let mut place = root.clone();
    for part in Path::new(path).components() {
        match part {
            std::path::Component::Normal(name) => place.push(name),
            std::path::Component::CurDir => continue,
            _ => return Err(elsewhere()),
        }
        let found = place.symlink_metadata().map_err(|error| unreadable(&place, error))?;
        if found.is_symlink() {
            return Err(elsewhere());
        }
    }
    if !place.is_file() {
        return Err(unreadable(&place, io::Error::other("it is no regular file")));
    }
    let file = File::open(&place).map_err(|error| unreadable(&place, error))?;
    if !lies_at(&file, &place) {
        return Err(elsewhere());
    }
    read_open(&place, file, STATIC)
}

/// Whether the open file is the one at exactly this place.
#[cfg(target_os = "linux")]
fn lies_at(file: &File, place: &Path) -> bool {
    use std::os::fd::AsRawFd as _;
    std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).is_ok_and(|found| found == place)
}

/// Whether the open file is the one at exactly this place.
#[cfg(not(target_os = "linux"))]
fn lies_at(_: &File, place: &Path) -> bool {
    place.canonicalize().is_ok_and(|found| found == place)
}

/// A path inside an archive as the archive has it.
fn plain(path: &str) -> String {
    // An absolute path keeps its slash, and so is in no archive.
    let root = if path.starts_with('/') { "/" } else { "" };
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    format!("{root}{}", parts.join("/"))
}

/// The error for a file that cannot be read.
pub(super) fn unreadable(path: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ErrorKind::NotFound,
        _ => ErrorKind::InvalidArgument,
    };
    Error::new(kind, format!("`{}` cannot be read: {error}", path.display())).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn static_files_are_read_beneath_the_folder_only() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("capsule");
        std::fs::create_dir_all(folder.join("docs")).unwrap();
        std::fs::write(dir.path().join("secret"), "s").unwrap();
        std::fs::write(folder.join("docs/a.md"), "text").unwrap();
        std::fs::write(folder.join("large"), vec![0; limits::STATIC_FILE_BYTES + 1]).unwrap();
        std::os::unix::fs::symlink("../secret", folder.join("link")).unwrap();
        std::os::unix::fs::symlink("docs/a.md", folder.join("inner")).unwrap();
        std::os::unix::fs::symlink("..", folder.join("up")).unwrap();
        // The folder itself may be reached through a link: it is the embedding program's.
        let way = dir.path().join("way");
        std::os::unix::fs::symlink(&folder, &way).unwrap();
        assert_eq!(read_static(&way, "./docs/a.md").unwrap(), b"text");
        assert_eq!(read_static(&way.join("Capsule.toml"), "docs/a.md").unwrap(), b"text");
        for (path, kind) in [
            ("link", ErrorKind::InvalidArgument),
            ("inner", ErrorKind::InvalidArgument),
            ("up/secret", ErrorKind::InvalidArgument),
            ("../secret", ErrorKind::InvalidArgument),
            ("/etc/passwd", ErrorKind::InvalidArgument),
            ("large", ErrorKind::InvalidArgument),
            ("docs", ErrorKind::InvalidArgument),
            ("gone", ErrorKind::NotFound),
            ("docs/a.md/b", ErrorKind::NotFound),
        ] {
            assert_eq!(read_static(&way, path).unwrap_err().kind(), kind, "{path}");
        }
    }

    #[test]
    fn what_is_no_regular_file_is_not_read() {
        assert_eq!(read(Path::new("/dev/zero"), MANIFEST).unwrap_err().kind(), ErrorKind::InvalidArgument);
    }

    #[test]
    fn paths_in_an_archive_have_one_spelling() {
        assert_eq!(plain("./a//b"), "a/b");
        assert_eq!(plain("/a"), "/a");
    }
}
