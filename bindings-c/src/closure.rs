//! Callbacks as C gives them, `{ctx, call, drop}`, and as the library keeps them: dropped once, by ownership.

use std::ffi::c_void;

use crate::answer::{astrid_approval_answer, astrid_elicit_answer, astrid_uplink_answer};
use crate::bus::astrid_message;
use crate::call::astrid_hook_result;
use crate::checkpoint::astrid_checkpoint;
use crate::error::{astrid_error, astrid_status};
use crate::log::astrid_log_line;
use crate::question::{astrid_approval_question, astrid_elicit_question, astrid_uplink_event};
use crate::watch::astrid_change;

/// Frees what `ctx` points at.
pub(crate) type DropContext = Option<unsafe extern "C" fn(ctx: *mut c_void)>;

/// Answers the questions of install and upgrade hooks.
///
/// `call` gets a question, which lives until `call` returns, and an answer, which it owns: it settles it with one of the
/// `astrid_elicit_answer_*` functions, at once or later and from any thread, and frees it with
/// `astrid_elicit_answer_free`. A callback whose `call` is NULL is no callback: every question is cancelled.
///
/// `drop` may be NULL. It runs exactly once, when no `call` runs or can come any more: while the host is closed, or when
/// the last running `call` returned. It runs also when the function that was given the callback failed. No lock of the
/// library is held during `call` and `drop`. Neither may throw, unwind or `longjmp` out.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_elicit_callback {
    /// Given to `call` and `drop` as it is.
    pub ctx: *mut c_void,
    /// Answers one question.
    pub call: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            question: *const astrid_elicit_question,
            answer: *mut astrid_elicit_answer,
        ),
    >,
    /// Lets go of `ctx`.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
}

/// Decides whether a capsule may do something. The rules are those of `astrid_elicit_callback`; without a callback every
/// request is denied.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_approval_callback {
    /// Given to `call` and `drop` as it is.
    pub ctx: *mut c_void,
    /// Decides one request.
    pub call: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            question: *const astrid_approval_question,
            answer: *mut astrid_approval_answer,
        ),
    >,
    /// Lets go of `ctx`.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
}

/// Receives what capsules send through their uplinks. The rules are those of `astrid_elicit_callback`; without a
/// callback every message is dropped.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_uplink_callback {
    /// Given to `call` and `drop` as it is.
    pub ctx: *mut c_void,
    /// Takes one event.
    pub call: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            event: *const astrid_uplink_event,
            answer: *mut astrid_uplink_answer,
        ),
    >,
    /// Lets go of `ctx`.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
}

/// Receives the messages of one subscription, one after the other in their order. A message lives until `call` returns.
/// The rules for `drop` are those of `astrid_elicit_callback`, with the subscription in the place of the host.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_message_callback {
    /// Given to `call` and `drop` as it is.
    pub ctx: *mut c_void,
    /// Takes one message.
    pub call: Option<unsafe extern "C" fn(ctx: *mut c_void, message: *const astrid_message)>,
    /// Lets go of `ctx`.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
}

/// Takes what changed in a watched folder, one change after the other. A change lives until `call` returns. The rules for `drop`
/// are those of `astrid_elicit_callback`, with the watch in the place of the host.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_change_callback {
    /// Given to `call` and `drop` as it is.
    pub ctx: *mut c_void,
    /// Takes one change.
    pub call: Option<unsafe extern "C" fn(ctx: *mut c_void, change: *const astrid_change)>,
    /// Lets go of `ctx`.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
}

/// Takes every line that capsules log, in order and one at a time. A line lives until `call` returns; nobody waits for it:
/// lines that come faster than they are taken are lost, and the next line says how many. Without a callback the lines are in
/// the files below the home alone. The rules for `drop` are those of `astrid_elicit_callback`.
///
/// With `ASTRID_CALLBACKS_DISPATCH`, lines that were not dispatched before the host was closed are not told any more.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_log_callback {
    /// Given to `call` and `drop` as it is.
    pub ctx: *mut c_void,
    /// Takes one line.
    pub call: Option<unsafe extern "C" fn(ctx: *mut c_void, line: *const astrid_log_line)>,
    /// Lets go of `ctx`.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
}

/// Takes every checkpoint of the audit log once the disk has it, in order and one at a time: to be kept where whoever might
/// cut the log cannot reach. A checkpoint lives until `call` returns; nobody waits for it. When more than 64 wait, the oldest is
/// left out, since each covers those before it. The rules for `drop` are those of `astrid_elicit_callback`.
///
/// Closing the host waits up to a second until the last checkpoint was taken. With `ASTRID_CALLBACKS_DISPATCH`, those that
/// were not dispatched by then are not told any more.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_checkpoint_callback {
    /// Given to `call` and `drop` as it is.
    pub ctx: *mut c_void,
    /// Takes one checkpoint.
    pub call: Option<unsafe extern "C" fn(ctx: *mut c_void, checkpoint: *const astrid_checkpoint)>,
    /// Lets go of `ctx`.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
}

/// Is told how an asynchronous trigger ended: `status` is `ASTRID_OK` and `result` is there, or `error` is there. Both live
/// until `call` returns. `call` runs exactly once, with `closed` if the host ends before; then `drop`, which may be NULL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_completion {
    /// Given to `call` and `drop` as it is.
    pub ctx: *mut c_void,
    /// Takes the result.
    pub call: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            status: astrid_status,
            result: *const astrid_hook_result,
            error: *const astrid_error,
        ),
    >,
    /// Lets go of `ctx`.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
}

/// A callback that the library owns.
pub(crate) struct Closure<F> {
    ctx: *mut c_void,
    call: F,
    drop: DropContext,
}

// SAFETY: (callbacks) of the crate's contract: `call` and `drop` may be called on any thread with their `ctx`.
unsafe impl<F: Copy> Send for Closure<F> {}
// SAFETY: the same; the header says that calls may run at the same time when they run on the runtime's threads.
unsafe impl<F: Copy> Sync for Closure<F> {}

impl<F: Copy> Closure<F> {
    /// Takes a callback over. Without a `call` there is nothing to keep: the context is let go at once.
    pub(crate) fn take(ctx: *mut c_void, call: Option<F>, drop: DropContext) -> Option<Self> {
        let Some(call) = call else {
            let_go(ctx, drop);
            return None;
        };
        Some(Self { ctx, call, drop })
    }

    /// The context and the function, to be called.
    pub(crate) fn parts(&self) -> (*mut c_void, F) {
        (self.ctx, self.call)
    }
}

impl<F> Drop for Closure<F> {
    fn drop(&mut self) {
        let_go(self.ctx, self.drop);
    }
}

fn let_go(ctx: *mut c_void, drop: DropContext) {
    if let Some(drop) = drop {
        // SAFETY: (callbacks). It runs once: `take` runs it for a callback it does not keep, and the owner runs it when
        // it is dropped itself.
        unsafe { drop(ctx) };
    }
}
