use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll, Wake, Waker};
use std::time::SystemTime;

use super::*;
use crate::principal::Principal;
use crate::stream::Awaited as _;
use crate::topic::Topic;

const ALL: usize = usize::MAX;

fn pattern(text: &str) -> Pattern {
    Pattern::for_subscription(text).unwrap()
}

fn person(name: &str) -> Principal {
    Principal::parse(name).unwrap()
}

fn verified(name: &str) -> Attribution {
    Attribution::Verified(person(name))
}

/// A message whose size is the length of its payload and the one byte of its topic.
fn message(attribution: Attribution, payload: &str) -> Arc<Message> {
    message_on("t", attribution, payload)
}

fn message_on(topic: &str, attribution: Attribution, payload: &str) -> Arc<Message> {
    Arc::new(Message {
        topic: Topic::parse(topic).unwrap(),
        payload: payload.into(),
        source: "".into(),
        sender: attribution.principal().cloned(),
        attribution,
        sequence: 0,
        time: SystemTime::UNIX_EPOCH,
        depth: 0,
        reach: Reach::Everyone,
        receipt: None,
        trace: None,
    })
}

fn subscription(bus: &Bus, limits: QueueLimits) -> Subscription {
    bus.subscribe(&pattern("t"), Admission::Everyone, limits)
}

fn limits(bytes: usize) -> QueueLimits {
    QueueLimits { bytes, ..QueueLimits::default() }
}

