use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::*;
use crate::principal::Principal;

/// 2026-03-14, 23:59:59.900 UTC.
const EVENING: Duration = Duration::from_millis(1_773_532_799_900);

fn owner(capsule: &str) -> Owner {
    Owner { principal: Principal::default(), capsule: Arc::from(capsule) }
}

fn line(capsule: &str, time: SystemTime, message: &str) -> LogLine {
    LogLine { time, ..LogLine::new(owner(capsule), super::super::Level::Info, message, &[]) }
}

fn write(files: &mut Files, lines: impl IntoIterator<Item = LogLine>) -> u64 {
    let mut lost = 0;
    files.write(&lines.into_iter().collect(), &mut |_, count| lost += count);
    lost
}

fn read(folder: &Path, capsule: &str, day: &str) -> String {
    fs::read_to_string(folder.join("default").join(capsule).join(format!("{day}.log"))).unwrap()
}

#[test]
fn a_line_goes_to_the_file_of_its_own_day() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Files::new(folder.path().to_owned());
    let evening = UNIX_EPOCH + EVENING;
    let morning = evening + Duration::from_millis(200);
    // One batch across midnight, as a run loop writes it that never ends.
    assert_eq!(write(&mut files, [line("a", evening, "late"), line("a", morning, "early")]), 0);
    assert_eq!(read(folder.path(), "a", "2026-03-14"), "1773532799.900 INFO [a] late\n");
    assert_eq!(read(folder.path(), "a", "2026-03-15"), "1773532800.100 INFO [a] early\n");
    // A clock that is set back finds the old page again.
    write(&mut files, [line("a", evening, "again")]);
    assert!(read(folder.path(), "a", "2026-03-14").ends_with("[a] again\n"));
}

#[test]
fn turning_the_page_throws_old_days_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Files::new(folder.path().to_owned());
    let evening = UNIX_EPOCH + EVENING;
    write(&mut files, [line("a", evening, "old")]);
    write(&mut files, [line("a", evening + Duration::from_hours(8 * 24), "new")]);
    let days = fs::read_dir(folder.path().join("default/a")).unwrap().count();
    assert_eq!(days, 1);
}

#[test]
fn loading_a_capsule_throws_old_days_of_all_principals_away() {
    let folder = tempfile::tempdir().unwrap();
    for principal in ["alice", "bob"] {
        fs::create_dir_all(folder.path().join(principal).join("a")).unwrap();
        fs::write(folder.path().join(principal).join("a/2026-01-01.log"), "x").unwrap();
    }
    let files = Files::new(folder.path().to_owned());
    files.prune_capsule("a", jiff::civil::date(2026, 3, 1)).unwrap();
    for principal in ["alice", "bob"] {
        assert_eq!(fs::read_dir(folder.path().join(principal).join("a")).unwrap().count(), 0);
    }
}

#[test]
fn only_the_owner_of_the_home_can_read_a_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Files::new(folder.path().join("log"));
    write(&mut files, [line("a", UNIX_EPOCH + EVENING, "x")]);
    for (path, wanted) in [
        ("log", 0o700),
        ("log/default", 0o700),
        ("log/default/a", 0o700),
        ("log/default/a/2026-03-14.log", 0o600),
    ] {
        let mode = fs::metadata(folder.path().join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, wanted, "{path}");
    }
}

#[test]
fn a_flood_ends_at_the_budget_of_the_day_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Files::new(folder.path().to_owned());
    let evening = UNIX_EPOCH + EVENING;
    let long = "x".repeat(limits::LOG_BYTES);
    let lines = usize::try_from(limits::LOG_DAY_BYTES).unwrap() / limits::LOG_BYTES;
    assert_eq!(write(&mut files, (0..lines + 2).map(|_| line("a", evening, &long))), 3);
    let kept = read(folder.path(), "a", "2026-03-14");
    assert!((kept.len() as u64) < limits::LOG_DAY_BYTES + 200);
    assert!(kept.ends_with("WARN [a] the log of this day is full; further lines are not kept\n"));
    // Nor does a host that is opened anew begin a new budget with it.
    let mut reopened = Files::new(folder.path().to_owned());
    fs::OpenOptions::new()
        .append(true)
        .open(folder.path().join("default/a/2026-03-14.log"))
        .unwrap()
        .set_len(limits::LOG_DAY_BYTES)
        .unwrap();
    assert_eq!(write(&mut reopened, [line("a", evening, "x")]), 1);
    assert_eq!(write(&mut reopened, [line("a", evening + Duration::from_secs(1), "x")]), 0);
}

#[test]
fn few_files_are_open_and_none_loses_its_lines() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Files::new(folder.path().to_owned());
    let time = UNIX_EPOCH + EVENING;
    let many = limits::LOG_FILES * 2;
    for round in 0..2 {
        write(&mut files, (0..many).map(|n| line(&format!("c{n}"), time, &format!("round {round}"))));
        assert_eq!(files.open.len(), limits::LOG_FILES);
    }
    for n in 0..many {
        assert_eq!(read(folder.path(), &format!("c{n}"), "2026-03-14").lines().count(), 2);
    }
}

#[test]
fn half_a_line_left_by_a_kill_does_not_swallow_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("default/a");
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("2026-03-14.log"), "177353").unwrap();
    write(&mut Files::new(folder.path().to_owned()), [line("a", UNIX_EPOCH + EVENING, "whole")]);
    assert_eq!(read(folder.path(), "a", "2026-03-14"), "177353\n1773532799.900 INFO [a] whole\n");
}

#[test]
fn a_log_that_cannot_be_written_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("default"), "a file where a folder should be").unwrap();
    assert_eq!(write(&mut Files::new(folder.path().to_owned()), [line("a", UNIX_EPOCH + EVENING, "x")]), 1);
}

#[test]
fn what_a_forgotten_principal_said_is_not_kept_and_what_the_next_one_says_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Files::new(folder.path().to_owned());
    let before = SystemTime::now();
    assert_eq!(write(&mut files, [line("a", before, "old")]), 0);
    files.forget(&Principal::default()).unwrap();
    files.forget(&Principal::parse("nobody").unwrap()).unwrap();
    assert!(!folder.path().join("default").exists());
    // One that was on its way.
    assert_eq!(write(&mut files, [line("a", before, "late")]), 0);
    assert!(!folder.path().join("default").exists());
    let after = SystemTime::now() + Duration::from_millis(1);
    assert_eq!(write(&mut files, [line("a", after, "new")]), 0);
    let day = date_of(after).to_string();
    assert!(read(folder.path(), "a", &day).ends_with("[a] new\n"));
    assert!(!read(folder.path(), "a", &day).contains("late"));
}
