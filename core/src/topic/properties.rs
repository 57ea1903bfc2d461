//! Matching compared with a model that is too slow to be wrong in the same way.

use proptest::prelude::*;

use super::{Pattern, Topic};

/// The strict rule, by the letter: as many segments, each equal or a `*`.
fn strict(pattern: &[String], topic: &[String]) -> bool {
    pattern.len() == topic.len() && pattern.iter().zip(topic).all(|(own, word)| own == "*" || own == word)
}

/// The route rule: the strict rule, with a trailing `.*` spelled out as one, two, … segments.
fn route(pattern: &[String], topic: &[String]) -> bool {
    let trailing = pattern.len() > 1 && pattern.last().is_some_and(|last| last == "*");
    let most = if trailing { topic.len() } else { 0 };
    (0..=most).any(|more| strict(&[pattern, &vec!["*".to_owned(); more]].concat(), topic))
}

fn words(wild: bool) -> impl Strategy<Value = Vec<String>> {
    // Few words, so that many of them meet.
    let word = if wild { "[ab]|a:b|\\*" } else { "[ab]|a:b" };
    proptest::collection::vec(word, 1..=8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_rules_are_those_of_the_model(pattern in words(true), topic in words(false)) {
        let own = Pattern::for_manifest(&pattern.join(".")).unwrap();
        let sent = Topic::parse(&topic.join(".")).unwrap();
        prop_assert_eq!(own.fires(&sent), strict(&pattern, &topic));
        prop_assert_eq!(own.routes(&sent), route(&pattern, &topic));
    }

    #[test]
    fn what_an_access_list_authorises_receives_nothing_it_does_not_route(
        own in words(true), asked in words(true), topic in words(false),
    ) {
        let own = Pattern::for_manifest(&own.join(".")).unwrap();
        let asked = Pattern::for_manifest(&asked.join(".")).unwrap();
        let sent = Topic::parse(&topic.join(".")).unwrap();
        prop_assert!(!(own.authorises(&asked) && asked.routes(&sent)) || own.routes(&sent));
    }

    #[test]
    fn any_text_is_read_or_refused_and_kept_as_it_was(text in "[a-c.*:é \\x00-\\x1f]{0,300}") {
        if let Ok(topic) = Topic::parse(&text) {
            prop_assert_eq!(topic.as_str(), &text);
            prop_assert!(Pattern::for_subscription(&text).unwrap().routes(&topic));
        }
        if let Ok(pattern) = Pattern::for_manifest(&text) {
            prop_assert_eq!(pattern.as_str(), &text);
        }
    }
}
