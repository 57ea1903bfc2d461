//! Wasmtime behind one door: one engine for each process, one ticker, and the rules for stopping a guest.

mod component;
mod fault;
mod inspect;
mod instance;
mod recent;
mod ticker;
mod watch;
mod watchdog;

pub use component::Compiled;
pub use fault::fault;
pub use inspect::{Exports, inspect};
pub use instance::{Exit, HookReply, Instance, Start};
pub use watch::{Stopped, watched};

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use wasmtime::component::Linker;
use wasmtime::{Config, OptLevel};

use crate::abi::link::add_to_linker;
use crate::abi::state::State;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use recent::Recent;
use ticker::Ticker;

/// The engine every host of this process shares. A child of `fork` builds its own: threads do not survive a fork.
/// It is kept for the life of the process: building it costs more than its one sleeping thread.
static SHARED: Mutex<Option<(u32, Arc<Engine>)>> = Mutex::new(None);

/// The process whose first engine started the compiler's thread pool; a child of `fork` has the pool without its threads,
/// and must compile on the calling thread.
static COMPILER: OnceLock<u32> = OnceLock::new();

/// A configured wasmtime engine, its linker and its ticker.
pub struct Engine {
    wasmtime: wasmtime::Engine,
    linker: Linker<State>,
    ticker: Ticker,
    recent: Recent,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}

impl Engine {
    /// The engine of this process, built if no host holds it yet.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the machine cannot run compiled code at all.
    pub fn shared() -> Result<Arc<Self>> {
        let mut shared = SHARED.lock();
        let process = std::process::id();
        if let Some((owner, engine)) = &*shared
            && *owner == process
        {
            return Ok(Arc::clone(engine));
        }
        let engine = Arc::new(Self::build().map_err(|error| {
            Error::new(ErrorKind::Internal, "the WebAssembly engine cannot be built here").caused_by(error)
        })?);
        // The parent's engine stays where it is: its thread does not exist here, so it cannot be taken down either.
        std::mem::forget(shared.replace((process, Arc::clone(&engine))));
        Ok(engine)
    }

    fn build() -> wasmtime::Result<Self> {
        let mut config = Config::new();
        config
            .concurrency_support(false)
            .parallel_compilation(*COMPILER.get_or_init(std::process::id) == std::process::id())
            .consume_fuel(true)
            .epoch_interruption(true)
            .cranelift_opt_level(OptLevel::Speed)
            .memory_reservation(limits::MEMORY_RESERVATION_BYTES)
            .memory_reservation_for_growth(limits::MEMORY_RESERVATION_BYTES)
            .async_stack_size(limits::GUEST_STACK_BYTES + limits::HOST_STACK_BYTES)
            .max_wasm_stack(limits::GUEST_STACK_BYTES)
            .wasm_component_model(true)
            .wasm_memory64(false)
            .wasm_relaxed_simd(false);
        let wasmtime = wasmtime::Engine::new(&config)?;
        let mut linker = Linker::new(&wasmtime);
        add_to_linker(&mut linker)?;
        let ticker = Ticker::start(wasmtime.clone())?;
        Ok(Self { wasmtime, linker, ticker, recent: Recent::default() })
    }
}
