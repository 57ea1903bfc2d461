//! Which topics a capsule may publish and subscribe to.

use crate::manifest::Manifest;
use crate::topic::{Pattern, Topic};

/// One access list of a capsule: the patterns of `[publish]` or of `[subscribe]`. An empty list permits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acl(Vec<Pattern>);

impl Acl {
    /// The topics the manifest lets the capsule publish to.
    pub fn publish(manifest: &Manifest) -> Self {
        Self(manifest.publish.iter().map(|rule| rule.pattern.clone()).collect())
    }

    /// The topics the manifest lets the capsule subscribe to.
    pub fn subscribe(manifest: &Manifest) -> Self {
        Self(manifest.subscribe.iter().map(|rule| rule.pattern.clone()).collect())
    }

    /// Whether a message to this topic is permitted.
    pub fn allows(&self, topic: &Topic) -> bool {
        self.0.iter().any(|own| own.routes(topic))
    }

    /// Whether a subscription to this pattern is permitted. One entry must cover all of it.
    pub fn allows_pattern(&self, requested: &Pattern) -> bool {
        self.0.iter().any(|own| own.authorises(requested))
    }

    /// Whether nothing is permitted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The patterns, in the order of the manifest.
    pub fn patterns(&self) -> &[Pattern] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::ParseOptions;

    #[test]
    fn the_two_lists_are_independent_and_absence_denies() {
        let text = "[package]\nname = \"a\"\nversion = \"1.0.0\"\n[publish]\n\"out.*\" = \"opaque\"\n\
            [subscribe]\n\"in.x\" = \"opaque\"\n\"in.y.*\" = { wit = \"opaque\", handler = \"h\" }\n";
        let manifest = Manifest::parse(text, &ParseOptions::default()).unwrap().manifest;
        let (publish, subscribe) = (Acl::publish(&manifest), Acl::subscribe(&manifest));
        let topic = |text| Topic::parse(text).unwrap();
        let pattern = |text| Pattern::for_subscription(text).unwrap();

        assert!(publish.allows(&topic("out.a.b")));
        assert!(!publish.allows(&topic("out")) && !publish.allows(&topic("in.x")));
        assert!(subscribe.allows_pattern(&pattern("in.x")));
        assert!(subscribe.allows_pattern(&pattern("in.y.*")));
        assert!(subscribe.allows_pattern(&pattern("in.y.z.*")));
        assert!(!subscribe.allows_pattern(&pattern("in.*")) && !subscribe.allows_pattern(&pattern("out.*")));

        let nothing = Acl::default();
        assert!(nothing.is_empty() && !nothing.allows(&topic("a")) && !nothing.allows_pattern(&pattern("a")));
    }
}
