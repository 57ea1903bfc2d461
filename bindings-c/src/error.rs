//! Statuses and error objects, the guard that no panic passes, and the few ways a pointer is followed.

use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use ::astrid_host::{Error, ErrorKind, Result};

use crate::text::{astrid_string, invalid};

/// What every function returns: `ASTRID_OK` (0), or the number of an error kind, from 1 up.
pub type astrid_status = i32;

/// Success.
pub(crate) const OK: astrid_status = 0;

/// What went wrong: a kind, a message for people, where it happened, and the guest's backtrace after a trap.
///
/// A function that fails puts one into its `error` argument unless that is NULL; the caller frees it with
/// `astrid_error_free`. An error never changes, so any thread may read it.
pub struct astrid_error {
    kind: ErrorKind,
    code: CString,
    message: CString,
    context: Vec<(CString, CString)>,
    cause: Option<CString>,
    guest_backtrace: Option<CString>,
}

impl From<&Error> for astrid_error {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            code: c_text(error.kind().code()),
            message: c_text(error.message()),
            context: error.context().iter().map(|(key, value)| (c_text(key), c_text(value))).collect(),
            cause: error.cause().map(|cause| c_text(&cause.to_string())),
            guest_backtrace: error.guest_backtrace().map(c_text),
        }
    }
}

/// Text as C reads it; a NUL inside would cut it short, so it is made visible instead.
pub(crate) fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{2400}")).unwrap_or_default()
}

/// The number of the error's kind, the same that the function returned; `ASTRID_OK` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_error_kind(error: *const astrid_error) -> astrid_status {
    // SAFETY: (handles).
    unsafe { error.as_ref() }.map_or(OK, |error| error.kind.number())
}

/// The stable code of the error's kind, such as `not_found`; NULL for NULL. It lives as long as the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_error_code(error: *const astrid_error) -> *const c_char {
    // SAFETY: (handles).
    unsafe { error.as_ref() }.map_or(ptr::null(), |error| error.code.as_ptr())
}

/// The message, which names the thing that is wrong; NULL for NULL. It lives as long as the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_error_message(error: *const astrid_error) -> *const c_char {
    // SAFETY: (handles).
    unsafe { error.as_ref() }.map_or(ptr::null(), |error| error.message.as_ptr())
}

/// The text of what led to the error, for example the message with which a callback failed; NULL if there is none.
/// It lives as long as the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_error_cause(error: *const astrid_error) -> *const c_char {
    // SAFETY: (handles).
    let error = unsafe { error.as_ref() };
    error.and_then(|error| error.cause.as_ref()).map_or(ptr::null(), |text| text.as_ptr())
}

/// The guest's backtrace after a trap, one frame a line with the guest's function names; NULL if there is none.
/// It lives as long as the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_error_guest_backtrace(error: *const astrid_error) -> *const c_char {
    // SAFETY: (handles).
    let error = unsafe { error.as_ref() };
    error.and_then(|error| error.guest_backtrace.as_ref()).map_or(ptr::null(), |text| text.as_ptr())
}

/// How many pairs say where the error happened; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_error_context_count(error: *const astrid_error) -> usize {
    // SAFETY: (handles).
    unsafe { error.as_ref() }.map_or(0, |error| error.context.len())
}

/// The pair at `index`, such as `capsule` and its id. Both texts live as long as the error.
///
/// Errors: `invalid_argument` when there is no such pair or an argument is NULL; nothing is written then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_error_context_at(
    error: *const astrid_error,
    index: usize,
    key: *mut *const c_char,
    value: *mut *const c_char,
) -> astrid_status {
    // SAFETY: (handles).
    let pair = unsafe { error.as_ref() }.and_then(|error| error.context.get(index));
    let (Some((key_text, value_text)), false, false) = (pair, key.is_null(), value.is_null()) else {
        return ErrorKind::InvalidArgument.number();
    };
    // SAFETY: (outs) neither is NULL.
    unsafe {
        *key = key_text.as_ptr();
        *value = value_text.as_ptr();
    }
    OK
}

