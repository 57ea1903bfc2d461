//! The scenarios with the ports of the other side filled in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::servers::Ports;

/// A folder that goes when it is dropped.
pub struct Filled(PathBuf);

impl Filled {
    /// Where the scenarios lie.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Filled {
    fn drop(&mut self) {
        // What is left of it lies below the target folder.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Copies `tests/scenarios`, and puts the port for every `{{peer:NAME}}`: a number where that is a whole text, and digits
/// inside one.
pub fn scenarios(repository: &Path, ports: &Ports) -> io::Result<Filled> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository.join("target"), PathBuf::from);
    let filled = Filled(target.join(format!("scenarios-{}", std::process::id())));
    copy(&repository.join("tests/scenarios"), &filled.0, ports)?;
    Ok(filled)
}

fn copy(from: &Path, to: &Path, ports: &Ports) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let place = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &place, ports)?;
        } else if path.extension().is_some_and(|ending| ending == "json") {
            fs::write(&place, fill(fs::read_to_string(&path)?, ports))?;
        }
    }
    Ok(())
}

fn fill(mut text: String, ports: &Ports) -> String {
    if text.contains("{{peer:") {
        for (name, port) in ports {
            text = text.replace(&format!("\"{{{{peer:{name}}}}}\""), &port.to_string());
            text = text.replace(&format!("{{{{peer:{name}}}}}"), &port.to_string());
        }
    }
    text
}
