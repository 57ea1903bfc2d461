//! `tests/guests/built/record.json`: which sources the committed components were built from, and their hashes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{Result, component, fingerprint, index, read};

/// What a person runs when the committed components are not what they should be.
const REBUILD: &str = "run tests/guests/build.sh and commit tests/guests/built";

/// The record of the last build.
pub struct Record {
    sources: String,
    components: BTreeMap<String, String>,
}

impl Record {
    /// The record committed beside the components.
    pub fn read(repository: &Path) -> Result<Self> {
        let value: Value = serde_json::from_slice(&read(&built(repository).join("record.json"))?)?;
        let sources = value["sources"].as_str().unwrap_or_default().to_owned();
        let components = serde_json::from_value(value["components"].clone())
            .map_err(|error| format!("tests/guests/built/record.json is damaged ({error}): {REBUILD}"))?;
        Ok(Self { sources, components })
    }

    /// Fails, saying what to run, unless the sources and the committed components are the recorded ones.
    pub fn check(&self, repository: &Path) -> Result<()> {
        if fingerprint::of_sources(repository)? != self.sources {
            return Err(format!("the committed guests are older than their sources: {REBUILD}").into());
        }
        for (name, file) in self.components(repository)? {
            let found = blake3::hash(&read(&file)?).to_hex();
            if self.components.get(&name).is_none_or(|recorded| *recorded != found.as_str()) {
                return Err(format!("tests/guests/built/{name}.wasm is not the recorded component: {REBUILD}").into());
            }
        }
        Ok(())
    }

    /// Names and files of the committed components.
    pub fn components(&self, repository: &Path) -> Result<Vec<(String, PathBuf)>> {
        let file = |name: &String| built(repository).join(format!("{name}.wasm"));
        Ok(self.components.keys().map(|name| (name.clone(), file(name))).collect())
    }
}

/// Makes a component of every core module in `modules`, puts them into `into` and writes the record there.
pub fn collect(repository: &Path, modules: &Path, into: &Path) -> Result<()> {
    let mut components = BTreeMap::new();
    for entry in std::fs::read_dir(modules)? {
        let file = entry?.path();
        let Some(name) = file.file_stem().and_then(|stem| stem.to_str()) else { continue };
        if file.extension().is_some_and(|extension| extension == "wasm") {
            let name = name.replace('_', "-");
            let bytes = component::of_module(&read(&file)?)?;
            index::write_if_changed(&into.join(format!("{name}.wasm")), &bytes)?;
            components.insert(name, blake3::hash(&bytes).to_hex().to_string());
        }
    }
    let record = json!({ "sources": fingerprint::of_sources(repository)?, "components": components });
    index::write_if_changed(&into.join("record.json"), format!("{record:#}\n").as_bytes())
}

/// The folder of the committed components.
pub fn built(repository: &Path) -> PathBuf {
    repository.join("tests/guests/built")
}