/// Frees an error. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_error_free(error: *mut astrid_error) {
    // SAFETY: (handles).
    unsafe { release(error) };
}

/// Runs the body of an exported function: a panic becomes `internal`, an error its number and an error object.
///
/// # Safety
/// (outs) of the crate's contract holds for `error`.
pub(crate) unsafe fn guard(
    error: *mut *mut astrid_error,
    body: impl FnOnce() -> Result<()>,
) -> astrid_status {
    let done = catch_unwind(AssertUnwindSafe(body))
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the host panicked during this call")));
    let (status, object) = match &done {
        Ok(()) => (OK, None),
        Err(failure) => (failure.kind().number(), Some(failure)),
    };
    if !error.is_null() {
        let object = object.map_or(ptr::null_mut(), |failure| Box::into_raw(Box::new(failure.into())));
        // SAFETY: (outs) it is not NULL.
        unsafe { *error = object };
    }
    // The error may hold a foreign cause; its drop is foreign code too.
    quietly(|| drop(done));
    status
}

/// Runs what cannot report an error, and keeps its panic from crossing.
pub(crate) fn quietly(body: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(body));
}

/// Follows a handle, or names the argument that is NULL.
///
/// # Safety
/// (handles) of the crate's contract, for as long as the reference is used.
pub(crate) unsafe fn handle<'a, T>(name: &str, pointer: *const T) -> Result<&'a T> {
    // SAFETY: the caller passes the contract on.
    unsafe { pointer.as_ref() }.ok_or_else(|| invalid(format!("{name} is NULL")))
}

/// Frees a handle that `Out::give` made; NULL is allowed.
///
/// # Safety
/// (handles) of the crate's contract, and nobody uses the handle afterwards.
pub(crate) unsafe fn release<T>(pointer: *mut T) {
    if !pointer.is_null() {
        // SAFETY: every handle is a leaked box of its type, and it was not freed before.
        quietly(|| drop(unsafe { Box::from_raw(pointer) }));
    }
}

/// Where a function puts its result: checked before anything happens, and empty until then.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// A place that must be there.
    ///
    /// # Safety
    /// (outs) of the crate's contract, until the function returns.
    pub(crate) unsafe fn required(name: &str, place: *mut T) -> Result<Self> {
        if place.is_null() { Err(invalid(format!("{name} is NULL"))) } else { Ok(Self(place)) }
    }

    /// A place that may be NULL when the caller does not want the result.
    ///
    /// # Safety
    /// (outs) of the crate's contract, until the function returns.
    pub(crate) unsafe fn optional(place: *mut T) -> Self {
        Self(place)
    }

    /// Writes a plain value; what was there before is not read, since it may be uninitialised.
    pub(crate) fn set(&self, value: T) {
        if !self.0.is_null() {
            // SAFETY: (outs) promised when this was made; it is not NULL.
            unsafe { self.0.write(value) };
        }
    }
}

impl Out<astrid_string> {
    /// A required place for a text, which is empty until it is set.
    ///
    /// # Safety
    /// (outs) of the crate's contract, until the function returns.
    pub(crate) unsafe fn text(name: &str, place: *mut astrid_string) -> Result<Self> {
        // SAFETY: the caller passes the contract on.
        let out = unsafe { Self::required(name, place) }?;
        out.set(astrid_string::NONE);
        Ok(out)
    }
}

impl<T> Out<*mut T> {
    /// Makes the place hold no handle, so that a failure leaves nothing to free.
    pub(crate) fn emptied(self) -> Self {
        self.set(ptr::null_mut());
        self
    }

    /// Leaks the value into a handle that C owns from here on.
    pub(crate) fn give(&self, value: T) {
        if !self.0.is_null() {
            self.set(Box::into_raw(Box::new(value)));
        }
    }
}
