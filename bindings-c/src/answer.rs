//! Answers: objects that a callback settles once, at once or later, from any thread.

use std::ffi::c_char;

use ::astrid_host::people::{CallbackError, CallbackFault, Decision, Delivery, ElicitAnswer};
use ::astrid_host::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use tokio::sync::oneshot::{Receiver, Sender, channel};

use crate::error::{astrid_status, guard, handle, release};
use crate::text::{invalid, optional_list, text};

/// The approval is refused.
pub const ASTRID_DENY: i32 = 0;
/// The action may be done once.
pub const ASTRID_APPROVE: i32 = 1;
/// The action, and the same again until the host is closed, may be done.
pub const ASTRID_APPROVE_SESSION: i32 = 2;
/// The action may be done from now on.
pub const ASTRID_APPROVE_ALWAYS: i32 = 3;

/// The message reached its person or platform.
pub const ASTRID_DELIVERED: i32 = 0;
/// The message was dropped.
pub const ASTRID_DROPPED: i32 = 1;
/// There is no session with that user.
pub const ASTRID_NO_SESSION: i32 = 2;

/// The one place an answer can be put.
pub(crate) struct Slot<A>(Mutex<Option<Sender<Result<A, CallbackError>>>>);

/// A slot, and where its answer comes out.
pub(crate) fn slot<A>() -> (Slot<A>, Receiver<Result<A, CallbackError>>) {
    let (sender, receiver) = channel();
    (Slot(Mutex::new(Some(sender))), receiver)
}

impl<A> Slot<A> {
    /// Whether nobody waits for the answer any more.
    pub(crate) fn is_over(&self) -> bool {
        self.0.lock().as_ref().is_none_or(Sender::is_closed)
    }

    /// Puts the answer in; only the first one counts.
    pub(crate) fn settle(&self, answer: Result<A, CallbackError>) -> Result<()> {
        let sender = self.0.lock().take().ok_or_else(|| invalid("the question is answered already"))?;
        sender
            .send(answer)
            .map_err(|_| Error::new(ErrorKind::Closed, "nobody waits for this answer any more"))
    }

    /// Settles with what the callback did wrong, and tells the callback too.
    fn settle_wrong(&self, message: &str) -> Result<()> {
        self.settle(Err(CallbackError::new(CallbackFault::WrongAnswer, message)))?;
        Err(invalid(message))
    }
}

impl<A> Drop for Slot<A> {
    fn drop(&mut self) {
        if let Some(sender) = self.0.get_mut().take() {
            // Fails only when nobody waits, and then nobody misses it.
            let _ = sender.send(Err(CallbackError::new(
                CallbackFault::Raised,
                "the callback let go of the question unanswered",
            )));
        }
    }
}

/// The answer to an elicit question. The callback that was given it owns it; any thread may use it.
pub struct astrid_elicit_answer(pub(crate) Slot<ElicitAnswer>);

/// The answer to an approval question. The callback that was given it owns it; any thread may use it.
pub struct astrid_approval_answer(pub(crate) Slot<Decision>);

/// The answer to an uplink event. The callback that was given it owns it; any thread may use it.
pub struct astrid_uplink_answer(pub(crate) Slot<Delivery>);

/// Answers with a text: the value of a text or secret question, or the chosen option of a select question.
///
/// Errors: `invalid_argument` when the question is answered already, or when `value` is NULL or not UTF-8, which fails
/// the question; `closed` when nobody waits any more. Errors are harmless.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_elicit_answer_text(
    answer: *const astrid_elicit_answer,
    value: *const c_char,
) -> astrid_status {
    // SAFETY: (handles), (texts); there is no error object.
    unsafe {
        guard(std::ptr::null_mut(), || {
            let slot = &handle("answer", answer)?.0;
            match text("value", value) {
                Ok(value) => slot.settle(Ok(ElicitAnswer::Text(value))),
                Err(wrong) => slot.settle_wrong(wrong.message()),
            }
        })
    }
}

/// Answers an array question with a list of texts; `count` may be 0.
///
/// Errors: as for `astrid_elicit_answer_text`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_elicit_answer_list(
    answer: *const astrid_elicit_answer,
    values: *const *const c_char,
    count: usize,
) -> astrid_status {
    // SAFETY: (handles), (arrays), (texts); there is no error object.
    unsafe {
        guard(std::ptr::null_mut(), || {
            let slot = &handle("answer", answer)?.0;
            match optional_list("values", values, count) {
                Ok(None) if count != 0 => slot.settle_wrong("values is NULL but has a count"),
                Ok(values) => slot.settle(Ok(ElicitAnswer::List(values.unwrap_or_default()))),
                Err(wrong) => slot.settle_wrong(wrong.message()),
            }
        })
    }
}

