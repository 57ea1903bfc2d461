//! What a person has approved beforehand.

use serde::{Deserialize, Serialize};

use crate::principal::Principal;

/// A remembered approval: the answer to the same question, and to the same command with other arguments.
///
/// # When it covers a request
///
/// All of these must hold:
///
/// 1. The request comes from the same principal and the same capsule, and the capsule's component has the same hash: a new
///    version asks again.
/// 2. It asks for the same action, and the action is not empty.
/// 3. Its resource is the one that was approved, or reads as a command that begins with the action: the action itself, or
///    the action, a space and anything ([`Allowance::pattern`], `git push *`).
/// 4. Neither the action nor the resource has a shell operator (`;`, `&`, `|`, a backtick, `<`, `>`), a `$` (a variable or a
///    substitution), a line break or another control character, or a `..` as a component of a path, quoted or not. Such a
///    text is asked about every time, even when the very same was approved.
///
/// An allowance answers `request-approval` and nothing else: it opens no gate and grants no capability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// Its own id.
    pub id: String,
    /// Who approved, and for whom it counts.
    pub principal: Principal,
    /// The capsule that asked.
    pub capsule: String,
    /// The BLAKE3 hash of the capsule's component, in lower-case hexadecimal digits.
    pub artifact: String,
    /// The action that was approved.
    pub action: String,
    /// The resource it was approved for.
    pub resource: String,
    /// When, in milliseconds since 1970.
    pub created_ms: u64,
    /// Whether it ends with the session; otherwise it is kept.
    pub session_only: bool,
}

impl Allowance {
    /// Remembers an approved request.
    #[allow(
        clippy::too_many_arguments,
        reason = "each is one column of the record, and all are there when it is made"
    )]
    pub fn new(
        id: String,
        principal: Principal,
        capsule: &str,
        artifact: &str,
        action: &str,
        resource: &str,
        created_ms: u64,
        session_only: bool,
    ) -> Self {
        let (capsule, artifact) = (capsule.to_owned(), artifact.to_owned());
        let (action, resource) = (action.to_owned(), resource.to_owned());
        Self { id, principal, capsule, artifact, action, resource, created_ms, session_only }
    }

    /// The commands it covers besides the approved resource, for people to read: the action with every `* ? [ ] { } \`
    /// escaped, a space and `*`.
    pub fn pattern(&self) -> String {
        let mut pattern = String::with_capacity(self.action.len() + 2);
        for c in self.action.chars() {
            if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern + " *"
    }

    /// Whether it answers this request; the rule is that of the type.
    pub fn covers(
        &self,
        principal: &Principal,
        capsule: &str,
        artifact: &str,
        action: &str,
        resource: &str,
    ) -> bool {
        let same_asker = self.principal == *principal && self.capsule == capsule && self.artifact == artifact;
        same_asker
            && !self.action.is_empty()
            && self.action == action
            && (self.resource == resource || begins_with_command(resource, action))
            && is_plain(action)
            && is_plain(resource)
    }
}

