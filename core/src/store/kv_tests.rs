use super::*;
use crate::store::Durability;

const ROOM: u64 = u64::MAX;

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    (dir, store)
}

fn principal(name: &str) -> Principal {
    Principal::parse(name).unwrap()
}

#[test]
fn set_get_delete() {
    let (_dir, store) = store();
    let kv = store.kv(&principal("alice"), "c");
    assert_eq!(kv.get("k").unwrap(), None);
    kv.set("k", b"one", ROOM).unwrap();
    kv.set("k", b"two", ROOM).unwrap();
    assert_eq!(kv.get("k").unwrap().as_deref(), Some(&b"two"[..]));
    kv.set("empty", b"", ROOM).unwrap();
    assert_eq!(kv.get("empty").unwrap().as_deref(), Some(&b""[..]));
    kv.delete("k").unwrap();
    kv.delete("k").unwrap();
    assert_eq!(kv.get("k").unwrap(), None);
}

#[test]
fn namespaces_do_not_see_each_other() {
    let (_dir, store) = store();
    let (alice, bob) = (principal("alice"), principal("bob"));
    store.kv(&alice, "c").set("k", b"v", ROOM).unwrap();
    for other in [store.kv(&bob, "c"), store.kv(&alice, "cc"), store.kv(&alice, "")] {
        assert_eq!(other.get("k").unwrap(), None);
        assert!(other.list("").unwrap().is_empty());
        assert_eq!(other.clear_prefix("").unwrap(), 0);
    }
    assert_eq!(store.kv(&alice, "c").list("").unwrap(), ["k"]);
}

#[test]
fn bytes_are_counted_as_they_change() {
    let (_dir, store) = store();
    let alice = principal("alice");
    let kv = store.kv(&alice, "c");
    kv.set("ab", b"12345", ROOM).unwrap();
    assert_eq!(kv.used_bytes().unwrap(), 7);
    kv.set("ab", b"1", ROOM).unwrap();
    kv.set("cd", b"22", ROOM).unwrap();
    assert_eq!(kv.used_bytes().unwrap(), 7);
    store.kv(&alice, "d").set("x", b"", ROOM).unwrap();
    assert_eq!(store.used_bytes(&alice).unwrap(), 8);
    kv.delete("ab").unwrap();
    kv.delete("ab").unwrap();
    assert_eq!(kv.used_bytes().unwrap(), 4);
    kv.cas("cd", Some(b"22"), b"", ROOM).unwrap();
    assert_eq!(kv.used_bytes().unwrap(), 2);
    assert_eq!(kv.clear_prefix("").unwrap(), 1);
    assert_eq!(kv.used_bytes().unwrap(), 0);
}

#[test]
fn a_full_namespace_changes_nothing_but_may_shrink() {
    let (_dir, store) = store();
    let kv = store.kv(&principal("alice"), "c");
    kv.set("k", b"123456789", 10).unwrap();
    assert!(matches!(kv.set("l", b"", 10), Err(KvError::Quota)));
    assert!(matches!(kv.set("k", b"1234567890", 10), Err(KvError::Quota)));
    assert!(matches!(kv.cas("m", None, b"1", 10), Err(KvError::Quota)));
    assert_eq!(kv.list("").unwrap(), ["k"]);
    assert_eq!(kv.get("k").unwrap().as_deref(), Some(&b"123456789"[..]));
    assert_eq!(kv.used_bytes().unwrap(), 10);
    kv.set("k", b"1234567", 4).unwrap();
    assert_eq!(kv.used_bytes().unwrap(), 8);
}

