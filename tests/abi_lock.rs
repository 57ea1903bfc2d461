//! The host ABI is frozen: what `wit/` means may grow by new versions of a package, and never change in place.
//!
//! A new package or version gets its entry by `ABI_LOCK=add cargo test --test abi_lock`. Nothing writes over an entry
//! that is there: a guest compiled against it would break.

#![allow(clippy::expect_used)]

#[path = "support/meaning.rs"]
mod meaning;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use wit_parser::Resolve;

fn wit() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("wit")
}

/// The entries of a lock, package by package. Lines that start with `#` explain.
fn entries(lock: &str) -> BTreeMap<String, String> {
    let lines = lock.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (package, hash) =
                line.split_once(' ').unwrap_or_else(|| panic!("not an entry of abi.lock: {line}"));
            (package.to_owned(), hash.trim().to_owned())
        })
        .collect()
}

/// What stands between the packages and their lock, in words.
fn differences(locked: &BTreeMap<String, String>, found: &BTreeMap<String, String>) -> Vec<String> {
    let gone = locked.keys().filter(|package| !found.contains_key(*package));
    let mut differences: Vec<_> =
        gone.map(|package| format!("{package} was published and is gone")).collect();
    for (package, meaning) in found {
        match locked.get(package) {
            None => differences.push(format!("{package} is not locked yet")),
            Some(hash) if *hash != meaning::fingerprint(meaning) => {
                differences.push(format!(
                    "{package} was published and means something else now; make a new version"
                ));
            }
            Some(_) => {}
        }
    }
    differences
}

/// The lock with an entry for each package that has none.
fn grown(lock: &str, found: &BTreeMap<String, String>) -> String {
    let locked = entries(lock);
    let mut grown = lock.to_owned();
    for (package, meaning) in found.iter().filter(|(package, _)| !locked.contains_key(*package)) {
        let _ = writeln!(grown, "{package} {}", meaning::fingerprint(meaning));
    }
    grown
}

#[test]
fn published_packages_mean_what_they_meant() {
    let mut resolve = Resolve::default();
    resolve.push_dir(wit()).expect("wit/ resolves");
    let found = meaning::packages(&resolve, "astrid");

    let path = wit().join("abi.lock");
    let mut lock = std::fs::read_to_string(&path).expect("wit/abi.lock is there");
    if std::env::var("ABI_LOCK").is_ok_and(|wish| wish == "add") {
        lock = grown(&lock, &found);
        std::fs::write(&path, &lock).expect("wit/abi.lock can be written");
    }
    assert_eq!(differences(&entries(&lock), &found), Vec::<String>::new());
}

/// A package of the tests' own, as its meaning.
fn sample(text: &str) -> BTreeMap<String, String> {
    let mut resolve = Resolve::default();
    resolve.push_source("sample.wit", text).expect("the sample resolves");
    meaning::packages(&resolve, "astrid")
}

const PUBLISHED: &str = "package astrid:sample@1.0.0;
interface host {
    enum tone { low, high }
    record note { length: u32, tone: tone }
    resource horn { play: func(note: note) -> result<_, string>; }
    tune: func(notes: list<note>) -> option<horn>;
}
world player { use host.{note}; export warm-up: func(first: note); }";

fn locked() -> BTreeMap<String, String> {
    entries(&grown("# a lock\n", &sample(PUBLISHED)))
}

#[test]
fn words_and_order_do_not_count() {
    let told = "/// Music.
package astrid:sample@1.0.0;
/// Plays.
world player { use host.{note}; export warm-up: func(first: note); }
interface host {
    tune: func(notes: list<note>) -> option<horn>;
    /// It blows.
    resource horn { /** Loud. */ play: func(note: note) -> result<_, string>; }
    record note { length: u32, tone: tone }
    enum tone { low, high }
}";
    assert_eq!(differences(&locked(), &sample(told)), Vec::<String>::new());
}

#[test]
fn any_change_of_meaning_is_found() {
    for (from, to) in [
        ("low, high", "high, low"),
        ("low, high", "low, high, middle"),
        ("length: u32", "length: u64"),
        ("length: u32, tone: tone", "tone: tone, length: u32"),
        ("notes: list<note>", "tunes: list<note>"),
        ("result<_, string>", "result<_, u8>"),
        ("option<horn>", "horn"),
        ("tune:", "tune-all:"),
        ("export warm-up", "import warm-up"),
        ("resource horn { play: func(note: note)", "resource horn { play: static func(note: note)"),
        ("tune: func", "blow: func(); tune: func"),
    ] {
        let changed = PUBLISHED.replacen(from, to, 1);
        assert_ne!(changed, PUBLISHED, "{from}");
        let differences = differences(&locked(), &sample(&changed));
        assert_eq!(differences.len(), 1, "{from} became {to}");
        assert!(differences[0].contains("make a new version"), "{differences:?}");
    }
}

#[test]
fn a_new_version_is_added_beside_the_old_one() {
    let lock = grown("# a lock\n", &sample(PUBLISHED));
    let next = sample(&PUBLISHED.replace("@1.0.0", "@1.1.0").replace("u32", "u64"));
    assert_eq!(
        differences(&entries(&lock), &next),
        ["astrid:sample@1.0.0 was published and is gone", "astrid:sample@1.1.0 is not locked yet"]
    );
    let both = sample(PUBLISHED).into_iter().chain(next).collect();
    assert_eq!(differences(&entries(&grown(&lock, &both)), &both), Vec::<String>::new());
}

#[test]
fn adding_never_writes_over_an_entry() {
    let lock = grown("# a lock\n", &sample(PUBLISHED));
    assert_eq!(grown(&lock, &sample(&PUBLISHED.replace("u32", "u64"))), lock);
}
