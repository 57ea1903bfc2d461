//! Who is let in, who is refused, and that a name given again is somebody else's.

use std::path::Path;
use std::time::SystemTime;

use super::*;
use crate::bus::{Attribution, Reach};
use crate::topic::Topic;

fn named(name: &str) -> Principal {
    Principal::parse(name).unwrap()
}

fn tenants(home: &Path, most: usize) -> Tenants {
    Tenants::new(Profiles::of(home), Profile::default(), most, Bus::new()).unwrap()
}

fn why(outcome: Result<Arc<Tenant>>) -> String {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PrincipalRefused);
    error.message().to_owned()
}

fn message(attribution: Attribution, sender: Option<Principal>, sequence: u64) -> Message {
    Message {
        topic: Topic::parse("a.b").unwrap(),
        payload: Arc::from("1"),
        source: Arc::from(super::super::state::EMBEDDER),
        attribution,
        sender,
        sequence,
        time: SystemTime::UNIX_EPOCH,
        depth: 0,
        reach: Reach::Everyone,
        receipt: None,
        trace: None,
    }
}

#[test]
fn an_unreadable_profile_refuses_until_it_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let profiles = Profiles::of(dir.path());
    for text in ["enabled = perhaps", "profile_version = 2", "[quotas]\nmax_memory_bytes = 0"] {
        profiles.write(&named("alice"), text).unwrap();
        let tenants = tenants(dir.path(), 10);
        assert!(why(tenants.admit(&named("alice"))).contains("cannot be read"));
        assert!(tenants.known(&named("alice")).is_none());
        assert!(tenants.profile(&named("alice")).is_err());
    }
    let tenants = tenants(dir.path(), 10);
    tenants.set_profile(&named("alice"), Profile::default(), |_| Ok(())).unwrap();
    assert!(tenants.admit(&named("alice")).is_ok());
}

#[test]
fn a_profile_is_in_force_at_once_and_what_is_not_recorded_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let tenants = tenants(dir.path(), 10);
    let alice = tenants.admit(&named("alice")).unwrap();
    let disabled = Profile { enabled: false, ..Profile::default() };
    let unrecorded = |_: &str| Err(Error::new(ErrorKind::AuditUnavailable, "full"));
    assert!(tenants.set_profile(&named("alice"), disabled.clone(), unrecorded).is_err());
    assert!(alice.takes_calls());
    tenants.set_profile(&named("alice"), disabled, |_| Ok(())).unwrap();
    assert!(!alice.takes_calls());
    assert!(why(tenants.admit(&named("alice"))).contains("disabled"));
    assert!(why(tenants.admit_sent(&named("alice"), u64::MAX)).contains("disabled"));
}

#[test]
fn a_profile_that_could_not_be_recorded_leaves_the_file_before_even_an_unreadable_one() {
    let dir = tempfile::tempdir().unwrap();
    let profiles = Profiles::of(dir.path());
    profiles.write(&named("alice"), "enabled = perhaps").unwrap();
    let tenants = tenants(dir.path(), 10);
    let mut lay = None;
    let unrecorded = |_: &str| {
        lay = profiles.read(&named("alice")).unwrap();
        Err(Error::new(ErrorKind::AuditUnavailable, "full"))
    };
    assert!(tenants.set_profile(&named("alice"), Profile::default(), unrecorded).is_err());
    assert_eq!(lay.as_deref(), Some("enabled = perhaps"), "the entry comes before the file");
    assert!(why(tenants.admit(&named("alice"))).contains("cannot be read"), "nobody is let in by a failure");
    let left = std::fs::read_dir(dir.path().join("etc/profiles")).unwrap().count();
    assert_eq!(left, 1, "no draft is left");
}

#[test]
fn a_profile_makes_a_principal_known_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    tenants(dir.path(), 10).set_profile(&named("bob"), Profile::default(), |_| Ok(())).unwrap();
    let tenants = tenants(dir.path(), 10);
    assert!(tenants.known(&named("alice")).is_none());
    assert!(tenants.known(&named("bob")).is_some());
    tenants.admit(&named("alice")).unwrap();
    assert_eq!(tenants.principals(), [named("alice"), named("bob")]);
}

#[tokio::test]
async fn one_who_is_removed_makes_room_and_comes_back_as_another() {
    let dir = tempfile::tempdir().unwrap();
    let tenants = tenants(dir.path(), 1);
    let first = tenants.admit(&named("alice")).unwrap();
    assert!(why(tenants.admit(&named("bob"))).contains("as many"));
    let departure = tenants.depart(&named("alice")).await;
    assert!(first.gone().is_given());
    assert!(why(tenants.admit(&named("alice"))).contains("being removed"));
    assert!(tenants.set_profile(&named("alice"), Profile::default(), |_| Ok(())).is_err());
    departure.cleared().await;
    departure.finish();
    let second = tenants.admit(&named("alice")).unwrap();
    assert!(!Arc::ptr_eq(&first, &second) && second.takes_calls());
}

#[tokio::test]
async fn a_removal_that_was_not_finished_keeps_refusing() {
    let dir = tempfile::tempdir().unwrap();
    let tenants = tenants(dir.path(), 10);
    tenants.admit(&named("alice")).unwrap();
    for principal in ["alice", "bob"] {
        drop(tenants.depart(&named(principal)).await);
        assert!(why(tenants.admit(&named(principal))).contains("being removed"));
        tenants.depart(&named(principal)).await.finish();
        assert!(tenants.admit(&named(principal)).is_ok());
    }
}

#[tokio::test]
async fn a_message_speaks_for_the_one_who_sent_it_only() {
    let dir = tempfile::tempdir().unwrap();
    let tenants = tenants(dir.path(), 10);
    let (alice, bob) = (named("alice"), named("bob"));
    tenants.admit(&alice).unwrap();
    tenants.admit(&bob).unwrap();
    let sent = tenants.0.bus.next_sequence();
    let own = message(Attribution::Verified(alice.clone()), Some(alice.clone()), sent);
    let claimed = message(Attribution::Claimed(bob.clone()), Some(alice.clone()), sent);
    let others = message(Attribution::Verified(bob.clone()), Some(bob), sent);
    let system = message(Attribution::System, None, sent);
    assert!([&own, &claimed, &others, &system].iter().all(|message| tenants.hears(message)));
    assert!(tenants.admit_sent(&alice, sent).is_ok());
    tenants.depart(&alice).await.finish();
    tenants.admit(&alice).unwrap();
    assert!(!tenants.hears(&own) && !tenants.hears(&claimed));
    assert!(tenants.hears(&others) && tenants.hears(&system));
    assert!(why(tenants.admit_sent(&alice, sent)).contains("removed"));
    assert!(tenants.admit_sent(&alice, tenants.0.bus.next_sequence()).is_ok());
}
