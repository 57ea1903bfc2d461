//! What capsules changed of the workspace, where each has an overlay of its own.

use std::ffi::c_char;

use crate::capsule::astrid_capsule;
use crate::error::{Out, astrid_error, astrid_status, guard, handle};
use crate::install::principal;

/// Puts what the capsule changed for a principal into the workspace; where the workspace changed as well, the overlay wins.
/// Files that are open in the overlay are closed. `principal` may be NULL for the default principal. `*changes`, which may be
/// NULL, is how many files and folders that wrote or removed.
///
/// Errors: `invalid_argument` when the host was not opened with `overlay`, `store_unavailable` when something could not be
/// written: it is still in the overlay, to be committed again; `audit_unavailable`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_commit(
    capsule: *const astrid_capsule,
    principal: *const c_char,
    changes: *mut u64,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let changes = Out::optional(changes);
            changes.set(0);
            let capsule = handle("capsule", capsule)?;
            let principal = self::principal(principal)?.unwrap_or_default();
            changes.set(capsule.shared.wait(capsule.capsule.commit(&principal))?);
            Ok(())
        })
    }
}

/// Throws away what the capsule changed for a principal. Files that are open in the overlay are closed. `principal` may be NULL
/// for the default principal.
///
/// Errors: as for `astrid_capsule_commit`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_rollback(
    capsule: *const astrid_capsule,
    principal: *const c_char,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let capsule = handle("capsule", capsule)?;
            let principal = self::principal(principal)?.unwrap_or_default();
            capsule.shared.wait(capsule.capsule.rollback(&principal))
        })
    }
}
