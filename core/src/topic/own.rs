//! The topics that mean something to the host itself.

use super::{Pattern, Topic, TopicError};

/// Below this topic the host tells a publisher that a request it marked was not served.
pub const DELIVERY_FAILURE: &str = "astrid.v1.delivery.failure";
/// Below this topic the host tells handlers, and nobody else, what becomes of capsules.
pub const LIFECYCLE: &str = "astrid.v1.lifecycle";
/// Where the embedding program hears that somebody called a capsule that was not granted to him.
pub const GRANT_REQUEST: &str = "astrid.v1.capsule.grant_request";

/// Where the host says that a run loop failed: `{"capsule_id", "reason"}`.
pub const HEALTH_FAILED: &str = "astrid.v1.health.failed";
/// Where the host says that a folder of capsules is loaded: `{"status": "ready"}`.
pub const CAPSULES_LOADED: &str = "astrid.v1.capsules_loaded";
/// Where the host says that a client of the local socket was handed to a capsule: `{}`, of the client's principal, or
/// claimed of `anonymous` for one that named none.
pub const CLIENT_CONNECT: &str = "client.v1.connect";
/// And that the capsule has let go of it: `{"reason"}`.
pub const CLIENT_DISCONNECT: &str = "client.v1.disconnect";
/// Where what the audit records would be told; nobody but the host may speak there.
const AUDIT_ENTRY: &str = "astrid.v1.audit.entry";

/// What a message on a topic asks of the capsules that hear it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing the host knows of.
    Plain,
    /// To do something for the caller: only capsules that were granted to the caller hear it, and the embedding program is
    /// told of others that would have.
    Invocation,
    /// To say what they could do for the caller: only capsules that were granted to the caller hear it.
    Description,
}

impl Topic {
    /// What a message on this topic asks: `tool.v1.execute.<name>`, where `result` is no name, and
    /// `cli.v1.command.run.<provider>` invoke; what ends in `.describe` below `tool.v1` and `cli.v1` asks for descriptions.
    #[must_use]
    pub fn meaning(&self) -> Meaning {
        let one = |rest: &str| !rest.contains('.');
        let text = self.as_str();
        if let Some(name) = text.strip_prefix("tool.v1.execute.")
            && one(name)
        {
            return if name == "result" { Meaning::Plain } else { Meaning::Invocation };
        }
        if text.strip_prefix("cli.v1.command.run.").is_some_and(one) {
            return Meaning::Invocation;
        }
        let described =
            (text.starts_with("tool.v1.") || text.starts_with("cli.v1.")) && text.ends_with(".describe");
        if described { Meaning::Description } else { Meaning::Plain }
    }

    /// Whether only the host publishes here, whatever a manifest grants.
    #[must_use]
    pub fn is_the_hosts(&self) -> bool {
        let text = self.as_str();
        let below =
            |stem: &str| text.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        [DELIVERY_FAILURE, LIFECYCLE, GRANT_REQUEST, HEALTH_FAILED, CAPSULES_LOADED, AUDIT_ENTRY]
            .into_iter()
            .any(below)
    }
}

/// Whether a subscription to the pattern would receive what the audit records.
#[must_use]
pub fn hears_audit(pattern: &Pattern) -> bool {
    Topic::parse(AUDIT_ENTRY).is_ok_and(|topic| pattern.routes(&topic))
}

/// The pattern a guest really subscribes to: for failed deliveries it names only the request, or `*`, and hears of its
/// own. `publisher` is the source id of its messages.
pub fn own_failures(asked: Pattern, publisher: &str) -> Result<Pattern, TopicError> {
    let stem = asked.as_str().strip_prefix(DELIVERY_FAILURE).and_then(|rest| rest.strip_prefix('.'));
    match stem {
        Some(request) if !request.contains('.') => {
            Pattern::for_subscription(&format!("{DELIVERY_FAILURE}.{publisher}.{request}"))
        }
        _ => Ok(asked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(text: &str) -> Topic {
        Topic::parse(text).unwrap()
    }

    #[test]
    fn invocations_are_told_from_their_neighbours() {
        for (text, meaning) in [
            ("tool.v1.execute.search", Meaning::Invocation),
            ("cli.v1.command.run.git", Meaning::Invocation),
            ("tool.v1.execute.result", Meaning::Plain),
            ("tool.v1.execute.search.result", Meaning::Plain),
            ("tool.v1.execute", Meaning::Plain),
            ("cli.v1.command.run", Meaning::Plain),
            ("cli.v1.command.run.git.out", Meaning::Plain),
            ("tool.v2.execute.search", Meaning::Plain),
            ("tool.v1.request.describe", Meaning::Description),
            ("cli.v1.describe", Meaning::Description),
            ("chat.v1.describe", Meaning::Plain),
        ] {
            assert_eq!(topic(text).meaning(), meaning, "{text}");
        }
    }

    #[test]
    fn the_hosts_topics_are_the_hosts() {
        for text in [DELIVERY_FAILURE, LIFECYCLE, GRANT_REQUEST, HEALTH_FAILED, CAPSULES_LOADED, AUDIT_ENTRY]
        {
            assert!(topic(text).is_the_hosts() && topic(&format!("{text}.x.y")).is_the_hosts(), "{text}");
            assert!(!topic(&format!("{text}s")).is_the_hosts());
        }
        assert!(!topic("astrid.v1").is_the_hosts());
    }

    #[test]
    fn the_audit_is_heard_through_any_pattern_that_covers_it() {
        let hears = |text| hears_audit(&Pattern::for_manifest(text).unwrap());
        assert!(["astrid.v1.*", "astrid.*", "astrid.v1.audit.*", AUDIT_ENTRY].into_iter().all(hears));
        assert!(!["astrid.v1.audit", "astrid.v1.approval.*", "*"].into_iter().any(hears));
    }

    #[test]
    fn a_guest_hears_of_its_own_failures() {
        let rewritten = |text| own_failures(Pattern::for_subscription(text).unwrap(), "me").unwrap();
        assert_eq!(rewritten("astrid.v1.delivery.failure.*").as_str(), "astrid.v1.delivery.failure.me.*");
        assert_eq!(rewritten("astrid.v1.delivery.failure.x").as_str(), "astrid.v1.delivery.failure.me.x");
        for other in ["astrid.v1.delivery.failure", "astrid.v1.*", "astrid.v1.delivery.failure.you.*", "a"] {
            assert_eq!(rewritten(other).as_str(), other);
        }
    }
}
