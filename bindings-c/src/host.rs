//! Opening, dispatching and closing a host.

use std::ffi::c_int;
use std::sync::Arc;
use std::time::Duration;

use ::astrid_host::people::{CallbackError, CallbackFault};
use ::astrid_host::{Error, ErrorKind, Host, Result, WorkspaceMode};

use crate::ask::Handlers;
use crate::choices::astrid_host_options;
use crate::dispatch::{Callbacks, Queue};
use crate::error::{Out, astrid_error, astrid_status, guard, handle, quietly, release};
use crate::options::{ASTRID_CALLBACKS_DISPATCH, ASTRID_CALLBACKS_RUNTIME, read};
use crate::text::{invalid, optional_text, text};
use crate::wait::{Shared, wait};

/// An open host. Any thread may use it. It stays valid after `astrid_host_close`, and so do the handles made from it:
/// their functions answer `closed`. Handles are freed each on its own, in any order.
pub struct astrid_host(pub(crate) Arc<Shared>);

impl Drop for astrid_host {
    fn drop(&mut self) {
        // Whoever wants to know calls `close` first.
        let _ = close(&self.0);
    }
}

/// How long closing waits until the checkpoint callback has taken the last one.
const LAST_CHECKPOINT: Duration = Duration::from_secs(1);

/// Closes the core's host, then lets the handlers go: no question can come any more.
fn close(shared: &Shared) -> Result<()> {
    // Whoever closes it again, or in a child of `fork`, has nothing to wait for.
    let was_open = !shared.host.is_closed();
    let closed = shared.wait(shared.host.close());
    if was_open && let Some(last) = shared.last_checkpoint() {
        // The thread that tells may have ended without a word; and whoever is slow has had the time that was promised.
        let _ = shared.wait_at_most(Some(LAST_CHECKPOINT), last);
    }
    shared.let_go();
    closed
}

/// Opens a host in the folder `options->home`, which it makes if it is not there, and locks it.
///
/// The host in `*host` belongs to the caller, who frees it with `astrid_host_free`. The callbacks belong to the library
/// from this call on: their `drop` runs also when it fails. With `ASTRID_CALLBACKS_DISPATCH` the thread that opens is the
/// one that dispatches, until another one calls `astrid_host_dispatch`.
///
/// Errors: `invalid_argument`, `home_locked`, `home_unusable`, also when its secrets are sealed with another key,
/// `store_unavailable`, `audit_unavailable`, also when the log does not hold the expected checkpoint.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_open(
    options: *const astrid_host_options,
    host: *mut *mut astrid_host,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (outs), (texts), (arrays), (callbacks); the options were prepared with their size.
    unsafe {
        guard(error, || {
            handle("options", options)?;
            let given = read("options", options)?;
            let handlers = Handlers::take(&given);
            let host = Out::required("host", host)?.emptied();
            host.give(astrid_host(open(&given, handlers)?));
            Ok(())
        })
    }
}

/// # Safety
/// (texts) and (arrays) of the crate's contract hold for the fields.
unsafe fn open(given: &astrid_host_options, handlers: Handlers) -> Result<Arc<Shared>> {
    let callbacks = match given.callbacks {
        ASTRID_CALLBACKS_RUNTIME => Callbacks::Runtime,
        ASTRID_CALLBACKS_DISPATCH => {
            let queue = Queue::new().map_err(|cause| {
                Error::new(ErrorKind::Internal, "no pipe for the wake descriptor").caused_by(cause)
            })?;
            Callbacks::Dispatch(Arc::new(queue))
        }
        other => return Err(invalid(format!("options.callbacks is {other}"))),
    };
    // SAFETY: the caller passes the contract on.
    let (home, workspace, core) = unsafe {
        (
            text("options.home", given.home)?,
            optional_text("options.workspace", given.workspace)?,
            given.core()?,
        )
    };
    let mut builder = Host::builder(home).options(core);
    if let Some(workspace) = workspace {
        builder = builder.workspace(workspace);
    }
    if given.overlay != 0 {
        builder = builder.workspace_mode(WorkspaceMode::Overlay);
    }
    if let Some(callback) = handlers.elicit(&callbacks) {
        builder = builder.on_elicit(callback);
    }
    if let Some(callback) = handlers.approval(&callbacks) {
        builder = builder.on_approval(callback);
    }
    if let Some(callback) = handlers.uplink(&callbacks) {
        builder = builder.on_uplink(callback);
    }
    if let Some(sink) = handlers.log(&callbacks) {
        builder = builder.on_log(sink);
    }
    let mut last_checkpoint = None;
    if let Some((sink, last)) = handlers.checkpoint(&callbacks)? {
        builder = builder.on_checkpoint(sink);
        last_checkpoint = Some(last);
    }
    let host = wait(&callbacks, builder.open())?;
    Ok(Shared::new(host, callbacks, handlers, last_checkpoint))
}

/// Runs the callbacks that wait, on this thread, and says in `*ran`, which may be NULL, how many. It never waits. From
/// then on this thread is the one that dispatches.
///
/// A callback that calls a synchronous function of the same host blocks the thread that would answer: a question that
/// comes meanwhile fails at once with `callback_failed`, and the error's context says `fault` = `would_block_caller`.
///
/// Errors: `invalid_argument` when the host was not opened with `ASTRID_CALLBACKS_DISPATCH`; `callback_failed` when it is
/// called by a callback of the same host, which is what it would wait for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_dispatch(
    host: *const astrid_host,
    ran: *mut u32,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            let ran = Out::optional(ran);
            ran.set(0);
            let queue = queue(handle("host", host)?)?;
            if queue.is_running_here() {
                let message = "a callback cannot wait for the callbacks of its own thread";
                let fault = CallbackFault::WouldBlockCaller;
                return Err(CallbackError::new(fault, message).into());
            }
            queue.own();
            ran.set(queue.run());
            Ok(())
        })
    }
}

/// The descriptor that is readable while callbacks wait for `astrid_host_dispatch`, for `poll`, `epoll` or an event loop. It
/// belongs to the host and lives as long; it must not be read from or closed.
///
/// Errors: `invalid_argument` when the host was not opened with `ASTRID_CALLBACKS_DISPATCH`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_wake_fd(
    host: *const astrid_host,
    descriptor: *mut c_int,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            let descriptor = Out::required("descriptor", descriptor)?;
            descriptor.set(queue(handle("host", host)?)?.descriptor());
            Ok(())
        })
    }
}

fn queue(host: &astrid_host) -> Result<&Queue> {
    match &host.0.callbacks {
        Callbacks::Dispatch(queue) => Ok(queue),
        Callbacks::Runtime => Err(invalid("the host was not opened with ASTRID_CALLBACKS_DISPATCH")),
    }
}

/// Ends every call and run loop, writes what is still to be written, and unlocks the home. It waits for that, though
/// not for callbacks that are running: their answers are no longer needed. Closing twice does nothing.
///
/// Errors: `audit_unavailable` and `store_unavailable` when the last entries could not be written; the host is closed all the
/// same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_close(
    host: *const astrid_host,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe { guard(error, || close(&handle("host", host)?.0)) }
}

/// Whether the host is closed: 1 if it is or if `host` is NULL, 0 if it is open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_is_closed(host: *const astrid_host) -> c_int {
    let mut closed = true;
    quietly(|| {
        // SAFETY: (handles).
        closed = unsafe { host.as_ref() }.is_none_or(|host| host.0.host.is_closed());
    });
    c_int::from(closed)
}

/// Closes the host if that was not done, and frees the handle. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_free(host: *mut astrid_host) {
    // SAFETY: (handles).
    unsafe { release(host) };
}
