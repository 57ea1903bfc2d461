//! The guests that every language's runner finds are there, each under its own hash. That the committed components are
//! what their sources say is checked by the build, and byte for byte by `make guests-check`.

#![allow(clippy::expect_used)]

use std::path::Path;

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
