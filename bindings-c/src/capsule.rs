//! A loaded capsule: what it is, and how it stands.

use std::collections::HashSet;
use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use ::astrid_host::Capsule;
use parking_lot::Mutex;

use crate::error::{Out, astrid_error, astrid_status, c_text, guard, handle, quietly, release};
use crate::options::ASTRID_NO_TIMEOUT;
use crate::text::astrid_string;
use crate::wait::Shared;

/// A loaded capsule. Any thread may use it. It follows the capsule through upgrades, reloads and restarts, and stays valid
/// after the capsule was unloaded and the host closed.
pub struct astrid_capsule {
    pub(crate) shared: Arc<Shared>,
    pub(crate) capsule: Capsule,
    /// Every text that was given out, since each lives as long as the handle: what an upgrade replaces stays.
    texts: Mutex<HashSet<CString>>,
}

impl astrid_capsule {
    pub(crate) fn new(shared: Arc<Shared>, capsule: Capsule) -> Self {
        Self { shared, capsule, texts: Mutex::default() }
    }

    /// The text where C can read it for as long as the handle lives.
    fn keep(&self, text: &str) -> *const c_char {
        let text = c_text(text);
        let mut texts = self.texts.lock();
        if let Some(kept) = texts.get(&text) {
            return kept.as_ptr();
        }
        // The bytes of a CString stay where they are when the CString itself is moved into the set.
        let pointer = text.as_ptr();
        texts.insert(text);
        pointer
    }
}

/// Shows something of the capsule that NULL has not, and for which there is no error.
///
/// # Safety
/// (handles) of the crate's contract.
unsafe fn shown<T>(
    capsule: *const astrid_capsule,
    otherwise: T,
    show: impl FnOnce(&astrid_capsule) -> T,
) -> T {
    let mut shown = otherwise;
    quietly(|| {
        // SAFETY: the caller passes the contract on.
        if let Some(capsule) = unsafe { capsule.as_ref() } {
            shown = show(capsule);
        }
    });
    shown
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
        let items = ptr::slice_from_raw_parts_mut(self.items, self.count);
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

/// The capsule's id; NULL for NULL. It lives as long as the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_id(capsule: *const astrid_capsule) -> *const c_char {
    // SAFETY: (handles).
    unsafe { shown(capsule, ptr::null(), |capsule| capsule.keep(capsule.capsule.id())) }
}

/// The version of the capsule's current generation; NULL for NULL. The text lives as long as the handle and does not change: an
/// upgrade gives another one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_version(capsule: *const astrid_capsule) -> *const c_char {
    // SAFETY: (handles).
    unsafe { shown(capsule, ptr::null(), |capsule| capsule.keep(&capsule.capsule.version())) }
}

/// The BLAKE3 hash of the component of the capsule's current generation, in hexadecimal; NULL for NULL. It lives as the version
/// does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_hash(capsule: *const astrid_capsule) -> *const c_char {
    // SAFETY: (handles).
    unsafe { shown(capsule, ptr::null(), |capsule| capsule.keep(&capsule.capsule.hash())) }
}

/// How many warnings the manifest of the current generation led to; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_warning_count(capsule: *const astrid_capsule) -> usize {
    // SAFETY: (handles).
    unsafe { shown(capsule, 0, |capsule| capsule.capsule.warnings().len()) }
}

/// The warning at `index`, or NULL. It lives as the version does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_warning_at(
    capsule: *const astrid_capsule,
    index: usize,
) -> *const c_char {
    // SAFETY: (handles).
    unsafe {
        shown(capsule, ptr::null(), |capsule| {
            capsule.capsule.warnings().get(index).map_or(ptr::null(), |warning| capsule.keep(warning))
        })
    }
}

/// The number of the generation that serves now: 1 when the capsule was loaded, one more with every upgrade, reload and
/// restart; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_generation(capsule: *const astrid_capsule) -> u64 {
    // SAFETY: (handles).
    unsafe { shown(capsule, 0, |capsule| capsule.capsule.generation()) }
}

/// How often the capsule's run loop was restarted since it was loaded; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_restarts(capsule: *const astrid_capsule) -> u32 {
    // SAFETY: (handles).
    unsafe { shown(capsule, 0, |capsule| capsule.capsule.restarts()) }
}

/// Why the capsule's run loop failed last since it was loaded; absent if it never did. `*failure` belongs to the caller, who
/// frees it with `astrid_string_free`. It works after `astrid_host_close` too.
///
/// Errors: `invalid_argument` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_failure(
    capsule: *const astrid_capsule,
    failure: *mut astrid_string,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            let failure = Out::text("failure", failure)?;
            failure.set(astrid_string::maybe(handle("capsule", capsule)?.capsule.failure()));
            Ok(())
        })
    }
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

/// Frees the handle; the capsule stays loaded. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_free(capsule: *mut astrid_capsule) {
    // SAFETY: (handles).
    unsafe { release(capsule) };
}
