//! Names that are exchanged under a call's hands: it may fail, it may never lead outside.
//!
//! `RACE_SECONDS=30 cargo test --workspace --lib -- --nocapture vfs::tests::races` runs each race for so long and says how often
//! it was run.

use std::ffi::OsStr;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::*;

/// How often each race is run, unless it is given a time; enough to be lost by a check that comes before the opening.
const ROUNDS: usize = 2000;

/// The rounds of a race: so many, or as many as there is time for.
fn rounds(most: usize) -> impl Iterator<Item = usize> {
    let seconds = std::env::var("RACE_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    (0..).take_while(move |round| until.map_or(*round < most, |until| Instant::now() < until))
}

/// Exchanges two names all the time while `attack` runs.
fn while_exchanging(one: &Path, other: &Path, attack: impl FnOnce()) {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                // The attack may have removed one of the two for a moment.
                let _ = renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE);
            }
        });
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(attack));
        over.store(true, Ordering::Relaxed);
        ended.unwrap();
    });
}

#[test]
fn a_folder_exchanged_for_a_link_leads_nowhere_else() {
    let site = Site::new();
    site.put("d/secret", "inside");
    site.link(site.outside(""), "swap");
    let view = site.view();
    while_exchanging(&site.inside("d"), &site.inside("swap"), || {
        let (mut inside, mut refused, mut elsewhere) = (0_u64, 0_u64, 0_u64);
        for _ in rounds(ROUNDS) {
            match view.read_file("d/secret") {
                Ok(content) if content == b"inside" => inside += 1,
                Ok(_) => elsewhere += 1,
                Err(_) => refused += 1,
            }
        }
        println!(
            "reads of a folder exchanged for a link: {inside} inside, {refused} refused, {elsewhere} elsewhere"
        );
        assert_eq!(elsewhere, 0);
    });
    site.assert_outside_untouched();
}

#[test]
fn nothing_outside_is_changed_by_any_call() {
    let site = Site::new();
    site.put("d/secret", "inside");
    site.link(site.outside(""), "swap");
    let view = site.view();
    while_exchanging(&site.inside("d"), &site.inside("swap"), || {
        let mut times = 0;
        for n in rounds(ROUNDS / 10) {
            times = n + 1;
            // Each may fail; none may reach outside.
            let _ = view.write_file("d/secret", b"changed");
            let _ = view.append("d/secret", b"changed");
            let _ = view.write_file(&format!("d/new{n}"), b"x");
            let _ = view.mkdir(&format!("d/dir{n}"));
            let _ = view.rename("d/secret", &format!("d/moved{n}"));
            let _ = view.unlink(&format!("d/moved{n}"));
            let _ = view.hard_link("d/new0", &format!("d/hard{n}"));
            let _ = view.copy("d/secret", &format!("d/copy{n}"));
            let _ = open(&view, "d/secret", Mode::Write);
            let _ = view.remove_dir_all(&format!("d/dir{n}"));
            if let Ok(names) = view.readdir("d") {
                assert!(n == 0 || !names.is_empty());
            }
        }
        println!("eleven calls in a folder exchanged for a link: {times} times");
    });
    site.assert_outside_untouched();
}

#[test]
fn a_tree_that_is_removed_while_it_turns_into_a_link() {
    let site = Site::new();
    site.link(site.outside(""), "swap");
    let view = site.view();
    site.put("top/d/f", "");
    while_exchanging(&site.inside("top/d"), &site.inside("swap"), || {
        let mut times = 0;
        for n in rounds(ROUNDS / 10) {
            times = n + 1;
            let _ = view.write_file(&format!("top/d/{n}"), b"");
            let _ = view.remove_dir_all("top/d");
            let _ = view.mkdir_all("top/d");
        }
        println!("removals of a folder exchanged for a link: {times}");
    });
    site.assert_outside_untouched();
}

#[test]
fn a_file_exchanged_for_a_pipe_never_blocks() {
    let site = Site::new();
    site.put("f", "inside");
    fifo(&site.inside("pipe"));
    let view = site.view();
    while_exchanging(&site.inside("f"), &site.inside("pipe"), || {
        let mut times = 0;
        for n in rounds(ROUNDS) {
            times = n + 1;
            match view.read_file("f") {
                Ok(content) => assert_eq!(content, b"inside"),
                Err(why) => assert!(matches!(why, FsError::Access | FsError::NotFound), "{why:?}"),
            }
        }
        println!("reads of a file exchanged for a pipe: {times}");
    });
}

#[test]
fn whoever_reads_while_a_file_is_replaced_sees_it_whole() {
    let site = Site::new();
    let contents: Vec<Vec<u8>> = (0..4).map(|n| vec![n; 64 << 10]).collect();
    site.view().write_file("f", &contents[0]).unwrap();
    std::thread::scope(|scope| {
        let writers: Vec<_> = contents
            .iter()
            .map(|content| {
                let view = site.view();
                scope.spawn(move || (0..50).for_each(|_| view.write_file("f", content).unwrap()))
            })
            .collect();
        let view = site.view();
        while !writers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            let read = view.read_file("f").unwrap();
            assert!(contents.contains(&read));
        }
    });
    assert_eq!(fs::read_dir(site.inside("")).unwrap().count(), 1);
}

#[test]
fn appends_of_many_never_mix() {
    let site = Site::new();
    std::thread::scope(|scope| {
        for n in 0..4u8 {
            let view = site.view();
            scope.spawn(move || (0..50).for_each(|_| view.append("log", &[b'a' + n; 100]).unwrap()));
        }
    });
    let log = site.view().read_file("log").unwrap();
    assert_eq!(log.len(), 4 * 50 * 100);
    assert!(log.chunks(100).all(|line| line.iter().all(|byte| *byte == line[0])));
}

pub(super) fn fifo(path: &Path) {
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let name: &OsStr = path.as_os_str();
    rustix::fs::mknodat(CWD, name, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}
