//! Patterns over topics, taken apart once and never compared as text afterwards.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::{Topic, TopicError, check_word, split};

/// One segment of a [`Pattern`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// Equals this text.
    Word(Box<str>),
    /// `*`: any text.
    Star,
}

impl Segment {
    fn admits(&self, word: &str) -> bool {
        match self {
            Self::Word(own) => &**own == word,
            Self::Star => true,
        }
    }

    /// Whether everything that `other` admits is admitted here too.
    fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Star, _) => true,
            (Self::Word(own), Self::Word(word)) => own == word,
            (Self::Word(_), Self::Star) => false,
        }
    }
}

/// A checked pattern. Cloning shares its parts.
#[derive(Clone)]
pub struct Pattern(Arc<Parts>);

struct Parts {
    text: Box<str>,
    segments: Box<[Segment]>,
}

impl Pattern {
    /// Reads the pattern of a subscription: at most one `*`, and only as the last segment.
    pub fn for_subscription(text: &str) -> Result<Self, TopicError> {
        let pattern = Self::for_manifest(text)?;
        match pattern.segments().iter().position(|segment| *segment == Segment::Star) {
            Some(star) if star + 1 < pattern.segments().len() => Err(TopicError::WildcardNotLast),
            _ => Ok(pattern),
        }
    }

    /// Reads a key of a manifest's `[publish]` or `[subscribe]`: any whole segment may be `*`.
    pub fn for_manifest(text: &str) -> Result<Self, TopicError> {
        let segments = split(text)?.map(segment).collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Parts { text: text.into(), segments })))
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The segments, one to eight of them.
    pub fn segments(&self) -> &[Segment] {
        &self.0.segments
    }

    /// The prefix before a trailing `.*`, which stands for one or more segments under the route rule. A bare `*` has no
    /// prefix to trail, so it is no such pattern.
    fn open_prefix(&self) -> Option<&[Segment]> {
        match self.segments() {
            [prefix @ .., Segment::Star] if !prefix.is_empty() => Some(prefix),
            _ => None,
        }
    }

    /// The route rule: whether a subscription to this pattern receives the topic, and whether an access list with this
    /// pattern permits publishing to it. A trailing `.*` stands for one or more segments; a bare `*` for one.
    pub fn routes(&self, topic: &Topic) -> bool {
        let mut words = topic.segments();
        match self.open_prefix() {
            Some(prefix) => {
                prefix.iter().all(|segment| words.next().is_some_and(|word| segment.admits(word)))
                    && words.next().is_some()
            }
            None => self.fires(topic),
        }
    }

    /// The route rule for access lists: whether this pattern permits subscribing to `requested`. The request is compared
    /// as if it were a topic, and its `*` is covered by a `*` only, so a permitted subscription never receives a topic
    /// that this pattern does not route.
    pub fn authorises(&self, requested: &Self) -> bool {
        let asked = requested.segments();
        let own = match self.open_prefix() {
            Some(prefix) if asked.len() > prefix.len() => prefix,
            None if asked.len() == self.segments().len() => self.segments(),
            _ => return false,
        };
        own.iter().zip(asked).all(|(own, asked)| own.includes(asked))
    }

    /// The strict rule: whether a handler bound to this pattern fires for the topic. Every `*` stands for exactly one
    /// segment, the trailing one too.
    pub fn fires(&self, topic: &Topic) -> bool {
        let mut words = topic.segments();
        self.segments().iter().all(|segment| words.next().is_some_and(|word| segment.admits(word)))
            && words.next().is_none()
    }
}

