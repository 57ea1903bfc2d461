//! What programs that capsules start may see and use.

use std::ffi::c_char;
use std::path::PathBuf;
use std::ptr;

use ::astrid_host::Result;
use ::astrid_host::process::{Limits, Processes};

use crate::options::{Options, init, read};
use crate::text::{list, optional_text};

/// What programs that capsules start may see and use. No manifest can say any of it. `astrid_processes_init` fills in the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_processes {
    /// The size of this struct; `astrid_processes_init` sets it.
    pub struct_size: u32,
    /// The bubblewrap to use in place of the one the system has installed.
    pub bubblewrap: *const c_char,
    /// Files and folders they may read besides the installed programs, at their own paths.
    pub readable: *const *const c_char,
    /// How many there are.
    pub readable_count: usize,
    /// Ids of capsules whose programs share the machine's network, which no airlock binds then.
    pub host_network: *const *const c_char,
    /// How many there are.
    pub host_network_count: usize,
    /// The user they run as when the host is root; 0 is the owner of the workspace, or nobody.
    pub user: u32,
    /// The group beside that user.
    pub group: u32,
    /// Bytes of each of their scratch folders.
    pub scratch_bytes: u64,
    /// Memory of each process of a program that asks for no limit, and of all together where there are control groups; and the
    /// most it may ask for. 0 is no limit, and so with those below.
    pub memory_bytes: u64,
    /// Processor time of each process, in seconds.
    pub cpu_secs: u64,
    /// Processes and threads together.
    pub pids: u32,
    /// Open files of each process.
    pub open_files: u32,
}

// SAFETY: integers and raw pointers are valid as zeros.
unsafe impl Options for astrid_processes {
    fn initial() -> Self {
        let Processes { scratch_bytes, limits, .. } = Processes::default();
        Self {
            struct_size: 0,
            bubblewrap: ptr::null(),
            readable: ptr::null(),
            readable_count: 0,
            host_network: ptr::null(),
            host_network_count: 0,
            user: 0,
            group: 0,
            scratch_bytes,
            memory_bytes: limits.memory_bytes.unwrap_or(0),
            cpu_secs: limits.cpu_secs.unwrap_or(0),
            pids: limits.pids.unwrap_or(0),
            open_files: limits.open_files.unwrap_or(0),
        }
    }
}

/// Fills in the default. `struct_size` is `sizeof *processes`. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_processes_init(processes: *mut astrid_processes, struct_size: usize) {
    // SAFETY: (outs), with the size that the caller names.
    unsafe { init(processes, struct_size) };
}

/// The choices as the core wants them.
///
/// # Safety
/// (texts) and (arrays) of the crate's contract hold for the fields; NULL is the default.
pub(crate) unsafe fn core(given: *const astrid_processes) -> Result<Processes> {
    let mut core = Processes::default();
    // SAFETY: the caller passes the contract on.
    unsafe {
        let given = read("options.processes", given)?;
        core.bubblewrap = optional_text("options.processes.bubblewrap", given.bubblewrap)?.map(PathBuf::from);
        let readable = list("options.processes.readable", given.readable, given.readable_count)?;
        core.readable = readable.into_iter().map(PathBuf::from).collect();
        let (ids, count) = (given.host_network, given.host_network_count);
        core.host_network = list("options.processes.host_network", ids, count)?;
        core.user = (given.user != 0).then_some((given.user, given.group));
        core.scratch_bytes = given.scratch_bytes;
        core.limits = Limits {
            memory_bytes: (given.memory_bytes != 0).then_some(given.memory_bytes),
            cpu_secs: (given.cpu_secs != 0).then_some(given.cpu_secs),
            pids: (given.pids != 0).then_some(given.pids),
            open_files: (given.open_files != 0).then_some(given.open_files),
        };
    }
    Ok(core)
}
