//! `guest-forge <repository> <folder of core modules> <folder for components>`: the last step of
//! `tests/guests/build.sh`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [repository, modules, into] = arguments.as_slice() else {
        eprintln!("usage: guest-forge <repository> <folder of core modules> <folder for components>");
        return ExitCode::FAILURE;
    };
    match guest_forge::record::collect(Path::new(repository), Path::new(modules), Path::new(into)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
