//! What is stored, written to files and recorded.

use std::time::Duration;

use super::{KIB, MIB};

// ---- store -----------------------------------------------------------------------------------------------------------

/// Longest key a guest may store, in bytes of UTF-8.
pub const KV_KEY_BYTES: usize = 256;
/// Largest value a guest may store under one key, in bytes.
pub const KV_VALUE_BYTES: usize = MIB;
/// Most keys one listing or one page returns.
pub const KV_PAGE_KEYS: usize = 1024;
/// Longest name of a secret or a setting, in bytes of UTF-8.
pub const SETTING_KEY_BYTES: usize = 256;
/// Largest secret, in bytes of UTF-8.
pub const SECRET_VALUE_BYTES: usize = 64 * KIB;
/// Largest setting, in bytes of UTF-8.
pub const SETTING_VALUE_BYTES: usize = MIB;
/// How long an acknowledged write may sit in the operating system's memory before it is on its way to the disk.
pub const SYNC_WITHIN: Duration = Duration::from_millis(50);

// ---- files -----------------------------------------------------------------------------------------------------------

/// Longest path a guest may give, in bytes of UTF-8.
pub const PATH_BYTES: usize = 4096;
/// Links followed on the way of one path; one more is `access`, as a circle of them would be.
pub const PATH_LINKS: usize = 40;
/// Names looked up on the way of one path, those in links included.
pub const PATH_STEPS: usize = 16_384;
/// Most bytes of one `read-at` or `write-at`.
pub const FILE_CALL_BYTES: usize = MIB;
/// Most bytes of one `read-file`, `write-file` or `fs-append`.
pub const FILE_BYTES: usize = 10 * MIB;
/// Most names of one `fs-readdir`.
pub const READDIR_ENTRIES: usize = 4096;
/// Files, folders and further names that one capsule may make in total, unless the profile says otherwise.
pub const FILES_MADE: u64 = 1_000_000;
/// Bytes that are copied between two looks at the cancel signal.
pub const COPY_PIECE_BYTES: usize = 256 * KIB;
/// Folders inside one another that are emptied on the stack; what lies deeper is moved up first.
pub const TREE_DEPTH: usize = 64;
/// File calls of one capsule that are at work at once; the others wait without a thread.
pub const FILE_CALLS: usize = 4;

// ---- audit -----------------------------------------------------------------------------------------------------------

/// Size of one segment file of the audit log, in bytes, unless the embedder names another.
pub const AUDIT_SEGMENT_BYTES: u64 = 8 * MIB as u64;
/// Smallest segment and smallest byte limit the audit log accepts, in bytes.
pub const AUDIT_LEAST_BYTES: u64 = 64 * KIB as u64;
/// Space kept free in the audit log for its closing entry and its last checkpoint, in bytes.
pub const AUDIT_RESERVE_BYTES: u64 = 4 * KIB as u64;
/// Space under the log's byte limit that only calls already admitted may use, in bytes; a quarter of the limit if that
/// is less.
pub const AUDIT_ADMISSION_BYTES: u64 = MIB as u64;
/// Space in the segment file that is made ready before a call is admitted, in bytes; a quarter of the segment if that
/// is less.
pub const AUDIT_READY_BYTES: u64 = 64 * KIB as u64;
/// Entries between two signed checkpoints, at most.
pub const AUDIT_CHECKPOINT_ENTRIES: u64 = 1024;
/// Entries that one (capsule, principal) may cause in a second, unless the embedder says otherwise.
pub const AUDIT_ENTRIES_PER_SEC: u64 = 5000;
/// The same in bytes of the log.
pub const AUDIT_BYTES_PER_SEC: u64 = 2 * MIB as u64;
/// The lowest rate of bytes, in bytes a second: one entry of every length comes through.
pub const AUDIT_LEAST_RATE_BYTES: u64 = 1024;
/// How much of the two rates may come at once.
pub const AUDIT_BURST: Duration = Duration::from_secs(10);
/// How long repeats beyond the rate are collected in one counted entry, unless the embedder says otherwise.
pub const AUDIT_MERGE_WITHIN: Duration = Duration::from_secs(5);
/// Counted entries that can be open at once.
pub const AUDIT_TALLIES: usize = 512;
/// Counted entries that one (capsule, principal) can have open at once.
pub const AUDIT_TALLIES_PER_PAIR: usize = 8;
/// Space of one open counted entry, in bytes.
pub const AUDIT_TALLY_BYTES: usize = 2 * KIB;
/// The part of a limited log that one (capsule, principal) may fill: one in this many.
pub const AUDIT_SHARES: u64 = 4;
/// Longest operation, reason, capsule id or principal in an audit entry, in bytes; the rest is cut off.
pub const AUDIT_NAME_BYTES: usize = 128;
/// Longest subject and longest detail value in an audit entry, in bytes; the rest is cut off.
pub const AUDIT_TEXT_BYTES: usize = 1024;
/// Most details in an audit entry; the rest is left out.
pub const AUDIT_DETAILS: usize = 8;
