//! The engine of a process: two wasmtime engines of one configuration, one with a pool and one on demand, and one ticker.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use parking_lot::Mutex;
use wasmtime::component::Linker;
use wasmtime::{Config, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use super::features::FEATURES;
use super::queue::Queue;
use super::recent::Recent;
use super::ticker::Ticker;
use crate::abi::context::{Slot, Slots};
use crate::abi::link::add_to_linker;
use crate::abi::state::State;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// The engines that the hosts of this process share, one for each kind of [`Traps`] that a host wanted. A child of `fork`
/// builds its own: threads do not survive a fork. One is kept for the life of the process: building it costs more than its
/// one sleeping thread.
static SHARED: Mutex<[Option<Built>; 2]> = Mutex::new([None, None]);

/// An engine, and the process that built it.
type Built = (u32, Arc<Machine>);

/// How a guest's fault is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traps {
    /// By the processor, whose signals handlers of the process receive.
    Signals,
    /// By compiled code, which checks before it acts; no handler is installed.
    Checks,
}

/// What all hosts of a process share: engines, linkers, ticker, and the components compiled last.
pub struct Machine {
    /// Instances in slots that are ready; none where the address space for them cannot be had.
    pub pool: Option<Pool>,
    /// Instances of any size, each with memory mappings of its own.
    pub on_demand: Half,
    /// Moves the epoch of both.
    pub ticker: Ticker,
    /// Compiles, a few components at a time.
    pub queue: Queue,
    /// The components compiled last.
    pub recent: Recent,
    /// What compiled code must fit: the version of wasmtime, its settings, the processor.
    pub fingerprint: [u8; 32],
}

/// One of the two wasmtime engines, with the host's functions linked for it.
pub struct Half {
    /// The engine.
    pub wasmtime: wasmtime::Engine,
    /// The host's functions.
    pub linker: Linker<State>,
}

/// The half with slots, and a count of those that are free.
pub struct Pool {
    /// The engine and its linker.
    pub half: Half,
    places: Arc<Slots>,
}

impl Pool {
    /// A place for one instance, which is given back when it is dropped; none when the pool is full.
    ///
    /// Counted here and not left to the allocator: a place covers everything an instance may take, its stack too, so an
    /// instance that has one never finds the pool empty in the middle of its life.
    pub fn place(&self) -> Option<Slot> {
        self.places.take()
    }
}

impl Machine {
    /// The engine of this process that finds faults in this way, built if no host needed it yet.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the machine cannot run compiled code at all.
    pub fn shared(traps: Traps) -> Result<Arc<Self>> {
        let mut machines = SHARED.lock();
        let [signals, checks] = &mut *machines;
        let shared = match traps {
            Traps::Signals => signals,
            Traps::Checks => checks,
        };
        let process = std::process::id();
        if let Some((owner, machine)) = shared
            && *owner == process
        {
            return Ok(Arc::clone(machine));
        }
        let machine = Arc::new(Self::build(traps).map_err(|error| {
            Error::new(ErrorKind::Internal, "the WebAssembly engine cannot be built here").caused_by(error)
        })?);
        // The parent's engine stays where it is: its thread does not exist here, so it cannot be taken down either.
        std::mem::forget(shared.replace((process, Arc::clone(&machine))));
        Ok(machine)
    }

    fn build(traps: Traps) -> wasmtime::Result<Self> {
        let on_demand = Half::build(InstanceAllocationStrategy::OnDemand, traps)?;
        let pool = match Half::build(InstanceAllocationStrategy::Pooling(slots()), traps) {
            Ok(half) => {
                let places = Arc::new(Slots::new(limits::POOL_INSTANCES as usize));
                Some(Pool { half, places })
            }
            Err(error) => {
                // A limit on the address space of the process, or a machine that has little of it.
                tracing::warn!(
                    target: "astrid::engine", error = format!("{error:#}"),
                    "there is no room for a pool of instances; they are made on demand, which is slower"
                );
                None
            }
        };
        let engines = [Some(&on_demand), pool.as_ref().map(|pool| &pool.half)];
        let ticker =
            Ticker::start(engines.into_iter().flatten().map(|half| half.wasmtime.clone()).collect())?;
        let fingerprint = fingerprint(&on_demand.wasmtime);
        Ok(Self { pool, on_demand, ticker, queue: Queue::default(), recent: Recent::default(), fingerprint })
    }
}

