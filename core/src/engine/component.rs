//! A component from bytes to something that can be instantiated for anyone.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tokio::runtime::Handle;
use wasmtime::component::{Component, InstancePre};

use super::bounds::{Measured, measure};
use super::code::{Code, Origin};
use super::instance::HookIndices;
use super::machine::{Half, Machine};
use super::tally::{Found, tally};
use super::{Engine, Exports, inspect};
use crate::abi::context::Slot;
use crate::abi::state::State;
use crate::abi::tenant::Tenant;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// A compiled component, linked and ready to be instantiated for anyone.
#[derive(Clone)]
pub struct Compiled {
    pub(super) machine: Arc<Machine>,
    linked: Linked,
}

/// Machine code, linked to the host's functions: for the pool if it fits, and on demand once that is needed.
#[derive(Clone)]
pub struct Linked(Arc<Inner>);

struct Inner {
    exports: Exports,
    pooled: Option<Ready>,
    on_demand: OnceLock<Ready>,
}

/// The component in one of the two engines.
#[derive(Clone)]
pub struct Ready {
    pub(super) pre: InstancePre<State>,
    pub(super) hook: Option<HookIndices>,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiled").field("exports", &self.exports()).finish_non_exhaustive()
    }
}

impl Compiled {
    /// Checks, compiles and links `bytes`, none of it on the caller's thread. What was compiled before, in this process or
    /// by this home, is not compiled again.
    ///
    /// # Errors
    /// [`ErrorKind::ComponentInvalid`] or [`ErrorKind::AbiMismatch`], saying what is wrong with the component;
    /// [`ErrorKind::QuotaExceeded`] and [`ErrorKind::Timeout`] when the compiler has too much to do.
    pub async fn compile(engine: &Arc<Engine>, runtime: &Handle, bytes: Arc<[u8]>) -> Result<Self> {
        let machine = Arc::clone(&engine.machine);
        let looking = runtime.spawn_blocking({
            let (engine, bytes) = (Arc::clone(engine), Arc::clone(&bytes));
            move || look(&engine, &bytes)
        });
        let linked =
            match looking.await.map_err(|error| internal("a component was not read").caused_by(error))?? {
                Look::Known(linked) => linked,
                Look::Unknown(unknown) => {
                    let engine = Arc::clone(engine);
                    let pace = unknown.measured.pace;
                    machine.queue.run(runtime, pace, move || unknown.compile(&engine, &bytes)).await?
                }
            };
        Ok(Self { machine, linked })
    }

    /// The exports the host may call.
    #[must_use]
    pub fn exports(&self) -> Exports {
        self.linked.0.exports
    }

    /// Where the next instance for `tenant` is made. In the pool a memory has an end that no profile can move, so a
    /// principal that may have more than that gets its instances on demand.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the code cannot be loaded a second time.
    pub(super) fn placed(&self, tenant: &Tenant) -> Result<(Ready, Option<Slot>)> {
        if let (Some(ready), Some(pool)) = (&self.linked.0.pooled, &self.machine.pool)
            && fits_pool(tenant)
            && let Some(place) = pool.place()
        {
            return Ok((ready.clone(), Some(place)));
        }
        self.linked.on_demand(&self.machine.on_demand).map(|ready| (ready, None))
    }
}

/// Whether the principal's memories end where those of the pool do.
pub(super) fn fits_pool(tenant: &Tenant) -> bool {
    tenant.profile().quotas.max_memory_bytes <= limits::MEMORY_RESERVATION_BYTES
}

impl Linked {
    fn on_demand(&self, half: &Half) -> Result<Ready> {
        if let Some(ready) = self.0.on_demand.get() {
            return Ok(ready.clone());
        }
        let Some(pooled) = &self.0.pooled else { return Err(internal("a component has no code")) };
        let component = Code::of(pooled.pre.component())?.load(&half.wasmtime).map_err(unloadable)?;
        let ready = Ready::link(half, &component, self.0.exports)?;
        // Whoever was faster has made the same.
        Ok(self.0.on_demand.get_or_init(|| ready).clone())
    }
}

