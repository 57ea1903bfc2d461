//! One line that a guest wrote.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::civil::Date;
use zeroize::Zeroizing;

use crate::limits;
use crate::principal::Principal;
use crate::visible::visible;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Level {
    /// Every step.
    Trace,
    /// For who looks for a mistake.
    Debug,
    /// What happens in the course of things.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something went wrong.
    Error,
}

impl Level {
    /// Its name, the same in every language.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// Its name in a file.
    const fn shout(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

/// Whose log a line is in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner {
    /// For whom the guest acted.
    pub principal: Principal,
    /// The capsule that wrote it.
    pub capsule: Arc<str>,
}

/// A line of a guest's log.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogLine {
    /// Whose log it is in.
    pub owner: Owner,
    /// How much it matters.
    pub level: Level,
    /// One line of text, at most 64 KiB: control, bidirectional and zero-width characters are spelled out.
    pub message: String,
    /// When the guest wrote it.
    pub time: SystemTime,
    /// 0 for what a guest wrote. Otherwise the line is the host's own, and stands where this many lines of the same log were
    /// lost because they came faster than they were taken.
    pub lost: u64,
}

impl LogLine {
    /// A line of now. Values that are `secret` are taken out; then the message is cut to its limit, and what cannot be seen
    /// is spelled out, so that no guest can forge a line of another.
    #[must_use]
    pub fn new(owner: Owner, level: Level, message: &str, secrets: &[Zeroizing<String>]) -> Self {
        let message = shown(message, secrets);
        Self { owner, level, message, time: SystemTime::now(), lost: 0 }
    }

    /// The line that stands where others were lost.
    pub(super) fn of_losses(owner: Owner, lost: u64, time: SystemTime) -> Self {
        let message = format!("{lost} lines were lost here: they came faster than they could be taken");
        Self { owner, level: Level::Warn, message, time, lost }
    }

    /// The day it was written on, in UTC.
    pub(super) fn date(&self) -> Date {
        date_of(self.time)
    }
}

/// As a file holds it: `<seconds.millis> <LEVEL> [<capsule>] <message>`.
impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (seconds, millis) = (since.as_secs(), since.subsec_millis());
        write!(f, "{seconds}.{millis:03} {} [{}] {}", self.level.shout(), self.owner.capsule, self.message)
    }
}

/// The day of a moment, in UTC; the first day there is for a moment before all of them.
pub(super) fn date_of(time: SystemTime) -> Date {
    jiff::Timestamp::try_from(time).map_or(Date::MIN, |stamp| jiff::tz::Offset::UTC.to_datetime(stamp).date())
}

fn shown(message: &str, secrets: &[Zeroizing<String>]) -> String {
    // A secret that lies across the cut must be found whole.
    let message = first(message, limits::LOG_BYTES + limits::SECRET_VALUE_BYTES);
    let mut kept = std::borrow::Cow::Borrowed(message);
    let mut secrets: Vec<_> =
        secrets.iter().filter(|secret| secret.len() >= limits::LOG_SECRET_BYTES).collect();
    // The longest first, or one that begins another would leave the rest of it readable.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in secrets {
        if kept.contains(secret.as_str()) {
            kept = kept.replace(secret.as_str(), "[secret]").into();
        }
    }
    let mut line = visible(first(&kept, limits::LOG_BYTES));
    line.truncate(first(&line, limits::LOG_BYTES).len());
    line
}

/// The beginning of a text, of at most so many bytes.
fn first(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn line(message: &str, secrets: &[&str]) -> LogLine {
        let owner = Owner { principal: Principal::default(), capsule: Arc::from("notes") };
        let secrets: Vec<_> = secrets.iter().map(|secret| Zeroizing::new((*secret).to_owned())).collect();
        LogLine::new(owner, Level::Warn, message, &secrets)
    }

    #[test]
    fn a_line_has_its_time_its_level_and_its_capsule() {
        let time = UNIX_EPOCH + Duration::from_millis(1_700_000_000_042);
        let line = LogLine { time, ..line("a", &[]) };
        assert_eq!(line.to_string(), "1700000000.042 WARN [notes] a");
        assert_eq!(line.date().to_string(), "2023-11-14");
    }

    #[test]
    fn a_message_cannot_make_a_second_line() {
        for forged in ["a\n1.000 INFO [other] b", "a\r\nb", "a\u{2028}b", "a\u{85}b\u{1b}[2K"] {
            let line = line(forged, &[]);
            assert_eq!(line.to_string().lines().count(), 1, "{forged:?}");
            assert!(!line.message.chars().any(|c| c.is_control() || c == '\u{2028}'), "{forged:?}");
        }
    }

    #[test]
    fn a_line_is_of_bounded_length_however_it_is_spelled() {
        for long in ["ä".repeat(limits::LOG_BYTES), "\n".repeat(limits::LOG_BYTES), "x".repeat(1 << 20)] {
            assert!(line(&long, &[]).message.len() <= limits::LOG_BYTES);
        }
    }

    #[test]
    fn secrets_are_taken_out_even_across_the_cut() {
        assert_eq!(line("key=hunter2-hunter2;", &["hunter2-hunter2"]).message, "key=[secret];");
        let long = format!("{}hunter2-hunter2", "x".repeat(limits::LOG_BYTES - 4));
        assert!(!line(&long, &["hunter2-hunter2"]).message.contains("hunt"));
        // In whichever order they were read.
        for secrets in [["hunter2", "hunter2-hunter2"], ["hunter2-hunter2", "hunter2"]] {
            assert_eq!(line("key=hunter2-hunter2;", &secrets).message, "key=[secret];");
        }
        // A value that is a word of every sentence would take the log apart.
        assert_eq!(line("a no", &["no"]).message, "a no");
    }
}
