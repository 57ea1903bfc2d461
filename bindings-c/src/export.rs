//! The audit log, to take away.

use std::ffi::{c_int, c_void};
use std::io;

use crate::audit::core_filter;
use crate::error::{astrid_error, astrid_status, guard, handle};
use crate::host::astrid_host;
use crate::options::astrid_audit_filter;
use crate::text::invalid;

/// Where an export goes. `write` takes `length` bytes, which are borrowed until it returns, and answers 0, or something else
/// if it could not; it is called on the thread that exports, and must not throw, unwind or `longjmp` out.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_writer {
    /// Given to `write` as it is.
    pub ctx: *mut c_void,
    /// Takes the bytes, a line at a time.
    pub write: Option<unsafe extern "C" fn(ctx: *mut c_void, data: *const u8, length: usize) -> c_int>,
}

struct Writer {
    ctx: *mut c_void,
    write: unsafe extern "C" fn(*mut c_void, *const u8, usize) -> c_int,
}

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // SAFETY: (callbacks) `write` goes with `ctx`; the bytes live until it returns.
        match unsafe { (self.write)(self.ctx, bytes.as_ptr(), bytes.len()) } {
            0 => Ok(bytes.len()),
            status => Err(io::Error::other(format!("the writer answered {status}"))),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes every entry, checkpoint and change of key of the audit log as one line of JSON, while it reads: memory does not grow
/// with the log. A `filter` that says which entries are wanted leaves out the rest; it may be NULL.
///
/// Errors: `invalid_argument`, also when `writer` could not write, `audit_unavailable` when the log cannot be read, `closed`. What
/// was written before stays written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_audit_export(
    host: *const astrid_host,
    filter: *const astrid_audit_filter,
    writer: astrid_writer,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts), (callbacks); the filter was prepared with its size.
    unsafe {
        guard(error, || {
            let log = handle("host", host)?.0.host.audit();
            let Some(write) = writer.write else {
                return Err(invalid("writer.write is NULL"));
            };
            log.export_filtered(&mut Writer { ctx: writer.ctx, write }, &core_filter(filter)?)
        })
    }
}
