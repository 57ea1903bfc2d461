//! The guests that tests run, made ready: text guests become components, some of them archives; compiled ones are checked against the sources
//! they were built from, and one index says where each lies.
//!
//! The root `build.rs` calls [`prepare`]; `tests/guests/build.sh` calls the program of this crate, which ends in
//! [`record::Record::of_build`].

pub mod archive;
pub mod component;
pub mod fingerprint;
pub mod index;
pub mod record;

use std::path::Path;

/// Any error of this crate: a sentence for the person at the terminal.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What goes wrong here ends the build, with a sentence.
pub type Result<T> = std::result::Result<T, Failure>;

/// Fills `<target>/guests/` with the components of every text guest below `repository` and writes `index.json` there,
/// which also lists the committed components and the
/// archives made of the text guests. Fails when a committed component is stale.
pub fn prepare(repository: &Path, target: &Path) -> Result<()> {
    let record = record::Record::read(repository)?;
    record.check(repository)?;
    let folder = target.join("guests");
    let mut index = index::Index::default();
    for (name, file) in record.components(repository) {
        index.add(&name, &file, repository)?;
    }
    let components = component::of_folder(repository)?;
    let archives = archive::all(&components.iter().cloned().collect())?;
    let made = components.into_iter().map(|made| (made, "wasm"));
    for ((name, bytes), kind) in made.chain(archives.into_iter().map(|made| (made, "capsule"))) {
        let file = folder.join(format!("{name}.{kind}"));
        index::write_if_changed(&file, &bytes)?;
        index.add(&name, &file, repository)?;
    }
    index.write(&folder.join("index.json"))
}

/// Reads a file, and names it when it cannot be read.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()).into())
}
