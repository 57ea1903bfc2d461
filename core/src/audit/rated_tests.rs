//! Rates, tallies, shares, keys and durability of an open log.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::audit::{Filter, Outcome, verify_dir};

fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

/// One entry a second, ten at once, and repeats collected for as long as the test lasts.
fn slow() -> AuditChoices {
    AuditChoices { entries_per_sec: 1, merge_within: Duration::from_hours(1), ..AuditChoices::default() }
}

fn open(folder: &Path, choices: AuditChoices) -> Log {
    Log::open(folder, key(7), Options { choices, ..Options::default() }).unwrap()
}

fn set<'a>(principal: &'a str, subject: &'a str) -> Draft<'a> {
    Draft {
        capsule: Some("notes"),
        principal: Some(principal),
        subject,
        bytes: 1,
        elapsed_ns: 1,
        content: Some(b"v"),
        ..Draft::new("kv.kv-set", Outcome::Allowed)
    }
}

/// How many effects the log tells of.
fn told(log: &Log, principal: &str) -> u64 {
    let filter = Filter { principal: Some(principal.to_owned()), ..Filter::default() };
    log.entries(&filter).unwrap().iter().map(|entry| entry.count).sum()
}

#[test]
fn repeats_beyond_the_rate_get_one_entry_that_counts_them() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), slow());
    let mut counted = 0;
    for _ in 0..1000 {
        log.admit_rated(&set("alice", "k")).unwrap();
        counted += u64::from(log.record(&set("alice", "k")).unwrap().seq.is_none());
    }
    assert!(counted >= 980, "{counted}");
    let entries = log.entries(&Filter::default()).unwrap();
    let [.., last] = &entries[..] else { panic!("no entries") };
    assert_eq!((last.count, last.bytes, last.elapsed_ns), (counted, counted, counted));
    assert!(last.first_ns <= last.last_ns && last.last_ns <= last.time_ns && last.commitment.is_some());
    assert_eq!((told(&log, "alice"), entries.len() as u64), (1000, 1001 - counted));
    assert!(log.verify().unwrap().intact);
    // The folded digest can be checked by whoever has the contents and the salt.
    let one = *blake3::hash(b"v").as_bytes();
    let folded = (1..counted).fold(one, |so_far, _| *blake3::hash(&[so_far, one].concat()).as_bytes());
    let commitment = *blake3::keyed_hash(&log.salt(last.seq), &folded).as_bytes();
    assert_eq!(last.commitment, Some(commitment));
}

#[test]
fn what_was_counted_is_there_after_a_sudden_end_and_only_once() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), slow());
    for _ in 0..100 {
        drop(log.record(&set("alice", "a")).unwrap());
        drop(log.record(&set("alice", "b")).unwrap());
    }
    std::mem::forget(log); // As if the process had ended.
    let log = open(dir.path(), slow());
    assert_eq!(told(&log, "alice"), 200);
    drop(log);
    let slots = dir.path().join("tallies.open");
    let log = open(dir.path(), slow());
    for _ in 0..100 {
        drop(log.record(&set("alice", "a")).unwrap());
    }
    let left = fs::read(&slots).unwrap();
    log.close().unwrap();
    // The end came after the entry was written and before its place was freed.
    fs::write(&slots, left).unwrap();
    let log = open(dir.path(), slow());
    assert_eq!(told(&log, "alice"), 300);
    assert!(log.verify().unwrap().intact);
}

#[test]
fn a_flood_of_one_is_refused_and_leaves_the_others_alone() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), slow());
    let (mut done, mut refused) = (0, 0);
    for n in 0..500 {
        let subject = n.to_string();
        if log.admit_rated(&set("alice", &subject)).is_ok() {
            drop(log.record(&set("alice", &subject)).unwrap());
            done += 1;
        } else {
            refused += 1;
        }
    }
    // Ten entries, eight tallies, and what the seconds of the test brought.
    assert!((18..40).contains(&done) && refused > 400, "{done} {refused}");
    for n in 0..10 {
        log.admit_rated(&set("bob", &n.to_string())).unwrap();
        assert!(log.record(&set("bob", &n.to_string())).unwrap().seq.is_some());
    }
    assert_eq!((told(&log, "alice"), told(&log, "bob")), (done, 10));
}

