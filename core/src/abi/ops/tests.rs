//! The table against `wit/`: what the guests are promised is what the rows speak of.

#![allow(clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use wit_parser::{FunctionKind, Resolve, Type, TypeDefKind, TypeId};

use super::{FAULT_ARMS, Op, PermitClass, Refusal, all, find, required_pairs};

fn wit() -> Resolve {
    let mut resolve = Resolve::default();
    resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")).expect("wit/ resolves");
    resolve
}

/// Follows `use` and `type a = b` to what a type is.
fn kind(resolve: &Resolve, id: TypeId) -> &TypeDefKind {
    match &resolve.types[id].kind {
        TypeDefKind::Type(Type::Id(inner)) => kind(resolve, *inner),
        kind => kind,
    }
}

/// What the WIT says of a function: whether it has a result at all, and the cases of its error type.
struct Promise {
    answers: bool,
    arms: BTreeSet<String>,
}

/// Every function of the host's interfaces, by (import, function).
fn promises(resolve: &Resolve) -> BTreeMap<(String, String), Promise> {
    let mut found = BTreeMap::new();
    for (id, interface) in &resolve.interfaces {
        let Some(import) = resolve.id_of(id) else { continue };
        for function in interface.functions.values() {
            let mut arms = BTreeSet::new();
            if let Some(Type::Id(result)) = function.result
                && let TypeDefKind::Result(result) = kind(resolve, result)
                && let Some(Type::Id(error)) = result.err
                && let TypeDefKind::Variant(variant) = kind(resolve, error)
            {
                arms.extend(variant.cases.iter().map(|case| case.name.clone()));
            }
            assert!(
                matches!(function.kind, FunctionKind::Freestanding | FunctionKind::Method(_)),
                "{}",
                function.name
            );
            found.insert(
                (import.clone(), function.name.clone()),
                Promise { answers: function.result.is_some(), arms },
            );
        }
    }
    found
}

fn rows() -> BTreeMap<(String, String), &'static Op> {
    all().map(|op| ((op.import.to_owned(), op.function.to_owned()), op)).collect()
}

#[test]
fn every_function_has_a_row_and_every_row_a_function() {
    let resolve = wit();
    let promised: BTreeSet<_> = promises(&resolve).into_keys().collect();
    let rows: BTreeSet<_> = rows().into_keys().collect();
    assert_eq!(
        promised.difference(&rows).collect::<Vec<_>>(),
        Vec::<&(String, String)>::new(),
        "without a row"
    );
    assert_eq!(
        rows.difference(&promised).collect::<Vec<_>>(),
        Vec::<&(String, String)>::new(),
        "without a function"
    );
    assert_eq!(all().count(), 202, "no row stands twice");
}

#[test]
fn names_are_unique_and_are_found() {
    let names: BTreeSet<_> = all().map(|op| op.name).collect();
    assert_eq!(names.len(), 202);
    assert!(all().all(|op| find(op.name) == Some(op)));
    assert_eq!(find("kv.kv-rename"), None);
    for name in
        ["kv.kv-set", "ipc.subscription.recv", "io.poll.poll", "io.pollable.block", "http@1.1.0.http-request"]
    {
        assert!(find(name).is_some(), "{name}");
    }
}

#[test]
fn a_name_is_made_of_package_and_function() {
    for op in all() {
        let (package, version) = op.import.split_once('@').expect("an import has a version");
        let (package, interface) =
            package.trim_start_matches("astrid:").split_once('/').expect("and an interface");
        let version = if version == "1.0.0" { String::new() } else { format!("@{version}") };
        let function = op.function.trim_start_matches("[method]");
        let free_beside_resources = package == "io" && function == op.function;
        let interface = if free_beside_resources { format!("{interface}.") } else { String::new() };
        assert_eq!(op.name, format!("{package}{version}.{interface}{function}"));
    }
}

#[test]
fn every_arm_is_a_case_of_the_error_type() {
    let resolve = wit();
    let promised = promises(&resolve);
    for (key, op) in rows() {
        let Some(promise) = promised.get(&key) else { continue };
        for arm in op.arms {
            assert!(promise.arms.contains(*arm), "{} cannot answer {arm}", op.name);
        }
        let distinct: BTreeSet<_> = op.arms.iter().collect();
        assert_eq!(distinct.len(), op.arms.len(), "{} names an arm twice", op.name);
    }
}

#[test]
fn every_function_can_refuse() {
    let resolve = wit();
    let promised = promises(&resolve);
    for (key, op) in rows() {
        let Some(promise) = promised.get(&key) else { continue };
        match op.refusal {
            Refusal::Arm(arm) => assert!(promise.arms.contains(arm), "{} cannot refuse by {arm}", op.name),
            Refusal::Silent => assert!(!promise.answers, "{} has a result to refuse with", op.name),
            Refusal::Fallback | Refusal::CloseResource | Refusal::Trap => {
                assert!(promise.answers && promise.arms.is_empty(), "{} has an arm to refuse by", op.name);
            }
        }
    }
}

#[test]
fn waiting_shows_cancellation_and_people_hold_no_permit() {
    for op in all().filter(|op| op.waits) {
        match op.refusal {
            Refusal::Arm(arm) => {
                assert!(op.arms.contains(&arm) || op.name == "net.tcp-stream.read", "{}", op.name);
            }
            other => panic!("{} waits and refuses by {other:?}", op.name),
        }
    }
    for op in all().filter(|op| op.human) {
        assert!(op.waits && op.permit == PermitClass::Nothing, "{}", op.name);
    }
}

#[test]
fn what_is_built_is_what_is_required() {
    let built: Vec<_> = all().filter(|op| op.built).map(|op| op.name).collect();
    assert_eq!(built.len(), all().count(), "nothing is left out");
    let pairs = required_pairs();
    let named: BTreeSet<_> = pairs.iter().filter_map(|pair| pair.split('/').next()).collect();
    for name in built {
        assert!(named.contains(name), "{name}");
    }
    assert!(FAULT_ARMS.iter().all(|arm| !pairs.iter().any(|pair| pair.ends_with(&format!("/{arm}")))));
    for pair in [
        "kv.kv-cas/cas-mismatch",
        "kv.kv-get/isolated",
        "sys.sleep-ns/cancelled",
        "ipc.subscription.recv/cancelled",
    ] {
        assert!(pairs.iter().any(|known| known == pair), "{pair}");
    }
}
