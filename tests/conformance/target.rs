//! Where the build keeps what the runners of all languages share.

use std::path::PathBuf;

/// The folder that cargo builds into, which it marks with a tag file.
pub fn folder() -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let tagged = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    tagged.map(PathBuf::from).ok_or_else(|| format!("{} was not built by cargo", program.display()))
}