#[test]
fn what_was_let_in_is_recorded_even_beyond_the_rate_and_paid_for_later() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), slow());
    for n in 0..60 {
        // Let in for the sake of one subject, they end with another.
        drop(log.record(&set("alice", &n.to_string())).unwrap());
    }
    assert_eq!(log.admit_rated(&set("alice", "0")).unwrap_err().kind(), ErrorKind::AuditUnavailable);
    let refusal = Draft { outcome: Outcome::Denied, ..set("alice", "new") };
    assert_eq!(log.record(&refusal).unwrap_err().kind(), ErrorKind::AuditUnavailable);
    assert_eq!(told(&log, "alice"), 60);
}

#[test]
fn one_fills_at_most_its_share_of_a_limited_log_also_across_openings() {
    let dir = tempfile::tempdir().unwrap();
    let limited = || Options { limit_bytes: Some(4 * limits::AUDIT_LEAST_BYTES), ..Options::default() };
    let log = Log::open(dir.path(), key(7), limited()).unwrap();
    let fill = |log: &Log, principal: &str| {
        let mut bytes = 0;
        while log.admit_rated(&set(principal, "k")).is_ok() {
            drop(log.record(&set(principal, "k")).unwrap());
            bytes += 150;
            assert!(bytes < 4 * limits::AUDIT_LEAST_BYTES);
        }
        bytes
    };
    assert!(fill(&log, "alice") <= limits::AUDIT_LEAST_BYTES);
    assert!(fill(&log, "bob") > 10_000);
    drop(log);
    let log = Log::open(dir.path(), key(7), limited()).unwrap();
    assert_eq!((fill(&log, "alice"), fill(&log, "bob")), (0, 0));
    assert!(fill(&log, "carol") > 10_000);
}

#[tokio::test]
async fn an_entry_of_a_named_operation_is_on_the_disk_before_its_result() {
    let dir = tempfile::tempdir().unwrap();
    let choices = AuditChoices { power_operations: vec!["kv.*".to_owned()], ..AuditChoices::default() };
    let log = open(dir.path(), choices);
    let recorded = log.record(&set("alice", "k")).unwrap();
    let ticket = recorded.ticket.unwrap();
    log.settled(recorded).await.unwrap();
    assert!(log.syncer.has_synced(ticket));
    assert!(log.record(&Draft::new("ipc.publish", Outcome::Allowed)).unwrap().ticket.is_none());
    // What cannot be brought to the disk is not settled, and nothing is admitted any more.
    let recorded = log.record(&set("alice", "k")).unwrap();
    log.shared.fail_syncs.store(true, SeqCst);
    let later = log.record(&set("alice", "k")).unwrap();
    drop(log.settled(recorded).await);
    assert_eq!(log.settled(later).await.unwrap_err().kind(), ErrorKind::AuditUnavailable);
    assert_eq!(log.admit().unwrap_err().kind(), ErrorKind::AuditUnavailable);
    assert_eq!(log.record(&set("alice", "k")).unwrap_err().kind(), ErrorKind::AuditUnavailable);
    drop(log);
    open(dir.path(), AuditChoices::default()).admit().unwrap();
}

#[test]
fn a_full_disk_refuses_and_leaves_a_log_of_whole_entries() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: Some(limits::AUDIT_LEAST_BYTES), ..Options::default() };
    let log = Log::open(dir.path(), key(7), options).unwrap();
    drop(log.record(&set("alice", "k")).unwrap());
    // The next segment cannot be made where one lies already that nobody can write.
    let mut written = 1;
    loop {
        let next = super::super::segment::path(dir.path(), written + 1);
        fs::create_dir_all(&next).unwrap();
        let recorded = log.record(&set("alice", "k"));
        fs::remove_dir(&next).unwrap();
        match recorded {
            Ok(_) => written += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::AuditUnavailable);
                break;
            }
        }
        assert!(written < 2000);
    }
    assert_eq!(told(&log, "alice"), written);
    // With space again it goes on where it was.
    assert!(log.record(&set("alice", "k")).unwrap().seq.is_some());
    log.close().unwrap();
    assert!(verify_dir(dir.path(), &key(7).verifying_key()).unwrap().intact);
}

