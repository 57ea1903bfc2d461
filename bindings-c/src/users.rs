//! Users and their accounts on outside platforms.

use std::ffi::{c_char, c_int};

use ::astrid_host::Principal;

use crate::error::{Out, astrid_error, astrid_status, guard, handle};
use crate::host::astrid_host;
use crate::text::{astrid_string, lines, optional_text, text};

/// The users of outside platforms that the host knows, one JSON object a line, by id: `id`, `principal`, `display_name`,
/// `created_at`. `*users` belongs to the caller, who frees it with `astrid_string_free`.
///
/// Errors: `store_unavailable`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_users(
    host: *const astrid_host,
    users: *mut astrid_string,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            let users = Out::text("users", users)?;
            users.set(astrid_string::new(lines(&handle("host", host)?.0.host.users()?)?));
            Ok(())
        })
    }
}

/// Creates a user. `display_name` is shown and may be NULL; `principal` is who the user is in the host, and NULL a new one that
/// nobody else is. `*user` is the user as JSON, and belongs to the caller, who frees it with `astrid_string_free`.
///
/// Errors: `invalid_argument`, `store_unavailable`, `audit_unavailable`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_create_user(
    host: *const astrid_host,
    display_name: *const c_char,
    principal: *const c_char,
    user: *mut astrid_string,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let user = Out::text("user", user)?;
            let host = &handle("host", host)?.0.host;
            let name = optional_text("display_name", display_name)?;
            let principal = optional_text("principal", principal)?;
            let principal = principal.map(|text| Principal::parse(&text)).transpose()?;
            user.set(astrid_string::new(lines([&host.create_user(name.as_deref(), principal)?])?));
            Ok(())
        })
    }
}

/// Removes a user with all linked accounts. `*found`, which may be NULL, is whether there was one. The principal stays.
///
/// Errors: `invalid_argument`, `store_unavailable`, `audit_unavailable`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_remove_user(
    host: *const astrid_host,
    user: *const c_char,
    found: *mut c_int,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let removed = handle("host", host)?.0.host.remove_user(&text("user", user)?)?;
            if let Some(found) = found.as_mut() {
                *found = c_int::from(removed);
            }
            Ok(())
        })
    }
}

/// The accounts that are linked to a user, one JSON object a line: `platform`, `platform_user_id`, `user`, `method`, `linked_at`.
/// `*links` belongs to the caller, who frees it with `astrid_string_free`.
///
/// Errors: `invalid_argument`, `store_unavailable`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_links(
    host: *const astrid_host,
    user: *const c_char,
    links: *mut astrid_string,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let links = Out::text("links", links)?;
            links.set(astrid_string::new(lines(&handle("host", host)?.0.host.links(&text("user", user)?)?)?));
            Ok(())
        })
    }
}

/// Links an account of a platform to a user. `method` says how that was established.
///
/// Errors: `not_found` without such a user, `invalid_argument` when the account is another user's or something is malformed,
/// `store_unavailable`, `audit_unavailable`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_link_account(
    host: *const astrid_host,
    user: *const c_char,
    platform: *const c_char,
    account: *const c_char,
    method: *const c_char,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let (user, method) = (text("user", user)?, text("method", method)?);
            let (platform, account) = (text("platform", platform)?, text("account", account)?);
            handle("host", host)?.0.host.link_account(&user, &platform, &account, &method)
        })
    }
}

/// Ends the link of an account.
///
/// Errors: `not_found` when it is not linked, `invalid_argument`, `store_unavailable`, `audit_unavailable`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_unlink_account(
    host: *const astrid_host,
    platform: *const c_char,
    account: *const c_char,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let (platform, account) = (text("platform", platform)?, text("account", account)?);
            handle("host", host)?.0.host.unlink_account(&platform, &account)
        })
    }
}
