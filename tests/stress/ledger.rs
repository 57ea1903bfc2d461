//! What happened, to be compared with what the audit says.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use astrid_host::Host;
use astrid_host::audit::{Filter, Outcome};
use parking_lot::Mutex;
use serde_json::Value;

/// Most sentences that are kept.
const SENTENCES: usize = 20;

/// Counts of what the actors saw.
#[derive(Default)]
pub struct Ledger {
    served: AtomicU64,
    stored: AtomicU64,
    given_up: AtomicU64,
    changed: AtomicU64,
    refused: AtomicU64,
    wrong: Mutex<Vec<String>>,
}

impl Ledger {
    /// A call was answered with these results.
    pub fn served(&self, results: &Value) {
        self.served.fetch_add(1, Relaxed);
        if results[2].get("ok").is_some() {
            self.stored.fetch_add(1, Relaxed);
        }
    }

    /// A call was dropped while it ran.
    pub fn given_up(&self) {
        self.given_up.fetch_add(1, Relaxed);
    }

    /// A capsule was upgraded, reloaded or loaded again.
    pub fn changed(&self) {
        self.changed.fetch_add(1, Relaxed);
    }

    /// Something was refused as it may be.
    pub fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    /// Something happened that never may.
    pub fn blame(&self, sentence: String) {
        let mut wrong = self.wrong.lock();
        if wrong.len() < SENTENCES {
            wrong.push(sentence);
        }
    }

    /// What never may happen and did.
    pub fn wrong(&self) -> Vec<String> {
        self.wrong.lock().clone()
    }

    /// Compares with the audit: each answered call and each stored value has its entry, and the chain is whole.
    pub fn compare(&self, host: &Host) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.served.load(Relaxed) == 0
            || self.changed.load(Relaxed) == 0
            || self.given_up.load(Relaxed) == 0
        {
            wrong.push("the stress did not do everything it is for".to_owned());
        }
        match host.audit().verify() {
            Ok(found) if found.intact => {}
            Ok(found) => wrong.push(format!("the audit is not intact: {:?}", found.findings)),
            Err(error) => wrong.push(format!("the audit cannot be read: {error}")),
        }
        for (operation, least) in [("capsule.trigger", &self.served), ("kv.kv-set", &self.stored)] {
            let filter = Filter {
                operation: Some(operation.to_owned()),
                outcome: Some(Outcome::Allowed),
                ..Filter::default()
            };
            let found = host.audit().entries(&filter).map_or(0, |entries| entries.len() as u64);
            let seen = least.load(Relaxed);
            if found < seen {
                wrong.push(format!("{seen} times `{operation}` was seen, {found} entries tell of it"));
            }
        }
        wrong
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} calls answered, {} given up, {} refused, {} capsules changed",
            self.served.load(Relaxed),
            self.given_up.load(Relaxed),
            self.refused.load(Relaxed),
            self.changed.load(Relaxed)
        )
    }
}
