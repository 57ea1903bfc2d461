//! Who goes next: for every capsule and principal a lane of places, served one after the other.
//!
//! A message takes its places in all lanes it needs in one step, so any two messages stand in the same order wherever they
//! meet. That is what keeps the messages of one principal in order, single handlers and chains alike, and why places alone
//! can never wait for each other in a ring. A lane is a list in a table, not a task: whoever has a place waits for its turn,
//! and the last one to leave takes the lane with him, so nothing idles and nothing can be lost while something ends.
//!
//! A lane has room for so many places. Guests that wait for room while their own place holds up others could wait in a
//! ring; that is found before the wait begins, see [`Table::leads_to`].

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::cancel::Cancel;
use crate::limits;
use crate::principal::Principal;

/// Which lane: one for each (capsule, principal), and one for each capsule that serves the system's own messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) capsule: Arc<str>,
    pub(super) principal: Option<Principal>,
}

/// A place to be taken: in which lane, and how late in the message's chain it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) key: Key,
    pub(super) stage: u32,
}

/// Waiting for room would be waiting for oneself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ring;

/// All lanes of a host.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    lanes: HashMap<Key, Lane>,
    /// The number of the next place.
    next: u64,
    /// Where the guest that is served at a place waits for room.
    waits: HashMap<u64, Key>,
}

#[derive(Debug, Default)]
struct Lane {
    /// The first is being served.
    places: VecDeque<Taken>,
    /// Told when there is room, one waiter at a time.
    room: Arc<Notify>,
    /// How many wait for room.
    waiting: usize,
}

#[derive(Debug)]
struct Taken {
    id: u64,
    turn: Cancel,
    /// The number of the first place of the same message, which tells messages apart.
    message: u64,
    stage: u32,
    /// All steps of the message, if it is a chain.
    chain: Option<Arc<[Step]>>,
}

/// A place in a lane; dropping it lets the next one have its turn.
#[derive(Debug)]
pub(super) struct Place {
    id: u64,
    key: Key,
    turn: Cancel,
    lanes: Lanes,
}

impl Place {
    /// Its number, by which the guest that is served at it is known.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Waits until all places before it are gone.
    pub(super) async fn turn(&self) {
        self.turn.given().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.lanes.leave(&self.key, self.id);
    }
}

/// Somebody who waits for room in a lane; keeps the lane.
struct Waiting<'a> {
    lanes: &'a Lanes,
    key: Key,
    room: Arc<Notify>,
    turn: Option<u64>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut table = self.lanes.0.lock();
        if let Some(turn) = self.turn {
            table.waits.remove(&turn);
        }
        let Some(lane) = table.lanes.get_mut(&self.key) else { return };
        lane.waiting -= 1;
        // Whoever was told of room and did not stay must not keep it to himself.
        lane.tell();
        table.tidy(&self.key);
    }
}

enum Entered<'a> {
    Placed(Vec<Place>),
    Full(Waiting<'a>),
}

impl Lanes {
    /// Takes all places, or none while one of the lanes has no room; the steps are in the order of their stages. `turn` is
    /// the place at which the guest that asks is served, if it is served at one. May be dropped at any time.
    pub(super) async fn enter(&self, steps: &[Step], turn: Option<u64>) -> Result<Vec<Place>, Ring> {
        loop {
            match self.try_enter(steps, turn)? {
                Entered::Placed(places) => return Ok(places),
                Entered::Full(waiting) => waiting.room.notified().await,
            }
        }
    }

