//! What the embedding program may choose about the log. Nothing of it switches the log off.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// How durable, how fast and how patient the log is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditChoices {
    /// Operations whose entry is on the disk before the result of the call is seen, so that it survives the loss of
    /// power: `capsule.install`, or with a `*` at the end all that begin so, `kv.*`. Every other entry survives the
    /// sudden end of the process, and is on the disk within 50 ms. Such a call costs milliseconds, which concurrent
    /// calls share.
    pub power_operations: Vec<String>,
    /// Entries that one capsule may cause for one principal in a second, at least 1; ten seconds' worth may come at once.
    pub entries_per_sec: u64,
    /// The same in bytes of the log, at least 1,024.
    pub bytes_per_sec: u64,
    /// How long repeats beyond the rate are collected in one counted entry.
    pub merge_within: Duration,
}

impl Default for AuditChoices {
    fn default() -> Self {
        Self {
            power_operations: Vec::new(),
            entries_per_sec: limits::AUDIT_ENTRIES_PER_SEC,
            bytes_per_sec: limits::AUDIT_BYTES_PER_SEC,
            merge_within: limits::AUDIT_MERGE_WITHIN,
        }
    }
}

impl AuditChoices {
    /// [`ErrorKind::InvalidArgument`] for a choice that would stop every call or name no operation.
    pub fn check(&self) -> Result<()> {
        let invalid = |why: String| Err(Error::new(ErrorKind::InvalidArgument, why));
        if self.entries_per_sec == 0 {
            return invalid("`entries_per_sec` of the audit is at least 1".to_owned());
        }
        if self.bytes_per_sec < limits::AUDIT_LEAST_RATE_BYTES {
            let least = limits::AUDIT_LEAST_RATE_BYTES;
            return invalid(format!("`bytes_per_sec` of the audit is at least {least}"));
        }
        for pattern in &self.power_operations {
            let name = pattern.strip_suffix('*').unwrap_or(pattern);
            if pattern.is_empty() || name.contains('*') {
                return invalid(format!("`{pattern}` names no operation; a `*` stands at the end only"));
            }
        }
        Ok(())
    }

    /// Whether the entry of this operation must be on the disk before its result is seen.
    pub(super) fn is_power(&self, operation: &str) -> bool {
        self.power_operations.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => operation.starts_with(start),
            None => operation == pattern,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_named_whole_or_by_their_beginning() {
        let power_operations = vec!["kv.*".to_owned(), "capsule.install".to_owned()];
        let choices = AuditChoices { power_operations, ..AuditChoices::default() };
        choices.check().unwrap();
        assert!(choices.is_power("kv.kv-set") && choices.is_power("capsule.install"));
        assert!(!choices.is_power("capsule.installed") && !choices.is_power("ipc.publish"));
        let all = AuditChoices { power_operations: vec!["*".to_owned()], ..AuditChoices::default() };
        assert!(all.check().is_ok() && all.is_power("host.open"));
    }

    #[test]
    fn a_choice_that_makes_no_sense_is_refused() {
        for choices in [
            AuditChoices { entries_per_sec: 0, ..AuditChoices::default() },
            AuditChoices { bytes_per_sec: 1023, ..AuditChoices::default() },
            AuditChoices { power_operations: vec![String::new()], ..AuditChoices::default() },
            AuditChoices { power_operations: vec!["*.kv-set".to_owned()], ..AuditChoices::default() },
        ] {
            assert_eq!(choices.check().unwrap_err().kind(), ErrorKind::InvalidArgument, "{choices:?}");
        }
    }
}
