//! Writes what the scenarios of every language have to cover, as the table of the host ABI says.

#![allow(missing_docs)]

mod target;

use std::process::ExitCode;

use astrid_host::abi::ops::required_pairs;

fn main() -> ExitCode {
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> Result<(), String> {
    let folder = target::folder()?.join("conformance");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let pairs = serde_json::to_string_pretty(&required_pairs()).map_err(|error| error.to_string())?;
    let path = folder.join("required.json");
    std::fs::write(&path, pairs + "\n").map_err(|error| format!("{}: {error}", path.display()))
}
