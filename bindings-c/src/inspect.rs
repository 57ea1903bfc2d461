//! What a component is to this library.

use ::astrid_host::inspect_component;

use crate::error::{Out, astrid_error, astrid_status, guard};
use crate::text::{astrid_string, bytes, lines};

/// Says what a component is to this library; nothing is compiled or run, and no host has to be open. `*report` is a JSON object:
/// `hash`, `bytes`, `runnable`, `problems` (texts), `imports` (each with `name`, `offered` and `functions`, each of those with
/// `name` and `capability`), `exports` (names) and `capabilities` (names of the manifest). It belongs to the caller, who frees it
/// with `astrid_string_free`.
///
/// Errors: `component_invalid` when the bytes are no valid component, `invalid_argument`. A component that is valid and cannot run
/// here is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_inspect_component(
    component: *const u8,
    component_length: usize,
    report: *mut astrid_string,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (arrays), (outs).
    unsafe {
        guard(error, || {
            let report = Out::text("report", report)?;
            let component = bytes("component", component, component_length)?;
            report.set(astrid_string::new(lines([&inspect_component(&component)?])?));
            Ok(())
        })
    }
}
