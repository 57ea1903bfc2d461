//! Wasmtime behind one door: one engine for each process, one ticker, and the rules for compiling, running and stopping a
//! guest.

mod bounds;
mod cache;
mod census;
mod code;
mod component;
mod fault;
mod features;
mod inspect;
mod instance;
mod machine;
mod queue;
mod recent;
mod report;
mod tally;
mod ticker;
mod watch;
mod watchdog;

pub use cache::Cache;
pub use component::Compiled;
pub use fault::fault;
pub use inspect::{Exports, check_header, inspect};
pub use instance::{Exit, HookReply, Instance, Start};
pub use machine::Traps;
pub use report::{ComponentReport, ImportedFunction, ImportedInterface, inspect_component};
pub use tally::{Found, Tally, tally};
pub use watch::Stopped;

use std::sync::Arc;

use crate::error::Result;
use machine::Machine;

/// The engine as one host uses it: what the process shares, and the host's own cache of compiled code.
pub struct Engine {
    machine: Arc<Machine>,
    cache: Option<Cache>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}

impl Engine {
    /// The engine of this process that finds faults in this way, with the cache of one home, or with none.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] when the machine cannot run compiled code at all.
    pub fn open(traps: Traps, cache: Option<Cache>) -> Result<Arc<Self>> {
        Ok(Arc::new(Self { machine: Machine::shared(traps)?, cache }))
    }
}
