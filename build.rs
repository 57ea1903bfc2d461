//! Makes the test guests ready: text guests become components under `target/guests/`, and a committed component that is
//! older than its sources ends the build.

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let repository = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    for folder in guest_forge::fingerprint::roots(&repository) {
        watch(&folder);
    }
    watch(&repository.join("tests/guests/wat"));
    watch(&repository.join("tests/guests/built"));
    let target = target_folder(&repository);
    // A target folder that was emptied by hand has no index: then this program has to run again.
    let index = target.join("guests/index.json");
    watch(&index);
    println!("cargo::rustc-env=GUESTS_INDEX={}", index.display());
    match guest_forge::prepare(&repository, &target) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            println!("cargo::error={failure}");
            ExitCode::FAILURE
        }
    }
}

fn watch(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

/// The folder that cargo builds into: it marks it with a tag file, above the folder it gives to build scripts.
fn target_folder(repository: &Path) -> PathBuf {
    let out = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    let tagged = out.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    match (tagged, env::var_os("CARGO_TARGET_DIR")) {
        (Some(folder), _) => folder.to_owned(),
        (None, Some(folder)) => repository.join(folder),
        (None, None) => repository.join("target"),
    }
}
