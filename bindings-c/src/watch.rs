//! Watching the folders of capsules.

use std::ffi::{c_char, c_int};
use std::future::IntoFuture;
use std::ptr;
use std::sync::Arc;

use ::astrid_host::{CapsuleChange, CapsuleChanges, Result, Watch};

use crate::capsule::astrid_capsule;
use crate::closure::{Closure, astrid_change_callback};
use crate::error::{Out, astrid_error, astrid_status, guard, handle, release};
use crate::host::astrid_host;
use crate::listen::Listener;
use crate::options::{astrid_watch_options, read};
use crate::text::{astrid_string, text};
use crate::wait::Shared;

/// A capsule's folder that is not what it was. From `astrid_watch_next` it belongs to the caller, who frees it with
/// `astrid_change_free`; in a callback it is borrowed.
#[repr(C)]
pub struct astrid_change {
    /// The folder.
    pub folder: astrid_string,
    /// The id of the capsule that is loaded from it; absent if none is.
    pub id: astrid_string,
    /// 1 if there is no manifest in the folder any more.
    pub gone: c_int,
    /// 1 if it was tried to reload the capsule.
    pub reloaded: c_int,
    /// Why that failed, or NULL. It belongs to the change.
    pub reload_error: *const astrid_error,
}

impl From<CapsuleChange> for astrid_change {
    fn from(change: CapsuleChange) -> Self {
        let failure = change.reloaded.as_ref().and_then(|reloaded| reloaded.as_ref().err());
        Self {
            folder: astrid_string::new(change.folder.to_string_lossy()),
            gone: c_int::from(change.gone),
            reloaded: c_int::from(change.reloaded.is_some()),
            reload_error: failure
                .map_or(ptr::null(), |failure| Box::into_raw(Box::new(astrid_error::from(failure)))),
            id: astrid_string::maybe(change.id),
        }
    }
}

impl Drop for astrid_change {
    fn drop(&mut self) {
        // SAFETY: NULL or leaked by `from`; C may not change the field.
        unsafe { release(self.reload_error.cast_mut()) };
    }
}

/// Frees a change. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_change_free(change: *mut astrid_change) {
    // SAFETY: (handles).
    unsafe { release(change) };
}

/// A watch under way. Any thread may use it.
pub struct astrid_watch(Listener<CapsuleChanges>);

/// Watches a capsule's folder, or a folder of such folders, also those that come later. A change is told when its capsule's
/// folder has been left alone for 500 ms and its files are not what they were; `node_modules`, `target`, `dist`, `.git` and
/// symbolic links are not looked at.
///
/// `options` may be NULL. With a `callback` whose `call` is not NULL, each change is given to it, one after the other, where
/// callbacks run; otherwise they are fetched with `astrid_watch_next`. At most 64 changes wait; the watch rests until they
/// are taken. `callback` may be NULL; what it points at belongs to the library from this call on, also when it fails. `*watch`
/// belongs to the caller, who frees it with `astrid_watch_free`.
///
/// Errors: `not_found` when there is no such folder, `invalid_argument` when it cannot be watched, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_watch(
    host: *const astrid_host,
    folder: *const c_char,
    options: *const astrid_watch_options,
    callback: *const astrid_change_callback,
    watch: *mut *mut astrid_watch,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts), (callbacks); the callback is NULL or readable, the options were prepared.
    unsafe {
        guard(error, || {
            let closure = taken(callback);
            let watch = Out::required("watch", watch)?.emptied();
            let shared = &handle("host", host)?.0;
            let asked = shared.host.watch(text("folder", folder)?);
            watch.give(begin(shared, asked, options, closure)?);
            Ok(())
        })
    }
}

/// Watches the folder that the capsule was loaded from; otherwise as `astrid_host_watch`.
///
/// Errors: `invalid_argument` for a capsule that was not loaded from a folder, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_watch(
    capsule: *const astrid_capsule,
    options: *const astrid_watch_options,
    callback: *const astrid_change_callback,
    watch: *mut *mut astrid_watch,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (callbacks); the callback is NULL or readable, the options were prepared.
    unsafe {
        guard(error, || {
            let closure = taken(callback);
            let watch = Out::required("watch", watch)?.emptied();
            let capsule = handle("capsule", capsule)?;
            watch.give(begin(&capsule.shared, capsule.capsule.watch()?, options, closure)?);
            Ok(())
        })
    }
}

type Changed = unsafe extern "C" fn(*mut std::ffi::c_void, *const astrid_change);

/// # Safety
/// (callbacks) of the crate's contract; the callback is NULL or readable.
unsafe fn taken(callback: *const astrid_change_callback) -> Option<Closure<Changed>> {
    // SAFETY: the caller passes the contract on.
    let given = unsafe { callback.as_ref() }?;
    Closure::take(given.ctx, given.call, given.drop)
}

/// # Safety
/// The options were prepared with their size.
unsafe fn begin(
    shared: &Arc<Shared>,
    watch: Watch,
    options: *const astrid_watch_options,
    closure: Option<Closure<Changed>>,
) -> Result<astrid_watch> {
    // SAFETY: the caller passes the contract on.
    let given = unsafe { read("options", options) }?;
    let changes = shared.wait(watch.reload(given.reload != 0).into_future())?;
    Ok(astrid_watch(Listener::begin(shared, changes, closure)?))
}

/// The next change, waited for at most `timeout_ms` milliseconds; 0 does not wait, `ASTRID_NO_TIMEOUT` waits for ever.
/// `*change` belongs to the caller. Several threads may ask; each change goes to one of them.
///
/// Errors: `timeout` when nothing changed, `closed` when the watch or the host was closed, `invalid_argument` when a callback
/// gets the changes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_watch_next(
    watch: *const astrid_watch,
    timeout_ms: u64,
    change: *mut *mut astrid_change,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            let change = Out::required("change", change)?.emptied();
            change.give(handle("watch", watch)?.0.next(timeout_ms)?.into());
            Ok(())
        })
    }
}

/// Ends the watch: whoever waits for a change gets `closed`, and no call of the callback begins any more. The handle stays
/// valid. Closing twice does nothing.
///
/// Errors: `invalid_argument` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_watch_close(
    watch: *const astrid_watch,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            handle("watch", watch)?.0.close();
            Ok(())
        })
    }
}

/// Ends the watch if that was not done, and frees the handle. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_watch_free(watch: *mut astrid_watch) {
    // SAFETY: (handles).
    unsafe { release(watch) };
}
