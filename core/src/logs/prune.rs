//! Old days are thrown away.

use std::fs;
use std::io;
use std::path::Path;

use jiff::ToSpan;
use jiff::civil::Date;

use crate::limits;

/// Removes the days of a log that are too long before `today`. Only files that are named like a day are touched; the day
/// is the one in the name, since the time of the last change says nothing about when a line was written.
pub(super) fn prune(folder: &Path, today: Date) -> io::Result<()> {
    let Ok(oldest) = today.checked_sub(limits::LOG_DAYS.days()) else { return Ok(()) };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let day = entry.file_name().to_str().and_then(day_of);
        if day.is_some_and(|day| day < oldest) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The day a file is named for: exactly `YYYY-MM-DD.log`.
fn day_of(name: &str) -> Option<Date> {
    let text = name.strip_suffix(".log")?;
    let plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let day: Date = if plain { text.parse().ok()? } else { return None };
    (day.to_string() == text).then_some(day)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn only_days_that_are_old_go() {
        let folder = tempfile::tempdir().unwrap();
        let stay = [
            "2026-03-08.log",
            "2026-03-15.log",
            "2026-3-1.log",
            "notes.log",
            "2026-01-01.log.gz",
            "2026-02-30.log",
        ];
        for name in stay.iter().chain(&["2026-03-07.log", "2020-01-01.log"]) {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        prune(folder.path(), date(2026, 3, 15)).unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let mut stay = stay.map(str::to_owned);
        stay.sort();
        assert_eq!(left, stay);
    }

    #[test]
    fn a_log_that_was_never_written_has_nothing_to_prune() {
        let folder = tempfile::tempdir().unwrap();
        prune(&folder.path().join("absent"), date(2026, 3, 15)).unwrap();
    }
}
