//! What a capsule is offered: the interfaces that are built, and nothing else.

use wasmtime::component::{HasSelf, Linker};

use super::bindings::astrid;
use super::ops;
use super::state::State;

/// Links every built interface; an interface that is not built is absent, so a capsule that imports it does not load.
///
/// # Errors
/// When the same interface is linked twice, which is a mistake in this function.
pub fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    astrid::approval::host::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    astrid::elicit::host::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    astrid::fs::host::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    astrid::http1_0_0::host::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    astrid::http1_1_0::host::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    astrid::identity::host::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    astrid::io::error::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    astrid::io::poll::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    astrid::io::streams::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    astrid::ipc::host::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    astrid::kv::host::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    astrid::net::host::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    astrid::process1_0_0::host::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    astrid::process1_1_0::host::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    astrid::request_context::host::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    astrid::sys::host::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    astrid::uplink::host::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    Ok(())
}

/// The interface names a component may import, exactly as they must be spelled.
pub fn offered() -> impl Iterator<Item = &'static str> {
    let mut names: Vec<&'static str> = ops::all().filter(|op| op.built).map(|op| op.import).collect();
    // Imported for its types alone; it has no functions and so no rows.
    names.push("astrid:guest/lifecycle@1.0.0");
    names.sort_unstable();
    names.dedup();
    names.into_iter()
}
