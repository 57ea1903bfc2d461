//! Segment files: preallocated, mapped, appended to by copying, cut to their true length when they are sealed.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::{MmapMut, MmapOptions};

use super::chain;
use super::codec::Digest;
use crate::limits::MIB;

/// What every segment begins with: a magic, the format as a little-endian number, and four zero bytes.
pub(super) const HEADER: &[u8; 16] = b"astrid:a\x01\0\0\0\0\0\0\0";
/// The format a header names.
pub(super) fn format(header: &[u8; 16]) -> u32 {
    u32::from_le_bytes([header[8], header[9], header[10], header[11]])
}

/// How much of a segment is made ready at a time, in bytes.
const STEP: usize = MIB;
/// Zeros, to make room with.
const ZEROS: &[u8] = &[0; 64 * 1024];

/// The segment that is appended to.
pub(super) struct Segment {
    file: Arc<File>,
    map: MmapMut,
    used: usize,
    capacity: usize,
    first: u64,
}

impl Segment {
    /// Makes the segment that begins with the sequence number `first`.
    pub(super) fn create(folder: &Path, first: u64, capacity: usize) -> io::Result<Self> {
        let path = path(folder, first);
        let file = private().create_new(true).open(&path)?;
        let made = Self::with(file, HEADER.len(), first, capacity).and_then(|mut segment| {
            segment.map[..HEADER.len()].copy_from_slice(HEADER);
            // The name now; the bytes with the first sync, before which nothing in here is promised to last.
            File::open(folder)?.sync_all()?;
            Ok(segment)
        });
        // A segment that could not be made whole must not stand in the way of the next try.
        made.inspect_err(|_| drop(fs::remove_file(&path)))
    }

    /// Opens a segment to append after its first `used` bytes; what follows them is cut off.
    pub(super) fn resume(folder: &Path, first: u64, used: usize, capacity: usize) -> io::Result<Self> {
        let file = private().open(path(folder, first))?;
        file.set_len(used as u64)?;
        Self::with(file, used, first, capacity)
    }

    fn with(file: File, used: usize, first: u64, capacity: usize) -> io::Result<Self> {
        let map = extend(&file, used, used + 1, capacity)?;
        Ok(Self { file: Arc::new(file), map, used, capacity, first })
    }

    /// The sequence number it begins with.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// Bytes that are header and records.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// The file, to be synced without holding the log's lock.
    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// True if `bytes` more belong into this segment and not into the next.
    pub(super) fn fits(&self, bytes: usize) -> bool {
        self.used + bytes <= self.capacity
    }

    /// Makes sure that `bytes` more can be copied in; fails if the disk is full.
    pub(super) fn prepare(&mut self, bytes: usize) -> io::Result<()> {
        let needed = self.used + bytes;
        if needed > self.map.len() {
            self.map = extend(&self.file, self.map.len(), needed, self.capacity)?;
        }
        Ok(())
    }

    /// Appends a record that [`Segment::prepare`] has made room for.
    pub(super) fn push(&mut self, body: &[u8], hash: &Digest) {
        let end = self.used + chain::framed(body.len());
        chain::write(&mut self.map[self.used..end], body, hash);
        self.used = end;
    }

    /// Cuts the file to what is used and brings it to the disk.
    pub(super) fn seal(self) -> io::Result<()> {
        drop(self.map);
        self.file.set_len(self.used as u64)?;
        self.file.sync_all()
    }
}

/// Grows the file from `len` bytes to `needed` and on to the next step, and maps all of it.
#[expect(unsafe_code, reason = "a file can be mapped in no other way")]
fn extend(file: &File, len: usize, needed: usize, capacity: usize) -> io::Result<MmapMut> {
    // Zeros are written rather than the file's length set, so that a full disk is an error here and not a fault at
    // some later copy into the mapping.
    let target = needed.max(needed.next_multiple_of(STEP).min(capacity));
    let mut at = len;
    while at < target {
        let piece = ZEROS.len().min(target - at);
        file.write_all_at(&ZEROS[..piece], at as u64)?;
        at += piece;
    }
    // SAFETY: a mapping is sound as long as nobody else changes or truncates the file under it. The home that holds
    // the file is locked exclusively for this process, the file is readable and writable by its owner alone, and in
    // this process only `Segment` writes to it: through this mapping, which it drops before it cuts the file. Bytes
    // past `target` are not mapped, and all up to there were written, so each page has its block. Readers in this
    // process read the file with system calls and make no reference into the mapping.
    unsafe { MmapOptions::new().len(target).map_mut(file) }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

/// Where the segment lies that begins with this sequence number.
pub(super) fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:016}.log"))
}

/// The first sequence numbers of all segments, in order. Files with other names are none of the log's.
pub(super) fn list(folder: &Path) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for file in fs::read_dir(folder)? {
        let name = file?.file_name();
        let first = name.to_str().and_then(|name| name.strip_suffix(".log"));
        if let Some(first) = first.filter(|first| first.len() == 16).and_then(|first| first.parse().ok()) {
            found.push(first);
        }
    }
    found.sort_unstable();
    Ok(found)
}
