use std::fs;
use std::path::PathBuf;
use std::sync::mpsc;

use super::*;
use crate::audit::chain::Step;
use crate::audit::segment::{self, HEADER};
use crate::audit::{Filter, Finding, Outcome, verify_dir, verify_dir_against};

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn small() -> Options {
    Options { segment_bytes: Some(limits::AUDIT_LEAST_BYTES), ..Options::default() }
}

fn open(folder: &Path) -> Log {
    Log::open(folder, key(), small()).unwrap()
}

fn draft(subject: &str) -> Draft<'_> {
    Draft {
        capsule: Some("notes"),
        artifact: Some(&[3; 32]),
        principal: Some("alice"),
        subject,
        bytes: 5,
        detail: &[("phase", "run")],
        ..Draft::new("kv.kv-set", Outcome::Allowed)
    }
}

/// Appends so many entries and closes.
fn fill(folder: &Path, entries: usize) {
    let log = open(folder);
    for n in 0..entries {
        log.append(&draft(&n.to_string())).unwrap();
    }
    log.close().unwrap();
}

fn files(folder: &Path) -> Vec<PathBuf> {
    segment::list(folder).unwrap().into_iter().map(|first| segment::path(folder, first)).collect()
}

fn intact(folder: &Path) -> bool {
    verify_dir(folder, &key().verifying_key()).unwrap().intact
}

/// Where each record of a segment begins, and where the last one ends.
fn bounds(bytes: &[u8]) -> Vec<usize> {
    let mut bounds = vec![HEADER.len()];
    while let Step::Whole(_, next) = chain::step(bytes, *bounds.last().unwrap(), 0) {
        bounds.push(next);
    }
    bounds
}

#[test]
fn entries_come_back_as_they_were_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let first = Draft {
        claimed: Some("bob"),
        reason: "quota",
        elapsed_ns: 9,
        content: Some(b"content"),
        detail: &[("a", "1"), ("b", "2")],
        ..Draft { outcome: Outcome::Denied, ..draft("first") }
    };
    assert_eq!(log.append(&first).unwrap(), 1);
    assert_eq!(log.append(&Draft::new("host.close", Outcome::Failed)).unwrap(), 2);
    let entries = log.entries(&Filter::default()).unwrap();
    let [one, two] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((one.seq, one.operation.as_str(), one.outcome), (1, "kv.kv-set", Outcome::Denied));
    assert_eq!((one.capsule.as_deref(), one.principal.as_deref()), (Some("notes"), Some("alice")));
    assert_eq!((one.claimed.as_deref(), one.reason.as_str()), (Some("bob"), "quota"));
    assert_eq!((one.bytes, one.elapsed_ns, one.artifact), (5, 9, Some([3; 32])));
    assert_eq!(one.detail, [("a".into(), "1".into()), ("b".into(), "2".into())]);
    assert_eq!((one.prev, two.prev), ([0; 32], one.hash));
    assert_eq!((two.capsule.as_deref(), two.commitment, two.detail.len()), (None, None, 0));
    assert!(one.time_ns > 0 && two.time_ns >= one.time_ns);
    let salt = log.salt(1);
    let expected = blake3::keyed_hash(&salt, blake3::hash(b"content").as_bytes());
    assert_eq!(one.commitment, Some(*expected.as_bytes()));
}

#[test]
fn long_texts_are_cut_and_the_longest_entry_fits() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let text = "é".repeat(40_000);
    let detail = vec![(text.as_str(), text.as_str()); 20];
    let longest = Draft {
        capsule: Some(&text),
        principal: Some(&text),
        claimed: Some(&text),
        reason: &text,
        subject: &text,
        detail: &detail,
        content: Some(text.as_bytes()),
        artifact: Some(&[0; 32]),
        ..Draft::new(&text, Outcome::Allowed)
    };
    for _ in 0..20 {
        log.append(&longest).unwrap();
    }
    let entries = log.entries(&Filter::default()).unwrap();
    assert_eq!((entries.len(), entries[0].subject.len(), entries[0].detail.len()), (20, 1024, 8));
    assert!(log.verify().unwrap().intact);
}