/// What is known of a component before it is compiled.
enum Look {
    Known(Linked),
    Unknown(Unknown),
}

/// A component that nobody compiled yet, and that may be.
struct Unknown {
    origin: Origin,
    exports: Exports,
    measured: Measured,
}

fn look(engine: &Engine, bytes: &[u8]) -> Result<Look> {
    let machine = &engine.machine;
    let origin = Origin { component: *blake3::hash(bytes).as_bytes(), engine: machine.fingerprint };
    if let Some(linked) = machine.recent.get(&origin.component) {
        tally().found(Found::Memory);
        return Ok(Look::Known(linked));
    }
    let exports = inspect(bytes)?;
    let measured = measure(bytes)?;
    let unknown = Unknown { origin, exports, measured };
    if let Some(cache) = &engine.cache
        && let Some(code) = cache.find(&origin)
    {
        match unknown.link(machine, &code) {
            Ok(linked) => {
                tally().found(Found::Disk);
                return Ok(Look::Known(linked));
            }
            // Code of this home that does not load any more is as good as none.
            Err(error) => {
                tracing::warn!(target: "astrid::engine", %error, "kept code does not load; it is compiled again");
                cache.forget(&origin);
            }
        }
    }
    Ok(Look::Unknown(unknown))
}

impl Unknown {
    fn compile(&self, engine: &Engine, bytes: &[u8]) -> Result<Linked> {
        let machine = &engine.machine;
        // Somebody may have compiled the same while this waited for its turn.
        if let Some(linked) = machine.recent.get(&self.origin.component) {
            tally().found(Found::Memory);
            return Ok(linked);
        }
        let started = Instant::now();
        let code = Code::compile(&machine.on_demand.wasmtime, bytes);
        tally().compiled(started.elapsed());
        let code = code?;
        let linked = self.link(machine, &code)?;
        if let Some(cache) = &engine.cache {
            cache.keep(&self.origin, &code);
        }
        Ok(linked)
    }

    fn link(&self, machine: &Machine, code: &Code) -> Result<Linked> {
        let pooled = match &machine.pool {
            // Growing a table must fail where the profile says so and not where a slot ends.
            Some(pool) if !self.measured.large_tables => match code.load(&pool.half.wasmtime) {
                Ok(component) => Some(Ready::link(&pool.half, &component, self.exports)?),
                Err(error) => {
                    tracing::debug!(
                        target: "astrid::engine", error = format!("{error:#}"),
                        "a component does not fit the pool; its instances are made on demand"
                    );
                    None
                }
            },
            _ => None,
        };
        let on_demand = OnceLock::new();
        if pooled.is_none() {
            let component = code.load(&machine.on_demand.wasmtime).map_err(unloadable)?;
            let ready = Ready::link(&machine.on_demand, &component, self.exports)?;
            // The cell was made a line ago; nobody can have filled it.
            drop(on_demand.set(ready));
        }
        let linked = Linked(Arc::new(Inner { exports: self.exports, pooled, on_demand }));
        machine.recent.put(self.origin.component, linked.clone());
        Ok(linked)
    }
}

impl Ready {
    fn link(half: &Half, component: &Component, exports: Exports) -> Result<Self> {
        let pre = half.linker.instantiate_pre(component).map_err(|error| {
            Error::new(ErrorKind::AbiMismatch, format!("the component does not fit this host: {error:#}"))
        })?;
        let hook = if exports.hook {
            Some(HookIndices::new(&pre).map_err(|error| {
                Error::new(
                    ErrorKind::AbiMismatch,
                    format!("`astrid-hook-trigger` has another signature: {error:#}"),
                )
            })?)
        } else {
            None
        };
        Ok(Self { pre, hook })
    }
}

fn unloadable(error: wasmtime::Error) -> Error {
    internal("compiled code cannot be loaded").caused_by(error)
}

fn internal(why: &str) -> Error {
    Error::new(ErrorKind::Internal, why)
}