fn payloads(batch: &Batch) -> Vec<&str> {
    batch.messages.iter().map(|message| &*message.payload).collect()
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn every_matching_subscription_gets_its_own_copy_and_late_ones_get_nothing() {
    let bus = Bus::new();
    let one = bus.subscribe(&pattern("a.*"), Admission::Everyone, QueueLimits::default());
    let two = bus.subscribe(&pattern("a.*"), Admission::Everyone, QueueLimits::default());
    let other = bus.subscribe(&pattern("b"), Admission::Everyone, QueueLimits::default());
    let published = bus.publish(&message_on("a.b.c", Attribution::System, "1"), None);
    assert_eq!(published, Published { matched: 2, delivered: 2, overflowed: 0 });
    let late = bus.subscribe(&pattern("a.*"), Admission::Everyone, QueueLimits::default());
    assert_eq!(payloads(&one.poll(ALL)), ["1"]);
    assert_eq!(payloads(&two.poll(ALL)), ["1"]);
    assert!(other.poll(ALL).messages.is_empty());
    assert!(late.poll(ALL).messages.is_empty());
}

#[test]
fn dropping_or_closing_unsubscribes_at_once() {
    let bus = Bus::new();
    let one = subscription(&bus, limits(10));
    let two = subscription(&bus, limits(10));
    let readiness = two.readiness();
    bus.publish(&message(Attribution::System, "1"), None);
    drop(one);
    two.close();
    assert!(readiness.is_closed() && !readiness.is_ready());
    assert!(two.poll(ALL).messages.is_empty());
    assert_eq!(bus.publish(&message(Attribution::System, "2"), None), Published::default());
    assert!(bus.shared.index.read().is_empty());
}

#[test]
fn a_closed_bus_closes_every_subscription_and_refuses_new_ones() {
    let bus = Bus::new();
    let before = subscription(&bus, limits(10));
    bus.close();
    assert!(before.is_closed());
    assert!(subscription(&bus, limits(10)).is_closed());
    assert_eq!(bus.publish(&message(Attribution::System, "1"), None), Published::default());
}

#[test]
fn what_is_not_admitted_uses_no_budget_and_is_no_match() {
    let bus = Bus::new();
    let alice = bus.subscribe(
        &pattern("t"),
        Admission::Principal(person("alice")),
        QueueLimits { bytes: 4, ..limits(4) },
    );
    for _ in 0..100 {
        assert_eq!(bus.publish(&message(verified("bob"), "b"), Some(0)), Published::default());
    }
    bus.publish(&message(verified("alice"), "a"), None);
    bus.publish(&message(Attribution::System, "s"), None);
    let batches = [alice.poll(ALL), alice.poll(ALL)];
    assert_eq!(payloads(&batches[0]), ["a"]);
    assert_eq!(payloads(&batches[1]), ["s"]);
    assert_eq!(batches[1].lagged, 0);
    assert!(Admission::Principal(person("alice")).admits(&Attribution::Claimed(person("alice"))));
}

#[test]
fn the_oldest_message_of_all_makes_room() {
    let bus = Bus::new();
    let subscription = subscription(&bus, limits(6));
    bus.publish(&message(verified("alice"), "1"), None);
    bus.publish(&message(verified("bob"), "2"), None);
    bus.publish(&message(verified("alice"), "3"), None);
    // Four bytes have to go: alice's first, then bob's only one, though alice publishes.
    bus.publish(&message(verified("alice"), "456"), None);
    let batch = subscription.poll(ALL);
    assert_eq!((payloads(&batch), batch.dropped, batch.lagged), (vec!["3", "456"], 2, 2));
    let batch = subscription.poll(ALL);
    assert_eq!((batch.messages.len(), batch.dropped, batch.lagged), (0, 0, 2));
}

#[test]
fn the_message_limit_is_each_publishers_own() {
    let bus = Bus::new();
    let subscription = subscription(&bus, QueueLimits { bytes: 1000, messages_per_publisher: 2 });
    bus.publish(&message(verified("bob"), "b"), None);
    for payload in ["1", "2", "3"] {
        bus.publish(&message(verified("alice"), payload), None);
    }
    let (first, second) = (subscription.poll(ALL), subscription.poll(ALL));
    assert_eq!((payloads(&first), first.dropped), (vec!["b"], 1));
    assert_eq!((payloads(&second), second.dropped), (vec!["2", "3"], 0));
}

#[test]
fn a_message_larger_than_the_budget_is_lost_alone() {
    let bus = Bus::new();
    let subscription = subscription(&bus, limits(4));
    bus.publish(&message(verified("alice"), "123"), None);
    let published = bus.publish(&message(verified("alice"), "1234"), None);
    assert_eq!(published, Published { matched: 1, delivered: 0, overflowed: 0 });
    let batch = subscription.poll(ALL);
    assert_eq!((payloads(&batch), batch.dropped), (vec!["123"], 1));
}

#[test]
fn beyond_the_fan_out_cap_the_later_subscriptions_lose_and_are_told() {
    let bus = Bus::new();
    // The order of subscribing counts, not that of the index.
    let first = bus.subscribe(&pattern("t.x"), Admission::Everyone, QueueLimits::default());
    let second = bus.subscribe(&pattern("t.*"), Admission::Everyone, QueueLimits::default());
    let third = bus.subscribe(&pattern("t.x"), Admission::Everyone, QueueLimits::default());
    let published = bus.publish(&message_on("t.x", Attribution::System, "1"), Some(2));
    assert_eq!(published, Published { matched: 3, delivered: 2, overflowed: 1 });
    assert_eq!(first.poll(ALL).messages.len(), 1);
    assert_eq!(second.poll(ALL).messages.len(), 1);
    let batch = third.poll(ALL);
    assert_eq!((batch.messages.len(), batch.dropped, batch.lagged), (0, 1, 1));
}

#[test]
fn a_batch_never_mixes_attributions_and_keeps_each_publishers_order() {
    let bus = Bus::new();
    let subscription = subscription(&bus, QueueLimits::default());
    let publishers = [verified("alice"), Attribution::Claimed(person("alice")), Attribution::System];
    for n in 0..30 {
        bus.publish(&message(publishers[n % 3].clone(), &n.to_string()), None);
    }
    for (first, publisher) in publishers.iter().enumerate() {
        let batch = subscription.poll(crate::limits::BATCH_BYTES);
        let expected: Vec<_> = (first..30).step_by(3).map(|n| n.to_string()).collect();
        assert_eq!(payloads(&batch), expected);
        assert!(batch.messages.iter().all(|message| message.attribution == *publisher));
    }
    assert!(!subscription.is_ready());
}

#[test]
fn a_flood_does_not_keep_the_others_waiting() {
    let bus = Bus::new();
    let subscription = subscription(&bus, QueueLimits::default());
    let kilobyte = "x".repeat(1023);
    for _ in 0..512 {
        bus.publish(&message(verified("flood"), &kilobyte), None);
    }
    bus.publish(&message(verified("alice"), "1"), None);
    // Two publishers share the budget, so the flood gets half of it in its turn.
    assert_eq!(subscription.poll(64 * 1024).messages.len(), 32);
    assert_eq!(payloads(&subscription.poll(64 * 1024)), ["1"]);
    assert_eq!(subscription.poll(64 * 1024).messages.len(), 64);
}

#[test]
fn large_messages_save_up_turns_and_get_their_share() {
    let bus = Bus::new();
    let subscription = subscription(&bus, QueueLimits::default());
    let (large, small) = ("x".repeat(9_999), "y".repeat(999));
    for _ in 0..10 {
        bus.publish(&message(verified("large"), &large), None);
    }
    for _ in 0..100 {
        bus.publish(&message(verified("small"), &small), None);
    }
    // With a small budget each turn is worth 4096 bytes; both publishers wait with 100,000 bytes.
    let (mut large_bytes, mut small_bytes) = (0, 0);
    while large_bytes + small_bytes < 100_000 {
        for message in subscription.poll(1).messages {
            let bytes =
                if message.attribution == verified("large") { &mut large_bytes } else { &mut small_bytes };
            *bytes += message.size();
        }
    }
    assert!(usize::abs_diff(large_bytes, small_bytes) <= 10_000 + 4096, "{large_bytes} {small_bytes}");
}

#[test]
fn a_message_larger_than_the_polls_budget_comes_alone() {
    let bus = Bus::new();
    let subscription = subscription(&bus, QueueLimits::default());
    for payload in ["12345", "6", "7"] {
        bus.publish(&message(verified("alice"), payload), None);
    }
    assert_eq!(payloads(&subscription.poll(2)), ["12345"]);
    assert_eq!(payloads(&subscription.poll(4)), ["6", "7"]);
}

#[test]
fn nothing_is_lost_or_doubled_under_random_traffic() {
    let bus = Bus::new();
    let subscription = subscription(&bus, QueueLimits { bytes: 2_000, messages_per_publisher: 20 });
    let mut random = 7_u64;
    let mut next = move |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) % below
    };
    let (mut sent, mut received, mut dropped, mut lagged) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut newest = std::collections::HashMap::new();
    for _ in 0..20_000 {
        if next(3) > 0 {
            let payload = format!("{sent:0width$}", width = usize::try_from(6 + next(300)).unwrap());
            bus.publish(&message(verified(&format!("p{}", next(9))), &payload), None);
            sent += 1;
        } else {
            let batch = subscription.poll(usize::try_from(next(1_000)).unwrap());
            for message in &batch.messages {
                let number: u64 = message.payload.parse().unwrap();
                let before = newest.insert(message.attribution.clone(), number);
                assert!(before.is_none_or(|before| before < number));
                received += 1;
            }
            dropped += batch.dropped;
            lagged = batch.lagged;
        }
    }
    while subscription.is_ready() {
        let batch = subscription.poll(1_000);
        received += batch.messages.len() as u64;
        dropped += batch.dropped;
        lagged = batch.lagged;
    }
    assert_eq!(received + dropped, sent);
    assert_eq!(dropped, lagged);
    assert!(dropped > 0 && received > 0);
}

