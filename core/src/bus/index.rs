//! Which subscriptions a topic reaches: a trie over the segments of their patterns.
//!
//! Looking a topic up visits only the nodes whose patterns still match, so a publish costs by what it reaches and not by
//! how many subscriptions there are. A lookup allocates nothing.

use std::collections::{BTreeMap, HashMap};
use std::str::Split;

use crate::topic::{Pattern, Topic};

/// A trie from patterns to values; each value has an id, and those of one pattern are in the order of their ids.
pub(super) struct Index<T> {
    root: Node<T>,
}

struct Node<T> {
    /// The next segment spelled out.
    exact: HashMap<Box<str>, Node<T>>,
    /// The next segment is `*`, and more of the pattern follows it.
    any: Option<Box<Node<T>>>,
    /// Patterns that end here.
    here: BTreeMap<u64, T>,
    /// Patterns that go on with a last `*`: any number of further segments, but at least one.
    rest: BTreeMap<u64, T>,
}

/// What is left of a topic or pattern.
type Segments<'a> = Split<'a, char>;

impl<T> Default for Index<T> {
    fn default() -> Self {
        Self { root: Node::default() }
    }
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), any: None, here: BTreeMap::new(), rest: BTreeMap::new() }
    }
}

impl<T> Index<T> {
    /// Adds a value under a pattern.
    pub(super) fn insert(&mut self, pattern: &Pattern, id: u64, value: T) {
        let (path, open_ended) = split(pattern);
        let mut node = &mut self.root;
        for segment in path {
            node = match segment {
                "*" => node.any.get_or_insert_default(),
                literal => node.exact.entry(Box::from(literal)).or_default(),
            };
        }
        let values = if open_ended { &mut node.rest } else { &mut node.here };
        values.insert(id, value);
    }

    /// Removes a value of a pattern, and every node that this leaves empty.
    pub(super) fn remove(&mut self, pattern: &Pattern, id: u64) {
        let (path, open_ended) = split(pattern);
        self.root.remove(path, open_ended, id);
    }

    /// Calls `visit` with every value whose pattern matches the topic by the route rule.
    pub(super) fn matching<'a>(&'a self, topic: &Topic, visit: &mut impl FnMut(u64, &'a T)) {
        self.root.matching(topic.segments(), visit);
    }

    /// Calls `visit` with every value there is.
    pub(super) fn each(&self, visit: &mut impl FnMut(&T)) {
        self.root.each(visit);
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.root.is_empty()
    }
}

/// The segments that lead to a pattern's node, and whether a trailing `*` then stands for one or more segments.
/// A pattern that is nothing but `*` is not open-ended: it matches topics of exactly one segment.
fn split(pattern: &Pattern) -> (Segments<'_>, bool) {
    match pattern.as_str().strip_suffix(".*") {
        Some(prefix) => (prefix.split('.'), true),
        None => (pattern.as_str().split('.'), false),
    }
}

impl<T> Node<T> {
    fn matching<'a>(&'a self, mut left: Segments<'_>, visit: &mut impl FnMut(u64, &'a T)) {
        let Some(segment) = left.next() else {
            self.here.iter().for_each(|(id, value)| visit(*id, value));
            return;
        };
        self.rest.iter().for_each(|(id, value)| visit(*id, value));
        if let Some(node) = self.exact.get(segment) {
            node.matching(left.clone(), visit);
        }
        if let Some(node) = &self.any {
            node.matching(left, visit);
        }
    }

    fn remove(&mut self, mut path: Segments<'_>, open_ended: bool, id: u64) {
        match path.next() {
            None => {
                let values = if open_ended { &mut self.rest } else { &mut self.here };
                values.remove(&id);
            }
            Some("*") => {
                if let Some(node) = &mut self.any {
                    node.remove(path, open_ended, id);
                    if node.is_empty() {
                        self.any = None;
                    }
                }
            }
            Some(literal) => {
                if let Some(node) = self.exact.get_mut(literal) {
                    node.remove(path, open_ended, id);
                    if node.is_empty() {
                        self.exact.remove(literal);
                    }
                }
            }
        }
    }

    fn each(&self, visit: &mut impl FnMut(&T)) {
        self.here.values().chain(self.rest.values()).for_each(&mut *visit);
        self.exact.values().chain(self.any.as_deref()).for_each(|node| node.each(visit));
    }

    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.any.is_none() && self.here.is_empty() && self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'a>(index: &'a Index<&'static str>, topic: &str) -> Vec<&'a str> {
        let mut found = Vec::new();
        index.matching(&Topic::parse(topic).unwrap(), &mut |_, value| found.push(*value));
        found.sort_unstable();
        found
    }

    #[test]
    fn the_trie_and_the_route_rule_agree() {
        let patterns = ["a.b", "a.*", "a.*.c", "*", "*.b.*", "a", "*.b", "*.*.c", "astrid.v1.*", "a.b.c"];
        let topics =
            ["a", "b", "a.b", "a.c", "a.b.c", "x.b", "x.b.z", "x.b.z.q", "a.b.b.c", "astrid.v1.audit.entry"];
        let mut index = Index::default();
        for (id, pattern) in (0..).zip(patterns) {
            index.insert(&Pattern::for_manifest(pattern).unwrap(), id, pattern);
        }
        for topic in topics {
            let parsed = Topic::parse(topic).unwrap();
            let mut expected: Vec<_> =
                patterns.into_iter().filter(|p| Pattern::for_manifest(p).unwrap().routes(&parsed)).collect();
            expected.sort_unstable();
            assert_eq!(found(&index, topic), expected, "{topic}");
        }
        let mut all = 0;
        index.each(&mut |_| all += 1);
        assert_eq!(all, patterns.len());
    }

    #[test]
    fn removing_the_last_value_removes_its_nodes() {
        let mut index = Index::default();
        let pattern = Pattern::for_subscription("a.b.*").unwrap();
        let other = Pattern::for_subscription("a.b").unwrap();
        index.insert(&pattern, 1, "one");
        index.insert(&pattern, 2, "two");
        index.insert(&other, 3, "three");
        index.remove(&pattern, 1);
        assert_eq!(found(&index, "a.b.c"), ["two"]);
        index.remove(&pattern, 2);
        index.remove(&pattern, 7);
        assert_eq!(found(&index, "a.b"), ["three"]);
        index.remove(&other, 3);
        assert!(index.is_empty());
    }
}
