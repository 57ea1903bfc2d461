//! The rooms of the core stand on the floors that `ARCHITECTURE.md` gives them, and none reaches upward.

#![allow(clippy::unwrap_used)] // Helpers of tests, outside of what clippy takes for one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which room uses which other.
type Uses = BTreeSet<(String, String)>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The floor of every room, from the table: `| 3 | `logs` | … |`.
fn floors() -> BTreeMap<String, u32> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut floors = BTreeMap::new();
    for line in text.lines() {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (Some(floor), Some(rooms)) = (cells.next().and_then(|cell| cell.parse().ok()), cells.next())
        else {
            continue;
        };
        for room in rooms.split('`').skip(1).step_by(2) {
            assert_eq!(floors.insert(room.to_owned(), floor), None, "`{room}` stands twice in the table");
        }
    }
    floors
}

/// Every source file below a folder that is no test.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") && !name.ends_with("tests") {
            found.push(path);
        }
    }
}

/// The rooms that a text names as `crate::room`, also several in braces. Unit tests at its end may look wherever they like.
fn named(text: &str) -> BTreeSet<&str> {
    let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1))
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap_or_default().split(',').collect(),
            None => vec![rest],
        })
        .filter_map(|rest| rest.trim().split(|c: char| !(c.is_alphanumeric() || c == '_')).next())
        .collect()
}

/// What stands in the folder `core/src`, and who uses whom.
fn uses() -> (BTreeSet<String>, Uses) {
    let core = root().join("core/src");
    let mut files = Vec::new();
    sources(&core, &mut files);
    let (mut rooms, mut uses) = (BTreeSet::new(), Uses::new());
    for file in files {
        let first = file.strip_prefix(&core).unwrap().iter().next().unwrap().to_str().unwrap();
        let room = first.trim_end_matches(".rs").to_owned();
        // The root of the crate is the whole house.
        if room == "lib" {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        uses.extend(named(&text).into_iter().map(|other| (room.clone(), other.to_owned())));
        rooms.insert(room);
    }
    uses.retain(|(room, other)| room != other && rooms.contains(other));
    (rooms, uses)
}

#[test]
fn every_room_has_its_floor_in_the_table() {
    let (rooms, uses) = uses();
    let listed: BTreeSet<String> = floors().into_keys().collect();
    assert_eq!(rooms, listed);
    assert!(uses.contains(&("host".to_owned(), "store".to_owned())), "the test reads what files import");
}

#[test]
fn no_room_uses_one_above_it() {
    let floors = floors();
    let (_, uses) = uses();
    let upward: Vec<_> = uses.iter().filter(|(room, other)| floors[room] < floors[other]).collect();
    assert!(upward.is_empty(), "{upward:?}");
}

#[test]
fn rooms_of_one_floor_do_not_use_each_other_both_ways() {
    let (_, uses) = uses();
    let mutual: Vec<_> =
        uses.iter().filter(|(room, other)| uses.contains(&(other.clone(), room.clone()))).collect();
    assert!(mutual.is_empty(), "{mutual:?}");
}