    fn try_enter(&self, steps: &[Step], turn: Option<u64>) -> Result<Entered<'_>, Ring> {
        let mut table = self.0.lock();
        if let Some(key) = table.full(steps) {
            if let Some(turn) = turn {
                if table.leads_to(key, turn) {
                    return Err(Ring);
                }
                table.waits.insert(turn, key.clone());
            }
            let lane = table.lanes.entry(key.clone()).or_default();
            lane.waiting += 1;
            let room = Arc::clone(&lane.room);
            return Ok(Entered::Full(Waiting { lanes: self, key: key.clone(), room, turn }));
        }
        let message = table.next;
        let is_chain = steps.first().map(|step| step.stage) != steps.last().map(|step| step.stage);
        let chain: Option<Arc<[Step]>> = is_chain.then(|| Arc::from(steps));
        let place = |step: &Step| {
            let id = table.next;
            table.next += 1;
            let turn = Cancel::default();
            let lane = table.lanes.entry(step.key.clone()).or_default();
            if lane.places.is_empty() {
                turn.give();
            }
            let (turn_of_place, chain) = (turn.clone(), chain.clone());
            lane.places.push_back(Taken { id, turn: turn_of_place, message, stage: step.stage, chain });
            Place { id, key: step.key.clone(), turn, lanes: self.clone() }
        };
        Ok(Entered::Placed(steps.iter().map(place).collect()))
    }

    fn leave(&self, key: &Key, id: u64) {
        let mut table = self.0.lock();
        let Some(lane) = table.lanes.get_mut(key) else { return };
        let Some(at) = lane.places.iter().position(|place| place.id == id) else { return };
        lane.places.remove(at);
        let next = if at == 0 { lane.places.front().map(|place| place.turn.clone()) } else { None };
        lane.tell();
        table.tidy(key);
        drop(table);
        // Outside of the lock, because it wakes.
        if let Some(next) = next {
            next.give();
        }
    }

    #[cfg(test)]
    fn is_empty(&self) -> bool {
        let table = self.0.lock();
        table.lanes.is_empty() && table.waits.is_empty()
    }
}

impl Lane {
    fn has_room(&self) -> bool {
        self.places.len() < limits::LANE_PLACES
    }

    fn tell(&self) {
        if self.waiting > 0 && self.has_room() {
            self.room.notify_one();
        }
    }
}

impl Table {
    /// The first lane that has no room for what a message needs of it. An empty lane takes any message, or one with more
    /// handlers in a capsule than there are places could never be served.
    fn full<'a>(&self, steps: &'a [Step]) -> Option<&'a Key> {
        let crowded = |key: &Key| {
            let taken = self.lanes.get(key).map_or(0, |lane| lane.places.len());
            let needed = steps.iter().filter(|step| step.key == *key).count();
            taken > 0 && taken + needed > limits::LANE_PLACES
        };
        steps.iter().map(|step| &step.key).find(|key| crowded(key))
    }

    /// Whether the lane moves on only once the guest that is served at the place `turn` does: it is that guest's lane, or
    /// the guest served there waits for room in a lane that leads there, or its first place belongs to a chain whose
    /// earlier stages stand in such a lane.
    fn leads_to(&self, lane: &Key, turn: u64) -> bool {
        let mut seen = HashSet::new();
        let mut ahead = vec![lane];
        while let Some(key) = ahead.pop() {
            if !seen.insert(key) {
                continue;
            }
            let Some(first) = self.lanes.get(key).and_then(|lane| lane.places.front()) else { continue };
            if first.id == turn {
                return true;
            }
            if let Some(waited_for) = self.waits.get(&first.id) {
                ahead.push(waited_for);
                continue;
            }
            let earlier = first.chain.iter().flat_map(|chain| chain.iter()).filter(|step| {
                let stands = |place: &Taken| place.message == first.message && place.stage == step.stage;
                step.stage < first.stage
                    && self.lanes.get(&step.key).is_some_and(|lane| lane.places.iter().any(stands))
            });
            ahead.extend(earlier.map(|step| &step.key));
        }
        false
    }

    fn tidy(&mut self, key: &Key) {
        if self.lanes.get(key).is_some_and(|lane| lane.places.is_empty() && lane.waiting == 0) {
            self.lanes.remove(key);
        }
    }
}

#[cfg(test)]
#[path = "lanes_tests.rs"]
mod tests;
