//! Texts and bytes across the border: what C gives becomes owned at once, what C gets carries its length and a NUL.

use std::ffi::{CStr, c_char};
use std::ptr;

use ::astrid_host::{Error, ErrorKind, Result};

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
    if count > MOST_LIST_ITEMS {
        return Err(invalid(format!("{name} has more than {MOST_LIST_ITEMS} elements")));
    }
    // SAFETY: (arrays) `items` points at `count` readable pointers, and `count` is small.
    let items = unsafe { std::slice::from_raw_parts(items, count) };
    // SAFETY: (texts) holds for each element.
    items.iter().map(|item| unsafe { text(name, *item) }).collect::<Result<_>>().map(Some)
}

/// A count above this is taken for a mistake of the caller rather than read.
const MOST_LIST_ITEMS: usize = 65_536;

/// An argument that breaks a rule.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
