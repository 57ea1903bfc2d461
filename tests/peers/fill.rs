//! The scenarios with the ports of the other side filled in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::servers::Peers;

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
/// inside one. `{{peer:ca}}` is the certificate of the test authority.
pub fn scenarios(repository: &Path, peers: &Peers) -> io::Result<Filled> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository.join("target"), PathBuf::from);
    let filled = Filled(target.join(format!("scenarios-{}", std::process::id())));
    copy(&repository.join("tests/scenarios"), &filled.0, peers)?;
    Ok(filled)
}

fn copy(from: &Path, to: &Path, peers: &Peers) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let place = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &place, peers)?;
        } else if path.extension().is_some_and(|ending| ending == "json") {
            fs::write(&place, fill(fs::read_to_string(&path)?, peers))?;
        }
    }
    Ok(())
}

fn fill(mut text: String, peers: &Peers) -> String {
    if text.contains("{{peer:") {
        text = text.replace("{{peer:ca}}", &peers.ca.replace('\n', "\\n"));
        for (name, port) in &peers.ports {
            text = text.replace(&format!("\"{{{{peer:{name}}}}}\""), &port.to_string());
            text = text.replace(&format!("{{{{peer:{name}}}}}"), &port.to_string());
        }
    }
    text
}
