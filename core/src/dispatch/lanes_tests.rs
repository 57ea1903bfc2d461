use futures_util::FutureExt;
use proptest::prelude::*;

use super::*;

fn key(capsule: &str) -> Key {
    Key { capsule: capsule.into(), principal: Some(Principal::default()) }
}

/// One step in each of the lanes, all of one stage.
fn fan(capsules: &[&str]) -> Vec<Step> {
    capsules.iter().map(|capsule| Step { key: key(capsule), stage: 0 }).collect()
}

/// One step in each of the lanes, one stage after the other.
fn chain(capsules: &[&str]) -> Vec<Step> {
    (0..).zip(capsules).map(|(stage, capsule)| Step { key: key(capsule), stage }).collect()
}

fn enter(lanes: &Lanes, steps: &[Step]) -> Vec<Place> {
    lanes.enter(steps, None).now_or_never().unwrap().unwrap()
}

/// Fills a lane behind the places that are there already.
fn fill(lanes: &Lanes, capsule: &str) -> Vec<Place> {
    std::iter::from_fn(|| lanes.enter(&fan(&[capsule]), None).now_or_never())
        .flat_map(Result::unwrap)
        .collect()
}

fn has_turn(place: &Place) -> bool {
    place.turn().now_or_never().is_some()
}

#[test]
fn places_are_served_in_order_and_a_lane_ends_with_its_last_place() {
    let lanes = Lanes::default();
    let mut places: Vec<_> = (0..3).flat_map(|_| enter(&lanes, &fan(&["a"]))).collect();
    let other = enter(&lanes, &fan(&["b"]));
    assert!(has_turn(&places[0]) && !has_turn(&places[1]) && has_turn(&other[0]));
    // Who gives up in the middle lets nobody past.
    drop(places.remove(1));
    assert!(!has_turn(&places[1]));
    drop(places.remove(0));
    assert!(has_turn(&places[0]));
    drop((places, other));
    assert!(lanes.is_empty());
}

#[test]
fn chains_and_single_messages_keep_their_order_wherever_they_meet() {
    let lanes = Lanes::default();
    let first = enter(&lanes, &chain(&["a", "b"]));
    let second = enter(&lanes, &fan(&["b"]));
    let third = enter(&lanes, &chain(&["b", "a"]));
    assert!(has_turn(&first[0]) && has_turn(&first[1]));
    assert!(!has_turn(&second[0]) && !has_turn(&third[0]) && !has_turn(&third[1]));
    drop(first);
    assert!(has_turn(&second[0]) && !has_turn(&third[0]) && has_turn(&third[1]));
    drop(second);
    assert!(has_turn(&third[0]));
}

#[test]
fn a_full_lane_is_waited_for_and_nothing_is_taken_meanwhile() {
    let lanes = Lanes::default();
    let mut held = fill(&lanes, "a");
    assert_eq!(held.len(), limits::LANE_PLACES);
    let both = fan(&["a", "b"]);
    let mut waiting = Box::pin(lanes.enter(&both, None));
    assert!((&mut waiting).now_or_never().is_none());
    assert!(has_turn(&enter(&lanes, &fan(&["b"]))[0]), "nothing was taken in the other lane");
    drop(held.pop());
    let places = waiting.now_or_never().unwrap().unwrap();
    assert!(!has_turn(&places[0]) && has_turn(&places[1]));
    drop((places, held));
    assert!(lanes.is_empty());
}

#[test]
fn room_is_handed_on_by_who_does_not_take_it() {
    let lanes = Lanes::default();
    let mut held = fill(&lanes, "a");
    let steps = fan(&["a"]);
    let mut first = Box::pin(lanes.enter(&steps, None));
    let mut second = Box::pin(lanes.enter(&steps, None));
    assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
    drop(held.pop());
    // The first was told and goes away without looking.
    drop(first);
    assert!(second.now_or_never().is_some());
    drop(held);
    assert!(lanes.is_empty());
}