#[test]
fn readiness_is_level_triggered_and_wakes_every_waiter_once() {
    let bus = Bus::new();
    let subscription = subscription(&bus, QueueLimits::default());
    let count = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&count));
    let mut context = Context::from_waker(&waker);
    let readiness = subscription.readiness();
    let mut waits = [Box::pin(readiness.ready()), Box::pin(subscription.readiness().ready())];
    let mut abandoned = Box::pin(subscription.ready());
    assert_eq!(abandoned.as_mut().poll(&mut context), Poll::Pending);
    for wait in &mut waits {
        assert_eq!(wait.as_mut().poll(&mut context), Poll::Pending);
    }
    drop(abandoned);
    bus.publish(&message_on("other", Attribution::System, "0"), None);
    assert_eq!(count.0.load(Ordering::Relaxed), 0);
    bus.publish(&message(Attribution::System, "1"), None);
    bus.publish(&message(Attribution::System, "2"), None);
    assert_eq!(count.0.load(Ordering::Relaxed), 2);
    for wait in &mut waits {
        assert_eq!(wait.as_mut().poll(&mut context), Poll::Ready(()));
    }
    assert!(readiness.is_ready());
    assert_eq!(Box::pin(readiness.ready()).as_mut().poll(&mut context), Poll::Ready(()));
    subscription.poll(ALL);
    assert!(!readiness.is_ready());
    let mut wait = Box::pin(readiness.ready());
    assert_eq!(wait.as_mut().poll(&mut context), Poll::Pending);
    drop(subscription);
    assert_eq!(count.0.load(Ordering::Relaxed), 3);
    assert_eq!(wait.as_mut().poll(&mut context), Poll::Ready(()));
    assert!(readiness.is_closed() && !readiness.is_ready());
}

