//! One of many who use the host at once, each for a principal the dice choose anew every time.

use std::future::IntoFuture as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use astrid_host::{Error, ErrorKind, Host};
use serde_json::{Value, json};

use crate::capsules::Capsules;
use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::{CAPSULES, PRINCIPALS, named};

/// An actor.
pub struct Actor {
    host: Host,
    capsules: Arc<Capsules>,
    ledger: Arc<Ledger>,
    dice: Dice,
}

impl Actor {
    /// An actor that has done nothing yet.
    pub fn new(host: Host, capsules: Arc<Capsules>, ledger: Arc<Ledger>, dice: Dice) -> Self {
        Self { host, capsules, ledger, dice }
    }

    /// Acts until then.
    pub async fn act(mut self, until: Instant) {
        while Instant::now() < until {
            let capsule = self.dice.below(CAPSULES);
            match self.dice.below(100) {
                0..78 => self.look_around(capsule).await,
                78..93 => self.give_up(capsule).await,
                93..96 => self.change("upgrade", self.capsules.upgrade(&self.host, capsule).await),
                96..98 => self.change("reload", self.capsules.reload(&self.host, capsule).await),
                _ => self.change("unload", self.capsules.away_and_back(&self.host, capsule).await),
            }
        }
    }

    /// Looks for somebody else's secret, leaves one's own in memory and in the store, and sees whose store it is.
    async fn look_around(&mut self, capsule: usize) {
        let (mine, other) = self.two();
        let script = json!({ "calls": [
            { "op": "search", "args": { "text": secret(other) } },
            { "op": "kv.kv-get", "args": { "key": "secret" } },
            { "op": "kv.kv-set", "args": { "key": "secret", "value": secret(mine) } },
            { "op": "fill", "args": { "text": secret(mine) } },
        ] });
        let Ok(loaded) = self.host.capsule(self.capsules.id(capsule)) else { return };
        match loaded.trigger("script", script.to_string()).principal(named(mine)).await {
            Ok(reply) => {
                let results: Value = reply.json().expect("the puppet answers JSON");
                self.ledger.served(&results);
                if results[0]["ok"] != false {
                    self.ledger.blame(format!("p{mine} looked for the secret of p{other}: {}", results[0]));
                }
                let kept = &results[1]["ok"];
                if !kept.is_null() && *kept != secret(mine) {
                    self.ledger.blame(format!("p{mine} found in its store: {kept}"));
                }
            }
            Err(error) => self.excuse("trigger", &error),
        }
    }

    /// Begins a call that waits or spins, and drops it after a moment.
    async fn give_up(&mut self, capsule: usize) {
        let (mine, _) = self.two();
        let last = match self.dice.below(2) {
            0 => json!({ "op": "spin" }),
            _ => json!({ "op": "sys.sleep-ns", "args": { "duration-ns": 30_000_000_000_u64 } }),
        };
        let script = json!({ "calls": [{ "op": "fill", "args": { "text": secret(mine) } }, last] });
        let Ok(loaded) = self.host.capsule(self.capsules.id(capsule)) else { return };
        let call = loaded.trigger("script", script.to_string()).principal(named(mine)).into_future();
        let moment = Duration::from_micros(self.dice.below(3_000) as u64);
        match tokio::time::timeout(moment, call).await {
            Err(_) => self.ledger.given_up(),
            // It was cut short by an unload before the moment had passed.
            Ok(ended) => {
                if let Err(error) = ended {
                    self.excuse("trigger", &error);
                }
            }
        }
    }

    fn change(&self, what: &str, changed: astrid_host::Result<()>) {
        match changed {
            Ok(()) => self.ledger.changed(),
            Err(error) => self.excuse(what, &error),
        }
    }

    /// What may happen to a call while others unload and upgrade; everything else is wrong.
    fn excuse(&self, what: &str, error: &Error) {
        match error.kind() {
            ErrorKind::Closed | ErrorKind::Cancelled | ErrorKind::NotFound | ErrorKind::QuotaExceeded => {
                self.ledger.refused();
            }
            _ => self.ledger.blame(format!("{what} failed: {error:?}")),
        }
    }

    fn two(&mut self) -> (usize, usize) {
        let mine = self.dice.below(PRINCIPALS);
        (mine, (mine + 1 + self.dice.below(PRINCIPALS - 1)) % PRINCIPALS)
    }
}

/// What only the n-th principal ever writes.
fn secret(n: usize) -> String {
    format!("the-secret-of-principal-number-{n:03}-and-nobody-else")
}
