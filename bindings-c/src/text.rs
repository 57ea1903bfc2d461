//! Texts and bytes across the border: what C gives becomes owned at once, what C gets carries its length and a NUL.

use std::ffi::{CStr, c_char};
use std::ptr;

use ::astrid_host::{Error, ErrorKind, Result};
use serde::Serialize;

use crate::error::Out;

/// Text that the library gives out.
///
/// `data` points at `length` bytes of UTF-8 followed by a NUL, so it can be printed as it is; text that is absent has a
/// NULL `data`. Inside a result object it belongs to that object; on its own it is freed by `astrid_string_free`.
/// Neither field may be changed.
#[repr(C)]
pub struct astrid_string {
    /// The bytes, or NULL.
    pub data: *const c_char,
    /// How many bytes there are before the NUL.
    pub length: usize,
}

impl astrid_string {
    /// No text.
    pub(crate) const NONE: Self = Self { data: ptr::null(), length: 0 };

    /// Takes the text over.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        let mut bytes = text.into().into_bytes();
        bytes.push(0);
        let length = bytes.len() - 1;
        Self { data: Box::into_raw(bytes.into_boxed_slice()).cast(), length }
    }

    /// The text, or none.
    pub(crate) fn maybe(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::NONE, Self::new)
    }
}

impl Drop for astrid_string {
    fn drop(&mut self) {
        if !self.data.is_null() {
            let bytes = ptr::slice_from_raw_parts_mut(self.data.cast_mut().cast::<u8>(), self.length + 1);
            // SAFETY: `new` is the only maker of a non-NULL `data`; it leaked a boxed slice of `length + 1` bytes, and
            // C may not change the fields, so this is that box, and it is taken back once, here.
            drop(unsafe { Box::from_raw(bytes) });
        }
    }
}

/// Frees text that a function gave out and makes the struct empty, so that a second call does nothing. NULL is allowed.
///
/// Thread safety: one thread at a time for one struct.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_string_free(string: *mut astrid_string) {
    crate::error::quietly(|| {
        if !string.is_null() {
            // SAFETY: (outs) it may be written; it holds a value of `astrid_string`, which the assignment drops.
            unsafe { *string = astrid_string::NONE };
        }
    });
}

/// Bytes that the library gives out. `data` points at `length` bytes, or is NULL when there is nothing; it is freed by
/// `astrid_bytes_free`. Neither field may be changed.
#[repr(C)]
pub struct astrid_bytes {
    /// The bytes, or NULL.
    pub data: *const u8,
    /// How many there are.
    pub length: usize,
}

impl astrid_bytes {
    /// No bytes.
    const NONE: Self = Self { data: ptr::null(), length: 0 };

    /// Takes the bytes over.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let length = bytes.len();
        Self { data: Box::into_raw(bytes.into_boxed_slice()).cast(), length }
    }
}

impl Drop for astrid_bytes {
    fn drop(&mut self) {
        if !self.data.is_null() {
            let bytes = ptr::slice_from_raw_parts_mut(self.data.cast_mut(), self.length);
            // SAFETY: `new` is the only maker of a non-NULL `data`; it leaked a boxed slice of `length` bytes, and C may not
            // change the fields, so this is that box, and it is taken back once, here.
            drop(unsafe { Box::from_raw(bytes) });
        }
    }
}

/// Frees bytes that a function gave out and makes the struct empty, so that a second call does nothing. NULL is allowed.
///
/// Thread safety: one thread at a time for one struct.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_bytes_free(bytes: *mut astrid_bytes) {
    crate::error::quietly(|| {
        if !bytes.is_null() {
            // SAFETY: (outs) it may be written; it holds a value of `astrid_bytes`, which the assignment drops.
            unsafe { *bytes = astrid_bytes::NONE };
        }
    });
}

/// A place for bytes that C gives, empty until it is set.
///
/// # Safety
/// (outs) of the crate's contract, until the function returns.
pub(crate) unsafe fn bytes_out(name: &str, place: *mut astrid_bytes) -> Result<Out<astrid_bytes>> {
    // SAFETY: the caller passes the contract on.
    let out = unsafe { Out::required(name, place) }?;
    out.set(astrid_bytes::NONE);
    Ok(out)
}

