//! The counters as text. `docs/observability.md` describes every family; a test holds the two together.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::{CapsuleMetrics, Exposition, Metrics};

/// The levels of log lines, in the order in which they are counted.
const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

/// The name under which actions without a series of their own are told.
pub(super) const OTHER: &str = "(other)";

type Capsules = [(Arc<str>, Arc<CapsuleMetrics>)];

impl Metrics {
    /// Writes every family that is counted here.
    pub fn tell(&self, text: &mut Exposition) {
        let capsules: Vec<_> =
            self.capsules.lock().iter().map(|(id, metrics)| (Arc::clone(id), Arc::clone(metrics))).collect();
        triggers(text, &capsules);
        self.calls(text, &capsules);
        instances(text, &capsules);
        queues(text, &capsules);
        lines(text, &capsules);
    }

    fn calls(&self, text: &mut Exposition, capsules: &Capsules) {
        text.counter("astrid_host_calls_total", "Host calls of guests, by capsule, operation and outcome.");
        for (id, metrics) in capsules {
            for (n, outcomes) in metrics.called() {
                let Some(op) = self.operations.get(n) else { continue };
                for (ended, count) in outcomes.read().filter(|(_, count)| *count > 0) {
                    text.sample(&[("capsule", id), ("op", op), ("outcome", ended.name())], count);
                }
            }
        }
        text.histogram("astrid_host_call_duration_seconds", "How long host calls took, by operation.");
        for (op, durations) in self.operations.iter().zip(&self.durations) {
            let reading = durations.read();
            if reading.count() > 0 {
                text.reading(&[("op", op)], &reading);
            }
        }
    }
}

fn triggers(text: &mut Exposition, capsules: &Capsules) {
    text.counter("astrid_triggers_total", "Triggers, by capsule and outcome.");
    for (id, metrics) in capsules {
        for (ended, count) in metrics.triggers.read().filter(|(_, count)| *count > 0) {
            text.sample(&[("capsule", id), ("outcome", ended.name())], count);
        }
    }
    text.histogram("astrid_trigger_duration_seconds", "How long triggers took, by capsule and action.");
    for (id, metrics) in capsules {
        for (action, took) in metrics.actions() {
            text.reading(&[("capsule", id), ("action", action.unwrap_or(OTHER))], &took.read());
        }
    }
    text.counter("astrid_fuel_total", "Fuel burned by guests, by capsule.");
    each(text, capsules, |metrics| &metrics.fuel);
}

fn instances(text: &mut Exposition, capsules: &Capsules) {
    text.gauge("astrid_instances", "Instances that exist, warm ones included, by capsule.");
    now(text, capsules, |metrics| &metrics.instances);
    text.gauge("astrid_memory_bytes", "Bytes that instances hold in memories and tables, by capsule.");
    now(text, capsules, |metrics| &metrics.memory_bytes);
}

fn queues(text: &mut Exposition, capsules: &Capsules) {
    text.gauge("astrid_queued_messages", "Messages that wait in subscriptions, by capsule.");
    now(text, capsules, |metrics| &metrics.queued_messages);
    text.gauge("astrid_queued_bytes", "Bytes that wait in subscriptions, by capsule.");
    now(text, capsules, |metrics| &metrics.queued_bytes);
    text.counter("astrid_lost_messages_total", "Messages that subscriptions lost, by capsule.");
    each(text, capsules, |metrics| &metrics.lost_messages);
    text.counter(
        "astrid_capsule_route_byte_evictions_total",
        "Messages that were dropped to make room for others, by capsule and by the class of who published them.",
    );
    for (id, metrics) in capsules {
        for (class, count) in metrics.byte_evictions().filter(|(_, count)| *count > 0) {
            text.sample(&[("capsule", id), ("principal_class", class.name())], count);
        }
    }
}

fn lines(text: &mut Exposition, capsules: &Capsules) {
    text.counter("astrid_log_lines_total", "Log lines of guests, by capsule and level.");
    for (id, metrics) in capsules {
        for (level, count) in LEVELS.iter().zip(&metrics.log_lines) {
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                text.sample(&[("capsule", id), ("level", level)], count);
            }
        }
    }
    text.counter("astrid_log_lines_lost_total", "Log lines that did not come into the file, by capsule.");
    each(text, capsules, |metrics| &metrics.log_lines_lost);
    text.counter(
        "astrid_log_lines_untold_total",
        "Log lines that did not come to the embedding program, by capsule.",
    );
    each(text, capsules, |metrics| &metrics.log_lines_untold);
}

fn each(text: &mut Exposition, capsules: &Capsules, of: fn(&CapsuleMetrics) -> &AtomicU64) {
    for (id, metrics) in capsules {
        text.sample(&[("capsule", id)], of(metrics).load(Ordering::Relaxed));
    }
}

fn now(text: &mut Exposition, capsules: &Capsules, of: fn(&CapsuleMetrics) -> &AtomicI64) {
    for (id, metrics) in capsules {
        text.sample(&[("capsule", id)], of(metrics).load(Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Ended;
    use super::*;

    #[test]
    fn what_was_counted_is_told_by_capsule_and_operation() {
        let metrics = Metrics::new(["kv.kv-get", "kv.kv-set"]);
        let capsule = metrics.capsule(&Arc::from("notes"));
        metrics.called(&capsule, 1, Ended::Allowed, Some(Duration::from_micros(3)));
        metrics.called(&capsule, 0, Ended::Denied, None);
        let mut text = Exposition::default();
        metrics.tell(&mut text);
        let text = text.finish();
        for line in [
            "astrid_host_calls_total{capsule=\"notes\",op=\"kv.kv-get\",outcome=\"denied\"} 1\n",
            "astrid_host_calls_total{capsule=\"notes\",op=\"kv.kv-set\",outcome=\"allowed\"} 1\n",
            "astrid_host_call_duration_seconds_count{op=\"kv.kv-set\"} 1\n",
            "astrid_instances{capsule=\"notes\"} 0\n",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
        assert!(!text.contains("count{op=\"kv.kv-get\"}"), "{text}");
    }

    #[test]
    fn counters_outlive_the_capsule_that_made_them() {
        let metrics = Metrics::new([]);
        let id = Arc::from("notes");
        metrics.capsule(&id).triggers.add(Ended::Allowed);
        assert_eq!(metrics.capsule(&id).triggers.sum(), 1);
    }
}