/// Whether the text is the command, or the command, a space and anything.
pub(super) fn begins_with_command(text: &str, command: &str) -> bool {
    text.strip_prefix(command).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// Whether the text does what it says and nothing besides when a shell reads it.
pub(super) fn is_plain(text: &str) -> bool {
    let operator = |c: char| {
        matches!(c, ';' | '&' | '|' | '`' | '<' | '>' | '$' | '\u{2028}' | '\u{2029}') || c.is_control()
    };
    // A shell drops quotes and backslashes, so that `"."./x` and `\../x` are ways to write `../x`.
    let unquoted: String = text.chars().filter(|c| !matches!(c, '"' | '\'' | '\\')).collect();
    !text.contains(operator) && !has_parent(text) && !has_parent(&unquoted)
}

/// Whether some argument has a component that is `..`, or that a shell may expand to it, as `.{.,x}` and `.?`.
fn has_parent(text: &str) -> bool {
    let separator = |c: char| {
        c.is_whitespace() || matches!(c, '/' | '\\' | '=' | ':' | ',' | '"' | '\'' | '(' | ')' | '@')
    };
    text.split(separator).any(|component| {
        component == ".."
            || (component.contains('.') && component.contains(['{', '}']))
            || (component.starts_with('.') && component.contains(['*', '?', '[']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "00ff";

    fn alice() -> Principal {
        Principal::parse("alice").unwrap()
    }

    fn allowance(action: &str, resource: &str) -> Allowance {
        Allowance::new("1".into(), alice(), "shop", HASH, action, resource, 0, false)
    }

    fn covers(allowance: &Allowance, resource: &str) -> bool {
        allowance.covers(&alice(), "shop", HASH, &allowance.action, resource)
    }

    #[test]
    fn the_same_request_and_the_same_command_are_covered() {
        let push = allowance("git push", "origin main");
        for yes in ["origin main", "git push", "git push origin dev", "git push a/b*c"] {
            assert!(covers(&push, yes), "{yes}");
        }
        for no in ["origin", "origin main ", "git pushed", "git pull", " git push", "", "sudo git push"] {
            assert!(!covers(&push, no), "{no:?}");
        }
    }

    #[test]
    fn nobody_else_is_covered() {
        let push = allowance("git push", "origin main");
        let ask = |principal: &Principal, capsule, artifact, action| {
            push.covers(principal, capsule, artifact, action, "origin main")
        };
        assert!(ask(&alice(), "shop", HASH, "git push"));
        assert!(!ask(&Principal::default(), "shop", HASH, "git push"));
        assert!(!ask(&alice(), "other", HASH, "git push"));
        assert!(!ask(&alice(), "shop", "ff00", "git push"));
        assert!(!ask(&alice(), "shop", HASH, "git pull"));
        assert!(!covers(&allowance("", "x"), "x"), "an empty action is never remembered");
    }

    /// Operators, variables and line breaks: wherever they stand.
    const OPERATORS: &[&str] = &[
        ";", "&", "&&", "|", "||", "$(id)", "`id`", "\n", "\r", "\r\n", ">", ">>", "<", "$HOME", "${HOME}",
        "$1", "\0", "\t", "\u{85}", "\u{2028}",
    ];

    /// Ways to write the parent folder.
    const PARENTS: &[&str] = &[
        "..",
        "../x",
        "a/../b",
        "a/..",
        "--file=../x",
        "\"..\"/x",
        "'.'./x",
        "\\../x",
        ".\\./x",
        "x:../y",
        "{..,a}",
        "\\.\\.",
        ".{.,x}/y",
        "{.,x}./y",
        ".?/x",
        ".*",
        ".[.]/x",
    ];

    #[test]
    fn what_a_shell_would_read_otherwise_is_never_covered() {
        let remembered = allowance("git push", "x");
        for bad in OPERATORS {
            for resource in [format!("git push {bad}"), format!("git push a{bad}b"), format!("git push{bad}")]
            {
                assert!(!covers(&remembered, &resource), "{resource:?}");
                assert!(!covers(&allowance("git push", &resource), &resource), "{resource:?} itself");
            }
            assert!(!covers(&allowance(bad, "x"), "x"), "action {bad:?}");
        }
        for bad in PARENTS {
            for resource in [format!("git push {bad}"), format!("git push a {bad} b")] {
                assert!(!covers(&remembered, &resource), "{resource:?}");
                assert!(!covers(&allowance("git push", &resource), &resource), "{resource:?} itself");
            }
        }
        for fine in ["git push v1..v2", "git push ...", "git push .hidden", "git push a..", "git push *.rs"] {
            assert!(covers(&allowance("git push", "x"), fine), "{fine}");
        }
    }

    #[test]
    fn a_wildcard_in_the_action_is_a_character() {
        let odd = allowance("rm *", "x");
        assert_eq!(odd.pattern(), "rm \\* *");
        assert!(covers(&odd, "rm * a") && !covers(&odd, "rm a") && !covers(&odd, "rm all"));
        assert_eq!(allowance("a?[b]{c}\\", "x").pattern(), "a\\?\\[b\\]\\{c\\}\\\\ *");
    }

    #[test]
    fn is_kept_as_a_record() {
        let push = allowance("git push", "origin");
        let text = serde_json::to_string(&push).unwrap();
        assert_eq!(serde_json::from_str::<Allowance>(&text).unwrap(), push);
    }
}
