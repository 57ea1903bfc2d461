//! Checkpoints of the audit log.

use ::astrid_host::audit::Checkpoint;

use crate::error::{Out, astrid_error, astrid_status, guard, handle, release};
use crate::host::astrid_host;
use crate::question::size_of_struct;

/// A signed statement that the audit log's first `entries` records end with the hash `head`. Kept elsewhere, it proves later
/// that the log was cut. From `astrid_host_audit_checkpoint` it belongs to the caller, who frees it with
/// `astrid_checkpoint_free`; in a callback it is borrowed.
#[repr(C)]
pub struct astrid_checkpoint {
    /// The size of this struct in the library that runs; later versions append fields.
    pub struct_size: u32,
    /// Its own place in the log.
    pub sequence: u64,
    /// How many records it covers.
    pub entries: u64,
    /// When it was signed, in nanoseconds since 1970.
    pub time_ns: u64,
    /// The hash of the last record it covers; zeros if there is none.
    pub head: [u8; 32],
    /// The public key it was signed with.
    pub public_key: [u8; 32],
    /// The Ed25519 signature; `docs/audit-format.md` says of what.
    pub signature: [u8; 64],
}

impl From<&Checkpoint> for astrid_checkpoint {
    fn from(checkpoint: &Checkpoint) -> Self {
        let Checkpoint { sequence, entries, time_ns, head, public_key, signature } = *checkpoint;
        let struct_size = size_of_struct::<Self>();
        Self { struct_size, sequence, entries, time_ns, head, public_key, signature }
    }
}

/// Frees a checkpoint. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_checkpoint_free(checkpoint: *mut astrid_checkpoint) {
    // SAFETY: (handles).
    unsafe { release(checkpoint) };
}

/// Signs the present head of the audit log's chain, to be kept elsewhere, and returns when the disk has it. `*checkpoint`
/// belongs to the caller, who frees it with `astrid_checkpoint_free`; `checkpoint` may be NULL.
///
/// Errors: `audit_unavailable`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_audit_checkpoint(
    host: *const astrid_host,
    checkpoint: *mut *mut astrid_checkpoint,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            let checkpoint = Out::optional(checkpoint).emptied();
            let signed = handle("host", host)?.0.host.audit().checkpoint()?;
            checkpoint.give(astrid_checkpoint::from(&signed));
            Ok(())
        })
    }
}