#[test]
fn filters_choose() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for n in 0..600 {
        let principal = if n % 2 == 0 { "alice" } else { "bob" };
        let outcome = if n % 3 == 0 { Outcome::Denied } else { Outcome::Allowed };
        log.append(&Draft { principal: Some(principal), outcome, ..draft("") }).unwrap();
    }
    assert!(files(dir.path()).len() > 1);
    let seqs = |filter: Filter| log.entries(&filter).unwrap().iter().map(|e| e.seq).collect::<Vec<_>>();
    assert_eq!(seqs(Filter::default()).len(), 600);
    assert_eq!(seqs(Filter { principal: Some("alice".into()), ..Filter::default() }).len(), 300);
    assert_eq!(seqs(Filter { outcome: Some(Outcome::Denied), ..Filter::default() }).len(), 200);
    assert_eq!(seqs(Filter { since_seq: 599, ..Filter::default() }), [599, 600]);
    assert_eq!(seqs(Filter { since_seq: 450, limit: Some(2), ..Filter::default() }), [450, 451]);
    assert!(seqs(Filter { capsule: Some("other".into()), ..Filter::default() }).is_empty());
    assert!(seqs(Filter { operation: Some("kv.kv-get".into()), ..Filter::default() }).is_empty());
}

#[test]
fn the_chain_goes_on_across_segments_and_openings() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        fill(dir.path(), 400);
    }
    assert!(files(dir.path()).len() > 3);
    let log = open(dir.path());
    assert_eq!(log.recovery(), &Recovery::default());
    let found = log.verify().unwrap();
    assert_eq!((found.intact, found.entries), (true, 1200), "{:?}", found.findings);
    assert_eq!(found.checkpoints, 3);
    assert_eq!(log.append(&draft("")).unwrap(), 1204);
    let head = log.entries(&Filter { since_seq: 1204, ..Filter::default() }).unwrap()[0].hash;
    assert_eq!(log.verify().unwrap().head, crate::audit::hex::encode(&head));
}

#[test]
fn a_checkpoint_is_signed_every_1024_entries_even_across_openings() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..5 {
        let log = open(dir.path());
        for _ in 0..450 {
            log.append(&draft("")).unwrap();
        }
        std::mem::forget(log); // As if the process had ended.
    }
    let found = verify_dir(dir.path(), &key().verifying_key()).unwrap();
    assert!(found.intact, "{:?}", found.findings);
    assert_eq!(found.entries, 2250);
    assert!(found.checkpoints >= 2);
}

#[test]
fn every_flipped_byte_is_found() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), 4);
    let path = &files(dir.path())[0];
    let whole = fs::read(path).unwrap();
    assert!(intact(dir.path()));
    for n in 0..whole.len() {
        for flip in [1, 0x80, whole[n]] {
            let mut bytes = whole.clone();
            bytes[n] ^= flip;
            fs::write(path, &bytes).unwrap();
            assert_eq!(intact(dir.path()), bytes == whole, "byte {n} flipped by {flip}");
        }
    }
}

#[test]
fn removed_swapped_repeated_and_cut_records_are_found() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), 4);
    let path = &files(dir.path())[0];
    let whole = fs::read(path).unwrap();
    let at = bounds(&whole);
    assert_eq!(at.len(), 6);
    let put = |parts: &[&[u8]]| fs::write(path, parts.concat()).unwrap();
    for n in 0..4 {
        put(&[&whole[..at[n]], &whole[at[n + 1]..]]);
        assert!(!intact(dir.path()), "without record {n}");
        put(&[&whole[..at[n]], &whole[at[n + 1]..at[n + 2]], &whole[at[n]..at[n + 1]], &whole[at[n + 2]..]]);
        assert!(!intact(dir.path()), "records {n} and its next swapped");
        put(&[&whole[..at[n + 1]], &whole[at[n]..]]);
        assert!(!intact(dir.path()), "record {n} twice");
    }
    put(&[&whole[..whole.len() - 1]]);
    assert!(!intact(dir.path()), "cut inside the last record");
    put(&[&whole, b"x"]);
    assert!(!intact(dir.path()), "something after the end");
    put(&[&whole, &[0; 100]]);
    assert!(intact(dir.path()), "preallocated space after the end");
}

#[test]
fn a_chain_made_anew_without_the_key_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let forged = Log::open(dir.path(), SigningKey::from_bytes(&[8; 32]), small()).unwrap();
    forged.append(&draft("forged")).unwrap();
    forged.close().unwrap();
    let found = verify_dir(dir.path(), &key().verifying_key()).unwrap();
    assert_eq!((found.entries, found.checkpoints), (1, 0));
    assert_eq!(found.findings, [Finding::new(2, "the checkpoint names another key")]);
}

