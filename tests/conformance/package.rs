//! Writes the capsules of a scenario to folders of their own.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::target;

/// The component's file in a capsule's folder.
pub const COMPONENT: &str = "guest.wasm";

/// The guests that the build has made, by name.
pub struct Guests {
    index: Value,
    repository: PathBuf,
}

impl Guests {
    /// Reads the index that the build has written.
    pub fn find() -> Result<Self, String> {
        let path = target::folder()?.join("guests/index.json");
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let index = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { index, repository: PathBuf::from(env!("CARGO_MANIFEST_DIR")) })
    }

    fn entry(&self, name: &str, field: &str) -> Result<&str, String> {
        self.index[name][field].as_str().ok_or_else(|| format!("there is no guest `{name}`"))
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, String> {
        let path = self.repository.join(self.entry(name, "path")?);
        fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// The bytes of a scenario's `guest`; none if it has no file.
    pub fn component(&self, guest: &Value) -> Result<Option<Vec<u8>>, String> {
        if let Some(name) = guest.as_str() {
            return self.bytes(name).map(Some);
        }
        if let Some(text) = guest["text"].as_str() {
            return Ok(Some(text.as_bytes().to_vec()));
        }
        if let Some(hex) = guest["bytes_hex"].as_str() {
            let digits: Option<Vec<u32>> = hex.chars().map(|digit| digit.to_digit(16)).collect();
            let digits = digits.ok_or_else(|| format!("`{hex}` is not hexadecimal"))?;
            return digits.chunks(2).map(|pair| byte(pair, hex)).collect::<Result<_, _>>().map(Some);
        }
        if let (Some(name), Some(length)) = (guest["truncate"][0].as_str(), guest["truncate"][1].as_u64()) {
            let mut bytes = self.bytes(name)?;
            bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
            return Ok(Some(bytes));
        }
        if guest.is_null() { Ok(None) } else { Err(format!("{guest} is no guest")) }
    }

    /// Fills in the component's file and hash, and the hashes of other guests.
    pub fn filled(&self, text: &str, guest: &Value) -> Result<String, String> {
        let mut filled = text.replace("{{component}}", COMPONENT);
        if filled.contains("{{hash}}") {
            filled = filled.replace("{{hash}}", self.entry(guest.as_str().unwrap_or_default(), "hash")?);
        }
        while let Some((_, rest)) = filled.split_once("{{hash:") {
            let name = rest.split("}}").next().unwrap_or_default().to_owned();
            filled = filled.replace(&format!("{{{{hash:{name}}}}}"), self.entry(&name, "hash")?);
        }
        Ok(filled)
    }

    /// Writes one capsule: a folder, or an archive beside it.
    pub fn write(&self, folder: &Path, key: &str, capsule: &Value) -> Result<(), String> {
        if let Some(name) = capsule["archive"].as_str() {
            let path = path_of(folder, capsule);
            return fs::write(&path, self.bytes(name)?)
                .map_err(|error| format!("{}: {error}", path.display()));
        }
        let put = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            }
            fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))
        };
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let guest = &capsule["guest"];
        if let Some(bytes) = self.component(guest)? {
            put(COMPONENT, &bytes)?;
        }
        if let Some(manifest) = manifest(key, capsule) {
            put("Capsule.toml", self.filled(&manifest, guest)?.as_bytes())?;
        }
        let files = capsule["files"].as_object().into_iter().flatten();
        files.into_iter().try_for_each(|(name, file)| match file.as_str() {
            Some(text) => put(name, text.as_bytes()),
            None => put(name, &self.component(&file["guest"])?.unwrap_or_default()),
        })
    }
}

/// What the host is given as a capsule's path: its folder, or the archive beside where that would be.
pub fn path_of(folder: &Path, capsule: &Value) -> PathBuf {
    if capsule["archive"].is_string() { folder.with_extension("capsule") } else { folder.to_owned() }
}

fn byte(pair: &[u32], hex: &str) -> Result<u8, String> {
    let value = pair.iter().fold(0, |value, digit| value * 16 + digit);
    let whole = (pair.len() == 2).then(|| u8::try_from(value).ok()).flatten();
    whole.ok_or_else(|| format!("`{hex}` is not hexadecimal"))
}

fn manifest(key: &str, capsule: &Value) -> Option<String> {
    let mut text = match capsule.get("manifest") {
        Some(Value::Null) => return None,
        Some(whole) => joined(whole),
        None => {
            let name = capsule["name"].as_str().unwrap_or(key);
            let version = capsule["version"].as_str().unwrap_or("1.0.0");
            let head = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\n");
            let component = format!(
                "[[component]]\nid = \"{name}\"\nfile = \"{{{{component}}}}\"\nhash = \"{{{{hash}}}}\"\n"
            );
            format!("{head}\n{component}\n{}", joined(&capsule["grants"]))
        }
    };
    for (key, script) in capsule["scripts"].as_object().into_iter().flatten() {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n[env.{key}]\ntype = \"text\"\ndefault = '{script}'\n");
    }
    Some(text)
}

fn joined(lines: &Value) -> String {
    let lines = lines.as_array().into_iter().flatten().filter_map(Value::as_str);
    lines.fold(String::new(), |text, line| text + line + "\n")
}
