//! The numbers of the contract, each just below and just above.

use std::fs;

use super::*;
use crate::limits;

#[test]
fn whole_files_carry_ten_mebibytes() {
    let site = Site::new();
    let view = site.view();
    let mut content = vec![7; limits::FILE_BYTES];
    view.write_file("f", &content).unwrap();
    assert_eq!(view.read_file("f").unwrap().len(), limits::FILE_BYTES);
    view.append("g", &content).unwrap();
    content.push(7);
    assert_eq!(view.write_file("f", &content), Err(FsError::TooLarge));
    assert_eq!(view.append("f", &content), Err(FsError::TooLarge));
    assert_eq!(view.stat("f").unwrap().size, limits::FILE_BYTES as u64, "a refused call has no effect");
    view.append("f", b"x").unwrap();
    assert_eq!(view.read_file("f"), Err(FsError::TooLarge));
}

#[test]
fn handles_carry_one_mebibyte() {
    let site = Site::new();
    let file = open(&site.view(), "f", Mode::Write).unwrap();
    let mut content = vec![7; limits::FILE_CALL_BYTES];
    for _ in 0..2 {
        assert_eq!(file.write_at(0, &content, site.budget), Ok(1 << 20));
    }
    content.push(7);
    assert_eq!(file.write_at(0, &content, site.budget), Err(FsError::TooLarge));
    file.set_len(3 << 20, site.budget).unwrap();
    let file = open(&site.view(), "f", Mode::Read).unwrap();
    assert_eq!(file.read_at(0, u32::MAX).unwrap().len(), limits::FILE_CALL_BYTES);
    for size in [u64::MAX, 1 << 63] {
        let file = open(&site.view(), "f", Mode::ReadWrite).unwrap();
        assert_eq!(file.set_len(size, site.budget), Err(FsError::TooLarge));
        assert_eq!(file.write_at(size, b"x", site.budget), Err(FsError::TooLarge));
    }
}

#[test]
fn a_folder_lists_so_many_names() {
    let site = Site::new();
    for n in 0..limits::READDIR_ENTRIES {
        fs::write(site.inside(&format!("f{n}")), "").unwrap();
    }
    assert_eq!(site.view().readdir(".").unwrap().len(), limits::READDIR_ENTRIES);
    fs::write(site.inside("more"), "").unwrap();
    assert_eq!(site.view().readdir("."), Err(FsError::TooLarge));
}

#[test]
fn bytes_and_entries_count_to_the_last() {
    let mut site = Site::new();
    site.budget = Budget { bytes: 10, entries: 3 };
    let (view, budget) = (site.view(), site.budget);
    view.write_file("a", b"1234").unwrap();
    view.append("a", b"56").unwrap();
    assert_eq!(
        view.write_file("a", b"12345"),
        Err(FsError::TooLarge),
        "what is overwritten was written all the same"
    );
    assert_eq!(view.copy("a", "b"), Err(FsError::TooLarge));
    assert!(!site.inside("b").exists());
    let file = open(&view, "a", Mode::ReadWrite).unwrap();
    assert_eq!(file.set_len(11, budget), Err(FsError::TooLarge));
    file.set_len(8, budget).unwrap();
    assert_eq!(file.write_at(0, b"xyz", budget), Err(FsError::TooLarge));
    assert_eq!(file.write_at(0, b"xy", budget), Ok(2));
    file.set_len(0, budget).unwrap();
    assert_eq!(view.append("a", b"z"), Err(FsError::TooLarge));
    assert_eq!(site.view_of("alice", "other").append("a", b"z"), Ok(()), "each capsule has its own");
    assert_eq!(site.view_of("bob", "notes").append("a", b"z"), Ok(()), "and each principal");
    view.mkdir("d").unwrap();
    view.hard_link("a", "e").unwrap();
    assert_eq!(view.mkdir("f"), Err(FsError::Quota));
    assert_eq!(view.mkdir_all("d/f"), Err(FsError::Quota));
    assert_eq!(view.write_file("f", b""), Err(FsError::Quota));
    assert_eq!(view.append("f", b""), Err(FsError::Quota));
    assert_eq!(open(&view, "f", Mode::Write).unwrap_err(), FsError::Quota);
    view.write_file("a", b"").unwrap();
    assert_eq!(view.meter.bytes(), 10);
}

#[test]
fn a_refused_slot_opens_and_empties_nothing() {
    let site = Site::new();
    site.put("f", "content");
    let refused = site.view().open("f", Mode::Write, || None::<()>);
    assert_eq!(refused.unwrap_err(), FsError::Quota);
    assert_eq!(fs::read(site.inside("f")).unwrap(), b"content");
}

#[test]
fn sparse_files_count_what_they_seem_to_hold_only_where_it_is_written() {
    let mut site = Site::new();
    site.budget.bytes = 1 << 20;
    let view = site.view();
    let file = open(&view, "f", Mode::Write).unwrap();
    assert_eq!(file.write_at(1 << 40, b"x", site.budget), Ok(1), "a hole is not written");
    assert_eq!(file.set_len(1 << 41, site.budget), Err(FsError::TooLarge), "but asking for zeroes is");
    assert_eq!(view.read_file("f"), Err(FsError::TooLarge));
    assert_eq!(view.copy("f", "g"), Err(FsError::TooLarge), "a copy would fill the hole");
    assert_eq!(open(&view, "f", Mode::Read).unwrap().read_at(1 << 39, 4).unwrap(), [0; 4]);
}

/// Runs in a child whose files may not grow past 64 KiB: the operating system refuses as a full disk does, in the middle
/// of a write.
#[test]
fn a_disk_that_takes_no_more_in_a_child() {
    if std::env::var_os("ASTRID_SMALL_FILES").is_none() {
        return;
    }
    let site = Site::new();
    let view = site.view();
    let content = vec![7; 100 << 10];
    view.write_file("f", b"old").unwrap();
    assert_eq!(view.write_file("f", &content), Err(FsError::TooLarge));
    assert_eq!(view.read_file("f").unwrap(), b"old", "the old content is still whole");
    assert_eq!(view.meter.bytes(), 3, "what was not written is not counted");
    assert_eq!(fs::read_dir(site.inside("")).unwrap().count(), 1, "no draft is left behind");
    assert_eq!(view.append("f", &content), Err(FsError::TooLarge));
    assert_eq!(view.meter.bytes(), 64 << 10, "what was written before the disk was full is counted");
    let file = open(&view, "f", Mode::ReadWrite).unwrap();
    assert_eq!(file.set_len(1 << 20, site.budget), Err(FsError::TooLarge));
    assert_eq!(file.write_at((64 << 10) - 1, b"xy", site.budget), Ok(1), "a short write says how short");
    assert_eq!(file.write_at(64 << 10, b"xy", site.budget), Err(FsError::TooLarge));
}

#[test]
fn a_disk_that_takes_no_more() {
    let name = "vfs::tests::limits::a_disk_that_takes_no_more_in_a_child";
    // 64 units of 1,024 bytes; without the trap the signal would end the child before it could be told.
    let script = r#"trap "" XFSZ; ulimit -f 64; exec "$0" --exact "$1" --nocapture"#;
    let child = std::process::Command::new("bash")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env("ASTRID_SMALL_FILES", "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && told.contains("1 passed"),
        "{told}{}",
        String::from_utf8_lossy(&child.stderr)
    );
}
