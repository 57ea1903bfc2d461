//! Slots of the pool go from one principal to the next, and nothing that was in them does.

use std::future::IntoFuture as _;

use astrid_host::{Capsule, Host, HostOptions, Messages};

use crate::stage::{alone, counted, guest, load, open_with, principal, variant};

const PRINCIPALS: usize = 12;
/// What the instances of one principal take together stays below the 64 MiB of a slot, so that they come out of the pool.
const EACH: usize = 10;
/// What an instance counts that is full: 47 pages in words and a little more, the slots of its table, three globals.
const FULL: u64 = 47 * 65_536 / 8 + 12_000 + 3;

async fn host(home: &std::path::Path, memory: u64) -> Host {
    let mut options = HostOptions::default();
    options.quotas.set("max_memory_bytes", memory).expect("a legal quota");
    options.instances.most = EACH;
    open_with(home, options).await
}

/// Linear memories of the pool that are in use, and those that were left by somebody.
fn pool(host: &Host) -> (u64, u64) {
    let state = |state| counted(host, &format!("astrid_pool_memories{{state=\"{state}\"}}"));
    (state("in_use"), state("left"))
}

async fn next(found: &Messages) -> u64 {
    let message = found.next().await.expect("a message");
    message.payload.parse().expect("a number")
}

/// One call of `action` that answers.
async fn call(capsule: &Capsule, action: &str, who: &str) -> u64 {
    let reply = capsule.trigger(action, "").principal(principal(who)).await.expect("an answer");
    reply.data.expect("digits").parse().expect("a number")
}

type Calls = Vec<tokio::task::JoinHandle<astrid_host::Result<astrid_host::HookResult>>>;

/// Many calls that stay in their instances; what each of them counted.
async fn crowd(
    host: &Host,
    capsule: &Capsule,
    found: &Messages,
    action: &str,
    who: &str,
) -> (Calls, Vec<u64>) {
    let calls: Calls = (0..PRINCIPALS * EACH)
        .map(|n| {
            let principal = principal(&format!("{who}{}", n % PRINCIPALS));
            host.spawn(capsule.trigger(action, "stay").principal(principal).into_future()).expect("open")
        })
        .collect();
    let mut counts = Vec::with_capacity(calls.len());
    for _ in 0..calls.len() {
        counts.push(next(found).await);
    }
    (calls, counts)
}

async fn leave(host: &Host, capsule: Capsule, calls: Calls) {
    capsule.unload().await.expect("unloaded");
    for call in calls {
        let _ended = call.await.expect("not aborted");
    }
    assert_eq!(pool(host).0, 0, "nothing is in use any more");
}

#[tokio::test(flavor = "current_thread")]
async fn what_hooks_and_a_run_loop_left_in_the_pool_nobody_finds() {
    let _alone = alone().await;
    let home = tempfile::tempdir().expect("a folder");
    let host = host(home.path(), 64 << 20).await;
    let found = host.subscribe("test.found").expect("a subscription");
    let hoard = guest("hoard");
    let all = (PRINCIPALS * EACH) as u64;

    let capsule = load(&host, "hoard", &principal("owner"), &hoard).await.expect("it loads");
    assert!(next(&found).await >= FULL, "the run loop is full");
    assert_eq!(call(&capsule, "search", "stranger").await, 0, "beside the run loop");
    let (calls, counts) = crowd(&host, &capsule, &found, "fill", "a").await;
    assert!(counts.iter().all(|count| *count >= FULL), "all are full");
    assert_eq!(pool(&host).0, all + 2, "and in the pool, with the run loop and the stranger");
    leave(&host, capsule, calls).await;
    let left = pool(&host).1;
    assert!(left >= all + 2);

    // The same component for others: every one of its slots is one that was left.
    let capsule = load(&host, "hoard", &principal("heir"), &hoard).await.expect("it loads");
    assert!(next(&found).await >= FULL, "the next run loop is full");
    let (calls, counts) = crowd(&host, &capsule, &found, "search", "b").await;
    assert_eq!(counts, vec![0; PRINCIPALS * EACH]);
    assert_eq!(pool(&host), (all + 1, left - all - 1));
    leave(&host, capsule, calls).await;

    // Filled again, and another component: it takes over some of the slots.
    let capsule = load(&host, "hoard", &principal("owner"), &hoard).await.expect("it loads");
    assert!(next(&found).await >= FULL);
    let (calls, counts) = crowd(&host, &capsule, &found, "fill", "c").await;
    assert!(counts.iter().all(|count| *count >= FULL));
    leave(&host, capsule, calls).await;
    let left = pool(&host).1;
    let capsule = load(&host, "other", &principal("owner"), &variant(&hoard, 1)).await.expect("it loads");
    assert!(next(&found).await >= FULL);
    let (calls, counts) = crowd(&host, &capsule, &found, "search", "d").await;
    assert_eq!(counts, vec![0; PRINCIPALS * EACH]);
    assert!(left - pool(&host).1 >= 20, "slots went from one component to the other");
    leave(&host, capsule, calls).await;
    host.close().await.expect("closed");
}

/// Fills instances that then wait on their shelf, removes their principals, and looks with others.
async fn removed(memory: u64, pooled: u64) {
    let home = tempfile::tempdir().expect("a folder");
    let host = host(home.path(), memory).await;
    let capsule = load(&host, "hoard", &principal("owner"), &guest("hoard")).await.expect("it loads");
    capsule.wait_ready(None).await.expect("ready");
    for n in 0..8 {
        assert!(call(&capsule, "fill", &format!("a{n}")).await >= FULL);
        assert!(call(&capsule, "search", &format!("a{n}")).await >= FULL, "its own instance is the same");
    }
    assert_eq!(pool(&host).0, 9 * pooled);
    for n in 0..8 {
        host.remove_principal(&principal(&format!("a{n}"))).await.expect("removed");
    }
    let (in_use, left) = pool(&host);
    assert_eq!(in_use, pooled);
    for n in 0..8 {
        // Some have the names of those who were removed, and are not them.
        let who = if n < 4 { format!("a{n}") } else { format!("b{n}") };
        assert_eq!(call(&capsule, "search", &who).await, 0);
    }
    assert_eq!(pool(&host), (9 * pooled, left - 8 * pooled), "in the slots that were left");
    host.close().await.expect("closed");
}

#[tokio::test(flavor = "current_thread")]
async fn what_removed_principals_left_in_the_pool_nobody_finds() {
    let _alone = alone().await;
    removed(64 << 20, 1).await;
}

#[tokio::test(flavor = "current_thread")]
async fn nor_what_they_left_in_instances_on_demand() {
    let _alone = alone().await;
    removed(128 << 20, 0).await;
}
