//! `.capsule` archives: a tar file in gzip, read into memory.
//!
//! Nothing is unpacked to the disk, so an entry has no place to escape to; what is unsafe elsewhere is refused all the
//! same, since an archive that holds such an entry was not made by a packer of capsules.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;
use tar::EntryType;

use super::files::unreadable;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// What the name of an archive ends in, after the dot.
pub(super) const EXTENSION: &str = "capsule";

/// The files of an archive, by path.
#[derive(Debug)]
pub(super) struct Archive(BTreeMap<String, Vec<u8>>);

impl Archive {
    /// Reads an archive whole.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such file, [`ErrorKind::InvalidArgument`] when it is no archive, is larger
    /// than the limits, or holds an unsafe entry, which the message names.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| unreadable(path, error))?;
        let length = file.metadata().map_err(|error| unreadable(path, error))?.len();
        let most = limits::ARCHIVE_BYTES;
        let unpacked = if length > most as u64 {
            Err(format!("is larger than {most} bytes"))
        } else {
            unpack(file.take(most as u64))
        };
        unpacked.map(Self).map_err(|why| {
            Error::new(ErrorKind::InvalidArgument, format!("the archive {why}"))
                .with("archive", path.display().to_string())
        })
    }

    /// One file's bytes.
    pub(super) fn file(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }
}

/// The files of the tar file in `gzip`; the error goes on after "the archive".
fn unpack(gzip: impl Read) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let mut plain =
        Bounded { inner: GzDecoder::new(BufReader::new(gzip)), left: limits::ARCHIVE_UNPACKED_BYTES };
    let files = entries(&mut plain).and_then(|files| at_its_end(&mut plain).map(|()| files));
    if plain.left == 0 {
        return Err(format!("unpacks to {} bytes or more", limits::ARCHIVE_UNPACKED_BYTES));
    }
    let files = files?;
    match plain.inner.into_inner().fill_buf() {
        Ok([]) => Ok(files),
        Ok(_) => Err("goes on after its end".to_owned()),
        Err(error) => Err(damaged(&error)),
    }
}

fn entries(plain: &mut impl Read) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let mut files = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut archive = tar::Archive::new(plain);
    for (n, entry) in archive.entries().map_err(|error| damaged(&error))?.enumerate() {
        if n == limits::ARCHIVE_ENTRIES {
            return Err(format!("has more than {n} entries"));
        }
        let mut entry = entry.map_err(|error| damaged(&error))?;
        let kind = entry.header().entry_type();
        if kind.is_pax_global_extensions() {
            continue;
        }
        let raw = entry.path_bytes().into_owned();
        let shown =
            format!("{:?}", String::from_utf8_lossy(&raw[..raw.len().min(limits::ARCHIVE_PATH_BYTES)]));
        let about = |what: &str| format!("holds {shown}, which {what}");
        if let Some(what) = unsafe_kind(kind) {
            return Err(about(what));
        }
        let Some(path) = inner_path(&raw).map_err(about)? else { continue };
        if !seen.insert(path.clone()) {
            return Err(about("is there twice"));
        }
        if kind == EntryType::Directory {
            continue;
        }
        let most = limits::ARCHIVE_FILE_BYTES;
        if entry.size() > most as u64 {
            return Err(about(&format!("is larger than {most} bytes")));
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
        if bytes.len() as u64 != entry.size() {
            return Err(about("is cut short"));
        }
        files.insert(path, bytes);
    }
    Ok(files)
}

/// Why an entry of this kind is refused; none for files and folders.
fn unsafe_kind(kind: EntryType) -> Option<&'static str> {
    match kind {
        EntryType::Regular | EntryType::Directory => None,
        EntryType::Symlink => Some("is a symbolic link"),
        EntryType::Link => Some("is a hard link"),
        EntryType::Char | EntryType::Block => Some("is a device"),
        EntryType::Fifo => Some("is a pipe"),
        _ => Some("is neither a file nor a folder"),
    }
}

/// The path of an entry with its `.` and doubled slashes taken out; none for the archive's own root.
fn inner_path(raw: &[u8]) -> Result<Option<String>, &'static str> {
    let Ok(text) = std::str::from_utf8(raw) else { return Err("has a path that is not UTF-8") };
    if text.len() > limits::ARCHIVE_PATH_BYTES {
        return Err("has a path that is too long");
    }
    if text.starts_with('/') {
        return Err("has an absolute path");
    }
    if text.contains('\\') || text.chars().any(char::is_control) {
        return Err("has a path with a backslash or a control character");
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return Err("has a path with a `..`");
    }
    Ok((!parts.is_empty()).then(|| parts.join("/")))
}

