//! Options structs: read by their own size, so that old programs run with new libraries and the other way round.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;

use ::astrid_host::Result;

use crate::closure::{astrid_approval_callback, astrid_elicit_callback, astrid_uplink_callback};
use crate::text::invalid;

/// Callbacks run on threads of the host's runtime, possibly several at once.
pub const ASTRID_CALLBACKS_RUNTIME: u32 = 0;
/// Callbacks run on the thread that calls `astrid_host_dispatch`, or that waits in a synchronous call.
pub const ASTRID_CALLBACKS_DISPATCH: u32 = 1;

/// A time that never runs out, for functions that wait.
pub const ASTRID_NO_TIMEOUT: u64 = u64::MAX;

/// One quota that every principal gets unless its own profile says otherwise.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_quota {
    /// The quota's name in a profile, for example `max_memory_bytes`.
    pub name: *const c_char,
    /// Its value; 0 is refused.
    pub value: u64,
}

/// How a host is opened. Prepare it with `astrid_host_options_init`; whatever stays 0 or NULL is the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_host_options {
    /// The size of this struct; `astrid_host_options_init` sets it.
    pub struct_size: u32,
    /// `ASTRID_CALLBACKS_RUNTIME` or `ASTRID_CALLBACKS_DISPATCH`.
    pub callbacks: u32,
    /// The folder in which everything is kept. Required.
    pub home: *const c_char,
    /// The folder that capsules may work in.
    pub workspace: *const c_char,
    /// Answers install and upgrade hooks.
    pub on_elicit: astrid_elicit_callback,
    /// Decides what capsules ask to do.
    pub on_approval: astrid_approval_callback,
    /// Receives what capsules send through uplinks.
    pub on_uplink: astrid_uplink_callback,
    /// The version that a manifest's `astrid-version` is compared with.
    pub runtime_version: *const c_char,
    /// Threads of the runtime.
    pub worker_threads: u32,
    /// Most principals that may be named.
    pub max_principals: u32,
    /// How long an elicit answer is waited for; it may only be lowered.
    pub elicit_timeout_ms: u64,
    /// How long an approval is waited for; it may only be lowered.
    pub approval_timeout_ms: u64,
    /// How long an uplink answer is waited for; it may only be lowered.
    pub uplink_timeout_ms: u64,
    /// The most bytes that the audit log may take.
    pub audit_limit_bytes: u64,
    /// The bytes of one segment of the audit log.
    pub audit_segment_bytes: u64,
    /// Other than 0: a call that names no principal is refused.
    pub require_principal: u8,
    /// Other than 0: a guest's `recv` answers an empty batch where it would answer `timeout`.
    pub recv_empty_on_timeout: u8,
    /// Other than 0: a capsule loads although nobody exports what its manifest imports.
    pub allow_missing_imports: u8,
    /// Quotas that differ from the default.
    pub quotas: *const astrid_quota,
    /// How many there are.
    pub quota_count: usize,
}

/// How a capsule is installed or loaded. Prepare it with `astrid_load_options_init`; NULL in its place is the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_load_options {
    /// The size of this struct; `astrid_load_options_init` sets it.
    pub struct_size: u32,
    /// Other than 0: the run loop serves several principals.
    pub shared: u8,
    /// Who owns the capsule; NULL is the default principal.
    pub principal: *const c_char,
    /// The capabilities to keep of those that the manifest asks for; NULL keeps all, an empty list keeps none.
    pub attenuate: *const *const c_char,
    /// How many there are.
    pub attenuate_count: usize,
}

/// How a capsule is triggered. Prepare it with `astrid_trigger_options_init`; NULL in its place is the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_trigger_options {
    /// The size of this struct; `astrid_trigger_options_init` sets it.
    pub struct_size: u32,
    /// On whose behalf; NULL is the default principal.
    pub principal: *const c_char,
    /// After how many milliseconds the guest is stopped; 0 is the principal's own limit.
    pub timeout_ms: u64,
}

/// How a message is published. Prepare it with `astrid_publish_options_init`; NULL in its place is the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_publish_options {
    /// The size of this struct; `astrid_publish_options_init` sets it.
    pub struct_size: u32,
    /// On whose behalf; NULL is the system.
    pub principal: *const c_char,
}

