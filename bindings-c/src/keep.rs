//! Keeping a home: a copy of it, and new keys for it.

use std::ffi::c_char;
use std::future::IntoFuture;

use crate::error::{astrid_error, astrid_status, guard, handle};
use crate::host::astrid_host;
use crate::text::text;

/// Copies the home into the new folder `target`, which a host can open, while it stays open itself. Whoever can read the
/// copy can read its secrets, unless the key that seals them is the program's own. Nothing stands at `target` before the copy
/// is whole; its parent folder has to exist.
///
/// Errors: `invalid_argument` when something exists at `target`, or it lies in the home or cannot be written;
/// `store_unavailable`, `audit_unavailable`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_backup(
    host: *const astrid_host,
    target: *const c_char,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let host = &handle("host", host)?.0;
            host.wait(host.host.backup(text("target", target)?).into_future())
        })
    }
}

/// Gives the home a new key that signs the audit log and a new one that seals secrets. The first public key still verifies
/// the whole log. `secret_key` is the 32 bytes of the next key for secrets where the options named the present one, and NULL
/// where the home keeps it.
///
/// Errors: `invalid_argument` when the program keeps the key and names no next one, or names one although the home keeps it;
/// `store_unavailable`, `audit_unavailable`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_rotate_keys(
    host: *const astrid_host,
    secret_key: *const u8,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (arrays) with 32 bytes at `secret_key` or NULL.
    unsafe {
        guard(error, || {
            let host = &handle("host", host)?.0;
            let mut rotation = host.host.rotate_keys();
            if let Some(key) = secret_key.cast::<[u8; 32]>().as_ref() {
                rotation = rotation.secret_key(*key);
            }
            host.wait(rotation.into_future())
        })
    }
}