#[test]
fn a_missing_segment_is_found() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), 700);
    let files = files(dir.path());
    assert!(files.len() >= 3);
    for missing in &files[..2] {
        let bytes = fs::read(missing).unwrap();
        fs::remove_file(missing).unwrap();
        assert!(!intact(dir.path()));
        fs::write(missing, bytes).unwrap();
        assert!(intact(dir.path()));
    }
}

#[test]
fn a_cut_at_the_end_is_found_against_a_checkpoint_kept_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let (tell, told) = mpsc::channel();
    let sink: crate::audit::CheckpointSink = Arc::new(move |kept| tell.send(kept.clone()).unwrap());
    let log = Log::open(dir.path(), key(), Options { checkpoint_sink: Some(sink), ..small() }).unwrap();
    log.append(&draft("a")).unwrap();
    let first = log.checkpoint().unwrap();
    assert_eq!(told.recv().unwrap(), first);
    assert_eq!(first.entries, 1);
    log.append(&draft("b")).unwrap();
    assert!(log.verify_against(&first).unwrap().intact);
    log.close().unwrap();
    let last = told.recv().unwrap();
    assert_eq!(last.entries, 3);
    assert!(log.verify_against(&last).unwrap().intact);
    let stored = serde_json::to_string(&last).unwrap();
    assert_eq!(serde_json::from_str::<Checkpoint>(&stored).unwrap(), last);

    let path = &files(dir.path())[0];
    let whole = fs::read(path).unwrap();
    fs::write(path, &whole[..bounds(&whole)[2]]).unwrap();
    let public = key().verifying_key();
    assert!(verify_dir(dir.path(), &public).unwrap().intact);
    assert!(!verify_dir_against(dir.path(), &public, std::slice::from_ref(&last)).unwrap().intact);
    assert!(verify_dir_against(dir.path(), &public, std::slice::from_ref(&first)).unwrap().intact);
    let forged = Checkpoint { entries: 0, ..first.clone() };
    assert!(!verify_dir_against(dir.path(), &public, &[forged]).unwrap().intact);
    // A log that was rewritten is whole again, but it is not the one the checkpoint covers.
    fs::remove_file(path).unwrap();
    fill(dir.path(), 5);
    assert!(intact(dir.path()));
    assert!(!verify_dir_against(dir.path(), &public, &[first]).unwrap().intact);
}

#[test]
fn a_torn_tail_is_cut_off_and_no_whole_entry_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), 3);
    let path = &files(dir.path())[0];
    let whole = fs::read(path).unwrap();
    let at = bounds(&whole);
    let near = |cut: &usize| cut.is_multiple_of(7) || at.iter().any(|end| end.abs_diff(*cut) < 3);
    for cut in (HEADER.len()..=whole.len()).filter(near) {
        let mut torn = whole[..cut].to_vec();
        torn.resize(whole.len() + 1000, 0);
        fs::write(path, &torn).unwrap();
        // A record whose last bytes happen to be zero is whole even if the cut took them.
        let kept = at.iter().filter(|end| torn[..**end] == whole[..**end]).count() - 1;
        let log = open(dir.path());
        assert!(log.recovery().findings.is_empty());
        assert_eq!(log.append(&draft("after")).unwrap(), kept as u64 + 1, "cut at {cut}");
        let found = log.verify().unwrap();
        assert!(found.intact, "cut at {cut}: {:?}", found.findings);
        assert_eq!(found.entries + found.checkpoints, kept as u64 + 1);
        drop(log);
        assert!(intact(dir.path()));
    }
}

#[test]
fn damage_in_the_middle_is_reported_and_left() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), 5);
    let path = &files(dir.path())[0];
    let whole = fs::read(path).unwrap();
    let at = bounds(&whole);
    for place in [at[1], at[1] + 3, at[1] + 60, at[2] - 1] {
        let mut bytes = whole.clone();
        bytes[place] ^= 0xff;
        fs::write(path, &bytes).unwrap();
        let log = open(dir.path());
        assert!(!log.recovery().findings.is_empty(), "byte {place}");
        assert_eq!(log.recovery().torn_bytes, 0);
        assert_eq!(log.append(&draft("after")).unwrap(), 7);
        assert_eq!(log.entries(&Filter::default()).unwrap().len(), 5);
        assert!(!log.verify().unwrap().intact);
        drop(log);
        assert_eq!(&fs::read(path).unwrap()[..bytes.len()], &bytes);
    }
}

