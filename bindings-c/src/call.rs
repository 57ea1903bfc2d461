//! Triggering a capsule, and waiting for it or not.

use std::ffi::{c_char, c_int};
use std::future::IntoFuture;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::astrid_host::{Error, ErrorKind, HookResult, Result, Trigger};

use crate::capsule::astrid_capsule;
use crate::closure::{Closure, astrid_completion};
use crate::dispatch::Job;
use crate::error::{OK, Out, astrid_error, astrid_status, guard, handle, quietly, release};
use crate::install::principal;
use crate::options::{astrid_trigger_options, read};
use crate::stop::Stop;
use crate::text::{astrid_string, bytes, optional_text, text};

/// What a hook answered. It belongs to the caller, who frees it with `astrid_hook_result_free`; the texts are its own.
#[repr(C)]
pub struct astrid_hook_result {
    /// What is to happen, for example `continue` or `deny`.
    pub action: astrid_string,
    /// What the hook gave back, mostly JSON; absent if nothing.
    pub data: astrid_string,
}

impl From<HookResult> for astrid_hook_result {
    fn from(result: HookResult) -> Self {
        Self { action: astrid_string::new(result.action), data: astrid_string::maybe(result.data) }
    }
}

/// Frees a hook's answer. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_hook_result_free(result: *mut astrid_hook_result) {
    // SAFETY: (handles).
    unsafe { release(result) };
}

/// An asynchronous trigger on its way. Any thread may use it.
pub struct astrid_call(Arc<Call>);

#[derive(Default)]
struct Call {
    stop: Stop,
    done: AtomicBool,
}

/// Calls the capsule's hook for `action` with a payload and waits for the answer on this thread. If this thread is the
/// one that dispatches, it answers the questions that come meanwhile.
///
/// `options` may be NULL. `payload` is copied; NULL with length 0 is empty. `*result` belongs to the caller; `result` may be
/// NULL.
///
/// Errors: `timeout`, `fuel_exhausted`, `memory_exceeded`, `guest_trap` with the guest's backtrace, `quota_exceeded`,
/// `principal_refused`, `callback_failed`, `cancelled`, `not_found` when the capsule has no hooks, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_trigger(
    capsule: *const astrid_capsule,
    action: *const c_char,
    payload: *const u8,
    payload_length: usize,
    options: *const astrid_trigger_options,
    result: *mut *mut astrid_hook_result,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts), (arrays); the options were prepared with their size.
    unsafe {
        guard(error, || {
            let result = Out::optional(result).emptied();
            let capsule = handle("capsule", capsule)?;
            let trigger = trigger(capsule, action, bytes("payload", payload, payload_length)?, options)?;
            result.give(capsule.shared.wait(trigger.into_future())?.into());
            Ok(())
        })
    }
}

/// # Safety
/// (texts) of the crate's contract; the options were prepared with their size.
unsafe fn trigger(
    capsule: &astrid_capsule,
    action: *const c_char,
    payload: Vec<u8>,
    options: *const astrid_trigger_options,
) -> Result<Trigger> {
    // SAFETY: the caller passes the contract on.
    unsafe {
        let given = read("options", options)?;
        let mut trigger = capsule.capsule.trigger(text("action", action)?, payload);
        if let Some(principal) = principal(given.principal)? {
            trigger = trigger.principal(principal);
        }
        if given.timeout_ms != 0 {
            trigger = trigger.timeout(Duration::from_millis(given.timeout_ms));
        }
        if let Some(traceparent) = optional_text("options.traceparent", given.traceparent)? {
            trigger = trigger.traceparent(traceparent);
        }
        Ok(trigger)
    }
}

/// Calls the capsule's hook without waiting: `completion` is called when it ended, on a thread of the runtime or, with
/// `ASTRID_CALLBACKS_DISPATCH`, by the thread that dispatches.
///
/// The arguments are as for `astrid_capsule_trigger`, whose errors the completion reports. `completion` belongs to the
/// library from this call on: its `drop` runs also when this function fails, and `call` does not run then. `*call` belongs
/// to the caller, who frees it with `astrid_call_free`; `call` may be NULL.
///
/// Errors: `invalid_argument`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_trigger_async(
    capsule: *const astrid_capsule,
    action: *const c_char,
    payload: *const u8,
    payload_length: usize,
    options: *const astrid_trigger_options,
    completion: astrid_completion,
    call: *mut *mut astrid_call,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts), (arrays), (callbacks); the options were prepared with their size.
    unsafe {
        guard(error, || {
            let closure = Closure::take(completion.ctx, completion.call, completion.drop);
            let call = Out::optional(call).emptied();
            let capsule = handle("capsule", capsule)?;
            let trigger = trigger(capsule, action, bytes("payload", payload, payload_length)?, options)?;
            let runtime = capsule.shared.host.handle()?;
            let completion = closure.map(|closure| Completion { closure, called: false });
            let running = Arc::<Call>::default();
            let (callbacks, watched) = (capsule.shared.callbacks.clone(), Arc::clone(&running));
            runtime.spawn(async move {
                // Dropping the trigger stops the guest.
                let cancelled =
                    || Err(Error::new(ErrorKind::Cancelled, "the call was cancelled by its caller"));
                let ended = watched.stop.or(trigger).await.unwrap_or_else(cancelled);
                watched.done.store(true, Ordering::Release);
                if let Some(mut completion) = completion {
                    callbacks.post(Job::notice(move || completion.call(ended)));
                }
            });
            call.give(astrid_call(running));
            Ok(())
        })
    }
}

type Complete = unsafe extern "C" fn(
    *mut std::ffi::c_void,
    astrid_status,
    *const astrid_hook_result,
    *const astrid_error,
);

/// Owes C one call: if the host ends before it can be made, it is made with `closed`.
struct Completion {
    closure: Closure<Complete>,
    called: bool,
}

impl Completion {
    fn call(&mut self, ended: Result<HookResult>) {
        self.called = true;
        let (ctx, call) = self.closure.parts();
        match ended {
            Ok(result) => {
                let result = astrid_hook_result::from(result);
                // SAFETY: (callbacks) `call` goes with `ctx`; the result lives until `call` returns.
                unsafe { call(ctx, OK, &raw const result, ptr::null()) };
            }
            Err(failure) => {
                let error = astrid_error::from(&failure);
                // SAFETY: the same, with the error.
                unsafe { call(ctx, failure.kind().number(), ptr::null(), &raw const error) };
            }
        }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if !self.called {
            self.call(Err(Error::new(
                ErrorKind::Closed,
                "the host was closed before the call's end could be told",
            )));
        }
    }
}

/// Stops the guest and ends the call with `cancelled`, which its completion reports. It does not wait for that. A call that
/// has ended is not changed.
///
/// Errors: `invalid_argument` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_call_cancel(
    call: *const astrid_call,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            handle("call", call)?.0.stop.give();
            Ok(())
        })
    }
}

/// Whether the call has ended: 1 if it has or if `call` is NULL. Its completion may still be on its way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_call_is_done(call: *const astrid_call) -> c_int {
    let mut done = true;
    quietly(|| {
        // SAFETY: (handles).
        done = unsafe { call.as_ref() }.is_none_or(|call| call.0.done.load(Ordering::Acquire));
    });
    c_int::from(done)
}

/// Frees the handle; the call goes on and its completion comes. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_call_free(call: *mut astrid_call) {
    // SAFETY: (handles).
    unsafe { release(call) };
}
