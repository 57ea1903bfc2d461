//! What the embedding program may choose about programs that capsules start.

use std::path::PathBuf;

use super::plan::Limits;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// What children see, share and may use. The defaults give them nothing of the machine but its installed programs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Processes {
    /// The bubblewrap to use; none means the one the system has installed. Never looked for by `PATH`.
    pub bubblewrap: Option<PathBuf>,
    /// Files and folders that children may read besides the installed programs, at their own paths.
    pub readable: Vec<PathBuf>,
    /// Ids of capsules whose programs share the machine's network. The airlock does not bind them: whatever the machine can
    /// reach they can reach, its loopback interface too.
    pub host_network: Vec<String>,
    /// The user and group that children run as when the host is root; none means the owner of the workspace, or `nobody` if
    /// that is root.
    pub user: Option<(u32, u32)>,
    /// Bytes of each of a child's scratch folders, `/tmp` and `/dev/shm`.
    pub scratch_bytes: u64,
    /// The limits of a child that asks for none, which are also the most it may ask for.
    pub limits: Limits,
}

impl Default for Processes {
    fn default() -> Self {
        Self {
            bubblewrap: None,
            readable: Vec::new(),
            host_network: Vec::new(),
            user: None,
            scratch_bytes: limits::PROCESS_SCRATCH_BYTES,
            limits: Limits {
                memory_bytes: Some(limits::PROCESS_MEMORY_BYTES),
                cpu_secs: None,
                pids: Some(limits::PROCESS_PIDS),
                open_files: Some(limits::PROCESS_OPEN_FILES),
            },
        }
    }
}

impl Processes {
    /// [`ErrorKind::InvalidArgument`] for a choice that breaks a rule.
    pub(crate) fn check(&self) -> Result<()> {
        let invalid = |why: String| Err(Error::new(ErrorKind::InvalidArgument, why));
        if let Some(path) = self.readable.iter().chain(&self.bubblewrap).find(|path| !path.is_absolute()) {
            return invalid(format!("`{}`: a path for processes is absolute", path.display()));
        }
        if self.readable.iter().any(|path| path.parent().is_none()) {
            return invalid("`readable` names the whole machine".to_owned());
        }
        if self.scratch_bytes == 0 {
            return invalid("`scratch_bytes` of processes is at least 1".to_owned());
        }
        if self.user.is_some_and(|(user, _)| user == 0) {
            return invalid("processes never run as root".to_owned());
        }
        let Limits { memory_bytes, cpu_secs, pids, open_files } = self.limits;
        let small = [pids, open_files].map(|limit| limit.map(u64::from));
        if [memory_bytes, cpu_secs].into_iter().chain(small).flatten().any(|limit| limit == 0) {
            return invalid("a limit of processes is at least 1".to_owned());
        }
        Ok(())
    }
}