/// Answers that the person does not want to say; the capsule's hook sees `cancelled`.
///
/// Errors: `invalid_argument` when the question is answered already; `closed` when nobody waits any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_elicit_answer_cancel(answer: *const astrid_elicit_answer) -> astrid_status {
    // SAFETY: (handles); there is no error object.
    unsafe { guard(std::ptr::null_mut(), || handle("answer", answer)?.0.settle(Ok(ElicitAnswer::Cancelled))) }
}

/// Reports that the callback failed. The capsule sees a refusal, and the call that led to the question fails with
/// `callback_failed`, whose cause is `message`; NULL is an empty one.
///
/// Errors: `invalid_argument` when the question is answered already; `closed` when nobody waits any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_elicit_answer_fail(
    answer: *const astrid_elicit_answer,
    message: *const c_char,
) -> astrid_status {
    // SAFETY: (handles), (texts).
    unsafe { fail(answer, |answer| &answer.0, message) }
}

/// Frees an answer, from any thread. An unsettled question fails then, as by `astrid_elicit_answer_fail`. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_elicit_answer_free(answer: *mut astrid_elicit_answer) {
    // SAFETY: (handles).
    unsafe { release(answer) };
}

/// Decides with one of `ASTRID_DENY`, `ASTRID_APPROVE`, `ASTRID_APPROVE_SESSION` and `ASTRID_APPROVE_ALWAYS`.
///
/// Errors: `invalid_argument` when the question is answered already, or for any other number, which fails the question;
/// `closed` when nobody waits any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_approval_answer_decide(
    answer: *const astrid_approval_answer,
    decision: i32,
) -> astrid_status {
    // SAFETY: (handles); there is no error object.
    unsafe {
        guard(std::ptr::null_mut(), || {
            let slot = &handle("answer", answer)?.0;
            match decision {
                ASTRID_DENY => slot.settle(Ok(Decision::Deny)),
                ASTRID_APPROVE => slot.settle(Ok(Decision::Approve)),
                ASTRID_APPROVE_SESSION => slot.settle(Ok(Decision::ApproveSession)),
                ASTRID_APPROVE_ALWAYS => slot.settle(Ok(Decision::ApproveAlways)),
                other => slot.settle_wrong(&format!("{other} is no decision")),
            }
        })
    }
}

/// Reports that the callback failed; see `astrid_elicit_answer_fail`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_approval_answer_fail(
    answer: *const astrid_approval_answer,
    message: *const c_char,
) -> astrid_status {
    // SAFETY: (handles), (texts).
    unsafe { fail(answer, |answer| &answer.0, message) }
}

/// Frees an answer; see `astrid_elicit_answer_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_approval_answer_free(answer: *mut astrid_approval_answer) {
    // SAFETY: (handles).
    unsafe { release(answer) };
}

/// Says what became of a message with one of `ASTRID_DELIVERED`, `ASTRID_DROPPED` and `ASTRID_NO_SESSION`; for the other
/// events, `ASTRID_DELIVERED` says that it was seen.
///
/// Errors: `invalid_argument` when the event is answered already, or for any other number, which fails it; `closed`
/// when nobody waits any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_uplink_answer_delivery(
    answer: *const astrid_uplink_answer,
    delivery: i32,
) -> astrid_status {
    // SAFETY: (handles); there is no error object.
    unsafe {
        guard(std::ptr::null_mut(), || {
            let slot = &handle("answer", answer)?.0;
            match delivery {
                ASTRID_DELIVERED => slot.settle(Ok(Delivery::Delivered)),
                ASTRID_DROPPED => slot.settle(Ok(Delivery::Dropped)),
                ASTRID_NO_SESSION => slot.settle(Ok(Delivery::NoSession)),
                other => slot.settle_wrong(&format!("{other} is no delivery")),
            }
        })
    }
}

/// Reports that the callback failed; see `astrid_elicit_answer_fail`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_uplink_answer_fail(
    answer: *const astrid_uplink_answer,
    message: *const c_char,
) -> astrid_status {
    // SAFETY: (handles), (texts).
    unsafe { fail(answer, |answer| &answer.0, message) }
}

/// Frees an answer; see `astrid_elicit_answer_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_uplink_answer_free(answer: *mut astrid_uplink_answer) {
    // SAFETY: (handles).
    unsafe { release(answer) };
}

/// Settles an answer with the callback's own failure; a message that cannot be read does not save it.
///
/// # Safety
/// (handles) and (texts) of the crate's contract.
unsafe fn fail<T, A>(
    answer: *const T,
    slot: impl Fn(&T) -> &Slot<A>,
    message: *const c_char,
) -> astrid_status {
    // SAFETY: the caller passes the contract on; there is no error object.
    unsafe {
        guard(std::ptr::null_mut(), || {
            let answer = handle("answer", answer)?;
            let message = match crate::text::optional_text("message", message) {
                Ok(message) => message.unwrap_or_default(),
                Err(unreadable) => unreadable.message().to_owned(),
            };
            let failure = CallbackError::new(CallbackFault::Raised, "the callback failed");
            slot(answer).settle(Err(failure.caused_by(message)))
        })
    }
}
