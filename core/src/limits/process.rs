//! Programs of the machine that capsules start.

use std::time::Duration;

use super::{KIB, MIB};

/// What a program reads first, at most, in bytes.
pub const PROCESS_STDIN_BYTES: usize = 4 * MIB;
/// What one call writes to a program, at most, in bytes.
pub const PROCESS_WRITE_BYTES: usize = MIB;
/// What is kept of each output of a program unless it asks for another number, in bytes.
pub const PROCESS_RING_BYTES: usize = MIB;
/// The least that may be kept.
pub const LEAST_RING_BYTES: usize = 4 * KIB;
/// The most that may be kept; also the most that a program which is run to its end may write to each output.
pub const MOST_RING_BYTES: usize = 8 * MIB;
/// What is read of an output at once.
pub const PROCESS_READ_BYTES: usize = 64 * KIB;
/// What `read-since` gives at most.
pub const PROCESS_CHUNK_BYTES: usize = 4 * MIB;
/// Memory of each process of a program, unless the embedding program says otherwise.
pub const PROCESS_MEMORY_BYTES: u64 = 2 * 1024 * MIB as u64;
/// Its processes and threads.
pub const PROCESS_PIDS: u32 = 512;
/// Its open files, for each process.
pub const PROCESS_OPEN_FILES: u32 = 1024;
/// Each of its scratch folders.
pub const PROCESS_SCRATCH_BYTES: u64 = 64 * MIB as u64;
/// The user and group that owns nothing, as which programs run when the host is root.
pub const NOBODY: u32 = 65_534;
/// How long the probe of the sandbox may take.
pub const PROCESS_PROBE: Duration = Duration::from_secs(10);
/// What a pipe of the system holds, in bytes, and so what a program that has ended may leave unread.
pub const PIPE_BYTES: usize = 64 * 1024;
/// How long the outputs of a program that has ended are waited for.
pub const PROCESS_DRAIN: Duration = Duration::from_secs(2);
/// Variables of a program.
pub const PROCESS_VARIABLES: usize = 256;
/// The value of one, in bytes.
pub const PROCESS_VALUE_BYTES: usize = 64 * KIB;
/// A program's name and each of its arguments, in bytes; the system takes no longer ones.
pub const PROCESS_ARGUMENT_BYTES: usize = 128 * KIB - 1;
/// Arguments of a program.
pub const PROCESS_ARGUMENTS: usize = 4096;
/// All of them together, and all variables together; the system takes no more.
pub const PROCESS_ARGUMENTS_BYTES: usize = MIB;
/// Files injected into one program.
pub const INJECTIONS: usize = 128;
/// Each of them, in bytes.
pub const INJECTION_BYTES: usize = 8 * MIB;
/// Longest path of one, in bytes.
pub const INJECTION_PATH_BYTES: usize = 512;
/// All of them together.
pub const INJECTIONS_BYTES: usize = 16 * MIB;
/// Ids that one capsule keeps, over all its principals.
pub const REGISTRY_PROCESSES: usize = 256;
/// How long a program that outlives its call runs, at most and unless it asks for less.
pub const PROCESS_LIFETIME: Duration = Duration::from_hours(6);
/// How long it runs without a call about it, unless it asks for another time.
pub const PROCESS_IDLE: Duration = Duration::from_mins(30);
/// How long its output is kept after it ended, unless it asks for another time.
pub const EXIT_RETENTION: Duration = Duration::from_mins(5);
/// And at most.
pub const MOST_EXIT_RETENTION: Duration = Duration::from_hours(1);
/// How long a program that is asked to end has, unless the guest names another time.
pub const STOP_GRACE: Duration = Duration::from_secs(5);
/// And at most.
pub const MOST_STOP_GRACE: Duration = Duration::from_secs(30);
/// How long a program has after an interrupt that cancels the work it was started for.
pub const CANCEL_PROCESS_GRACE: Duration = Duration::from_secs(2);
/// The name of a program for people, in bytes.
pub const PROCESS_LABEL_BYTES: usize = 128;
