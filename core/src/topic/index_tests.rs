use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> Pattern {
    Pattern::for_manifest(text).unwrap()
}

fn topic(text: &str) -> Topic {
    Topic::parse(text).unwrap()
}

fn routed<T: Copy + Ord>(index: &Index<T>, topic: &Topic) -> Vec<T> {
    let mut found = Vec::new();
    index.routed(topic, &mut |_, value| found.push(*value));
    found.sort_unstable();
    found
}

fn fired<T: Copy + Ord>(index: &Index<T>, topic: &Topic) -> Vec<T> {
    let mut found = Vec::new();
    index.fired(topic, &mut |_, value| found.push(*value));
    found.sort_unstable();
    found
}

/// The two rules as the contract words them, on text and without an idea.
mod model {
    pub fn fires(pattern: &str, topic: &str) -> bool {
        let (pattern, topic): (Vec<_>, Vec<_>) = (pattern.split('.').collect(), topic.split('.').collect());
        pattern.len() == topic.len() && pattern.iter().zip(&topic).all(|(p, t)| *p == "*" || p == t)
    }

    pub fn routes(pattern: &str, topic: &str) -> bool {
        let Some(prefix) = pattern.strip_suffix(".*") else { return fires(pattern, topic) };
        let depth = prefix.split('.').count();
        let head: Vec<_> = topic.split('.').take(depth).collect();
        topic.split('.').count() > depth && fires(prefix, &head.join("."))
    }
}

#[test]
fn removing_the_last_value_removes_its_nodes() {
    let mut index = Index::default();
    let patterns = ["a.b.*", "a.b", "*.b.c", "*"].map(pattern);
    for (id, pattern) in (1..).zip(&patterns) {
        index.insert(pattern, id, id);
        index.insert(pattern, id + 10, id + 10);
    }
    index.remove(&patterns[0], 1);
    assert_eq!(routed(&index, &topic("a.b.c")), [3, 11, 13]);
    index.remove(&patterns[0], 99);
    for (id, pattern) in (1..).zip(&patterns) {
        assert!(!index.is_empty());
        index.remove(pattern, id);
        index.remove(pattern, id + 10);
    }
    assert!(index.is_empty());
}

#[test]
fn values_of_one_pattern_come_in_the_order_of_their_ids() {
    for text in ["a.b", "a.*", "*.b"] {
        let mut index = Index::default();
        for id in [3, 1, 2] {
            index.insert(&pattern(text), id, id);
        }
        let mut found = Vec::new();
        index.fired(&topic("a.b"), &mut |id, _| found.push(id));
        assert_eq!(found, [1, 2, 3], "{text}");
    }
}

/// Texts over few words, so that they meet often; a `*` only where `star` says so.
fn text(star: bool) -> impl Strategy<Value = String> {
    let words: &[&str] = if star { &["a", "b", "a", "b", "*"] } else { &["a", "b"] };
    prop::collection::vec(prop::sample::select(words), 1..=8).prop_map(|segments| segments.join("."))
}

proptest! {
    #[test]
    fn patterns_and_the_index_agree_with_the_contract(
        patterns in prop::collection::vec(text(true), 0..40),
        gone in prop::collection::vec(any::<bool>(), 40),
        topics in prop::collection::vec(text(false), 1..20),
    ) {
        let mut index = Index::default();
        for (id, text) in (0..).zip(&patterns) {
            index.insert(&pattern(text), id, id);
        }
        let kept = |id: &u64| !gone[usize::try_from(*id).unwrap()];
        for (id, text) in (0..).zip(&patterns).filter(|(id, _)| !kept(id)) {
            index.remove(&pattern(text), id);
        }
        let here = || (0..).zip(&patterns).filter(|(id, _)| kept(id));
        for text in &topics {
            let topic = topic(text);
            for (_, own) in here() {
                prop_assert_eq!(pattern(own).routes(&topic), model::routes(own, text), "{} routes {}", own, text);
                prop_assert_eq!(pattern(own).fires(&topic), model::fires(own, text), "{} fires {}", own, text);
            }
            let by = |rule: fn(&str, &str) -> bool| -> Vec<u64> {
                here().filter(|(_, own)| rule(own, text)).map(|(id, _)| id).collect()
            };
            prop_assert_eq!(routed(&index, &topic), by(model::routes));
            prop_assert_eq!(fired(&index, &topic), by(model::fires));
        }
        let mut all = 0;
        index.each(&mut |_| all += 1);
        prop_assert_eq!(all, here().count());
        prop_assert_eq!(index.is_empty(), all == 0);
    }

    #[test]
    fn what_is_authorised_receives_no_more_than_the_access_list_routes(
        own in text(true), asked in text(true), topic in text(false),
    ) {
        let (own, asked, topic) = (pattern(&own), pattern(&asked), super::super::Topic::parse(&topic).unwrap());
        prop_assert!(!own.authorises(&asked) || !asked.routes(&topic) || own.routes(&topic));
    }
}
