//! How much harm the words of an action suggest. It helps a person to look twice and decides nothing: the words are the
//! capsule's own.

use super::question::words;

/// How much harm an action could do, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// Looks at something.
    Low,
    /// Changes something, or cannot be told.
    Medium,
    /// Takes something away, or runs something.
    High,
    /// Spends money, takes over the machine, or cannot be undone.
    Critical,
}

words!(Risk { Low "low", Medium "medium", High "high", Critical "critical" });

const CRITICAL: &[&str] = &[
    "sudo", "doas", "pay", "payment", "buy", "purchase", "transfer", "withdraw", "sell", "donate", "refund",
    "wipe", "shred", "erase", "destroy", "mkfs", "shutdown", "reboot",
];
const HIGH: &[&str] = &[
    "delete",
    "deletion",
    "remove",
    "removal",
    "rm",
    "rmdir",
    "unlink",
    "drop",
    "truncate",
    "overwrite",
    "exec",
    "execute",
    "execution",
    "run",
    "spawn",
    "shell",
    "eval",
    "install",
    "uninstall",
    "kill",
    "terminate",
    "stop",
    "chmod",
    "chown",
    "grant",
    "revoke",
    "deploy",
    "publish",
    "force",
    "reset",
    "purge",
    "disable",
    "login",
    "sign",
    "impersonate",
];
const LOW: &[&str] = &[
    "read", "list", "get", "show", "view", "look", "find", "search", "count", "check", "stat", "ping",
    "describe", "peek",
];

impl Risk {
    /// Classes an action by its words, in ASCII letters of either case, `camelCase` and endings such as `-s`, `-ed` and
    /// `-ing` included. The gravest word decides. An action is low only if its first word says so, nothing in it says more,
    /// and no letter of another alphabet could pass for one of ours; everything else is medium.
    #[must_use]
    pub fn of(action: &str) -> Self {
        let words = split(action);
        let any = |known: &[&str]| words.iter().any(|word| known.iter().any(|base| is_form_of(word, base)));
        if any(CRITICAL) {
            Self::Critical
        } else if any(HIGH) {
            Self::High
        } else if action.is_ascii()
            && words.first().is_some_and(|first| LOW.iter().any(|base| is_form_of(first, base)))
        {
            Self::Low
        } else {
            Self::Medium
        }
    }
}

/// The words in lower case. A run of mixed case counts in parts and as a whole: `runSudo` and `sUdO` both hold a known word.
fn split(action: &str) -> Vec<String> {
    let mut words = Vec::new();
    for run in
        action.split(|character: char| !character.is_ascii_alphanumeric()).filter(|run| !run.is_empty())
    {
        let bytes = run.as_bytes();
        let mut start = 0;
        for at in 1..run.len() {
            if bytes[at].is_ascii_uppercase() && !bytes[at - 1].is_ascii_uppercase() {
                words.push(run[start..at].to_ascii_lowercase());
                start = at;
            }
        }
        words.push(run[start..].to_ascii_lowercase());
        if start > 0 {
            words.push(run.to_ascii_lowercase());
        }
    }
    words
}

/// Whether a word is the base or one of its regular forms: `removes`, `removed`, `removing`, `dropped`.
fn is_form_of(word: &str, base: &str) -> bool {
    let stem = base.strip_suffix('e').unwrap_or(base);
    let Some(ending) = word.strip_prefix(stem) else { return false };
    let doubled = stem.chars().next_back().and_then(|last| ending.strip_prefix(last));
    word == base
        || matches!(ending, "s" | "es" | "ed" | "ing" | "er")
        || matches!(doubled, Some("ed" | "ing" | "er"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_word_decides() {
        for (action, risk) in [
            ("read", Risk::Low),
            ("list files", Risk::Low),
            ("getFile", Risk::Low),
            ("write", Risk::Medium),
            ("send an email", Risk::Medium),
            ("create", Risk::Medium),
            ("frobnicate", Risk::Medium),
            ("", Risk::Medium),
            ("delete", Risk::High),
            ("Deleting files", Risk::High),
            ("file.removed", Risk::High),
            ("git push --force", Risk::High),
            ("running", Risk::High),
            ("dropped", Risk::High),
            ("read and then sudo rm", Risk::Critical),
            ("getPaid", Risk::Low),
            ("buyNow", Risk::Critical),
            ("sUdO", Risk::Critical),
            ("TRANSFER_FUNDS", Risk::Critical),
            ("payload", Risk::Medium),
        ] {
            assert_eq!(Risk::of(action), risk, "{action}");
        }
    }

    #[test]
    fn a_first_word_alone_does_not_make_an_action_harmless() {
        assert_eq!(Risk::of("please read"), Risk::Medium);
        assert_eq!(Risk::of("get it deleted"), Risk::High);
        // A Cyrillic letter in place of an e.
        assert_eq!(Risk::of("read and d\u{435}lete"), Risk::Medium);
    }
}
