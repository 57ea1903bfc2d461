//! Children that outlive the call that started them, by ids that nobody can guess.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::child::{Child, Signal};
use crate::cancel::Cancel;
use crate::limits;
use crate::principal::Principal;

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// How many characters an id has: 256 bits, five to a character.
const ID_CHARS: usize = 52;

/// How long a child may live, and its name.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Its name for people.
    pub label: String,
    /// Its program.
    pub command: String,
    /// After this it is ended.
    pub lifetime: Duration,
    /// After this without a call about it, it is ended.
    pub idle: Duration,
    /// How long its output is kept after it ended.
    pub retention: Duration,
}

/// What somebody who watches a child is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It has ended, and why.
    Exited(&'static str),
    /// There is output that nobody has read yet.
    LogReady,
    /// It has taken what was written to it.
    StdinDrained,
}

/// Tells an event of an entry, under the suffix that was asked for; the end also if nobody asked.
pub type Tell = Box<dyn Fn(&Entry, Option<&str>, Event) + Send + Sync>;

/// One child under an id.
pub struct Entry {
    /// Its id, for its owner alone.
    pub id: String,
    /// What the audit shows in the id's place.
    pub shown: String,
    /// Who started it.
    pub principal: Principal,
    /// The child.
    pub child: Arc<Child>,
    /// Its name and its times.
    pub terms: Terms,
    key: [u8; 32],
    touched: Mutex<Instant>,
    used: Notify,
    watched: Mutex<Option<String>>,
    watching: Notify,
    why: Mutex<Option<&'static str>>,
    removed: Cancel,
    tell: Tell,
    _place: Place,
    _held: Box<dyn std::any::Any + Send + Sync>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("shown", &self.shown).finish_non_exhaustive()
    }
}

/// The children of one loaded capsule, of all its principals.
#[derive(Debug)]
pub struct Registry {
    key: [u8; 32],
    entries: Mutex<HashMap<[u8; 32], Arc<Entry>>>,
    places: Arc<AtomicUsize>,
}

/// A place in the registry; dropping it gives it back.
#[derive(Debug)]
pub struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Registry {
    /// An empty registry. None when the system gives no randomness.
    #[must_use]
    pub fn new() -> Option<Self> {
        Some(Self { key: random()?, entries: Mutex::default(), places: Arc::default() })
    }

    /// A place for one more; none when it is full.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let most = limits::REGISTRY_PROCESSES;
        let taken = self
            .places
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| (taken < most).then_some(taken + 1));
        taken.ok().map(|_| Place(Arc::clone(&self.places)))
    }

    /// Enters a child, which from now on lives until its terms end it, `stopped` says so, or it is removed. None when the
    /// system gives no randomness; the child is killed then.
    #[allow(clippy::too_many_arguments)] // Each is one thing an entry consists of.
    pub fn enter<F>(
        self: &Arc<Self>,
        runtime: &Handle,
        principal: Principal,
        child: Arc<Child>,
        terms: Terms,
        place: Place,
        held: Box<dyn std::any::Any + Send + Sync>,
        tell: Tell,
        stopped: F,
    ) -> Option<Arc<Entry>>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (Some(bits), Some(key)) = (random(), random()) else {
            child.kill();
            return None;
        };
        let id = spell(&bits);
        let entry = Arc::new(Entry {
            shown: crate::hex::encode(&blake3::hash(id.as_bytes()).as_bytes()[..8]),
            id,
            principal,
            child,
            terms,
            key,
            touched: Mutex::new(Instant::now()),
            used: Notify::new(),
            watched: Mutex::default(),
            watching: Notify::new(),
            why: Mutex::default(),
            removed: Cancel::default(),
            tell,
            _place: place,
            _held: held,
        });
        self.entries.lock().insert(self.hash(&entry.id), Arc::clone(&entry));
        runtime.spawn(live(Arc::downgrade(self), Arc::clone(&entry), runtime.clone(), stopped));
        runtime.spawn(watch(Arc::clone(&entry)));
        Some(entry)
    }

    fn hash(&self, id: &str) -> [u8; 32] {
        *blake3::keyed_hash(&self.key, id.as_bytes()).as_bytes()
    }

    /// The child of this id, if this principal started it. Whatever else is asked for is simply not there.
    #[must_use]
    pub fn find(&self, principal: &Principal, id: &str) -> Option<Arc<Entry>> {
        if id.len() != ID_CHARS {
            return None;
        }
        let entry = self.entries.lock().get(&self.hash(id)).cloned()?;
        (entry.principal == *principal).then_some(entry)
    }

    /// Every child of this principal whose label contains the text.
    #[must_use]
    pub fn list(&self, principal: &Principal, filter: &str) -> Vec<Arc<Entry>> {
        let entries = self.entries.lock();
        let own = entries
            .values()
            .filter(|entry| entry.principal == *principal && entry.terms.label.contains(filter));
        own.cloned().collect()
    }

    /// Forgets a child; one that runs is killed.
    pub fn remove(&self, entry: &Entry) {
        self.entries.lock().remove(&self.hash(&entry.id));
        entry.removed.give();
        entry.child.kill();
    }
}

impl Entry {
    /// Counts as use: the child is not idle.
    pub fn touch(&self) {
        *self.touched.lock() = Instant::now();
        self.used.notify_waiters();
    }

