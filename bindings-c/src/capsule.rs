//! A loaded capsule: what it is, how it stands, and its end.

use std::ffi::{CString, c_char};
use std::sync::Arc;
use std::time::Duration;

use ::astrid_host::{Capsule, Error, ErrorKind};

use crate::error::{Out, astrid_error, astrid_status, c_text, guard, handle, release};
use crate::host::astrid_host;
use crate::options::ASTRID_NO_TIMEOUT;
use crate::text::{astrid_string, text};
use crate::wait::Shared;

/// A loaded capsule. Any thread may use it. It stays valid after the capsule was unloaded and the host closed.
pub struct astrid_capsule {
    pub(crate) shared: Arc<Shared>,
    pub(crate) capsule: Capsule,
    id: CString,
    version: CString,
    hash: CString,
    warnings: Vec<CString>,
}

impl astrid_capsule {
    pub(crate) fn new(shared: Arc<Shared>, capsule: Capsule) -> Self {
        Self {
            id: c_text(capsule.id()),
            version: c_text(&capsule.version()),
            hash: c_text(&capsule.hash()),
            warnings: capsule.warnings().iter().map(|warning| c_text(warning)).collect(),
            shared,
            capsule,
        }
    }
}

/// Several capsules. It belongs to the caller, who frees it with `astrid_capsules_free`, and with it all capsules in it; one
/// that the caller wants to keep is taken out by writing NULL in its place.
#[repr(C)]
pub struct astrid_capsules {
    /// How many places there are.
    pub count: usize,
    /// The capsules.
    pub items: *mut *mut astrid_capsule,
}

impl astrid_capsules {
    pub(crate) fn new(shared: &Arc<Shared>, capsules: Vec<Capsule>) -> Self {
        let items: Box<[_]> = capsules
            .into_iter()
            .map(|capsule| Box::into_raw(Box::new(astrid_capsule::new(Arc::clone(shared), capsule))))
            .collect();
        Self { count: items.len(), items: Box::into_raw(items).cast() }
    }
}

impl Drop for astrid_capsules {
    fn drop(&mut self) {
        let items = std::ptr::slice_from_raw_parts_mut(self.items, self.count);
        // SAFETY: `new` leaked a boxed slice of `count` places, and C may change the places but not these fields.
        let items = unsafe { Box::from_raw(items) };
        for item in items {
            // SAFETY: (handles) a place holds NULL or a capsule that C left in the list's care.
            unsafe { release(item) };
        }
    }
}

/// Frees a list with the capsules that are still in it. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsules_free(capsules: *mut astrid_capsules) {
    // SAFETY: (handles).
    unsafe { release(capsules) };
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
            if shared.host.is_closed() {
                return Err(Error::new(ErrorKind::Closed, "the host is closed"));
            }
            let found = shared.host.capsule(&id)?;
            capsule.give(astrid_capsule::new(Arc::clone(shared), found));
            Ok(())
        })
    }
}

/// The capsule's id; NULL for NULL. It lives as long as the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_id(capsule: *const astrid_capsule) -> *const c_char {
    // SAFETY: (handles).
    unsafe { capsule.as_ref() }.map_or(std::ptr::null(), |capsule| capsule.id.as_ptr())
}

/// The capsule's version; NULL for NULL. It lives as long as the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_version(capsule: *const astrid_capsule) -> *const c_char {
    // SAFETY: (handles).
    unsafe { capsule.as_ref() }.map_or(std::ptr::null(), |capsule| capsule.version.as_ptr())
}

/// The BLAKE3 hash of the capsule's component, in hexadecimal; NULL for NULL. It lives as long as the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_hash(capsule: *const astrid_capsule) -> *const c_char {
    // SAFETY: (handles).
    unsafe { capsule.as_ref() }.map_or(std::ptr::null(), |capsule| capsule.hash.as_ptr())
}

/// How many warnings the manifest led to; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_warning_count(capsule: *const astrid_capsule) -> usize {
    // SAFETY: (handles).
    unsafe { capsule.as_ref() }.map_or(0, |capsule| capsule.warnings.len())
}

/// The warning at `index`, or NULL. It lives as long as the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_warning_at(
    capsule: *const astrid_capsule,
    index: usize,
) -> *const c_char {
    // SAFETY: (handles).
    let capsule = unsafe { capsule.as_ref() };
    capsule.and_then(|capsule| capsule.warnings.get(index)).map_or(std::ptr::null(), |text| text.as_ptr())
}

/// How the capsule stands: `loading` until its run loop is ready, then `running`, `completed` or `failed` as the run loop
/// goes; `ready` if it has none; `unloaded` at the end. `*state` belongs to the caller, who frees it with
/// `astrid_string_free`. It works after `astrid_host_close` too.
///
/// Errors: `invalid_argument` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_state(
    capsule: *const astrid_capsule,
    state: *mut astrid_string,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            let state = Out::text("state", state)?;
            state.set(astrid_string::new(handle("capsule", capsule)?.capsule.state().name()));
            Ok(())
        })
    }
}

/// Waits until the capsule's run loop says that it is ready; a capsule without one is ready at once. `timeout_ms` may be
/// `ASTRID_NO_TIMEOUT`.
///
/// Errors: `not_ready` when the run loop failed or the time ran out, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_wait_ready(
    capsule: *const astrid_capsule,
    timeout_ms: u64,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            let capsule = handle("capsule", capsule)?;
            let timeout = (timeout_ms != ASTRID_NO_TIMEOUT).then(|| Duration::from_millis(timeout_ms));
            capsule.shared.wait(capsule.capsule.wait_ready(timeout))
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

/// Frees the handle; the capsule stays loaded. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_free(capsule: *mut astrid_capsule) {
    // SAFETY: (handles).
    unsafe { release(capsule) };
}