#[test]
fn a_verifier_follows_the_chain_through_changes_of_key() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), AuditChoices::default());
    log.append(&set("alice", "a")).unwrap();
    let first = log.checkpoint().unwrap();
    let salt = log.salt(1);
    let until = log.change_key(key(8)).unwrap();
    log.append(&set("alice", "b")).unwrap();
    log.change_key(key(9)).unwrap();
    let last = log.checkpoint().unwrap();
    assert_eq!(last.public_key, key(9).verifying_key().to_bytes());
    assert_eq!((log.public_key(), log.salt(1)), (key(7).verifying_key().to_bytes(), salt));
    log.close().unwrap();
    let verified = |n: u8| verify_dir(dir.path(), &key(n).verifying_key()).unwrap();
    assert_eq!((verified(7).intact, verified(7).checkpoints), (true, 2), "{:?}", verified(7).findings);
    assert!(!verified(8).intact && !verified(9).intact);
    let kept = [first, last];
    let against = crate::audit::verify_dir_against(dir.path(), &key(7).verifying_key(), &kept).unwrap();
    assert!(against.intact, "{:?}", against.findings);
    // It goes on with the newest key and what was kept of those before it.
    assert_eq!(crate::audit::key_change_to(dir.path(), &kept[1].public_key).unwrap(), Some(until + 2));
    let retired = vec![RetiredKey::of(&key(7), until), RetiredKey::of(&key(8), until + 2)];
    let options = Options { retired, ..Options::default() };
    let log = Log::open(dir.path(), key(9), options).unwrap();
    assert_eq!(log.salt(1), salt);
    assert!(log.verify().unwrap().intact);
    drop(log);
    // A change that the old key did not sign is found.
    let forged = tempfile::tempdir().unwrap();
    let log = Log::open(forged.path(), key(1), Options::default()).unwrap();
    log.change_key(key(8)).unwrap();
    log.close().unwrap();
    let found = verify_dir(forged.path(), &key(7).verifying_key()).unwrap();
    assert!(found.findings[0].what.contains("change of key"), "{:?}", found.findings);
}

#[test]
fn a_log_without_the_expected_checkpoint_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), AuditChoices::default());
    log.append(&set("alice", "a")).unwrap();
    let kept = log.checkpoint().unwrap();
    log.close().unwrap();
    let reopen = |folder: &Path, entries, head| {
        let expected = Some(ExpectedCheckpoint { entries, head });
        Log::open(folder, key(7), Options { expected, ..Options::default() }).map(drop)
    };
    reopen(dir.path(), kept.entries, kept.head).unwrap();
    reopen(dir.path(), 0, [0; 32]).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    for (folder, entries, head, says) in [
        (dir.path(), kept.entries, [1; 32], "replaced"),
        (dir.path(), 100, kept.head, "cut"),
        (elsewhere.path(), kept.entries, kept.head, "cut"),
    ] {
        let error = reopen(folder, entries, head).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AuditUnavailable);
        assert!(error.message().contains(says), "{error}");
    }
}

#[test]
fn a_newer_format_is_refused_clearly() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path(), AuditChoices::default()));
    let path = super::super::segment::path(dir.path(), 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 2;
    fs::write(&path, &bytes).unwrap();
    let error = Log::open(dir.path(), key(7), Options::default()).unwrap_err();
    assert!(error.cause().unwrap().to_string().contains("newer format 2"), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn an_export_can_be_filtered_and_a_copy_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), AuditChoices::default());
    log.append(&set("alice", "a")).unwrap();
    log.append(&set("bob", "b")).unwrap();
    log.change_key(key(8)).unwrap();
    let lines = |filter: &Filter| {
        let mut out = Vec::new();
        log.export_filtered(&mut out, filter).unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let alices = lines(&Filter { principal: Some("alice".into()), ..Filter::default() });
    assert!(alices.len() == 1 && alices[0].contains("\"subject\":\"a\""), "{alices:?}");
    let all = lines(&Filter::default());
    assert!(all.len() == 3 && all[2].contains("\"record\":\"key_change\""), "{all:?}");
    assert_eq!(lines(&Filter { limit: Some(2), ..Filter::default() }), all[..2]);
    let copy = tempfile::tempdir().unwrap();
    let end = log.copy_to(copy.path()).unwrap();
    log.append(&set("alice", "later")).unwrap();
    let found = verify_dir(copy.path(), &key(7).verifying_key()).unwrap();
    assert_eq!((found.intact, found.entries), (true, 2), "{:?}", found.findings);
    assert_eq!(end.sequence, 4);
}