/// Required text that C gives.
///
/// # Safety
/// (texts) of the crate's contract.
pub(crate) unsafe fn text(name: &str, value: *const c_char) -> Result<String> {
    // SAFETY: the caller passes the contract on.
    unsafe { optional_text(name, value) }?.ok_or_else(|| invalid(format!("{name} is NULL")))
}

/// Text that may be absent.
///
/// # Safety
/// (texts) of the crate's contract.
pub(crate) unsafe fn optional_text(name: &str, value: *const c_char) -> Result<Option<String>> {
    if value.is_null() {
        return Ok(None);
    }
    // SAFETY: (texts) it is not NULL, so it ends with a NUL and does not change while it is copied.
    let text = unsafe { CStr::from_ptr(value) };
    text.to_str().map(|text| Some(text.to_owned())).map_err(|_| invalid(format!("{name} is not UTF-8")))
}

/// Bytes with their length; NULL with length 0 is empty.
///
/// # Safety
/// (arrays) of the crate's contract.
pub(crate) unsafe fn bytes(name: &str, data: *const u8, length: usize) -> Result<Vec<u8>> {
    match (data.is_null(), length) {
        (_, 0) => Ok(Vec::new()),
        (true, _) => Err(invalid(format!("{name} is NULL but has a length"))),
        (false, _) if isize::try_from(length).is_err() => Err(invalid(format!("{name} is too long"))),
        // SAFETY: (arrays) `data` points at `length` readable bytes, and `length` fits an `isize`.
        (false, _) => Ok(unsafe { std::slice::from_raw_parts(data, length) }.to_vec()),
    }
}

/// A list of texts; a NULL list is absent, whatever its count.
///
/// # Safety
/// (arrays) and, for each element, (texts) of the crate's contract.
pub(crate) unsafe fn optional_list(
    name: &str,
    items: *const *const c_char,
    count: usize,
) -> Result<Option<Vec<String>>> {
    if items.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller passes the contract on.
    unsafe { list(name, items, count) }.map(Some)
}

/// A list of texts; a NULL list is empty if its count is 0.
///
/// # Safety
/// (arrays) and, for each element, (texts) of the crate's contract.
pub(crate) unsafe fn list(name: &str, items: *const *const c_char, count: usize) -> Result<Vec<String>> {
    // SAFETY: the caller passes the contract on.
    let items = unsafe { elements(name, items, count) }?;
    // SAFETY: (texts) holds for each element.
    items.iter().map(|item| unsafe { text(name, *item) }).collect()
}

/// The elements of an array; NULL with count 0 is empty.
///
/// # Safety
/// (arrays) of the crate's contract, for as long as the elements are used.
pub(crate) unsafe fn elements<'a, T>(name: &str, items: *const T, count: usize) -> Result<&'a [T]> {
    match (items.is_null(), count) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(invalid(format!("{name} is NULL but has a count"))),
        // SAFETY: (arrays) it is not NULL and points at `count` readable elements, and `count` is small.
        (false, 1..=MOST_LIST_ITEMS) => Ok(unsafe { std::slice::from_raw_parts(items, count) }),
        _ => Err(invalid(format!("{name} has more than {MOST_LIST_ITEMS} elements"))),
    }
}

/// A count above this is taken for a mistake of the caller rather than read.
const MOST_LIST_ITEMS: usize = 65_536;

/// A text that has to be JSON.
pub(crate) fn json(name: &str, text: &str) -> Result<serde_json::Value> {
    serde_json::from_str(text).map_err(|cause| invalid(format!("{name} is not JSON")).caused_by(cause))
}

/// Each value as one line of JSON.
pub(crate) fn lines<T: Serialize>(values: impl IntoIterator<Item = T>) -> Result<String> {
    let line = |value| {
        serde_json::to_string(&value).map_err(|cause| {
            Error::new(ErrorKind::Internal, "a record cannot be written as JSON").caused_by(cause)
        })
    };
    Ok(values.into_iter().map(line).collect::<Result<Vec<_>>>()?.join("\n"))
}

/// Sentences, one a line; absent if there are none.
pub(crate) fn sentences(sentences: &[String]) -> astrid_string {
    astrid_string::maybe(Some(sentences.join("\n")).filter(|lines| !lines.is_empty()))
}

/// An argument that breaks a rule.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
