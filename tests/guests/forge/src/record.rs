//! `tests/guests/built/record.json`: which sources the committed components were built from, where they lie, and their
//! hashes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::{Result, component, fingerprint, index, read};

/// What a person runs when the committed components are not what they should be.
const REBUILD: &str = "run tests/guests/build.sh and commit what it changes";

/// The record of a build.
#[derive(PartialEq, Eq)]
pub struct Record {
    sources: String,
    components: BTreeMap<String, Entry>,
}

/// One component: its file, relative to the repository, and the BLAKE3 (hex) of its bytes.
#[derive(PartialEq, Eq)]
struct Entry {
    file: String,
    hash: String,
}

impl Record {
    /// The record committed beside the components.
    pub fn read(repository: &Path) -> Result<Self> {
        let value: Value = serde_json::from_slice(&read(&file(repository))?)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let none = Map::new();
        let components = value["components"].as_object().unwrap_or(&none);
        let entry = |value: &Value| Entry { file: text(&value["file"]), hash: text(&value["hash"]) };
        Ok(Self {
            sources: text(&value["sources"]),
            components: components.iter().map(|(name, value)| (name.clone(), entry(value))).collect(),
        })
    }

    /// Makes a component of every core module in `modules` and puts it where it is committed, unless `into` names
    /// another folder for all of them.
    pub fn of_build(repository: &Path, modules: &Path, into: Option<&Path>) -> Result<Self> {
        let mut components = BTreeMap::new();
        for entry in std::fs::read_dir(modules)? {
            let path = entry?.path();
            let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
            if path.extension().is_some_and(|extension| extension == "wasm") {
                let name = name.replace('_', "-");
                let bytes = component::of_module(&read(&path)?)?;
                let file = place(repository, &name);
                let target =
                    into.map_or_else(|| repository.join(&file), |folder| folder.join(format!("{name}.wasm")));
                index::write_if_changed(&target, &bytes)?;
                components.insert(name, Entry { file, hash: blake3::hash(&bytes).to_hex().to_string() });
            }
        }
        Ok(Self { sources: fingerprint::of_sources(repository)?, components })
    }

    /// Commits to this build.
    pub fn write(&self, repository: &Path) -> Result<()> {
        let component = |(name, entry): (&String, &Entry)| {
            (name.clone(), json!({ "file": entry.file, "hash": entry.hash }))
        };
        let components: Map<String, Value> = self.components.iter().map(component).collect();
        let record = json!({ "sources": self.sources, "components": components });
        index::write_if_changed(&file(repository), format!("{record:#}\n").as_bytes())
    }

    /// Fails, saying what to run, unless the sources and the committed components are the recorded ones.
    pub fn check(&self, repository: &Path) -> Result<()> {
        if fingerprint::of_sources(repository)? != self.sources {
            return Err(format!("the committed guests are older than their sources: {REBUILD}").into());
        }
        for entry in self.components.values() {
            let found = blake3::hash(&read(&repository.join(&entry.file))?).to_hex();
            if entry.hash != found.as_str() {
                return Err(format!("{} is not the recorded component: {REBUILD}", entry.file).into());
            }
        }
        Ok(())
    }

    /// Names and files of the committed components.
    pub fn components(&self, repository: &Path) -> Vec<(String, PathBuf)> {
        self.components.iter().map(|(name, entry)| (name.clone(), repository.join(&entry.file))).collect()
    }
}

/// An example lies beside its manifest, so that its folder can be loaded as it is; all others are together.
fn place(repository: &Path, name: &str) -> String {
    let example = format!("examples/capsules/{name}");
    if repository.join(&example).is_dir() {
        format!("{example}/{name}.wasm")
    } else {
        format!("tests/guests/built/{name}.wasm")
    }
}

fn file(repository: &Path) -> PathBuf {
    repository.join("tests/guests/built/record.json")
}