fn segment(text: &str) -> Result<Segment, TopicError> {
    if text == "*" {
        return Ok(Segment::Star);
    }
    if text.contains('*') {
        return Err(TopicError::PartialWildcard);
    }
    check_word(text)?;
    Ok(Segment::Word(text.into()))
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.segments() == other.segments()
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.segments().hash(state);
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::for_manifest(text).unwrap()
    }

    fn topic(text: &str) -> Topic {
        Topic::parse(text).unwrap()
    }

    /// The vectors of the contract: pattern, topic, route rule, strict rule.
    const VECTORS: &[(&str, &str, bool, bool)] = &[
        ("a.b", "a.b", true, true),
        ("a.b", "a.b.c", false, false),
        ("a.*", "a", false, false),
        ("a.*", "a.b", true, true),
        ("a.*", "a.b.c", true, false),
        ("a.*.c", "a.b.c", true, true),
        ("a.*.c", "a.c", false, false),
        ("a.*.c", "a.b.b.c", false, false),
        ("*", "a", true, true),
        ("*", "a.b", false, false),
        ("*.b.*", "x.b.z", true, true),
        ("*.b.*", "x.b", false, false),
        ("*.b.*", "x.b.z.q", true, false),
        ("astrid.v1.*", "astrid.v1.audit.entry", true, false),
        ("astrid.*", "astrid.v1.audit.entry", true, false),
        ("astrid.v1.audit.*", "astrid.v1.audit.entry", true, true),
        ("a.b", "A.b", false, false),
        ("*.*", "a", false, false),
        ("*.*", "a.b.c", true, false),
    ];

    #[test]
    fn the_vectors_hold() {
        for &(p, t, routes, fires) in VECTORS {
            assert_eq!(pattern(p).routes(&topic(t)), routes, "{p} routes {t}");
            assert_eq!(pattern(p).fires(&topic(t)), fires, "{p} fires for {t}");
        }
    }

    #[test]
    fn the_vectors_of_access_lists_hold() {
        let cases = [
            ("a.*", "a.b.*", true),
            ("a.*", "a.*", true),
            ("a.*", "b.*", false),
            ("a.b", "a.*", false),
            ("a.b", "a.b", true),
            ("*", "*", true),
            ("*", "a", true),
            ("*", "a.*", false),
            ("a.*.c", "a.b.*", false),
            ("a.*", "a", false),
        ];
        for (own, asked, expected) in cases {
            let asked_pattern = Pattern::for_subscription(asked).unwrap();
            assert_eq!(pattern(own).authorises(&asked_pattern), expected, "{own} authorises {asked}");
        }
    }

    #[test]
    fn malformed_patterns_are_refused() {
        for bad in ["", ".a", "a.", "a..b"] {
            assert_eq!(Pattern::for_manifest(bad), Err(TopicError::EmptySegment), "{bad:?}");
            assert_eq!(Pattern::for_subscription(bad), Err(TopicError::EmptySegment), "{bad:?}");
        }
        for bad in ["foo.ba*", "*a", "a.**", "a.*b.c"] {
            assert_eq!(Pattern::for_manifest(bad), Err(TopicError::PartialWildcard), "{bad:?}");
            assert_eq!(Pattern::for_subscription(bad), Err(TopicError::PartialWildcard), "{bad:?}");
        }
        for inner in ["*.a", "a.*.b", "a.*.*", "*.*"] {
            assert!(Pattern::for_manifest(inner).is_ok(), "{inner:?}");
            assert_eq!(Pattern::for_subscription(inner), Err(TopicError::WildcardNotLast), "{inner:?}");
        }
        assert_eq!(Pattern::for_manifest("a.b c"), Err(TopicError::BadCharacter(' ')));
        assert_eq!(Pattern::for_manifest("1.2.3.4.5.6.7.8.*"), Err(TopicError::TooDeep(9)));
        assert!(Pattern::for_subscription("*").is_ok());
    }

    /// Every text of one to four segments over `a`, `b` and `*`.
    fn all_texts() -> Vec<String> {
        let mut texts: Vec<String> = Vec::new();
        let mut layer = vec![String::new()];
        for _ in 0..4 {
            layer = layer
                .iter()
                .flat_map(|head| {
                    ["a", "b", "*"].map(|s| if head.is_empty() { s.into() } else { format!("{head}.{s}") })
                })
                .collect();
            texts.extend(layer.iter().cloned());
        }
        texts
    }

    #[test]
    fn what_is_authorised_never_receives_more_than_the_access_list_routes() {
        let texts = all_texts();
        let patterns: Vec<Pattern> = texts.iter().map(|t| pattern(t)).collect();
        let topics: Vec<Topic> = texts.iter().filter_map(|t| Topic::parse(t).ok()).collect();
        let mut authorised = 0;
        for own in &patterns {
            for asked in patterns.iter().filter(|asked| own.authorises(asked)) {
                authorised += 1;
                for topic in topics.iter().filter(|topic| asked.routes(topic)) {
                    assert!(own.routes(topic), "{own} authorised {asked}, which receives {topic}");
                }
            }
        }
        assert!(authorised > patterns.len());
    }

    #[test]
    fn what_fires_is_routed_and_what_is_equal_is_authorised() {
        for text in all_texts() {
            let own = pattern(&text);
            assert!(own.authorises(&own), "{own} authorises itself");
            for topic in all_texts().iter().filter_map(|t| Topic::parse(t).ok()) {
                assert!(
                    !own.fires(&topic) || own.routes(&topic),
                    "{own} fires for {topic} without routing it"
                );
            }
        }
    }
}
