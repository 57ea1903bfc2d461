//! Manifests, packages, the host itself, its logs, and the profiles of principals.

use std::time::Duration;

use super::{COMPONENT_BYTES, MIB};

// ---- manifest --------------------------------------------------------------------------------------------------------

/// Largest `Capsule.toml`, in bytes.
pub const MANIFEST_BYTES: usize = MIB;
/// Longest id of a capsule, in bytes.
pub const PACKAGE_NAME_BYTES: usize = 64;
/// Longest name of a command on the command line, in bytes.
pub const COMMAND_NAME_BYTES: usize = 32;
/// Priority of a handler that names none; lower runs first.
pub const HANDLER_PRIORITY: u32 = 100;
/// Keywords, and categories, of one capsule.
pub const PACKAGE_WORDS: usize = 5;
/// Components of one capsule; their files together have at most [`COMPONENT_BYTES`].
pub const COMPONENTS: usize = 32;

// ---- packages --------------------------------------------------------------------------------------------------------

/// Largest `.capsule` archive, compressed, in bytes.
pub const ARCHIVE_BYTES: usize = 64 * MIB;
/// Bytes a `.capsule` archive may unpack to, with the headers of its entries.
pub const ARCHIVE_UNPACKED_BYTES: usize = 128 * MIB;
/// Largest file in a `.capsule` archive, in bytes.
pub const ARCHIVE_FILE_BYTES: usize = COMPONENT_BYTES;
/// Entries of a `.capsule` archive, folders included.
pub const ARCHIVE_ENTRIES: usize = 4096;
/// Longest path in a `.capsule` archive, in bytes.
pub const ARCHIVE_PATH_BYTES: usize = 1024;
/// Largest `meta.json` beside a manifest, in bytes.
pub const META_BYTES: usize = MIB;
/// Largest file of a capsule that the embedding program reads through the host, in bytes.
pub const STATIC_FILE_BYTES: usize = 4 * MIB;

// ---- host ------------------------------------------------------------------------------------------------------------

/// Principals a host knows at most, unless the embedding program says otherwise.
pub const PRINCIPALS: usize = 10_000;
/// How long a thread that was lent to blocking work waits for more of it before it ends.
pub const BLOCKING_IDLE: Duration = Duration::from_secs(1);
/// How long loading a folder of capsules waits for each to become ready.
pub const READY_WAIT: Duration = Duration::from_secs(5);
/// How long the run loop of a new generation has to become ready before the old one is kept, unless the embedding program
/// says otherwise.
pub const REPLACEMENT_READY: Duration = Duration::from_millis(500);
/// How long a replaced generation may still serve the calls it has admitted before they are cancelled.
pub const DRAIN_WAIT: Duration = Duration::from_secs(30);
/// The pause before a failed run loop is restarted for the first time; it doubles with every further attempt.
pub const RESTART_FIRST: Duration = Duration::from_secs(2);
/// The longest pause before a restart.
pub const RESTART_MOST: Duration = Duration::from_mins(2);
/// Restarts of a capsule until it is left alone.
pub const RESTART_ATTEMPTS: u32 = 5;
/// How long a restarted run loop must have been ready and running before its failures are forgotten.
pub const RESTART_RECOVERY: Duration = Duration::from_mins(1);
/// A run loop's watchdog looks at it after it has computed for this long, or for the longest call of its owner if that is
/// shorter.
pub const WATCHDOG_WINDOW: Duration = Duration::from_secs(5);
/// Windows in a row in which a run loop may compute without one host call that waited.
pub const WATCHDOG_WINDOWS: u8 = 3;
/// How long a capsule's folder must lie still before a watcher looks at what changed.
pub const WATCH_DEBOUNCE: Duration = Duration::from_millis(500);
/// Changes that may wait to be taken from a watcher.
pub const WATCH_CHANGES: usize = 64;
/// Bytes of one capsule's folder that a watcher reads at most; a larger folder counts as changed whenever it is written to.
pub const WATCH_BYTES: u64 = 256 * MIB as u64;

// ---- logs and metrics ------------------------------------------------------------------------------------------------

/// Most bytes of the log of one (principal, capsule) and day.
pub const LOG_DAY_BYTES: u64 = 16 * 1024 * 1024;
/// Days that a log is kept beside today's.
pub const LOG_DAYS: i32 = 7;
/// Files of logs that are open at once.
pub const LOG_FILES: usize = 64;
/// Bytes of lines that may wait to be written, or to be told to the embedding program, over all capsules.
pub const LOG_QUEUE_BYTES: usize = 4 * MIB;
/// What one capsule may have of it.
pub const LOG_QUEUE_SHARE_BYTES: usize = MIB;
/// Logs whose losses are counted one by one until they can be told; those of others appear in the metrics alone.
pub const LOG_LOSSES: usize = 1024;
/// How long closing waits until what is left of the logs is written.
pub const LOG_CLOSE_WAIT: Duration = Duration::from_secs(1);
/// Capsules whose counters are kept when they are not loaded any more.
pub const METERED_CAPSULES: usize = 16_384;
/// Actions of one capsule that have a histogram of their own.
pub const METERED_ACTIONS: usize = 16;
/// Longest action that has one, in bytes.
pub const METERED_ACTION_BYTES: usize = 64;

// ---- policy ----------------------------------------------------------------------------------------------------------

/// Largest profile of a principal, in bytes.
pub const PROFILE_BYTES: usize = MIB;
/// Longest name of a group of principals, in bytes.
pub const GROUP_BYTES: usize = 64;
/// Longest capability of a principal, in bytes.
pub const GRANT_BYTES: usize = 256;
/// Longest label of a device's key, in bytes.
pub const KEY_LABEL_BYTES: usize = 256;
/// Longest id of a capsule that a profile grants, in characters.
pub const GRANTED_CAPSULE_CHARS: usize = 128;
/// Pollables of one capsule at once, unless the profile says otherwise.
pub const POLLABLES: usize = 1024;
/// Streams of TCP and Unix sockets of one capsule, unless the profile says otherwise.
pub const SOCKETS: usize = 8;
/// TCP listeners of one capsule, unless the profile says otherwise.
pub const LISTENERS: usize = 4;
/// UDP sockets of one capsule, unless the profile says otherwise.
pub const UDP_SOCKETS: usize = 4;
/// HTTP streams and uploads of one capsule, unless the profile says otherwise.
pub const HTTP_STREAMS: usize = 4;
/// Open files of one capsule, unless the profile says otherwise.
pub const FILE_HANDLES: usize = 16;
/// Background processes of one principal, unless the profile says otherwise.
pub const PROCESSES: usize = 8;
/// Processes of one principal that are kept under an id, unless the profile says otherwise.
pub const RETAINED_PROCESSES: usize = 32;
/// The most sockets, listeners or HTTP streams a profile may give.
pub const MOST_SOCKETS: usize = 1024;
/// The most open files a profile may give.
pub const MOST_FILE_HANDLES: usize = 1024;
/// How long removing a principal waits for its calls to end before it goes on without them.
pub const REMOVE_WAIT: Duration = Duration::from_secs(1);
