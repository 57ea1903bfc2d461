//! Topics of the bus and the patterns over them.
//!
//! A topic is a row of segments joined by dots, `chat.v1.message`. A segment has ASCII letters, digits, `_`, `-` and `:`;
//! a topic has at most 8 segments and 256 bytes. A pattern may put `*` in place of a whole segment, never of a part.
//!
//! Two rules match a pattern with a topic, and they differ on purpose:
//!
//! - the **route rule** ([`Pattern::routes`], [`Pattern::authorises`]) serves subscriptions and access lists. A trailing
//!   `.*` stands for one *or more* segments;
//! - the **strict rule** ([`Pattern::fires`]) decides which handlers a message fires. Every `*`, the trailing one too,
//!   stands for exactly one segment. So `a.*` lets a capsule subscribe to `a.b.c`, but its handler fires for `a.b` only.

mod index;
mod own;
mod pattern;
#[cfg(test)]
mod properties;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use index::Index;
pub use own::{
    CAPSULES_LOADED, CLIENT_CONNECT, CLIENT_DISCONNECT, DELIVERY_FAILURE, GRANT_REQUEST, HEALTH_FAILED,
    LIFECYCLE, Meaning, hears_audit, own_failures,
};
pub use pattern::{Pattern, Segment};

use crate::error::{Error, ErrorKind};
use crate::limits::{TOPIC_BYTES, TOPIC_SEGMENTS};

/// A checked topic. Cloning shares the text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Topic(Arc<str>);

impl Topic {
    /// Reads a topic; a `*` is refused like any other character that is not of the alphabet.
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        for segment in split(text)? {
            if segment.contains('*') {
                return Err(TopicError::WildcardInTopic);
            }
            check_word(segment)?;
        }
        Ok(Self(Arc::from(text)))
    }

    /// The topic as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments, one to eight of them.
    pub fn segments(&self) -> std::str::Split<'_, char> {
        self.0.split('.')
    }
}

/// Which rule of the grammar a topic or a pattern breaks; the text is one sentence and safe to show to anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TopicError {
    /// The whole text or one of its segments is empty.
    EmptySegment,
    /// It has this many bytes.
    TooLong(usize),
    /// It has this many segments.
    TooDeep(usize),
    /// This character is not of the alphabet.
    BadCharacter(char),
    /// A `*` stands beside other characters of its segment.
    PartialWildcard,
    /// A `*` stands before the last segment of a subscription's pattern.
    WildcardNotLast,
    /// A `*` stands in a topic that is to be published.
    WildcardInTopic,
}

impl fmt::Display for TopicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptySegment => f.write_str("a topic has no empty segment"),
            Self::TooLong(bytes) => {
                write!(f, "a topic has at most {TOPIC_BYTES} bytes, this one has {bytes}")
            }
            Self::TooDeep(segments) => {
                write!(f, "a topic has at most {TOPIC_SEGMENTS} segments, this one has {segments}")
            }
            Self::BadCharacter(bad) => {
                write!(f, "a segment has only ASCII letters, digits, `_`, `-` and `:`, not {bad:?}")
            }
            Self::PartialWildcard => f.write_str("a `*` stands for a whole segment, not for a part of one"),
            Self::WildcardNotLast => f.write_str("a subscription's pattern has `*` only as its last segment"),
            Self::WildcardInTopic => f.write_str("a `*` belongs in a pattern, not in a topic"),
        }
    }
}

impl std::error::Error for TopicError {}

impl From<TopicError> for Error {
    fn from(error: TopicError) -> Self {
        Self::new(ErrorKind::InvalidArgument, error.to_string())
    }
}

/// Splits into segments after the checks of length, depth and emptiness.
fn split(text: &str) -> Result<std::str::Split<'_, char>, TopicError> {
    if text.len() > TOPIC_BYTES {
        return Err(TopicError::TooLong(text.len()));
    }
    if text.split('.').any(str::is_empty) {
        return Err(TopicError::EmptySegment);
    }
    let depth = text.split('.').count();
    if depth > TOPIC_SEGMENTS {
        return Err(TopicError::TooDeep(depth));
    }
    Ok(text.split('.'))
}

/// Checks the characters of one segment that is not a wildcard.
fn check_word(segment: &str) -> Result<(), TopicError> {
    match segment.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':'))) {
        Some(bad) => Err(TopicError::BadCharacter(bad)),
        None => Ok(()),
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl AsRef<str> for Topic {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Topic {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Topic {
    type Error = TopicError;

    fn try_from(text: String) -> Result<Self, TopicError> {
        Self::parse(&text)
    }
}

impl From<Topic> for String {
    fn from(topic: Topic) -> Self {
        topic.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_grammar() {
        for good in ["a", "a.b", "astrid.v1.audit.entry", "A-1_b:c.Z", "1.2.3.4.5.6.7.8", &"x".repeat(256)] {
            let topic = Topic::parse(good).unwrap();
            assert_eq!(topic.as_str(), good);
            assert_eq!(topic.segments().collect::<Vec<_>>().join("."), good);
        }
    }

    #[test]
    fn refuses_everything_else_with_the_rule() {
        for empty in ["", ".", ".a", "a.", "a..b"] {
            assert_eq!(Topic::parse(empty), Err(TopicError::EmptySegment), "{empty:?}");
        }
        assert_eq!(Topic::parse(&"x".repeat(257)), Err(TopicError::TooLong(257)));
        assert_eq!(Topic::parse("1.2.3.4.5.6.7.8.9"), Err(TopicError::TooDeep(9)));
        for (text, bad) in
            [("a b", ' '), ("a/b", '/'), ("a.é", 'é'), ("a\n", '\n'), ("a\0b", '\0'), ("a@", '@')]
        {
            assert_eq!(Topic::parse(text), Err(TopicError::BadCharacter(bad)));
        }
        for star in ["*", "a.*", "a.b*", "*.b"] {
            assert_eq!(Topic::parse(star), Err(TopicError::WildcardInTopic), "{star:?}");
        }
    }

    #[test]
    fn an_error_is_one_sentence() {
        let error = Error::from(TopicError::TooDeep(9));
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert_eq!(error.message(), "a topic has at most 8 segments, this one has 9");
    }

    #[test]
    fn is_checked_when_it_comes_from_json() {
        assert_eq!(serde_json::from_str::<Topic>("\"a.b\"").unwrap().as_str(), "a.b");
        assert!(serde_json::from_str::<Topic>("\"a..b\"").is_err());
    }
}