impl Half {
    fn build(strategy: InstanceAllocationStrategy, traps: Traps) -> wasmtime::Result<Self> {
        let wasmtime = wasmtime::Engine::new(&config(strategy, traps))?;
        let mut linker = Linker::new(&wasmtime);
        add_to_linker(&mut linker)?;
        Ok(Self { wasmtime, linker })
    }
}

/// The settings of both engines. Only the strategy differs, which does not touch compiled code: what one compiled the
/// other loads.
fn config(strategy: InstanceAllocationStrategy, traps: Traps) -> Config {
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .parallel_compilation(true)
        .consume_fuel(true)
        .epoch_interruption(true)
        .signals_based_traps(traps == Traps::Signals)
        .cranelift_opt_level(OptLevel::Speed)
        .memory_reservation(limits::MEMORY_RESERVATION_BYTES)
        .memory_reservation_for_growth(limits::MEMORY_RESERVATION_BYTES)
        .memory_guard_size(limits::MEMORY_GUARD_BYTES)
        .async_stack_size(limits::GUEST_STACK_BYTES + limits::HOST_STACK_BYTES)
        .max_wasm_stack(limits::GUEST_STACK_BYTES)
        .wasm_features(FEATURES.complement(), false)
        .wasm_features(FEATURES, true)
        .allocation_strategy(strategy);
    config
}

/// The slots of the pool. Every total is the number of places times what one component may take, so that whoever has a
/// place finds the rest.
fn slots() -> PoolingAllocationConfig {
    let places = limits::POOL_INSTANCES;
    let mut slots = PoolingAllocationConfig::new();
    slots
        .total_component_instances(places)
        .total_core_instances(places * limits::POOL_CORE_INSTANCES)
        .max_core_instances_per_component(limits::POOL_CORE_INSTANCES)
        .total_memories(places * limits::POOL_MEMORIES)
        .max_memories_per_component(limits::POOL_MEMORIES)
        .max_memories_per_module(limits::POOL_MEMORIES)
        .max_memory_size(usize::try_from(limits::MEMORY_RESERVATION_BYTES).unwrap_or(usize::MAX))
        .total_tables(places * limits::POOL_TABLES)
        .max_tables_per_component(limits::POOL_TABLES)
        .max_tables_per_module(limits::POOL_TABLES)
        .table_elements(limits::POOL_TABLE_SLOTS)
        // What a table used is wiped by writing over it: giving pages back to the system costs more than instantiating.
        .table_keep_resident(limits::POOL_TABLE_SLOTS * size_of::<usize>())
        .total_stacks(places)
        .max_component_instance_size(limits::POOL_INSTANCE_BYTES)
        .max_core_instance_size(limits::POOL_INSTANCE_BYTES);
    slots
}

/// Whatever two engines must have in common to run the same code, as one hash.
fn fingerprint(engine: &wasmtime::Engine) -> [u8; 32] {
    struct Feed(blake3::Hasher);
    impl Hasher for Feed {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        fn finish(&self) -> u64 {
            self.0.finalize().as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
        }
    }
    let mut feed = Feed(blake3::Hasher::new());
    engine.precompile_compatibility_hash().hash(&mut feed);
    *feed.0.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_engines_run_the_same_code() {
        for traps in [Traps::Signals, Traps::Checks] {
            let machine = Machine::shared(traps).unwrap();
            let pool = machine.pool.as_ref().unwrap();
            assert_eq!(fingerprint(&pool.half.wasmtime), machine.fingerprint);
            assert_eq!(fingerprint(&machine.on_demand.wasmtime), machine.fingerprint);
        }
    }

    #[test]
    fn code_that_checks_for_itself_is_kept_apart() {
        let [signals, checks] = [Traps::Signals, Traps::Checks].map(|traps| Machine::shared(traps).unwrap());
        assert_ne!(signals.fingerprint, checks.fingerprint);
        assert!(Arc::ptr_eq(&signals, &Machine::shared(Traps::Signals).unwrap()));
    }
}
