//! The open tallies in a mapped file, so that what was counted survives the sudden end of the process as entries do.
//!
//! A slot is free, or holds the part of a counted entry that stays as it is and two copies of the part that changes. A
//! change is written to the copy that is not in force and then put in force by one byte, so that whoever ends the
//! process at any moment leaves the state before or the state after. Each copy has a check of its own for what the loss
//! of power may leave.
//!
//! ```text
//! slot = state:u8 (0 free, 1 first copy, 2 second copy) 0:u8 length:u16 … copy at 16, copy at 128, fixed at 256
//! copy = count:u64 first:u64 last:u64 bytes:u64 elapsed:u64 folded:(u8 32) check:8
//! ```

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{Ordering::Release, fence};

use memmap2::{MmapMut, MmapOptions};

use super::codec::{Digest, Reader, put_digest, put_u64};
use crate::limits;

const SLOT: usize = limits::AUDIT_TALLY_BYTES;
const COPIES: [usize; 2] = [16, 128];
const FIXED: usize = 256;
/// Bytes of a copy before its check.
const COUNTS: usize = 5 * 8 + 1 + 32;
const CHECK: usize = 8;

/// What changes when a repeat is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) count: u64,
    pub(super) first_ns: u64,
    pub(super) last_ns: u64,
    pub(super) bytes: u64,
    pub(super) elapsed_ns: u64,
    /// The folded digest of the contents, if there were any.
    pub(super) folded: Option<Digest>,
}

impl Counts {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(COUNTS + CHECK);
        for number in [self.count, self.first_ns, self.last_ns, self.bytes, self.elapsed_ns] {
            put_u64(&mut out, number);
        }
        out.push(u8::from(self.folded.is_some()));
        put_digest(&mut out, &self.folded.unwrap_or_default());
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let mut number = || reader.u64();
        let (count, first_ns, last_ns) = (number()?, number()?, number()?);
        let (bytes, elapsed_ns) = (number()?, number()?);
        let has = reader.u8()? == 1;
        let folded = reader.array()?;
        reader.end()?;
        Some(Self { count, first_ns, last_ns, bytes, elapsed_ns, folded: has.then_some(folded) })
    }
}

/// The mapped file.
pub(super) struct Slots {
    file: Arc<File>,
    map: MmapMut,
    turns: Vec<u8>,
}

impl Slots {
    /// Makes the file with nothing in it.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(path(folder))?;
        // Written rather than left as a hole, so that a full disk is an error here and not a fault at some later copy.
        let zeros = vec![0; SLOT * limits::AUDIT_TALLIES];
        file.write_all_at(&zeros, 0)?;
        File::open(folder)?.sync_all()?;
        Ok(Self {
            map: map(&file, zeros.len())?,
            file: Arc::new(file),
            turns: vec![0; limits::AUDIT_TALLIES],
        })
    }

    /// The file, to be synced without holding the log's lock.
    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Fills a free slot. False if the fixed part does not fit.
    pub(super) fn fill(&mut self, slot: usize, fixed: &[u8], counts: &Counts) -> bool {
        let Ok(length) = u16::try_from(fixed.len()) else { return false };
        if FIXED + fixed.len() > SLOT {
            return false;
        }
        let bytes = &mut self.map[slot * SLOT..(slot + 1) * SLOT];
        bytes[2..4].copy_from_slice(&length.to_le_bytes());
        bytes[FIXED..FIXED + fixed.len()].copy_from_slice(fixed);
        self.turns[slot] = 0;
        self.update(slot, fixed, counts);
        true
    }

    /// Puts new counts into force.
    pub(super) fn update(&mut self, slot: usize, fixed: &[u8], counts: &Counts) {
        let turn = usize::from(self.turns[slot]) % COPIES.len();
        let mut copy = counts.encode();
        let check = check(fixed, &copy);
        copy.extend_from_slice(&check);
        let bytes = &mut self.map[slot * SLOT..(slot + 1) * SLOT];
        bytes[COPIES[turn]..COPIES[turn] + copy.len()].copy_from_slice(&copy);
        fence(Release);
        self.turns[slot] = u8::from(turn == 0);
        bytes[0] = if turn == 0 { 1 } else { 2 };
        fence(Release);
    }

    /// Frees a slot whose entry is in the log and on the disk.
    pub(super) fn clear(&mut self, slot: usize) {
        self.map[slot * SLOT] = 0;
    }
}

