//! Options structs: read by their own size, so that old programs run with new libraries and the other way round.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;

use ::astrid_host::Result;

use crate::text::invalid;

/// Callbacks run on threads of the host's runtime, possibly several at once.
pub const ASTRID_CALLBACKS_RUNTIME: u32 = 0;
/// Callbacks run on the thread that calls `astrid_host_dispatch`, or that waits in a synchronous call.
pub const ASTRID_CALLBACKS_DISPATCH: u32 = 1;

/// A time that never runs out, for functions that wait.
pub const ASTRID_NO_TIMEOUT: u64 = u64::MAX;

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
    /// For an installation alone: the BLAKE3 that the package must have, 64 lower-case hexadecimal digits; NULL demands none.
    pub hash: *const c_char,
    /// For an installation alone, other than 0: an upgrade may ask for more capabilities than were accepted before.
    pub accept_new_capabilities: u8,
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
    /// The W3C trace context that the call is part of, as a `traceparent` header spells it, or NULL.
    pub traceparent: *const c_char,
}

/// How a message is published. Prepare it with `astrid_publish_options_init`; NULL in its place is the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_publish_options {
    /// The size of this struct; `astrid_publish_options_init` sets it.
    pub struct_size: u32,
    /// On whose behalf; NULL is the system.
    pub principal: *const c_char,
    /// The most handlers and subscriptions together that the message may reach; 0 is no limit. More handlers than that deny
    /// the message, and none of them runs; subscriptions beyond it do not get it.
    pub fan_out: u64,
}

/// How a folder is watched. Prepare it with `astrid_watch_options_init`; NULL in its place is the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_watch_options {
    /// The size of this struct; `astrid_watch_options_init` sets it.
    pub struct_size: u32,
    /// Other than 0: what is loaded from a folder that changed is reloaded. A component that is not pinned is not run by that;
    /// the change then says `hash_mismatch`, until the program installs it.
    pub reload: u8,
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
/// The type is `repr(C)`, begins with a `u32` that is its size, and is valid when all other bytes are 0.
pub(crate) unsafe trait Options: Copy {
    /// The default; all zeros, so that what an older program does not know stays as it was.
    fn initial() -> Self {
        // SAFETY: the trait says that zeros are valid.
        unsafe { MaybeUninit::zeroed().assume_init() }
    }
}

// SAFETY: integers and raw pointers are all valid as zeros.
unsafe impl Options for astrid_load_options {}
// SAFETY: as above.
unsafe impl Options for astrid_trigger_options {}
// SAFETY: as above.
unsafe impl Options for astrid_publish_options {}
// SAFETY: as above.
unsafe impl Options for astrid_watch_options {}
// SAFETY: as above.
unsafe impl Options for astrid_audit_filter {}

/// The options that C gave, whatever version of the struct it knows; NULL is the default.
///
/// A longer struct than ours is taken if what we do not know is 0: the caller then asks for nothing we would ignore.
///
/// # Safety
/// `options` is NULL or points at a `u32` that says how many bytes, itself included, may be read.
pub(crate) unsafe fn read<T: Options>(name: &str, options: *const T) -> Result<T> {
    let mut known = T::initial();
    if !options.is_null() {
        // SAFETY: the caller's struct begins with its size.
        let size = unsafe { options.cast::<u32>().read() } as usize;
        if !(size_of::<u32>()..=MOST_BYTES).contains(&size) {
            return Err(invalid(format!("{name} was not prepared: its struct_size is {size}")));
        }
        // SAFETY: the caller's struct has `size` readable bytes, and no more than `T` has are written. The trait says that
        // what C lays out there is valid.
        unsafe {
            ptr::copy_nonoverlapping(
                options.cast::<u8>(),
                (&raw mut known).cast::<u8>(),
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
    Ok(known)
}

/// A size above this is no struct of ours but memory that was never prepared.
const MOST_BYTES: usize = 4096;

/// Writes the default into `struct_size` bytes, with zeros for what this library does not know, and notes the size.
///
/// # Safety
/// `options` is NULL or points at `struct_size` bytes that may be written.
pub(crate) unsafe fn init<T: Options>(options: *mut T, struct_size: usize) {
    if options.is_null() || !(size_of::<u32>()..=MOST_BYTES).contains(&struct_size) {
        return;
    }
    let initial = T::initial();
    // SAFETY: the caller's struct has `struct_size` bytes that may be written, of which four hold the size, and no more than
    // `T` has are read.
    unsafe {
        ptr::write_bytes(options.cast::<u8>(), 0, struct_size);
        ptr::copy_nonoverlapping(
            (&raw const initial).cast::<u8>(),
            options.cast::<u8>(),
            struct_size.min(size_of::<T>()),
        );
        options.cast::<u32>().write(u32::try_from(struct_size).unwrap_or(0));
    }
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

/// Makes `options` the default. `struct_size` is `sizeof *options`. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_watch_options_init(options: *mut astrid_watch_options, struct_size: usize) {
    // SAFETY: (outs), with the size that the caller names.
    unsafe { init(options, struct_size) };
}

/// Makes `filter` take every entry. `struct_size` is `sizeof *filter`. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_audit_filter_init(filter: *mut astrid_audit_filter, struct_size: usize) {
    // SAFETY: (outs), with the size that the caller names.
    unsafe { init(filter, struct_size) };
}