/// Which audit entries are wanted. Prepare it with `astrid_audit_filter_init`; NULL in its place takes all.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_audit_filter {
    /// The size of this struct; `astrid_audit_filter_init` sets it.
    pub struct_size: u32,
    /// The most entries; 0 is no limit.
    pub limit: u32,
    /// Only this principal's, or NULL.
    pub principal: *const c_char,
    /// Only this capsule's, or NULL.
    pub capsule: *const c_char,
    /// Only this operation's, for example `kv.kv-set`, or NULL.
    pub operation: *const c_char,
    /// Only those with this outcome, `allowed`, `denied`, `failed` or `cancelled`, or NULL.
    pub outcome: *const c_char,
    /// Only those from this sequence number on.
    pub since_seq: u64,
}

/// An options struct.
///
/// # Safety
/// The type is `repr(C)`, begins with a `u32` that is its size, and is valid and the default when all other bytes are 0.
pub(crate) unsafe trait Options: Copy {}

// SAFETY: integers, raw pointers, and callbacks of raw pointers and optional functions are all valid as zeros.
unsafe impl Options for astrid_host_options {}
// SAFETY: as above.
unsafe impl Options for astrid_load_options {}
// SAFETY: as above.
unsafe impl Options for astrid_trigger_options {}
// SAFETY: as above.
unsafe impl Options for astrid_publish_options {}
// SAFETY: as above.
unsafe impl Options for astrid_audit_filter {}

/// The options that C gave, whatever version of the struct it knows; NULL is the default.
///
/// A longer struct than ours is taken if what we do not know is 0: the caller then asks for nothing we would ignore.
///
/// # Safety
/// `options` is NULL or points at a `u32` that says how many bytes, itself included, may be read.
pub(crate) unsafe fn read<T: Options>(name: &str, options: *const T) -> Result<T> {
    let mut known = MaybeUninit::<T>::zeroed();
    if !options.is_null() {
        // SAFETY: the caller's struct begins with its size.
        let size = unsafe { options.cast::<u32>().read() } as usize;
        if !(size_of::<u32>()..=MOST_BYTES).contains(&size) {
            return Err(invalid(format!("{name} was not prepared: its struct_size is {size}")));
        }
        // SAFETY: the caller's struct has `size` readable bytes, and no more than `T` has are written.
        unsafe {
            ptr::copy_nonoverlapping(
                options.cast::<u8>(),
                known.as_mut_ptr().cast(),
                size.min(size_of::<T>()),
            );
        }
        for place in size_of::<T>()..size {
            // SAFETY: `place` is below `size`.
            if unsafe { options.cast::<u8>().add(place).read() } != 0 {
                return Err(invalid(format!(
                    "{name} asks for something that this version of the library lacks"
                )));
            }
        }
    }
    // SAFETY: zeros are valid for `T`, and so is what C wrote over them: its fields, as C laid them out.
    Ok(unsafe { known.assume_init() })
}

/// A size above this is no struct of ours but memory that was never prepared.
const MOST_BYTES: usize = 4096;

/// Zeroes `struct_size` bytes and notes the size.
///
/// # Safety
/// `options` is NULL or points at `struct_size` bytes that may be written.
unsafe fn init<T: Options>(options: *mut T, struct_size: usize) {
    if options.is_null() || !(size_of::<u32>()..=MOST_BYTES).contains(&struct_size) {
        return;
    }
    // SAFETY: the caller's struct has `struct_size` bytes that may be written, and four hold the size.
    unsafe {
        ptr::write_bytes(options.cast::<u8>(), 0, struct_size);
        options.cast::<u32>().write(u32::try_from(struct_size).unwrap_or(0));
    }
}

/// Makes `options` the default. `struct_size` is `sizeof *options`. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_options_init(options: *mut astrid_host_options, struct_size: usize) {
    // SAFETY: (outs), with the size that the caller names.
    unsafe { init(options, struct_size) };
}

/// Makes `options` the default. `struct_size` is `sizeof *options`. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_load_options_init(options: *mut astrid_load_options, struct_size: usize) {
    // SAFETY: (outs), with the size that the caller names.
    unsafe { init(options, struct_size) };
}

/// Makes `options` the default. `struct_size` is `sizeof *options`. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_trigger_options_init(
    options: *mut astrid_trigger_options,
    struct_size: usize,
) {
    // SAFETY: (outs), with the size that the caller names.
    unsafe { init(options, struct_size) };
}

/// Makes `options` the default. `struct_size` is `sizeof *options`. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_publish_options_init(
    options: *mut astrid_publish_options,
    struct_size: usize,
) {
    // SAFETY: (outs), with the size that the caller names.
    unsafe { init(options, struct_size) };
}

/// Makes `filter` take every entry. `struct_size` is `sizeof *filter`. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_audit_filter_init(filter: *mut astrid_audit_filter, struct_size: usize) {
    // SAFETY: (outs), with the size that the caller names.
    unsafe { init(filter, struct_size) };
}