#[test]
fn a_message_with_more_handlers_than_places_is_served_in_an_empty_lane() {
    let lanes = Lanes::default();
    let many = vec![Step { key: key("a"), stage: 0 }; limits::LANE_PLACES + 1];
    let places = enter(&lanes, &many);
    assert!(lanes.enter(&fan(&["a"]), None).now_or_never().is_none());
    drop(places);
    assert!(lanes.is_empty());
}

#[test]
fn waiting_for_oneself_is_found_before_it_begins() {
    let lanes = Lanes::default();
    // The guest served in `a` publishes to its own capsule.
    let a = fill(&lanes, "a");
    assert_eq!(lanes.enter(&fan(&["a"]), Some(a[0].id())).now_or_never().unwrap().unwrap_err(), Ring);
    // The guest served in `a` waits for `b`, and the one served in `b` would wait for `a`.
    let b = fill(&lanes, "b");
    let (to_a, to_b) = (fan(&["a"]), fan(&["b"]));
    let mut waiting = Box::pin(lanes.enter(&to_b, Some(a[0].id())));
    assert!((&mut waiting).now_or_never().is_none());
    assert_eq!(lanes.enter(&to_a, Some(b[0].id())).now_or_never().unwrap().unwrap_err(), Ring);
    // Who is not served at a place holds up nobody, and neither does who is not at the head of a lane.
    assert!(lanes.enter(&to_a, None).now_or_never().is_none());
    // Once the first has given up there is no ring.
    drop(waiting);
    assert!(lanes.enter(&to_a, Some(b[0].id())).now_or_never().is_none());
    drop((a, b));
    assert!(lanes.is_empty());
}

#[test]
fn a_ring_may_lead_over_the_earlier_stages_of_a_chain() {
    let lanes = Lanes::default();
    // A chain stands first in both lanes and is served in `a`; the guest there publishes to `b`, whose lane is full behind
    // the chain's own later stage.
    let mut places = enter(&lanes, &chain(&["a", "b"]));
    let rest = fill(&lanes, "b");
    let to_b = fan(&["b"]);
    assert_eq!(lanes.enter(&to_b, Some(places[0].id())).now_or_never().unwrap().unwrap_err(), Ring);
    // The guest of the later stage waits for the lane it is served in.
    let first = places.remove(0).id();
    assert!(lanes.enter(&to_b, Some(first)).now_or_never().is_none(), "the earlier stage is over");
    assert_eq!(lanes.enter(&to_b, Some(places[0].id())).now_or_never().unwrap().unwrap_err(), Ring);
    drop((places, rest));
    assert!(lanes.is_empty());
}

proptest! {
    /// Whatever is entered and given up, one place of each lane has its turn, it is the oldest, and no lane holds more than
    /// it may.
    #[test]
    fn every_lane_serves_its_oldest_place(
        steps in prop::collection::vec((prop::collection::vec(0..3usize, 1..4), any::<bool>(), 0..64usize), 1..150),
    ) {
        let names = ["a", "b", "c"];
        let lanes = Lanes::default();
        let mut held: Vec<Place> = Vec::new();
        for (wanted, leaves, which) in steps {
            if leaves && !held.is_empty() {
                held.remove(which % held.len());
            } else {
                let wanted: Vec<_> = wanted.into_iter().map(|lane| names[lane]).collect();
                let entered = lanes.enter(&chain(&wanted), None).now_or_never();
                held.extend(entered.into_iter().flat_map(Result::unwrap));
            }
            for name in names {
                let of: Vec<_> = held.iter().filter(|place| place.key == key(name)).collect();
                prop_assert!(of.len() <= limits::LANE_PLACES);
                let oldest = of.iter().map(|place| place.id()).min();
                for place in of {
                    prop_assert_eq!(has_turn(place), Some(place.id()) == oldest);
                }
            }
        }
        drop(held);
        prop_assert!(lanes.is_empty());
    }
}
