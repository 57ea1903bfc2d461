//! Installing, loading and configuring capsules.

use std::ffi::c_char;
use std::future::IntoFuture;
use std::sync::Arc;

use ::astrid_host::{Principal, Result};

use crate::capsule::astrid_capsule;
use crate::error::{Out, astrid_error, astrid_status, guard, handle, release};
use crate::host::astrid_host;
use crate::options::{astrid_load_options, read};
use crate::text::{astrid_string, bytes, invalid, optional_list, optional_text, sentences, text};

/// What an installation did. It belongs to the caller, who frees it with `astrid_installed_free`; the texts are its own.
#[repr(C)]
pub struct astrid_installed {
    /// The capsule's id.
    pub id: astrid_string,
    /// The version that is installed now.
    pub version: astrid_string,
    /// The hash that was pinned, in hexadecimal.
    pub hash: astrid_string,
    /// The version that was replaced; absent for a first installation.
    pub upgraded_from: astrid_string,
    /// What the manifest has that this host does not know, one a line; absent if there is nothing.
    pub warnings: astrid_string,
}

/// Load options as the core wants them.
struct LoadOptions {
    principal: Option<Principal>,
    attenuate: Option<Vec<String>>,
    shared: bool,
    hash: Option<String>,
    accept_new_capabilities: bool,
}

/// # Safety
/// The options were prepared with their size; (texts) and (arrays) of the crate's contract hold for the fields.
unsafe fn load_options(options: *const astrid_load_options) -> Result<LoadOptions> {
    // SAFETY: the caller passes the contract on.
    unsafe {
        let given = read("options", options)?;
        Ok(LoadOptions {
            principal: principal(given.principal)?,
            attenuate: optional_list("options.attenuate", given.attenuate, given.attenuate_count)?,
            shared: given.shared != 0,
            hash: optional_text("options.hash", given.hash)?,
            accept_new_capabilities: given.accept_new_capabilities != 0,
        })
    }
}

/// A principal that C may leave out.
///
/// # Safety
/// (texts) of the crate's contract.
pub(crate) unsafe fn principal(name: *const c_char) -> Result<Option<Principal>> {
    // SAFETY: the caller passes the contract on.
    unsafe { optional_text("principal", name) }?.as_deref().map(Principal::parse).transpose()
}

/// Installs or upgrades the capsule at `path`: a folder with a `Capsule.toml`, a `.capsule` archive, or the manifest itself. Its
/// install or upgrade hook runs and may ask through `on_elicit`; its hash is pinned when the hook succeeds. If the capsule is
/// loaded, the new version takes the place of the running one in one step when it is ready, and handles follow it.
///
/// `options` may be NULL. `*installed` belongs to the caller; `installed` may be NULL.
///
/// Errors: `manifest_invalid`, `component_invalid`, `abi_mismatch`, `hash_mismatch`, `not_found`, `capability_denied` for an
/// attenuation that would widen or an upgrade that asks for more than was accepted, `principal_refused`, `install_failed`,
/// `not_ready`, `callback_failed`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_install(
    host: *const astrid_host,
    path: *const c_char,
    options: *const astrid_load_options,
    installed: *mut *mut astrid_installed,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts); the options were prepared with their size.
    unsafe {
        guard(error, || {
            let installed = Out::optional(installed).emptied();
            let host = &handle("host", host)?.0;
            let options = load_options(options)?;
            let mut install = host.host.install(text("path", path)?);
            if let Some(principal) = options.principal {
                install = install.principal(principal);
            }
            if let Some(keep) = options.attenuate {
                install = install.attenuate(keep);
            }
            if let Some(hash) = options.hash {
                install = install.hash(hash);
            }
            install = install.accept_new_capabilities(options.accept_new_capabilities);
            let done = host.wait(install.into_future())?;
            installed.give(astrid_installed {
                id: astrid_string::new(done.id),
                version: astrid_string::new(done.version),
                hash: astrid_string::new(done.hash),
                upgraded_from: astrid_string::maybe(done.upgraded_from),
                warnings: sentences(&done.warnings),
            });
            Ok(())
        })
    }
}

/// Frees what an installation reported, with its texts. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_installed_free(installed: *mut astrid_installed) {
    // SAFETY: (handles).
    unsafe { release(installed) };
}

/// Loads the capsule at `path`, which is as for `astrid_host_install`, and starts its run loop if it has one.
///
/// `options` may be NULL. `*capsule` belongs to the caller, who frees it with `astrid_capsule_free`; the capsule stays
/// loaded until `astrid_capsule_unload` or the end of the host.
///
/// Errors: those of `astrid_host_install`, and `not_installed`, `already_loaded`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_load(
    host: *const astrid_host,
    path: *const c_char,
    options: *const astrid_load_options,
    capsule: *mut *mut astrid_capsule,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts); the options were prepared with their size.
    unsafe {
        guard(error, || {
            let capsule = Out::required("capsule", capsule)?.emptied();
            let host = &handle("host", host)?.0;
            let load = host.host.load(text("path", path)?);
            let loaded = host.wait(with(load, load_options(options)?)?.into_future())?;
            capsule.give(astrid_capsule::new(Arc::clone(host), loaded));
            Ok(())
        })
    }
}

/// Loads a capsule from memory: the component's bytes, its manifest as TOML, and the BLAKE3 hash of the bytes in
/// hexadecimal, which says that these bytes are meant.
///
/// `options` may be NULL. `*capsule` is as for `astrid_host_load`. Nothing is kept of the arguments.
///
/// Errors: those of `astrid_host_load`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_load_component(
    host: *const astrid_host,
    component: *const u8,
    component_length: usize,
    manifest: *const c_char,
    hash: *const c_char,
    options: *const astrid_load_options,
    capsule: *mut *mut astrid_capsule,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts), (arrays); the options were prepared with their size.
    unsafe {
        guard(error, || {
            let capsule = Out::required("capsule", capsule)?.emptied();
            let host = &handle("host", host)?.0;
            let component = bytes("component", component, component_length)?;
            let load =
                host.host.load_component(component, &text("manifest", manifest)?, &text("hash", hash)?);
            let loaded = host.wait(with(load, load_options(options)?)?.into_future())?;
            capsule.give(astrid_capsule::new(Arc::clone(host), loaded));
            Ok(())
        })
    }
}

fn with(mut load: ::astrid_host::Load, options: LoadOptions) -> Result<::astrid_host::Load> {
    if options.hash.is_some() || options.accept_new_capabilities {
        return Err(invalid("options.hash and options.accept_new_capabilities are for installing"));
    }
    if let Some(principal) = options.principal {
        load = load.principal(principal);
    }
    if let Some(keep) = options.attenuate {
        load = load.attenuate(keep);
    }
    Ok(load.shared(options.shared))
}

/// Sets a field of the capsule's `[env]`: a setting, or a secret if the manifest declares it as one. `principal` may be NULL
/// for the value that everybody has who has none of their own.
///
/// Errors: `not_found` when the capsule is not loaded, `invalid_argument` for a field that its manifest does not declare,
/// `store_unavailable`, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_configure(
    host: *const astrid_host,
    capsule: *const c_char,
    principal: *const c_char,
    key: *const c_char,
    value: *const c_char,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let host = &handle("host", host)?.0.host;
            let (capsule, key, value) = (text("capsule", capsule)?, text("key", key)?, text("value", value)?);
            match crate::install::principal(principal)? {
                None => host.configure(&capsule, &key, &value),
                Some(principal) => host.configure_for(&capsule, &principal, &key, &value),
            }
        })
    }
}
