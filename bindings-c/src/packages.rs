//! Looking at packages without running anything, and at what a loaded one says of itself.

use std::ffi::c_char;

use serde_json::json;

use crate::capsule::astrid_capsule;
use crate::error::{Out, astrid_error, astrid_status, guard, handle};
use crate::host::astrid_host;
use crate::text::{astrid_bytes, astrid_string, bytes_out, lines, list, text};

/// Says what the package at `path` is, a folder, a `.capsule` archive or a manifest, and how what it asks for differs from
/// what was accepted when its id was installed. Nothing of it runs and nothing is kept.
///
/// `*inspection` is a JSON object with `id`, `version`, `hash` (in hexadecimal: what installing pins), `manifest`, `warnings`,
/// `installed` (`version` and `hash`, or null) and `changes` (`added` and `removed`, each a list of capabilities). It belongs
/// to the caller, who frees it with `astrid_string_free`.
///
/// Errors: what would refuse its installation before its hook runs: `not_found`, `manifest_invalid`, `invalid_argument` for an
/// archive, `hash_mismatch`, `component_invalid`, `abi_mismatch`; and `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_inspect(
    host: *const astrid_host,
    path: *const c_char,
    inspection: *mut astrid_string,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let inspection = Out::text("inspection", inspection)?;
            let host = &handle("host", host)?.0;
            let found = host.wait(host.host.inspect(text("path", path)?))?;
            inspection.set(astrid_string::new(lines([&found])?));
            Ok(())
        })
    }
}

/// Finds the capsules in folders: in each its subfolders with a `Capsule.toml`, its `.capsule` archives and a `Capsule.toml`
/// directly inside. Of several with one id the first is taken; what is broken, is a link or comes second is named by a
/// warning.
///
/// `*discovery` is a JSON object with `found`, a list of objects with `id`, `version`, `path` and `manifest`, and `warnings`, a
/// list of sentences. It belongs to the caller, who frees it with `astrid_string_free`.
///
/// Errors: `closed`, and `invalid_argument` for folders that are NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_discover(
    host: *const astrid_host,
    folders: *const *const c_char,
    folder_count: usize,
    discovery: *mut astrid_string,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (arrays), (texts).
    unsafe {
        guard(error, || {
            let discovery = Out::text("discovery", discovery)?;
            let host = &handle("host", host)?.0;
            let folders = list("folders", folders, folder_count)?;
            let seen = host.wait(host.host.discover(&folders))?;
            let found = seen.found.iter().map(|found| {
                json!({
                    "id": found.id, "version": found.version, "path": found.path.to_string_lossy(),
                    "manifest": *found.manifest,
                })
            });
            let told = json!({ "found": found.collect::<Vec<_>>(), "warnings": seen.warnings });
            discovery.set(astrid_string::new(told.to_string()));
            Ok(())
        })
    }
}

/// The manifest of the capsule's current generation, as one JSON object, with the capabilities of its components merged.
/// `*manifest` belongs to the caller, who frees it with `astrid_string_free`. It works after `astrid_host_close` too.
///
/// Errors: `invalid_argument` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_manifest(
    capsule: *const astrid_capsule,
    manifest: *mut astrid_string,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs).
    unsafe {
        guard(error, || {
            let manifest = Out::text("manifest", manifest)?;
            let current = handle("capsule", capsule)?.capsule.manifest();
            manifest.set(astrid_string::new(lines([&*current])?));
            Ok(())
        })
    }
}

/// Reads a file that the capsule's manifest declares in `[[context_file]]`, `[[command]]`, `[[skill]]`, `package.readme` or
/// `package.license-file`, by its path there. It is read as it is now: only components are pinned. `*contents` belongs to the
/// caller, who frees it with `astrid_bytes_free`.
///
/// Errors: `not_found` when the manifest does not declare the file or it is not there, `invalid_argument` when it is a link, lies
/// outside the capsule's folder or is too large, `closed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_capsule_static_file(
    capsule: *const astrid_capsule,
    path: *const c_char,
    contents: *mut astrid_bytes,
    error: *mut *mut astrid_error,
) -> astrid_status {
    // SAFETY: (handles), (outs), (texts).
    unsafe {
        guard(error, || {
            let contents = bytes_out("contents", contents)?;
            let capsule = handle("capsule", capsule)?;
            let read = capsule.shared.wait(capsule.capsule.static_file(&text("path", path)?))?;
            contents.set(astrid_bytes::new(read));
            Ok(())
        })
    }
}
