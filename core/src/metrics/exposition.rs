//! The text format that Prometheus reads: families of samples, each with labels and a number.

use std::fmt::{Display, Write};

use super::histogram::{self, BOUNDS, Reading};

/// Text that grows by a family at a time. Writing to a string cannot fail, so the results of `write!` are let go.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
    name: &'static str,
}

impl Exposition {
    /// Begins a family of counters. The name ends in `_total`.
    pub fn counter(&mut self, name: &'static str, help: &str) -> &mut Self {
        self.family(name, "counter", help)
    }

    /// Begins a family of gauges.
    pub fn gauge(&mut self, name: &'static str, help: &str) -> &mut Self {
        self.family(name, "gauge", help)
    }

    /// Begins a family of histograms. The name ends in `_seconds`.
    pub fn histogram(&mut self, name: &'static str, help: &str) -> &mut Self {
        self.family(name, "histogram", help)
    }

    fn family(&mut self, name: &'static str, kind: &str, help: &str) -> &mut Self {
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        self.name = name;
        self
    }

    /// A sample of the family that was begun last.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) -> &mut Self {
        self.line("", labels, None, value);
        self
    }

    /// A histogram of the family that was begun last.
    pub fn reading(&mut self, labels: &[(&str, &str)], reading: &Reading) -> &mut Self {
        for (n, count) in reading.cumulative.iter().enumerate() {
            let bound = if n < BOUNDS { seconds(histogram::bound(n)) } else { "+Inf".to_owned() };
            self.line("_bucket", labels, Some(&bound), count);
        }
        self.line("_sum", labels, None, seconds(reading.nanoseconds));
        self.line("_count", labels, None, reading.count());
        self
    }

    /// The text.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], bound: Option<&str>, value: impl Display) {
        let _ = write!(self.text, "{}{suffix}", self.name);
        let labels = labels.iter().copied().chain(bound.map(|bound| ("le", bound)));
        let mut open = false;
        for (name, text) in labels {
            self.text.push_str(if open { "," } else { "{" });
            open = true;
            let _ = write!(self.text, "{name}=\"");
            for character in text.chars() {
                match character {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    other => self.text.push(other),
                }
            }
            self.text.push('"');
        }
        if open {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

/// Nanoseconds as seconds, exactly.
fn seconds(nanoseconds: u64) -> String {
    let text = format!("{}.{:09}", nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Histogram;
    use std::time::Duration;

    #[test]
    fn labels_are_escaped() {
        let mut text = Exposition::default();
        text.counter("astrid_x_total", "X.").sample(&[("a", "q\"b\\c\nd"), ("b", "")], 3);
        assert_eq!(
            text.finish(),
            "# HELP astrid_x_total X.\n# TYPE astrid_x_total counter\nastrid_x_total{a=\"q\\\"b\\\\c\\nd\",b=\"\"} 3\n"
        );
    }

    #[test]
    fn a_histogram_has_its_bounds_in_seconds() {
        let histogram = Histogram::default();
        histogram.record(Duration::from_micros(5));
        let mut text = Exposition::default();
        text.histogram("astrid_x_seconds", "X.").reading(&[("op", "a")], &histogram.read());
        let text = text.finish();
        assert!(text.contains("astrid_x_seconds_bucket{op=\"a\",le=\"0.000004\"} 0\n"), "{text}");
        assert!(text.contains("astrid_x_seconds_bucket{op=\"a\",le=\"0.000016\"} 1\n"), "{text}");
        assert!(text.contains("astrid_x_seconds_bucket{op=\"a\",le=\"67.108864\"} 1\n"), "{text}");
        assert!(text.contains("astrid_x_seconds_bucket{op=\"a\",le=\"+Inf\"} 1\n"), "{text}");
        assert!(
            text.ends_with("astrid_x_seconds_sum{op=\"a\"} 0.000005\nastrid_x_seconds_count{op=\"a\"} 1\n"),
            "{text}"
        );
    }
}