/// Reads on to the end, so that the checksum is compared and nothing hides behind the last entry.
fn at_its_end(plain: &mut impl Read) -> Result<(), String> {
    let mut rest = vec![0; limits::KIB * 16];
    loop {
        let length = match plain.read(&mut rest) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) => return Err(damaged(&error)),
        };
        if rest[..length].iter().any(|byte| *byte != 0) {
            return Err("goes on after its last entry".to_owned());
        }
    }
}

fn damaged(error: &io::Error) -> String {
    format!("is damaged or cut short: {error}")
}

/// A reader that ends in an error once it has given all it may.
struct Bounded<R> {
    inner: R,
    left: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other("the limit is reached"));
        }
        let most = into.len().min(self.left);
        let length = self.inner.read(&mut into[..most])?;
        self.left -= length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn entry(path: &[u8], kind: EntryType, bytes: &[u8]) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path);
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        let mut block = header.as_bytes().to_vec();
        block.extend(bytes);
        block.resize(block.len().next_multiple_of(512), 0);
        block
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
        gzip(&[entries.concat(), vec![0; 1024]].concat())
    }

    fn refused(bytes: &[u8]) -> String {
        unpack(bytes).unwrap_err()
    }

    #[test]
    fn files_are_found_by_their_plain_path() {
        let bytes = archive(&[
            entry(b"./", EntryType::Directory, b""),
            entry(b"./Capsule.toml", EntryType::Regular, b"x"),
            entry(b"docs/", EntryType::Directory, b""),
            entry(b"docs//a.md", EntryType::Regular, &[7; 600]),
        ]);
        let files = unpack(&*bytes).unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["Capsule.toml", "docs/a.md"]);
        assert_eq!(files["docs/a.md"], [7; 600]);
    }

    #[test]
    fn unsafe_entries_are_refused_by_name() {
        let file = EntryType::Regular;
        for (path, kind, what) in [
            (&b"/etc/passwd"[..], file, "absolute"),
            (b"a/../../b", file, "`..`"),
            (b"a\\b", file, "backslash"),
            (b"a\nb", file, "control"),
            (b"a\xff", file, "UTF-8"),
            (b"a", EntryType::Symlink, "symbolic link"),
            (b"a", EntryType::Link, "hard link"),
            (b"a", EntryType::Char, "device"),
            (b"a", EntryType::Block, "device"),
            (b"a", EntryType::Fifo, "pipe"),
            (b"a", EntryType::Continuous, "neither"),
        ] {
            let why = refused(&archive(&[entry(path, kind, b"")]));
            assert!(why.contains(what) && why.starts_with("holds \""), "{path:?} {kind:?}: {why}");
        }
        let twice = [entry(b"a", file, b"1"), entry(b"./a", file, b"2")];
        assert!(refused(&archive(&twice)).contains("there twice"));
        let both = [entry(b"a", EntryType::Directory, b""), entry(b"a", file, b"2")];
        assert!(refused(&archive(&both)).contains("there twice"));
    }

    #[test]
    fn damage_and_trailing_bytes_are_refused() {
        let whole = archive(&[entry(b"a", EntryType::Regular, &[7; 5000])]);
        for length in [0, 5, 20, whole.len() - 9, whole.len() - 1] {
            assert!(refused(&whole[..length]).contains("damaged"), "{length}");
        }
        let mut wrong_sum = whole.clone();
        let at = whole.len() - 6;
        wrong_sum[at] ^= 1;
        assert!(refused(&wrong_sum).contains("damaged"));
        assert!(refused(&[&*whole, b"x"].concat()).contains("after its end"));
        let plain = [entry(b"a", EntryType::Regular, b""), vec![0; 1024], vec![1; 512]].concat();
        assert!(refused(&gzip(&plain)).contains("after its last entry"));
        assert!(refused(b"not an archive").contains("damaged"));
    }

    #[test]
    fn sizes_are_bounded_before_they_are_taken() {
        let many: Vec<_> = (0..=limits::ARCHIVE_ENTRIES)
            .map(|n| entry(format!("f{n}").as_bytes(), EntryType::Regular, b""))
            .collect();
        assert!(refused(&archive(&many)).contains("more than 4096 entries"));
        let mut large = entry(b"a", EntryType::Regular, b"");
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes().copy_from_slice(&large);
        header.set_size(limits::ARCHIVE_FILE_BYTES as u64 + 1);
        header.set_cksum();
        large.copy_from_slice(header.as_bytes());
        assert!(refused(&archive(&[large])).contains("is larger than"));
        let bomb = gzip(&vec![0; limits::ARCHIVE_UNPACKED_BYTES]);
        assert!(bomb.len() < limits::MIB);
        assert!(refused(&bomb).contains("unpacks to"));
    }
}