    /// How long nobody used it.
    #[must_use]
    pub fn idle(&self) -> Duration {
        self.touched.lock().elapsed()
    }

    /// Notes why the host ends it.
    pub fn because(&self, why: &'static str) {
        self.why.lock().get_or_insert(why);
    }

    /// Tells events from now on, under this suffix; again with another suffix changes it.
    pub fn watch(&self, suffix: Option<String>) {
        *self.watched.lock() = Some(suffix.unwrap_or_else(|| self.id.clone()));
        self.watching.notify_waiters();
    }

    /// Tells no events any more.
    pub fn unwatch(&self) {
        *self.watched.lock() = None;
    }

    fn tell(&self, event: Event) {
        let suffix = self.watched.lock().clone();
        if suffix.is_some() || matches!(event, Event::Exited(_)) {
            (self.tell)(self, suffix.as_deref(), event);
        }
    }

    /// The text of a place in one of its outputs, which means nothing for another output or another child.
    #[must_use]
    pub fn cursor(&self, stderr: bool, place: u64) -> String {
        let place = place.to_be_bytes();
        let mark = blake3::keyed_hash(&self.key, &[&place[..], &[u8::from(stderr)]].concat());
        crate::hex::encode(&[&place[..], &mark.as_bytes()[..8]].concat())
    }

    /// The place that such a text means.
    #[must_use]
    pub fn place(&self, stderr: bool, cursor: &str) -> Option<u64> {
        let place = u64::from_str_radix(cursor.get(..16)?, 16).ok()?;
        (self.cursor(stderr, place) == cursor).then_some(place)
    }
}

/// Ends a child when its time has come, and forgets it when nobody will ask any more.
async fn live<F: Future<Output = ()>>(
    registry: Weak<Registry>,
    entry: Arc<Entry>,
    runtime: Handle,
    stopped: F,
) {
    let child = &entry.child;
    let mut stopped = std::pin::pin!(stopped);
    let expired = async {
        loop {
            let idle = entry.terms.idle.saturating_sub(entry.idle());
            let life = entry.terms.lifetime.saturating_sub(child.started.elapsed());
            if idle.is_zero() || life.is_zero() {
                return;
            }
            tokio::time::sleep(idle.min(life)).await;
        }
    };
    let ended_by_host = tokio::select! {
        biased;
        _ = child.exited() => None,
        () = &mut stopped => Some("reaped-shutdown"),
        () = entry.removed.given() => Some("killed"),
        () = expired => Some("reaped-ttl"),
    };
    match ended_by_host {
        None => {}
        Some("reaped-ttl") => {
            entry.because("reaped-ttl");
            tokio::select! {
                _ = child.end(&runtime, Signal::Term, limits::STOP_GRACE) => {}
                () = &mut stopped => { child.kill(); }
            }
        }
        Some(why) => {
            entry.because(why);
            child.kill();
            child.exited().await;
        }
    }
    let why = entry.why.lock().unwrap_or(if child.was_killed() { "killed" } else { "self-exit" });
    entry.tell(Event::Exited(why));
    // One that the host ended, for whatever reason of its own, is not kept.
    if why == "self-exit" || why == "killed" {
        tokio::select! {
            () = tokio::time::sleep(entry.terms.retention) => {}
            () = &mut stopped => {}
            () = entry.removed.given() => {}
        }
    }
    if let Some(registry) = registry.upgrade() {
        registry.remove(&entry);
    }
}

/// Tells of output that nobody has read, once until somebody does, and of input that was taken.
async fn watch(entry: Arc<Entry>) {
    let child = &entry.child;
    let output = async {
        loop {
            tokio::select! {
                () = child.stdout.until(|ring| ring.buffered() > 0) => {}
                () = child.stderr.until(|ring| ring.buffered() > 0) => {}
            }
            let mut used = std::pin::pin!(entry.used.notified());
            used.as_mut().enable();
            let mut watching = std::pin::pin!(entry.watching.notified());
            watching.as_mut().enable();
            entry.tell(Event::LogReady);
            tokio::select! { () = used => {} () = watching => {} }
        }
    };
    let input = async {
        let mut seen = 0;
        loop {
            seen = child.input.drained(seen).await;
            entry.tell(Event::StdinDrained);
        }
    };
    tokio::select! {
        () = output => {}
        () = input => {}
        _ = child.exited() => {}
        () = entry.removed.given() => {}
    }
}

fn random() -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes)
}

/// Base32 without padding.
fn spell(bytes: &[u8; 32]) -> String {
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    let group = |n: usize| (0..5).fold(0, |value, at| value << 1 | usize::from(bit(n * 5 + at)));
    (0..ID_CHARS).map(|n| char::from(ALPHABET[group(n)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_spelled_in_their_alphabet() {
        assert_eq!(spell(&[0; 32]), "a".repeat(52));
        assert_eq!(spell(&[0xff; 32]), format!("{}q", "7".repeat(51)));
    }

    #[test]
    fn a_registry_has_256_places() {
        let registry = Registry::new().unwrap();
        let mut places: Vec<_> = (0..256).map(|_| registry.place().unwrap()).collect();
        assert!(registry.place().is_none());
        places.pop();
        assert!(registry.place().is_some());
    }
}
