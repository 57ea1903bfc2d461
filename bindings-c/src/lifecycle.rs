//! What becomes of capsules after they are loaded: all of a folder, again, and no more.

use std::ffi::c_char;
use std::sync::Arc;

use ::astrid_host::{Error, ErrorKind, Result};

use crate::capsule::{astrid_capsule, astrid_capsules};
use crate::error::{Out, astrid_error, astrid_status, guard, handle};
use crate::host::astrid_host;
use crate::text::text;
use crate::wait::Shared;

/// Loads every capsule of a folder, archives as well, level by level: uplinks first, and providers before those that import
/// from them. The next level begins when every run loop of this one is ready, each within 5 s. If one fails, those that this
/// call has loaded are unloaded again.
///
/// `*capsules` belongs to the caller, who frees it with `astrid_capsules_free`.
///
/// Errors: those of `astrid_host_load` and `not_ready`, for the first capsule that fails, with the messages of all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_load_all(
    host: *const astrid_host,
    directory: *const c_char,
    capsules: *mut *mut astrid_capsules,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let capsules = Out::required("capsules", capsules)?.emptied();
            let host = &handle("host", host)?.0;
            let loaded = host.wait(host.host.load_all(text("directory", directory)?))?;
            capsules.give(astrid_capsules::new(host, loaded));
            Ok(())
        })
    }
}

/// The loaded capsule of that id. `*capsule` is as for `astrid_host_load`.
///
/// Errors: `not_found`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_capsule(
    host: *const astrid_host,
    id: *const c_char,
    capsule: *mut *mut astrid_capsule,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let capsule = Out::required("capsule", capsule)?.emptied();
            let shared = &handle("host", host)?.0;
            let id = text("id", id)?;
            open(shared)?;
            let found = shared.host.capsule(&id)?;
            capsule.give(astrid_capsule::new(Arc::clone(shared), found));
            Ok(())
        })
    }
}

/// Every loaded capsule, by id. `*capsules` belongs to the caller, who frees it with `astrid_capsules_free`.
///
/// Errors: `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_capsules(
    host: *const astrid_host,
    capsules: *mut *mut astrid_capsules,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            let capsules = Out::required("capsules", capsules)?.emptied();
            let shared = &handle("host", host)?.0;
            open(shared)?;
            capsules.give(astrid_capsules::new(shared, shared.host.capsules()));
            Ok(())
        })
    }
}

/// After the end there are no capsules, which is not what whoever asks wants to hear.
fn open(shared: &Shared) -> Result<()> {
    if shared.host.is_closed() { Err(Error::new(ErrorKind::Closed, "the host is closed")) } else { Ok(()) }
}

/// Replaces the running generation of the capsule by what lies where it came from now: where it was loaded, or where its
/// latest installation lay. Whatever lies there must be pinned: a changed component is not run until it is installed. Handles
/// follow the capsule. If it fails, the old generation goes on.
///
/// Errors: `invalid_argument` for a capsule that was loaded from memory, `not_found` when its files are gone, `hash_mismatch` for
/// bytes that are not pinned, `not_ready` when the new run loop does not become ready in time, what loading it would fail
/// with, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_reload(
    capsule: *const astrid_capsule,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            let capsule = handle("capsule", capsule)?;
            capsule.shared.wait(capsule.capsule.reload())
        })
    }
}

/// As `astrid_capsule_reload`, for the loaded capsule of that id.
///
/// Errors: as there, and `not_found` when no such capsule is loaded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_reload(
    host: *const astrid_host,
    id: *const c_char,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let shared = &handle("host", host)?.0;
            let id = text("id", id)?;
            open(shared)?;
            shared.wait(shared.host.reload(&id)).map(drop)
        })
    }
}

/// Ends the capsule's calls and its run loop, and unloads it. The handle stays valid. Unloading twice does nothing.
///
/// Errors: `audit_unavailable` when the unload could not be recorded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_unload(
    capsule: *const astrid_capsule,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            let capsule = handle("capsule", capsule)?;
            capsule.shared.wait(capsule.capsule.unload())
        })
    }
}

/// Removes a capsule for good: unloads it if it is loaded, forgets what was pinned, and erases its settings, secrets and
/// allowances and what every principal keeps in it. The audit log keeps what it did.
///
/// Errors: `not_installed` when it is neither installed nor loaded and nothing of it is kept, `store_unavailable`,
/// `audit_unavailable`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_uninstall(
    host: *const astrid_host,
    id: *const c_char,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let shared = &handle("host", host)?.0;
            let id = text("id", id)?;
            shared.wait(shared.host.uninstall(&id))
        })
    }
}
