//! Connections that wait for the next request of the same capsule and principal.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use super::connection::Connection;
use crate::limits;
use crate::principal::Principal;

/// For whom and where to. Nothing is ever shared between two principals, or two capsules: a server that keeps a session
/// would take one for the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) principal: Principal,
    pub(super) capsule: Arc<str>,
    pub(super) origin: String,
    /// Whether the airlock stood open for it: what was let through by exception is not taken for what is let through.
    pub(super) exempt: bool,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

/// The idle connections of a host.
#[derive(Default)]
pub(super) struct Pool(Mutex<HashMap<Key, Vec<Idle>>>);

impl Pool {
    /// Takes a connection that is open, if there is one. One that carries many requests stays for the others.
    pub(super) fn take(&self, key: &Key) -> Option<Connection> {
        let mut pool = self.0.lock();
        let idle = pool.get_mut(key)?;
        let mut found = None;
        while let Some(Idle { connection, since }) = idle.pop() {
            if connection.is_open() && since.elapsed() < limits::HTTP_IDLE_KEPT {
                if let Some(share) = connection.share() {
                    idle.push(Idle { connection, since: Instant::now() });
                    found = Some(share);
                } else {
                    found = Some(connection);
                }
                break;
            }
        }
        if idle.is_empty() {
            pool.remove(key);
        }
        found
    }

    /// Keeps a connection for later, unless there are enough.
    pub(super) fn keep(&self, key: Key, connection: Connection) {
        let mut pool = self.0.lock();
        self::sweep(&mut pool);
        let all: usize = pool.values().map(Vec::len).sum();
        let idle = pool.entry(key).or_default();
        let shared = connection.share().is_some() && !idle.is_empty();
        if all < limits::HTTP_IDLE && idle.len() < limits::HTTP_IDLE_EACH && !shared {
            idle.push(Idle { connection, since: Instant::now() });
        }
    }

    /// Drops what is kept for a principal.
    pub(super) fn forget(&self, principal: &Principal) {
        self.0.lock().retain(|key, _| key.principal != *principal);
    }
}

fn sweep(pool: &mut HashMap<Key, Vec<Idle>>) {
    pool.retain(|_, idle| {
        idle.retain(|idle| idle.connection.is_open() && idle.since.elapsed() < limits::HTTP_IDLE_KEPT);
        !idle.is_empty()
    });
}
