//! `<target>/guests/index.json`: where every guest lies and what its hash is, for the runners of all languages.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::{Result, read};

/// Guests by name: `{"puppet": {"path": "...", "hash": "<blake3 hex>"}}`. Paths inside the repository are relative to it.
#[derive(Default)]
pub struct Index {
    guests: Map<String, Value>,
}

impl Index {
    /// Adds the component in `file`.
    pub fn add(&mut self, name: &str, file: &Path, repository: &Path) -> Result<()> {
        let path = file.strip_prefix(repository).unwrap_or(file).to_string_lossy();
        let hash = blake3::hash(&read(file)?).to_hex().to_string();
        let former = self.guests.insert(name.to_owned(), json!({ "path": path, "hash": hash }));
        match former {
            None => Ok(()),
            Some(_) => Err(format!("two guests are called {name}").into()),
        }
    }

    /// Writes the index.
    pub fn write(self, file: &Path) -> Result<()> {
        write_if_changed(file, format!("{:#}\n", Value::Object(self.guests)).as_bytes())
    }
}

/// Writes a file in one step, and only if its contents change: several builds may run at the same time, and tests may be
/// reading.
pub fn write_if_changed(file: &Path, bytes: &[u8]) -> Result<()> {
    if std::fs::read(file).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let draft = file.with_extension(format!("draft-{}", std::process::id()));
    std::fs::write(&draft, bytes)?;
    Ok(std::fs::rename(&draft, file)?)
}
