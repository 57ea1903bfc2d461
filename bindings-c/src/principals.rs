//! The principals of a host: their profiles, and the end of one.

use std::ffi::c_char;

use ::astrid_host::{Principal, Profile, Result};

use crate::error::{Out, astrid_error, astrid_status, guard, handle};
use crate::host::astrid_host;
use crate::text::{astrid_string, json, lines, sentences, text};

/// # Safety
/// (texts) of the crate's contract.
unsafe fn named(principal: *const c_char) -> Result<Principal> {
    // SAFETY: the caller passes the contract on.
    Principal::parse(&unsafe { text("principal", principal) }?)
}

/// The profile in force for a principal, the default profile for one that has none of its own, as a JSON object with the
/// names of a profile's file; a quota without a limit is `"unlimited"`. `*profile` belongs to the caller, who frees it with
/// `astrid_string_free`.
///
/// Errors: `principal_refused` when its profile is unreadable, `invalid_argument`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_profile(
    host: *const astrid_host,
    principal: *const c_char,
    profile: *mut astrid_string,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let profile = Out::text("profile", profile)?;
            let found = handle("host", host)?.0.host.profile(&named(principal)?)?;
            profile.set(astrid_string::new(lines([&found.to_json()?])?));
            Ok(())
        })
    }
}

/// Gives a principal a profile of its own, as `astrid_host_profile` gives it out, and makes it known. What the object leaves out
/// has its default. It is in force at once for every call that begins from now on; calls that run go on.
///
/// `*warnings` says what the object has that this host does not know, one a line, or is absent if there is nothing; it
/// belongs to the caller, who frees it with `astrid_string_free`. `warnings` may be NULL.
///
/// Errors: `invalid_argument` when the profile breaks a rule, `principal_refused` when the name is reserved, the principal is
/// being removed or the host has its most principals, `home_unusable`, `audit_unavailable`, `closed`. Then the profile before stays
/// in force.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_set_profile(
    host: *const astrid_host,
    principal: *const c_char,
    profile: *const c_char,
    warnings: *mut astrid_string,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let warnings = Out::optional(warnings);
            warnings.set(astrid_string::NONE);
            let host = &handle("host", host)?.0.host;
            let parsed = Profile::from_json(&json("profile", &text("profile", profile)?)?)?;
            host.set_profile(&named(principal)?, parsed.profile)?;
            warnings.set(sentences(&parsed.warnings));
            Ok(())
        })
    }
}

/// The principals that the host knows, sorted, as a JSON list of texts: those that were named since it was opened, and those
/// with a profile of their own. `*principals` belongs to the caller, who frees it with `astrid_string_free`.
///
/// Errors: `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_principals(
    host: *const astrid_host,
    principals: *mut astrid_string,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            let principals = Out::text("principals", principals)?;
            let known = handle("host", host)?.0.host.principals()?;
            principals.set(astrid_string::new(lines([&known])?));
            Ok(())
        })
    }
}

/// Removes a principal: cancels its calls and questions, unloads the capsules it owns, and erases its data, settings, secrets,
/// allowances and profile. What the audit says about it stays. Whoever names it afterwards names another that has nothing.
///
/// Errors: `store_unavailable` or `home_unusable` when its data could not be erased; it is refused until it is removed again.
/// `audit_unavailable`, `invalid_argument`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_remove_principal(
    host: *const astrid_host,
    principal: *const c_char,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let host = &handle("host", host)?.0;
            host.wait(host.host.remove_principal(&named(principal)?))
        })
    }
}
