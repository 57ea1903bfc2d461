//! Whatever the text is, it is read or refused; and what is written is what is read.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{Manifest, ParseOptions, Parsed};

fn parse(text: &str) -> crate::error::Result<Parsed> {
    Manifest::parse(text, &ParseOptions::default())
}

/// Pieces of manifests, right and wrong, to be put together in any order.
const PIECES: &[&str] = &[
    "[package]\n",
    "name = \"a\"\n",
    "version = \"1.0.0\"\n",
    "[[component]]\n",
    "file = \"a\"\n",
    "link = [\"a\"]\n",
    "type = \"library\"\n",
    "capabilities = { uplink = true }\n",
    "[capabilities]\n",
    "net = [\"*\"]\n",
    "bind_workers = 99999999999999999999\n",
    "[imports]\n",
    "\"a:b\" = \"1\"\n",
    "a = { b = { version = \"1\" } }\n",
    "[publish]\n",
    "[subscribe]\n",
    "\"a.*\" = { wit = \"x\", handler = \"h\", priority = 3 }\n",
    "[env.A]\n",
    "type = \"select\"\n",
    "default = [1, { b = 1979-05-27 }]\n",
    "[[command]]\n",
    "= ",
    "\"",
    "'''",
    "[[",
    "{ ",
    "\u{0}",
    "é",
    "\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}", picks in proptest::collection::vec(0..PIECES.len(), 0..24)) {
        let _ = parse(&text);
        let pieces: String = picks.iter().map(|n| PIECES[*n]).collect();
        let _ = parse(&pieces);
        let _ = parse(&format!("[package]\nname = \"a\"\nversion = \"1.0.0\"\n{pieces}"));
    }

    #[test]
    fn ids_and_topics_come_back_as_they_were_written(
        name in "[a-z0-9-]{1,64}",
        version in (0u64..1000, 0u64..1000, 0u64..1000),
        ids in proptest::collection::btree_set("[a-zA-Z0-9_. -]{1,12}", 1..6),
        topics in proptest::collection::hash_set(
            proptest::collection::vec("[A-Za-z0-9_:-]{1,8}|\\*", 1..=8).prop_map(|words| words.join(".")), 0..12),
        priority in any::<u32>(),
    ) {
        let version = format!("{}.{}.{}", version.0, version.1, version.2);
        let topics: Vec<String> = topics.into_iter().collect();
        let mut text = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\n");
        for id in &ids {
            write!(text, "[[component]]\nid = \"{id}\"\nfile = \"{id}.wasm\"\n").unwrap();
        }
        text += "[publish]\n";
        for topic in &topics {
            writeln!(text, "\"{topic}\" = \"opaque\"").unwrap();
        }
        text += "[subscribe]\n";
        for topic in &topics {
            writeln!(text, "\"{topic}\" = {{ wit = \"opaque\", handler = \"on {topic}\", priority = {priority} }}").unwrap();
        }
        let Parsed { manifest, warnings } = parse(&text).unwrap();
        prop_assert!(warnings.is_empty(), "{:?}", warnings);
        prop_assert_eq!(&manifest.package.name, &name);
        prop_assert_eq!(manifest.package.version.to_string(), version);
        prop_assert!(manifest.components.iter().map(|component| &component.id).eq(&ids));
        prop_assert!(manifest.publish.iter().map(|rule| rule.pattern.as_str()).eq(topics.iter()));
        for (rule, topic) in manifest.subscribe.iter().zip(&topics) {
            prop_assert_eq!(rule.pattern.as_str(), topic);
            let handler = format!("on {topic}");
            prop_assert_eq!(rule.handler.as_ref(), Some(&handler));
            prop_assert_eq!(rule.priority, priority);
        }
        let json = serde_json::to_value(&manifest).unwrap();
        prop_assert_eq!(json["package"]["name"].as_str(), Some(name.as_str()));
        prop_assert_eq!(json["subscribe"].as_array().map(Vec::len), Some(topics.len()));
    }
}
