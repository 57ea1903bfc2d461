//! What one language can do, all can: the table in `surface.json` is compared with the sources of the four surfaces, in both
//! directions.
//!
//! An entry is a verb of a noun with its arguments. A language spells it by its own rule (`load_all`, `loadAll`,
//! `astrid_host_load_all`) unless the entry says otherwise; an empty spelling says that the language has no such thing by itself.
//! What a language has alone stands under `alone` with a reason.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where something is missing")]

mod language;
mod sources;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::language::Language;

fn table() -> Value {
    serde_json::from_str(include_str!("surface.json")).expect("the table is JSON")
}

/// What is no noun is a list by itself: the options of a host, and the functions that need none.
fn is_noun(key: &str) -> bool {
    !matches!(key, "options" | "functions")
}

/// The name of an entry and how this language spells it; none where it has no such thing by itself.
fn spelled(entry: &Value, name: &str, language: Language) -> Option<String> {
    match entry[language.name()].as_str() {
        Some("") => None,
        Some(own) => Some(own.to_owned()),
        None => Some(language.spell(name, entry["duration"] == true)),
    }
}

fn named(entry: &Value) -> &str {
    entry.as_str().or_else(|| entry["name"].as_str()).expect("an argument has a name")
}

#[test]
fn every_language_has_every_verb_with_every_argument() {
    let table = table();
    let mut missing = Vec::new();
    for (noun, body) in table.as_object().unwrap().iter().filter(|(noun, _)| is_noun(noun)) {
        for (verb, entry) in body["verbs"].as_object().unwrap() {
            for language in Language::ALL {
                let own = entry[language.name()].as_str().map(str::to_owned);
                let own = own.unwrap_or_else(|| language.verb(noun, verb));
                if own.is_empty() {
                    continue;
                }
                let Some(signature) = sources::signature(language, noun, &own) else {
                    missing.push(format!("{} has no {noun}.{verb} ({own})", language.name()));
                    continue;
                };
                for argument in entry["arguments"].as_array().unwrap() {
                    let Some(word) = spelled(argument, named(argument), language) else { continue };
                    if !sources::holds(&signature, &word) {
                        missing.push(format!("{}: {noun}.{verb} takes no `{word}`", language.name()));
                    }
                }
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn no_language_has_a_verb_that_the_table_does_not_know() {
    let table = table();
    let mut unknown = Vec::new();
    for language in Language::ALL {
        for (noun, body) in table.as_object().unwrap().iter().filter(|(noun, _)| is_noun(noun)) {
            let verbs = body["verbs"].as_object().unwrap();
            let mut known: BTreeSet<String> = verbs
                .iter()
                .map(|(verb, entry)| {
                    let own = entry[language.name()].as_str().map(str::to_owned);
                    own.unwrap_or_else(|| language.verb(noun, verb))
                })
                .collect();
            known.extend(body["alone"][language.name()].as_object().unwrap().keys().cloned());
            let there = sources::verbs(language, noun);
            assert!(!there.is_empty(), "{} has nothing of {noun}", language.name());
            let surplus = there.difference(&known).map(|verb| format!("{}: {noun}.{verb}", language.name()));
            unknown.extend(surplus);
        }
    }
    assert!(unknown.is_empty(), "not in tests/surface/surface.json:\n{}", unknown.join("\n"));
}

#[test]
fn every_language_has_every_option_of_a_host() {
    let table = table();
    let options = table["options"].as_array().unwrap();
    let mut wrong = Vec::new();
    for language in Language::ALL {
        let there = sources::options(language);
        let known: BTreeSet<String> =
            options.iter().filter_map(|option| spelled(option, named(option), language)).collect();
        wrong
            .extend(known.difference(&there).map(|name| format!("{} has no option {name}", language.name())));
        wrong.extend(
            there.difference(&known).map(|name| format!("{}: {name} is in no table", language.name())),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_language_has_the_functions_that_need_no_host() {
    let table = table();
    for function in table["functions"].as_array().unwrap() {
        for language in Language::ALL {
            let own = language.function(named(function));
            assert!(sources::has_function(language, &own), "{} has no {own}", language.name());
        }
    }
}
