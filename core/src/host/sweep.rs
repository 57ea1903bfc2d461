//! The one task that gives back the memory of instances nobody uses.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use super::{Host, Inner};

/// Looks at the instances this many times while one becomes idle.
const LOOKS: u32 = 4;
/// Never more often than this.
const LEAST: Duration = Duration::from_millis(10);

impl Host {
    /// Starts the task; it ends with the host.
    pub(super) fn sweep(&self, idle: Duration) {
        let inner = Arc::downgrade(&self.0);
        if let Ok(rooms) = self.rooms() {
            rooms.context.runtime.spawn(sweep(inner, (idle / LOOKS).max(LEAST)));
        }
    }
}

async fn sweep(host: Weak<Inner>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(host) = host.upgrade() else { return };
        let capsules: Vec<_> = host.capsules.lock().values().map(|slot| slot.current()).collect();
        // A host that is dropped here would close on its own runtime.
        drop(host);
        let now = Instant::now();
        for capsule in capsules {
            capsule.expire(now);
        }
    }
}
