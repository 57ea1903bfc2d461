//! `.capsule` archives for the tests: good ones, and one for each thing that an archive must not be.

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::EntryType;

use crate::Result;

/// The names of the components that archives are made of, and their bytes.
pub type Components = BTreeMap<String, Vec<u8>>;

const MANIFEST: &str = "Capsule.toml";

/// Every archive, by name and in order.
pub fn all(components: &Components) -> Result<Vec<(String, Vec<u8>)>> {
    let component =
        |name: &str| components.get(name).ok_or_else(|| format!("there is no guest {name} for an archive"));
    let minimal = component("minimal")?;
    let capsule = [
        file(MANIFEST, MINIMAL.as_bytes()),
        file("guest.wasm", minimal),
        folder("docs/"),
        file("docs/notes.md", b"kept in the archive"),
    ];
    // Each entry lies in an archive that is a capsule without it.
    let with = |more: &[Vec<u8>]| pack(&[capsule.concat(), more.concat()].concat());
    let good = with(&[])?;
    let composed = [
        file("./Capsule.toml", COMPOSED.as_bytes()),
        file("./main.wasm", component("part-main")?),
        file("./twice.wasm", component("part-twice")?),
        file("./base.wasm", component("part-base")?),
    ];
    let many: Vec<_> = (0..5000).map(|n| file(&format!("f{n}"), b"")).collect();
    let archives = [
        ("archive-absolute", with(&[file("/tmp/escaped", b"x")])?),
        ("archive-bomb", with(&[file("zeros", &vec![0; 160 << 20])])?),
        ("archive-composed", pack(&composed.concat())?),
        ("archive-cut-short", good[..good.len() - 20].to_vec()),
        ("archive-device", with(&[entry(b"device", EntryType::Block, b"")])?),
        ("archive-good", good.clone()),
        ("archive-hard-link", with(&[entry(b"link", EntryType::Link, b"")])?),
        ("archive-many", with(&many)?),
        ("archive-no-manifest", pack(&file("guest.wasm", minimal))?),
        ("archive-not-utf8", with(&[entry(b"\xff\xfe", EntryType::Regular, b"x")])?),
        ("archive-parent", with(&[file("docs/../../escaped", b"x")])?),
        ("archive-pipe", with(&[entry(b"pipe", EntryType::Fifo, b"")])?),
        ("archive-symlink", with(&[entry(b"link", EntryType::Symlink, b"")])?),
        ("archive-twice", with(&[file("./Capsule.toml", b"another")])?),
        (
            "archive-upgrade",
            pack(&[file(MANIFEST, UPGRADE.as_bytes()), file("guest.wasm", minimal)].concat())?,
        ),
    ];
    Ok(archives.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect())
}

/// A capsule of the smallest guest, with one file to read. Nothing pins it but its installation.
const MINIMAL: &str = r#"[package]
name = "packed"
version = "1.0.0"

[[component]]
file = "guest.wasm"

[[context_file]]
name = "notes"
file = "docs/notes.md"
"#;

/// The next version of it, which asks for more.
const UPGRADE: &str = r#"[package]
name = "packed"
version = "1.1.0"

[[component]]
file = "guest.wasm"

[capabilities]
fs_read = ["workspace://src"]
uplink = true
"#;

/// A capsule of three components.
const COMPOSED: &str = r#"[package]
name = "composed"
version = "1.0.0"

[[component]]
id = "main"
file = "main.wasm"
link = ["twice"]

[[component]]
id = "twice"
file = "twice.wasm"
type = "library"
link = ["base"]

[[component]]
id = "base"
file = "./base.wasm"
type = "library"
"#;

fn file(path: &str, bytes: &[u8]) -> Vec<u8> {
    entry(path.as_bytes(), EntryType::Regular, bytes)
}

fn folder(path: &str) -> Vec<u8> {
    entry(path.as_bytes(), EntryType::Directory, b"")
}

/// One entry, written by hand: no packer makes the hostile ones.
fn entry(path: &[u8], kind: EntryType, bytes: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    let name = &mut header.as_old_mut().name;
    let length = path.len().min(name.len());
    name[..length].copy_from_slice(&path[..length]);
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(bytes.len() as u64);
    header.set_cksum();
    let mut blocks = header.as_bytes().to_vec();
    blocks.extend_from_slice(bytes);
    blocks.resize(blocks.len().next_multiple_of(512), 0);
    blocks
}

/// Ends the tar file and compresses it; no time and no name go in, so the same entries give the same bytes.
fn pack(entries: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(entries)?;
    encoder.write_all(&[0; 1024])?;
    Ok(encoder.finish()?)
}
