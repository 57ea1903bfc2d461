//! What was used, and what was recorded, as JSON text.

use std::ffi::{c_char, c_int};

use ::astrid_host::audit::{Filter, Outcome};
use ::astrid_host::{Principal, Result};

use crate::error::{Out, astrid_error, astrid_status, guard, handle};
use crate::host::astrid_host;
use crate::options::{astrid_audit_filter, read};
use crate::text::{astrid_string, invalid, lines, optional_text, text};

/// What the principal used, as one JSON object. `*usage` belongs to the caller, who frees it with `astrid_string_free`.
///
/// Errors: `principal_refused`, `invalid_argument`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_usage(
    host: *const astrid_host,
    principal: *const c_char,
    usage: *mut astrid_string,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let usage = Out::text("usage", usage)?;
            let host = &handle("host", host)?.0.host;
            let used = host.usage(&Principal::parse(&text("principal", principal)?)?)?;
            usage.set(astrid_string::new(lines([&used])?));
            Ok(())
        })
    }
}

/// The counters, gauges and histograms of the host in the text format that Prometheus reads. `*metrics` belongs to the caller,
/// who frees it with `astrid_string_free`.
///
/// Errors: `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_metrics(
    host: *const astrid_host,
    metrics: *mut astrid_string,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            let metrics = Out::text("metrics", metrics)?;
            metrics.set(astrid_string::new(handle("host", host)?.0.host.metrics()?));
            Ok(())
        })
    }
}

/// What works on this machine and what stands in the way, found out by trying, as one JSON object: `processes`, whether programs
/// can be started; `missing`, what stands in the way; `sandbox`, what builds it; `limits`, what enforces each. `*diagnosis` belongs
/// to the caller, who frees it with `astrid_string_free`.
///
/// Errors: `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_diagnose(
    host: *const astrid_host,
    diagnosis: *mut astrid_string,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            let diagnosis = Out::text("diagnosis", diagnosis)?;
            let host = &handle("host", host)?.0;
            let found = host.wait(host.host.diagnose())?;
            diagnosis.set(astrid_string::new(lines([&found])?));
            Ok(())
        })
    }
}

/// The audit entries that a filter takes, one JSON object a line, in the order of their sequence numbers. `filter` may be
/// NULL. `*entries` belongs to the caller, who frees it with `astrid_string_free`; without entries it is the empty text.
///
/// Errors: `invalid_argument`, `audit_unavailable`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_audit_entries(
    host: *const astrid_host,
    filter: *const astrid_audit_filter,
    entries: *mut astrid_string,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts); the filter was prepared with its size.
    unsafe {
        guard(error, || {
            let entries = Out::text("entries", entries)?;
            let host = &handle("host", host)?.0.host;
            let found = host.audit().entries(&core_filter(filter)?)?;
            entries.set(astrid_string::new(lines(&found)?));
            Ok(())
        })
    }
}

/// # Safety
/// (texts) of the crate's contract; the filter was prepared with its size.
pub(crate) unsafe fn core_filter(filter: *const astrid_audit_filter) -> Result<Filter> {
    // SAFETY: the caller passes the contract on.
    unsafe {
        let given = read("filter", filter)?;
        let outcome = match optional_text("filter.outcome", given.outcome)?.as_deref() {
            None => None,
            Some("allowed") => Some(Outcome::Allowed),
            Some("denied") => Some(Outcome::Denied),
            Some("failed") => Some(Outcome::Failed),
            Some("cancelled") => Some(Outcome::Cancelled),
            Some(other) => return Err(invalid(format!("filter.outcome is {other}"))),
        };
        Ok(Filter {
            principal: optional_text("filter.principal", given.principal)?,
            capsule: optional_text("filter.capsule", given.capsule)?,
            operation: optional_text("filter.operation", given.operation)?,
            outcome,
            since_seq: given.since_seq,
            limit: (given.limit != 0).then_some(given.limit as usize),
        })
    }
}

/// Reads the whole audit log and checks its chain and its checkpoints. `*intact`, which may be NULL, is 1 if nothing was
/// edited, deleted or swapped; `*report`, which may be NULL, is what was found as one JSON object and belongs to the caller,
/// who frees it with `astrid_string_free`.
///
/// Errors: `audit_unavailable`, `closed`. A log that is not intact is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_audit_verify(
    host: *const astrid_host,
    intact: *mut c_int,
    report: *mut astrid_string,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            let (intact, report) = (Out::optional(intact), Out::optional(report));
            report.set(astrid_string::NONE);
            intact.set(0);
            let found = handle("host", host)?.0.host.audit().verify()?;
            let text = lines([&found])?;
            intact.set(c_int::from(found.intact));
            report.set(astrid_string::new(text));
            Ok(())
        })
    }
}

/// Writes the 32 bytes of the key with which the audit's checkpoints can be checked to `key`.
///
/// Errors: `invalid_argument` for NULL, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_audit_public_key(
    host: *const astrid_host,
    key: *mut u8,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs) with 32 bytes at `key`.
    unsafe {
        guard(error, || {
            let key = Out::required("key", key.cast::<[u8; 32]>())?;
            key.set(handle("host", host)?.0.host.audit().public_key()?);
            Ok(())
        })
    }
}
