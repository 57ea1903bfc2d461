//! What a child is started with, once everything a guest may say about it has been judged.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{MemfdFlags, memfd_create};

use super::ring::Overflow;

/// Limits of one child and all it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Memory of each process in bytes, what it shares with others not counted.
    pub memory_bytes: Option<u64>,
    /// Processor time in seconds; then the system kills it.
    pub cpu_secs: Option<u64>,
    /// Processes and threads at once.
    pub pids: Option<u32>,
    /// Open files of each process.
    pub open_files: Option<u32>,
}

impl Limits {
    /// These where they say something, and `others` where they do not.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.or(others.memory_bytes),
            cpu_secs: self.cpu_secs.or(others.cpu_secs),
            pids: self.pids.or(others.pids),
            open_files: self.open_files.or(others.open_files),
        }
    }
}

/// Something of the machine that a child sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// Where it lies on the machine.
    pub from: PathBuf,
    /// Where the child sees it.
    pub to: PathBuf,
    /// Whether the child may write to it.
    pub writable: bool,
}

/// A file that only one child sees. It has no name outside, so nobody finds it and nothing is left of it.
#[derive(Debug)]
pub struct Injected {
    /// Its content.
    pub file: OwnedFd,
    /// Where the child sees it, read-only.
    pub to: PathBuf,
}

impl Injected {
    /// A file with this content.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(content: &[u8], to: PathBuf) -> io::Result<Self> {
        let mut file = File::from(memfd_create("astrid-injection", MemfdFlags::CLOEXEC)?);
        file.write_all(content)?;
        file.rewind()?;
        Ok(Self { file: file.into(), to })
    }
}

/// A child to start.
#[derive(Debug)]
pub struct Plan {
    /// The program: a path inside the sandbox, or a name that is looked up there.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its whole environment, but for what the sandbox adds where nothing is said: `PATH`, `HOME`, the language, the time
    /// zone.
    pub env: Vec<(String, String)>,
    /// The folder of the workspace that it may write to, if it has one.
    pub workspace: Option<Bind>,
    /// Where below the workspace it starts; empty is the workspace itself.
    pub cwd: PathBuf,
    /// Files that only this child sees.
    pub injections: Vec<Injected>,
    /// Its limits.
    pub limits: Limits,
    /// What it reads first.
    pub stdin: Vec<u8>,
    /// Whether more can be written to it.
    pub keep_stdin_open: bool,
    /// How much of each output is kept, in bytes.
    pub ring_bytes: usize,
    /// What happens when that is full.
    pub overflow: Overflow,
    /// Whether it shares the machine's network.
    pub host_network: bool,
}