fn check(fixed: &[u8], counts: &[u8]) -> [u8; CHECK] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(fixed).update(counts);
    let mut check = [0; CHECK];
    hasher.finalize_xof().fill(&mut check);
    check
}

/// What an earlier process left open: fixed parts and counts. Slots that the loss of power damaged are passed over.
pub(super) fn left_open(folder: &Path) -> io::Result<Vec<(Vec<u8>, Counts)>> {
    let bytes = match fs::read(path(folder)) {
        Ok(bytes) => bytes,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(cause),
    };
    Ok(bytes.chunks_exact(SLOT).filter_map(read).collect())
}

fn read(slot: &[u8]) -> Option<(Vec<u8>, Counts)> {
    let order = match slot[0] {
        1 => [COPIES[0], COPIES[1]],
        2 => [COPIES[1], COPIES[0]],
        _ => return None,
    };
    let length = usize::from(u16::from_le_bytes([slot[2], slot[3]]));
    let fixed = slot.get(FIXED..FIXED + length)?;
    order.into_iter().find_map(|at| {
        let (counts, found) = slot[at..at + COUNTS + CHECK].split_at(COUNTS);
        (check(fixed, counts) == found).then(|| Some((fixed.to_vec(), Counts::decode(counts)?)))?
    })
}

/// Removes the file once nothing in it is needed any more.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_file(path(folder)) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("tallies.open")
}

#[expect(unsafe_code, reason = "a file can be mapped in no other way")]
fn map(file: &File, bytes: usize) -> io::Result<MmapMut> {
    // SAFETY: as for a segment: the home's lock keeps other processes away and only `Slots` writes to the file in this
    // one, which never cuts it while it is mapped; every mapped byte was written, so each page has its block.
    unsafe { MmapOptions::new().len(bytes).map_mut(file) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(count: u64) -> Counts {
        Counts { count, first_ns: 1, last_ns: 2, bytes: 3, elapsed_ns: 4, folded: Some([5; 32]) }
    }

    #[test]
    fn what_is_counted_is_there_after_a_sudden_end() {
        let dir = tempfile::tempdir().unwrap();
        assert!(left_open(dir.path()).unwrap().is_empty());
        let mut slots = Slots::create(dir.path()).unwrap();
        assert!(slots.fill(3, b"fixed", &counts(1)));
        assert!(slots.fill(4, b"other", &Counts { folded: None, ..counts(1) }));
        for n in 2..7 {
            slots.update(3, b"fixed", &counts(n));
            assert_eq!(left_open(dir.path()).unwrap()[0], (b"fixed".to_vec(), counts(n)));
        }
        slots.clear(3);
        assert_eq!(
            left_open(dir.path()).unwrap(),
            [(b"other".to_vec(), Counts { folded: None, ..counts(1) })]
        );
        assert!(!slots.fill(0, &[0; SLOT], &counts(1)));
        remove(dir.path()).unwrap();
        remove(dir.path()).unwrap();
        assert!(left_open(dir.path()).unwrap().is_empty());
    }

    #[test]
    fn a_copy_that_was_torn_gives_way_to_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let mut slots = Slots::create(dir.path()).unwrap();
        slots.fill(0, b"fixed", &counts(1));
        slots.update(0, b"fixed", &counts(2));
        let second = COPIES[1];
        slots.map[second] ^= 1;
        assert_eq!(left_open(dir.path()).unwrap(), [(b"fixed".to_vec(), counts(1))]);
        slots.map[FIXED] ^= 1;
        assert!(left_open(dir.path()).unwrap().is_empty());
    }
}
