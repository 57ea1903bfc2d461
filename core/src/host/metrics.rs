//! What is counted, as text.

use super::Host;
use crate::capsule::State;
use crate::engine::tally;
use crate::error::Result;
use crate::metrics::Exposition;

impl Host {
    /// The counters, gauges and histograms of this host in the text format that Prometheus reads. Names and labels are
    /// described in `docs/observability.md` and stay as they are; nothing is counted by principal.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) after closing.
    pub fn metrics(&self) -> Result<String> {
        let rooms = self.rooms()?;
        let mut text = Exposition::default();
        text.gauge("astrid_capsules", "Capsules that are loaded, by their state.");
        let slots: Vec<_> = self.0.capsules.lock().values().cloned().collect();
        let states: Vec<_> = slots.iter().map(|slot| slot.current().state()).collect();
        for state in State::ALL {
            let count = states.iter().filter(|found| **found == state).count();
            text.sample(&[("state", state.name())], count);
        }
        text.counter("astrid_restarts_total", "Restarts of run loops since the capsule was loaded.");
        for slot in &slots {
            text.sample(&[("capsule", slot.current().id())], slot.restarts());
        }
        rooms.context.metrics.tell(&mut text);
        text.counter(
            "astrid_audit_records_total",
            "Entries and checkpoints of the audit log, from its beginning.",
        );
        text.sample(&[], rooms.context.audit.records());
        tally().tell(&mut text);
        rooms.engine.tell(&mut text);
        Ok(text.finish())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PAGE: &str = include_str!("../../../docs/observability.md");

    #[tokio::test]
    async fn every_family_is_described_and_nothing_else_is() {
        let home = tempfile::tempdir().unwrap();
        let host = Host::builder(home.path()).open().await.unwrap();
        let text = host.metrics().unwrap();
        host.close().await.unwrap();
        let told: BTreeSet<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "))
            .filter_map(|line| line.split(' ').next())
            .collect();
        let described: BTreeSet<&str> = PAGE
            .lines()
            .filter_map(|line| line.strip_prefix("| `astrid_")?.split_once('`').map(|(name, _)| name))
            .collect();
        let told: BTreeSet<&str> = told.iter().filter_map(|name| name.strip_prefix("astrid_")).collect();
        assert_eq!(told, described);
    }
}