#[test]
fn a_burst_between_two_receives_loses_nothing_while_many_threads_publish() {
    let bus = Bus::new();
    let subscription = subscription(&bus, QueueLimits::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let publishers: Vec<_> = (0..4)
        .map(|n| {
            let bus = bus.clone();
            std::thread::spawn(move || {
                for k in 0..2_000 {
                    bus.publish(&message(verified(&format!("p{n}")), &k.to_string()), None);
                }
            })
        })
        .collect();
    let received = runtime.block_on(runtime.spawn(async move {
        let mut received = 0;
        while received < 8_000 {
            subscription.ready().await;
            let batch = subscription.poll(500);
            assert_eq!(batch.lagged, 0);
            received += batch.messages.len();
        }
        received
    }));
    assert_eq!(received.unwrap(), 8_000);
    for publisher in publishers {
        publisher.join().unwrap();
    }
}

#[test]
fn ten_thousand_waiting_subscriptions_wake_only_those_that_match() {
    let bus = Bus::new();
    let count = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&count));
    let mut context = Context::from_waker(&waker);
    let mut waiting: Vec<_> = (0..10_000)
        .map(|n| {
            let pattern = pattern(&format!("capsule.{n}.*"));
            let subscription = bus.subscribe(&pattern, Admission::Everyone, QueueLimits::default());
            let mut ready = Box::pin(subscription.ready());
            assert_eq!(ready.as_mut().poll(&mut context), Poll::Pending);
            (subscription, ready)
        })
        .collect();
    let published = bus.publish(&message_on("capsule.4711.go", Attribution::System, "1"), None);
    assert_eq!(published.delivered, 1);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    assert_eq!(waiting[4711].1.as_mut().poll(&mut context), Poll::Ready(()));
    assert!(size_of::<Queue>() <= 512, "{}", size_of::<Queue>());
    drop(waiting);
    assert!(bus.shared.index.read().is_empty());
}

#[test]
fn the_debug_text_of_a_message_keeps_its_payload_to_itself() {
    assert!(!format!("{:?}", message(Attribution::System, "hunter2")).contains("hunter2"));
}

#[test]
fn a_capsule_out_of_reach_gets_nothing_and_is_named() {
    let bus = Bus::new();
    let listener = |capsule: &str| Some(Listener { capsule: capsule.into(), owner: person("owner") });
    let near = bus.subscribe_as(listener("near"), &pattern("t"), Admission::Everyone, QueueLimits::default());
    let far = bus.subscribe_as(listener("far"), &pattern("t"), Admission::Everyone, QueueLimits::default());
    let program = subscription(&bus, QueueLimits::default());
    let mut sent = Arc::into_inner(message(verified("alice"), "1")).unwrap();
    sent.reach = Reach::Capsule("near".into());
    let addressed = bus.address(&Arc::new(sent), None);
    assert_eq!((addressed.withheld(), addressed.capsules()), (&["far".into()][..], 1));
    assert_eq!(addressed.deliver(), Published { matched: 2, delivered: 2, overflowed: 0 });
    assert!(near.is_ready() && program.is_ready() && !far.is_ready());
}