#[test]
fn a_segment_that_was_just_begun_is_no_obstacle() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), 2);
    for leftover in [&b""[..], &HEADER[..], &HEADER[..7], &[0; 4096]] {
        fs::write(segment::path(dir.path(), 4), leftover).unwrap();
        let log = open(dir.path());
        assert_eq!(log.entries(&Filter::default()).unwrap().len(), 2);
        assert_eq!(log.append(&draft("")).unwrap(), 4);
        assert!(log.verify().unwrap().intact);
        log.close().unwrap();
    }
}

#[test]
fn a_full_log_refuses_but_can_still_be_closed() {
    let dir = tempfile::tempdir().unwrap();
    let limited = || Options { limit_bytes: Some(limits::AUDIT_LEAST_BYTES), ..small() };
    let log = Log::open(dir.path(), key(), limited()).unwrap();
    let mut admitted = 0;
    while log.admit().is_ok() {
        log.append(&draft("")).unwrap();
        admitted += 1;
    }
    assert!(admitted > 50);
    let mut appended = 0;
    let refused = loop {
        match log.append(&draft("")) {
            Ok(_) => appended += 1,
            Err(error) => break error,
        }
    };
    // Calls that had been admitted before the limit came near still found room.
    assert!(appended > 20);
    assert_eq!(refused.kind(), ErrorKind::AuditUnavailable);
    assert_eq!(log.checkpoint().unwrap_err().kind(), ErrorKind::AuditUnavailable);
    log.append(&Draft::new("host.close", Outcome::Allowed)).unwrap();
    log.close().unwrap();
    let found = verify_dir(dir.path(), &key().verifying_key()).unwrap();
    assert_eq!((found.intact, found.entries), (true, admitted + appended + 1));
    assert_eq!(found.checkpoints, 1);
    let size: u64 = files(dir.path()).iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    assert!(size <= limits::AUDIT_LEAST_BYTES);
    let log = Log::open(dir.path(), key(), limited()).unwrap();
    assert_eq!(log.admit().unwrap_err().kind(), ErrorKind::AuditUnavailable);
    drop(log);
    open(dir.path()).admit().unwrap();
}

#[test]
fn a_closed_or_poisoned_log_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(&draft("")).unwrap();
    log.close().unwrap();
    log.close().unwrap();
    for refused in [log.admit(), log.append(&draft("")).map(drop), log.checkpoint().map(drop)] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::AuditUnavailable);
    }
    assert_eq!(log.entries(&Filter::default()).unwrap().len(), 1);
    assert!(log.verify().unwrap().intact);

    let log = open(dir.path());
    log.shared.poisoned.store(true, SeqCst);
    for refused in [log.admit(), log.append(&draft("")).map(drop), log.checkpoint().map(drop)] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::AuditUnavailable);
    }
}

#[test]
fn threads_append_one_chain() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    std::thread::scope(|scope| {
        for name in ["one", "two"] {
            let log = &log;
            scope.spawn(move || {
                for _ in 0..1500 {
                    log.admit().unwrap();
                    log.append(&draft(name)).unwrap();
                }
            });
        }
        for _ in 0..5 {
            assert!(log.verify().unwrap().intact);
        }
    });
    let found = log.verify().unwrap();
    assert_eq!((found.intact, found.entries, found.checkpoints), (true, 3000, 2));
    log.close().unwrap();
    assert!(intact(dir.path()));
}

#[test]
fn options_out_of_range_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for options in [
        Options { segment_bytes: Some(1), ..Options::default() },
        Options { limit_bytes: Some(1), ..Options::default() },
    ] {
        let error = Log::open(dir.path(), key(), options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn an_export_is_one_json_object_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(&draft("a \"quoted\"\nkey")).unwrap();
    log.close().unwrap();
    let mut out = Vec::new();
    log.export(&mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["record"], &lines[0]["seq"]), (&"entry".into(), &1.into()));
    assert_eq!(lines[0]["subject"], "a \"quoted\"\nkey");
    assert_eq!(lines[0]["outcome"], "allowed");
    assert_eq!(lines[0]["detail"]["phase"], "run");
    assert_eq!(lines[0]["prev"], "0".repeat(64));
    assert_eq!((&lines[1]["record"], &lines[1]["entries"]), (&"checkpoint".into(), &1.into()));
    assert_eq!(lines[1]["head"], lines[0]["hash"]);
}