#[test]
fn keys_and_sizes_keep_their_rules() {
    let (_dir, store) = store();
    let kv = store.kv(&principal("alice"), "c");
    for bad in ["", "a\0b", "a\u{1}", "e\u{301}", &"k".repeat(257)] {
        assert!(matches!(kv.get(bad), Err(KvError::InvalidKey)), "{bad:?}");
        assert!(matches!(kv.set(bad, b"", ROOM), Err(KvError::InvalidKey)));
        assert!(matches!(kv.delete(bad), Err(KvError::InvalidKey)));
        assert!(matches!(kv.cas(bad, None, b"", ROOM), Err(KvError::InvalidKey)));
        assert!(matches!(kv.page("", Some(bad), 1), Err(KvError::InvalidKey)));
        if !bad.is_empty() {
            assert!(matches!(kv.list(bad), Err(KvError::InvalidKey)));
            assert!(matches!(kv.clear_prefix(bad), Err(KvError::InvalidKey)));
        }
    }
    let mut value = vec![1; limits::KV_VALUE_BYTES];
    kv.set("k", &value, ROOM).unwrap();
    value.push(1);
    assert!(matches!(kv.set("k", &value, ROOM), Err(KvError::TooLarge)));
    assert!(matches!(kv.cas("k", None, &value, ROOM), Err(KvError::TooLarge)));
    assert_eq!(kv.get("k").unwrap().unwrap().len(), limits::KV_VALUE_BYTES);
}

#[test]
fn pages_are_sorted_by_bytes_and_end() {
    let (_dir, store) = store();
    let kv = store.kv(&principal("alice"), "c");
    for key in ["b", "a/2", "a/10", "a/1", "é", "Z", "a"] {
        kv.set(key, b"v", ROOM).unwrap();
    }
    store.kv(&principal("alice"), "d").set("a/3", b"v", ROOM).unwrap();
    assert_eq!(kv.list("").unwrap(), ["Z", "a", "a/1", "a/10", "a/2", "b", "é"]);
    assert_eq!(kv.list("a/").unwrap(), ["a/1", "a/10", "a/2"]);
    let first = kv.page("a/", None, 2).unwrap();
    assert_eq!(first, Page { keys: vec!["a/1".into(), "a/10".into()], next: Some("a/10".into()) });
    kv.delete("a/10").unwrap();
    let second = kv.page("a/", first.next.as_deref(), 2).unwrap();
    assert_eq!(second, Page { keys: vec!["a/2".into()], next: None });
    assert_eq!(kv.page("a/", Some("a/1"), 1).unwrap(), Page { keys: vec!["a/2".into()], next: None });
    assert_eq!(kv.page("a/", Some("A"), 1).unwrap().keys, ["a/1"]);
    assert_eq!(kv.page("a/", Some("b"), 1).unwrap(), Page::default());
    assert_eq!(kv.page("a/", Some("a/2"), 1).unwrap(), Page::default());
}

#[test]
fn a_listing_over_the_limit_is_too_large_and_pages_are_capped() {
    let (_dir, store) = store();
    let kv = store.kv(&principal("alice"), "c");
    for n in 0..limits::KV_PAGE_KEYS {
        kv.set(&format!("{n:04}"), b"", ROOM).unwrap();
    }
    assert_eq!(kv.list("").unwrap().len(), limits::KV_PAGE_KEYS);
    assert_eq!(kv.page("", None, 0).unwrap().next, None);
    kv.set("z", b"", ROOM).unwrap();
    assert!(matches!(kv.list(""), Err(KvError::TooLarge)));
    for limit in [0, 1024, 1025, u32::MAX] {
        let page = kv.page("", None, limit).unwrap();
        assert_eq!((page.keys.len(), page.next.as_deref()), (1024, Some("1023")), "{limit}");
    }
    assert_eq!(kv.clear_prefix("00").unwrap(), 100);
    assert_eq!(kv.clear_prefix("").unwrap(), 925);
    assert_eq!(kv.used_bytes().unwrap(), 0);
}

#[test]
fn compare_and_swap_loses_no_increment() {
    let (_dir, store) = store();
    let kv = store.kv(&principal("alice"), "c");
    assert!(matches!(kv.cas("n", Some(b"0"), b"1", ROOM), Err(KvError::CasMismatch)));
    kv.cas("n", None, b"0", ROOM).unwrap();
    assert!(matches!(kv.cas("n", None, b"1", ROOM), Err(KvError::CasMismatch)));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let kv = kv.clone();
            scope.spawn(move || {
                let mut left = 100;
                while left > 0 {
                    let held = kv.get("n").unwrap().unwrap();
                    let next = (std::str::from_utf8(&held).unwrap().parse::<u32>().unwrap() + 1).to_string();
                    if kv.cas("n", Some(&held), next.as_bytes(), ROOM).is_ok() {
                        left -= 1;
                    }
                }
            });
        }
    });
    assert_eq!(kv.get("n").unwrap().as_deref(), Some(&b"400"[..]));
}

