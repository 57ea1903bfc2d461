//! The guests are what their sources say: each one is in the index under its own hash, and where the recorded compiler
//! is installed a rebuild gives the same bytes.

#![allow(clippy::expect_used)]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn every_guest_is_in_the_index_under_its_hash() {
    let index = std::fs::read(env!("GUESTS_INDEX")).expect("the index was written by the build");
    let index: Value = serde_json::from_slice(&index).expect("the index is JSON");
    let index = index.as_object().expect("the index is an object");
    for entry in
        std::fs::read_dir(Path::new(REPOSITORY).join("tests/guests/wat")).expect("there are text guests")
    {
        let file = entry.expect("an entry can be read").path();
        let name = file.file_stem().and_then(|stem| stem.to_str()).expect("a guest has a name");
        assert!(index.contains_key(name), "{name} is not in the index");
    }
    for (name, guest) in index {
        let file = Path::new(REPOSITORY).join(guest["path"].as_str().expect("a guest has a path"));
        let bytes = std::fs::read(&file).expect("a guest has bytes");
        assert_eq!(guest["hash"], blake3::hash(&bytes).to_hex().as_str(), "the hash of {name}");
    }
    assert!(
        index.contains_key("puppet") && index.contains_key("concierge"),
        "the committed guests are listed too"
    );
}

#[test]
#[ignore = "compiles the standard library for the guests, which takes two minutes"]
fn a_rebuild_gives_the_same_bytes() {
    let script = Path::new(REPOSITORY).join("tests/guests/build.sh");
    let output = Command::new(script).arg("--check").output().expect("the script can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    // 2 is the script's word for a machine without the recorded compiler.
    assert!(matches!(output.status.code(), Some(0 | 2)), "{said}");
}
