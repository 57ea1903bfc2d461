//! The message bus: publishing, and hearing by callback or by asking.

use std::ffi::c_char;
use std::future::IntoFuture;

use ::astrid_host::{BusMessage, Messages, Outcome};

use crate::closure::{Closure, astrid_message_callback};
use crate::error::{Out, astrid_error, astrid_status, guard, handle, release};
use crate::host::astrid_host;
use crate::install::principal;
use crate::listen::Listener;
use crate::options::{astrid_publish_options, read};
use crate::text::{astrid_string, bytes, text};

/// One message. From `astrid_subscription_next` it belongs to the caller, who frees it with `astrid_message_free`; in a
/// callback it is borrowed.
#[repr(C)]
pub struct astrid_message {
    /// The topic.
    pub topic: astrid_string,
    /// The payload, as JSON text.
    pub payload: astrid_string,
    /// Who sent it.
    pub source: astrid_string,
    /// The principal that it speaks for; absent for the system.
    pub principal: astrid_string,
    /// `verified` when the host knows that it is this principal, `claimed` when only the sender says so, `system`.
    pub attribution: astrid_string,
}

impl From<BusMessage> for astrid_message {
    fn from(message: BusMessage) -> Self {
        Self {
            topic: astrid_string::new(message.topic),
            payload: astrid_string::new(message.payload),
            source: astrid_string::new(message.source),
            principal: astrid_string::maybe(message.principal),
            attribution: astrid_string::new(message.attribution),
        }
    }
}

/// Frees a message. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_message_free(message: *mut astrid_message) {
    // SAFETY: (handles).
    unsafe { release(message) };
}

/// What became of a published message. It belongs to the caller, who frees it with `astrid_outcome_free`.
#[repr(C)]
pub struct astrid_outcome {
    /// Subscriptions that have it in their queue.
    pub delivered: u64,
    /// Handlers that ran.
    pub handlers: u64,
    /// What the chain of handlers decided: `continue`, `final` or `deny`.
    pub decision: astrid_string,
    /// The response of a `final`, or the payload if a handler changed it; absent if neither.
    pub data: astrid_string,
    /// Why it was denied; absent if it was not.
    pub reason: astrid_string,
}

/// Frees an outcome. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_outcome_free(outcome: *mut astrid_outcome) {
    // SAFETY: (handles).
    unsafe { release(outcome) };
}

/// Publishes a JSON payload to a topic and waits for what the handlers decide.
///
/// `options` may be NULL. `payload` is copied. `*outcome` belongs to the caller; `outcome` may be NULL.
///
/// Errors: `invalid_argument`, `principal_refused`, `quota_exceeded`, `callback_failed`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_publish(
    host: *const astrid_host,
    topic: *const c_char,
    payload: *const u8,
    payload_length: usize,
    options: *const astrid_publish_options,
    outcome: *mut *mut astrid_outcome,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts), (arrays); the options were prepared with their size.
    unsafe {
        guard(error, || {
            let outcome = Out::optional(outcome).emptied();
            let host = &handle("host", host)?.0;
            let given = read("options", options)?;
            let mut publish =
                host.host.publish(text("topic", topic)?, bytes("payload", payload, payload_length)?);
            if let Some(principal) = principal(given.principal)? {
                publish = publish.principal(principal);
            }
            if given.fan_out != 0 {
                publish = publish.fan_out(usize::try_from(given.fan_out).unwrap_or(usize::MAX));
            }
            let Outcome { delivered, handlers, decision, data, reason } = host.wait(publish.into_future())?;
            outcome.give(astrid_outcome {
                delivered,
                handlers,
                decision: astrid_string::new(decision),
                data: astrid_string::maybe(data),
                reason: astrid_string::maybe(reason),
            });
            Ok(())
        })
    }
}

/// Hears what is published. Any thread may use it.
pub struct astrid_subscription(Listener<Messages>);

/// Subscribes to the topics that match a pattern.
///
/// With a `callback` whose `call` is not NULL, each message is given to it, one after the other, where callbacks run;
/// otherwise they are fetched with `astrid_subscription_next`. `callback` may be NULL; what it points at belongs to the
/// library from this call on, also when it fails. `*subscription` belongs to the caller, who frees it with
/// `astrid_subscription_free`.
///
/// Errors: `invalid_argument` for a malformed pattern, `quota_exceeded`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_subscribe(
    host: *const astrid_host,
    pattern: *const c_char,
    callback: *const astrid_message_callback,
    subscription: *mut *mut astrid_subscription,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts), (callbacks); the callback is NULL or readable.
    unsafe {
        guard(error, || {
            let closure =
                callback.as_ref().and_then(|given| Closure::take(given.ctx, given.call, given.drop));
            let subscription = Out::required("subscription", subscription)?.emptied();
            let shared = &handle("host", host)?.0;
            let messages = shared.host.subscribe(&text("pattern", pattern)?)?;
            subscription.give(astrid_subscription(Listener::begin(shared, messages, closure)?));
            Ok(())
        })
    }
}

/// The next message, waited for at most `timeout_ms` milliseconds; 0 does not wait, `ASTRID_NO_TIMEOUT` waits for ever.
/// `*message` belongs to the caller. Several threads may ask; each message goes to one of them.
///
/// Errors: `timeout` when nothing came, `closed` when the subscription or the host was closed, `invalid_argument` when a
/// callback gets the messages.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_subscription_next(
    subscription: *const astrid_subscription,
    timeout_ms: u64,
    message: *mut *mut astrid_message,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            let message = Out::required("message", message)?.emptied();
            message.give(handle("subscription", subscription)?.0.next(timeout_ms)?.into());
            Ok(())
        })
    }
}

/// Ends the subscription: whoever waits for a message gets `closed`, and no call of the callback begins any more. The handle
/// stays valid. Closing twice does nothing.
///
/// Errors: `invalid_argument` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_subscription_close(
    subscription: *const astrid_subscription,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            handle("subscription", subscription)?.0.close();
            Ok(())
        })
    }
}

/// Ends the subscription if that was not done, and frees the handle. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_subscription_free(subscription: *mut astrid_subscription) {
    // SAFETY: (handles).
    unsafe { release(subscription) };
}
