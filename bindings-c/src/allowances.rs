//! What people have approved beyond the moment.

use std::ffi::{c_char, c_int};

use ::astrid_host::Principal;

use crate::error::{Out, astrid_error, astrid_status, guard, handle};
use crate::host::astrid_host;
use crate::text::{astrid_string, lines, text};

/// What was approved for a principal, for good or until the host is closed, one JSON object a line, oldest first: `id`, `principal`,
/// `capsule`, `artifact` (the BLAKE3 of the capsule's component, in hexadecimal digits), `action`, `resource`, `created_ms`,
/// `session_only`. `*allowances` belongs to the caller, who frees it with `astrid_string_free`.
///
/// Errors: `invalid_argument`, `store_unavailable`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_allowances(
    host: *const astrid_host,
    principal: *const c_char,
    allowances: *mut astrid_string,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let allowances = Out::text("allowances", allowances)?;
            let principal = Principal::parse(&text("principal", principal)?)?;
            allowances.set(astrid_string::new(lines(&handle("host", host)?.0.host.allowances(&principal)?)?));
            Ok(())
        })
    }
}

/// Takes back what was approved for a principal: the same request is asked about again. `*found`, which may be NULL, is whether
/// there was such an allowance.
///
/// Errors: `invalid_argument`, `store_unavailable`, `audit_unavailable`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_revoke_allowance(
    host: *const astrid_host,
    principal: *const c_char,
    id: *const c_char,
    found: *mut c_int,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let principal = Principal::parse(&text("principal", principal)?)?;
            let revoked = handle("host", host)?.0.host.revoke_allowance(&principal, &text("id", id)?)?;
            if let Some(found) = found.as_mut() {
                *found = c_int::from(revoked);
            }
            Ok(())
        })
    }
}
