//! Capabilities of principals: names joined by colons, given by groups and grants, taken by revokes.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::limits::GRANT_BYTES;

/// A pattern over principal capabilities: segments of `[A-Za-z0-9_-]+` or `*`, joined by `:`.
///
/// `*` alone covers everything, a trailing `*` one or more segments, an inner `*` exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    text: Box<str>,
    segments: Box<[Option<Box<str>>]>,
}

impl Grant {
    /// Reads a pattern of at most 256 bytes.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > GRANT_BYTES {
            return Err(format!("has more than {GRANT_BYTES} bytes"));
        }
        let segments = text.split(':').map(|segment| match segment {
            "*" => Ok(None),
            word if is_word(word) => Ok(Some(Box::from(word))),
            _ => Err(format!(
                "is no capability: {text:?} needs segments of letters, digits, `_` and `-`, or `*`"
            )),
        });
        Ok(Self { segments: segments.collect::<Result<_, _>>()?, text: text.into() })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the pattern covers this capability. A text that is no capability is covered by nothing.
    pub fn covers(&self, capability: &str) -> bool {
        let asked: Vec<&str> = capability.split(':').collect();
        if !asked.iter().all(|word| is_word(word)) {
            return false;
        }
        let own = match &*self.segments {
            [head @ .., None] if asked.len() > head.len() => head,
            [.., None] => return false,
            all if all.len() == asked.len() => all,
            _ => return false,
        };
        own.iter().zip(&asked).all(|(own, word)| own.as_ref().is_none_or(|own| **own == **word))
    }
}

fn is_word(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Grant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// A group every host knows. Other names may stand in a profile; they give nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Everything.
    Admin,
    /// What concerns itself.
    Agent,
    /// Nothing, and only the hosts and commands its profile lists.
    Restricted,
}

impl Group {
    /// The group of this name, if it is one of the three.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "admin" => Some(Self::Admin),
            "agent" => Some(Self::Agent),
            "restricted" => Some(Self::Restricted),
            _ => None,
        }
    }

    /// Whether the group gives this capability.
    pub fn gives(self, capability: &str) -> bool {
        const AGENT: [&str; 4] = ["self:*", "self:quota:get", "self:agent:list", "delegate:self:*"];
        let patterns: &[&str] = match self {
            Self::Admin => &["*"],
            Self::Agent => &AGENT,
            Self::Restricted => &[],
        };
        patterns.iter().any(|pattern| Grant::parse(pattern).is_ok_and(|grant| grant.covers(capability)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_cover_what_they_say() {
        let cases = [
            ("*", "a", true),
            ("*", "a:b:c", true),
            ("a:*", "a:b", true),
            ("a:*", "a:b:c", true),
            ("a:*", "a", false),
            ("a:*:c", "a:b:c", true),
            ("a:*:c", "a:b:d", false),
            ("a:*:c", "a:b:b:c", false),
            ("a:b", "a:b", true),
            ("a:b", "a:b:c", false),
            ("*", "a:*", false),
            ("*", "", false),
            ("*:b", "a:b", true),
        ];
        for (grant, capability, expected) in cases {
            assert_eq!(
                Grant::parse(grant).unwrap().covers(capability),
                expected,
                "{grant} covers {capability}"
            );
        }
    }

    #[test]
    fn malformed_grants_are_refused() {
        for bad in ["", ":", "a:", "a::b", "**", "a*", "a:b*", "a b", "a.b", "é", &"a".repeat(257)] {
            assert!(Grant::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn groups_give_what_they_are_for() {
        assert!(Group::Admin.gives("audit:read_all") && Group::Admin.gives("net_bind"));
        assert!(Group::Agent.gives("self:quota:get") && Group::Agent.gives("delegate:self:x"));
        assert!(!Group::Agent.gives("audit:read_all") && !Group::Agent.gives("self"));
        assert!(!Group::Restricted.gives("self:quota:get"));
        assert_eq!(Group::named("root"), None);
    }
}