#[test]
fn a_quota_is_exact_under_concurrency() {
    let (_dir, store) = store();
    let kv = store.kv(&principal("alice"), "c");
    let stored: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let kv = kv.clone();
                scope.spawn(move || {
                    (0..50).filter(|n| kv.set(&format!("{thread}{n:02}"), b"12345", 800).is_ok()).count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(stored, 100);
    assert_eq!(kv.used_bytes().unwrap(), 800);
    assert_eq!(kv.list("").unwrap().len(), 100);
}

#[test]
fn everything_is_there_after_reopening() {
    let (dir, store) = store();
    let kv = store.kv(&principal("alice"), "c");
    kv.set("k", b"v", ROOM).unwrap();
    store.close().unwrap();
    store.close().unwrap();
    assert!(matches!(kv.get("k"), Err(KvError::Unavailable(_))));
    for durability in [Durability::Power, Durability::Process] {
        let store = Store::open_with(dir.path(), durability, None).unwrap();
        let kv = store.kv(&principal("alice"), "c");
        assert_eq!(kv.get("k").unwrap().as_deref(), Some(&b"v"[..]));
        assert_eq!(kv.used_bytes().unwrap(), 2);
        kv.set("k", b"w", ROOM).unwrap();
        kv.set("k", b"v", ROOM).unwrap();
        store.close().unwrap();
    }
}

#[tokio::test]
async fn what_is_settled_in_the_class_of_power_is_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_with(dir.path(), Durability::Power, None).unwrap();
    let kv = store.kv(&principal("alice"), "c");
    let synced = |store: &Store| store.opened().unwrap().database.is_synced();
    let mut before = None;
    for n in 0..20 {
        kv.set(&format!("k{n}"), b"v", ROOM).unwrap();
        store.settled().await.unwrap();
        assert!(synced(&store));
        kv.cas("next", before.as_deref(), &[n], ROOM).unwrap();
        before = Some(vec![n]);
        store.settle().unwrap();
        assert!(synced(&store));
    }
    store.close().unwrap();
    assert!(store.settled().await.is_err() && store.settle().is_err());
}

#[test]
fn erasing_a_principal_leaves_nothing_of_it_and_everything_else() {
    use crate::store::Scope;
    let (_dir, store) = store();
    let people = [principal("alice"), principal("alic"), principal("alicea")];
    for who in &people {
        store.kv(who, "c").set("k", b"v", ROOM).unwrap();
        store.secrets().set(&Scope::of(who, "c"), "s", "v").unwrap();
        store.settings().set(&Scope::of(who, "c"), "e", "v").unwrap();
        store.allowances().put(who, "a", &1u32).unwrap();
    }
    store.secrets().set(&Scope::host("c"), "s", "all").unwrap();
    store.erase(&people[0]).unwrap();
    let held = |who: &Principal| {
        (
            store.kv(who, "c").get("k").unwrap().is_some(),
            store.used_bytes(who).unwrap(),
            store.secrets().exists(&Scope::of(who, "c"), "s").unwrap(),
            store.settings().all(&Scope::of(who, "c")).unwrap().len(),
            store.allowances().list::<u32>(who).unwrap().len(),
        )
    };
    assert_eq!(held(&people[0]), (false, 0, false, 0, 0));
    assert_eq!(held(&people[1]), (true, 2, true, 1, 1));
    assert_eq!(held(&people[2]), (true, 2, true, 1, 1));
    assert!(store.secrets().exists_effective(&people[0], "c", "s").unwrap());
}

#[test]
fn a_second_store_of_the_home_is_refused_until_the_first_is_closed() {
    let (dir, store) = store();
    assert_eq!(Store::open(dir.path()).unwrap_err().kind(), crate::error::ErrorKind::HomeLocked);
    let stale = store.clone();
    store.close().unwrap();
    Store::open(dir.path()).unwrap();
    assert!(stale.sync().is_err());
}
