//! Compiling a component, off the caller's threads and a bounded number at a time.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use wasmtime::component::{Component, InstancePre};

use super::instance::HookIndices;
use super::{Engine, Exports, inspect};
use crate::abi::state::State;
use crate::error::{Error, ErrorKind, Result};

/// Compilations at once in this process; each uses the machine's cores by itself.
static COMPILING: Semaphore = Semaphore::const_new(1);

/// A compiled component, linked and ready to be instantiated for anyone.
#[derive(Clone)]
pub struct Compiled {
    pub(super) engine: Arc<Engine>,
    pub(super) linked: Linked,
    exports: Exports,
}

/// Machine code, linked to the host's functions.
#[derive(Clone)]
pub struct Linked {
    pub(super) pre: InstancePre<State>,
    pub(super) hook: Option<HookIndices>,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiled").field("exports", &self.exports).finish_non_exhaustive()
    }
}

impl Compiled {
    /// Checks, compiles and links `bytes`.
    ///
    /// # Errors
    /// [`ErrorKind::ComponentInvalid`] or [`ErrorKind::AbiMismatch`], saying what is wrong with the component.
    pub async fn compile(engine: &Arc<Engine>, runtime: &Handle, bytes: Arc<[u8]>) -> Result<Self> {
        let exports = inspect(&bytes)?;
        let hash = *blake3::hash(&bytes).as_bytes();
        if let Some(linked) = engine.recent.get(&hash) {
            return Ok(Self { engine: Arc::clone(engine), linked, exports });
        }
        let _turn = COMPILING.acquire().await.map_err(|error| internal("compile queue").caused_by(error))?;
        let compiling = runtime.spawn_blocking({
            let engine = Arc::clone(engine);
            move || compile(&engine, exports, &bytes)
        });
        let linked = compiling.await.map_err(|error| internal("the compiler stopped").caused_by(error))??;
        engine.recent.put(hash, linked.clone());
        Ok(Self { engine: Arc::clone(engine), linked, exports })
    }

    /// The exports the host may call.
    #[must_use]
    pub fn exports(&self) -> Exports {
        self.exports
    }

    /// The engine it was compiled for.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }
}

fn compile(engine: &Engine, exports: Exports, bytes: &[u8]) -> Result<Linked> {
    let component = Component::new(&engine.wasmtime, bytes).map_err(|error| {
        Error::new(ErrorKind::ComponentInvalid, format!("the component does not compile: {error:#}"))
    })?;
    let pre = engine.linker.instantiate_pre(&component).map_err(|error| {
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
    Ok(Linked { pre, hook })
}

fn internal(why: &str) -> Error {
    Error::new(ErrorKind::Internal, why)
}
