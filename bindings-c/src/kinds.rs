//! The version of the library, and its table of error kinds for programs that want to walk it.

use std::ffi::{CStr, CString, c_char};
use std::sync::OnceLock;

use ::astrid_host::ErrorKind;

use crate::error::{OK, astrid_status, c_text};

/// The version of this binary interface: it grows when a struct or a function gains something, and a program built
/// against one version runs with every later one.
pub const ASTRID_ABI_VERSION: u32 = 2;

/// The binary interface that the loaded library has, to be compared with `ASTRID_ABI_VERSION` of the header.
#[unsafe(no_mangle)]
pub extern "C" fn astrid_abi_version() -> u32 {
    ASTRID_ABI_VERSION
}

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(text) => text,
    Err(_) => panic!("a version holds no NUL"),
};

/// The release of the library, such as `0.1.0`. The text is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn astrid_version() -> *const c_char {
    VERSION.as_ptr()
}

/// One row of the table of error kinds. The texts are never freed.
#[repr(C)]
pub struct astrid_error_kind_info {
    /// The number, the status that a function returns.
    pub number: astrid_status,
    /// The stable `snake_case` code, the same in every language.
    pub code: *const c_char,
    /// One sentence on what the kind means.
    pub meaning: *const c_char,
}

/// How many error kinds there are.
#[unsafe(no_mangle)]
pub extern "C" fn astrid_error_kind_count() -> usize {
    ErrorKind::ALL.len()
}

/// The row at `index` of the table, in the order of the numbers.
///
/// Errors: `invalid_argument` when there is no such row or `kind` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_error_kind_at(
    index: usize,
    kind: *mut astrid_error_kind_info,
) -> astrid_status {
    static TEXTS: OnceLock<Vec<(CString, CString)>> = OnceLock::new();
    let texts = TEXTS.get_or_init(|| {
        ErrorKind::ALL.iter().map(|kind| (c_text(kind.code()), c_text(kind.meaning()))).collect()
    });
    let (Some(row), Some((code, meaning)), false) =
        (ErrorKind::ALL.get(index), texts.get(index), kind.is_null())
    else {
        return ErrorKind::InvalidArgument.number();
    };
    // SAFETY: (outs) it is not NULL; the texts live in a static.
    unsafe {
        kind.write(astrid_error_kind_info {
            number: row.number(),
            code: code.as_ptr(),
            meaning: meaning.as_ptr(),
        });
    }
    OK
}
