//! Which values a topic finds: those under the topic's own name, and a trie over the segments of patterns.
//!
//! Looking a topic up visits only what still matches, so it costs by what it finds and not by how much there is. A lookup
//! allocates nothing, and visits at most 2^8 nodes however hostile the patterns are: a topic has 8 segments, and each
//! leads to at most two.

use std::collections::{BTreeMap, HashMap};
use std::str::Split;

use super::{Pattern, Segment, Topic};

/// Values under patterns; each value has an id, and those of one pattern are in the order of their ids.
pub struct Index<T> {
    /// Patterns without a `*`, which match the one topic that is spelled like them.
    exact: HashMap<Box<str>, BTreeMap<u64, T>>,
    /// Patterns with one.
    root: Node<T>,
}

struct Node<T> {
    /// The next segment spelled out.
    word: HashMap<Box<str>, Node<T>>,
    /// The next segment is `*`, and more of the pattern follows it.
    any: Option<Box<Node<T>>>,
    /// Patterns that end here.
    here: BTreeMap<u64, T>,
    /// Patterns that go on with a last `*`: any number of further segments but at least one by the route rule, exactly
    /// one by the strict rule.
    rest: BTreeMap<u64, T>,
}

/// What a trailing `*` stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// One or more segments.
    Route,
    /// One segment.
    Strict,
}

/// What is left of a topic or pattern.
type Segments<'a> = Split<'a, char>;

impl<T> Default for Index<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), root: Node::default() }
    }
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { word: HashMap::new(), any: None, here: BTreeMap::new(), rest: BTreeMap::new() }
    }
}

impl<T> std::fmt::Debug for Index<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Index")
    }
}

impl<T> Index<T> {
    /// Adds a value under a pattern.
    pub fn insert(&mut self, pattern: &Pattern, id: u64, value: T) {
        if is_exact(pattern) {
            self.exact.entry(Box::from(pattern.as_str())).or_default().insert(id, value);
            return;
        }
        let (path, open_ended) = split(pattern);
        let mut node = &mut self.root;
        for segment in path {
            node = match segment {
                "*" => node.any.get_or_insert_default(),
                word => node.word.entry(Box::from(word)).or_default(),
            };
        }
        let values = if open_ended { &mut node.rest } else { &mut node.here };
        values.insert(id, value);
    }

    /// Removes a value of a pattern, and every node that this leaves empty.
    pub fn remove(&mut self, pattern: &Pattern, id: u64) {
        if is_exact(pattern) {
            if let Some(values) = self.exact.get_mut(pattern.as_str()) {
                values.remove(&id);
                if values.is_empty() {
                    self.exact.remove(pattern.as_str());
                }
            }
            return;
        }
        let (path, open_ended) = split(pattern);
        self.root.remove(path, open_ended, id);
    }

    /// Calls `visit` with every value whose pattern matches the topic by the route rule, see [`Pattern::routes`].
    pub fn routed<'a>(&'a self, topic: &Topic, visit: &mut impl FnMut(u64, &'a T)) {
        self.matching(topic, Rule::Route, visit);
    }

    /// Calls `visit` with every value whose pattern matches the topic by the strict rule, see [`Pattern::fires`].
    pub fn fired<'a>(&'a self, topic: &Topic, visit: &mut impl FnMut(u64, &'a T)) {
        self.matching(topic, Rule::Strict, visit);
    }

    fn matching<'a>(&'a self, topic: &Topic, rule: Rule, visit: &mut impl FnMut(u64, &'a T)) {
        if let Some(values) = self.exact.get(topic.as_str()) {
            for (id, value) in values {
                visit(*id, value);
            }
        }
        self.root.matching(topic.segments(), rule, visit);
    }

    /// Calls `visit` with every value there is.
    pub fn each(&self, visit: &mut impl FnMut(&T)) {
        self.exact.values().flat_map(BTreeMap::values).for_each(&mut *visit);
        self.root.each(visit);
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.root.is_empty()
    }
}

fn is_exact(pattern: &Pattern) -> bool {
    !pattern.segments().contains(&Segment::Star)
}

/// The segments that lead to a pattern's node, and whether a trailing `*` then stands for what may be several segments.
/// A pattern that is nothing but `*` is not open-ended: it matches topics of exactly one segment.
fn split(pattern: &Pattern) -> (Segments<'_>, bool) {
    match pattern.as_str().strip_suffix(".*") {
        Some(prefix) => (prefix.split('.'), true),
        None => (pattern.as_str().split('.'), false),
    }
}

impl<T> Node<T> {
    fn matching<'a>(&'a self, mut left: Segments<'_>, rule: Rule, visit: &mut impl FnMut(u64, &'a T)) {
        let Some(segment) = left.next() else {
            self.here.iter().for_each(|(id, value)| visit(*id, value));
            return;
        };
        if rule == Rule::Route || left.clone().next().is_none() {
            self.rest.iter().for_each(|(id, value)| visit(*id, value));
        }
        if let Some(node) = self.word.get(segment) {
            node.matching(left.clone(), rule, visit);
        }
        if let Some(node) = &self.any {
            node.matching(left, rule, visit);
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
            Some(word) => {
                if let Some(node) = self.word.get_mut(word) {
                    node.remove(path, open_ended, id);
                    if node.is_empty() {
                        self.word.remove(word);
                    }
                }
            }
        }
    }

    fn each(&self, visit: &mut impl FnMut(&T)) {
        self.here.values().chain(self.rest.values()).for_each(&mut *visit);
        self.word.values().chain(self.any.as_deref()).for_each(|node| node.each(visit));
    }

    fn is_empty(&self) -> bool {
        self.word.is_empty() && self.any.is_none() && self.here.is_empty() && self.rest.is_empty()
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
