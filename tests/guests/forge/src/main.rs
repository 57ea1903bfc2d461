//! The last step of `tests/guests/build.sh`:
//!
//! - `guest-forge keep <repository> <modules>` makes components of the core modules and puts them where they are committed;
//! - `guest-forge compare <repository> <modules> <folder>` makes them in another folder and fails unless they are, byte for
//!   byte, the committed ones.

use std::path::Path;
use std::process::ExitCode;

use guest_forge::Result;
use guest_forge::record::Record;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["keep", repository, modules] => keep(Path::new(repository), Path::new(modules)),
        ["compare", repository, modules, folder] => {
            compare(repository.as_ref(), modules.as_ref(), folder.as_ref())
        }
        _ => {
            Err("usage: guest-forge keep <repository> <modules> | compare <repository> <modules> <folder>"
                .into())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn keep(repository: &Path, modules: &Path) -> Result<()> {
    Record::of_build(repository, modules, None)?.write(repository)
}

fn compare(repository: &Path, modules: &Path, folder: &Path) -> Result<()> {
    let built = Record::of_build(repository, modules, Some(folder))?;
    if built == Record::read(repository)? {
        Ok(())
    } else {
        Err(format!("the components in {} are not the committed ones", folder.display()).into())
    }
}
