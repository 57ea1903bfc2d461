use std::fmt::Write as _;

use super::*;
use crate::engine::inspect;
use crate::manifest::{Manifest, ParseOptions};

/// A component that exports `demo:parts/NAME` with a function `value`, and what it imports before that.
fn library(name: &str, imports: &str, result: &str, value: &str) -> String {
    format!(
        r#"(component
          {imports}
          (core module $m
            (func (export "value") (result {result}) {value}))
          (core instance $i (instantiate $m))
          (func $value (result {}) (canon lift (core func $i "value")))
          (instance $x (export "value" (func $value)))
          (export "demo:parts/{name}@1.0.0" (instance $x)))"#,
        if result == "i32" { "u32" } else { "u64" }
    )
}

fn base() -> String {
    library("base", "", "i32", "i32.const 4")
}

/// A component that imports `demo:parts/NAME` and exports it again as `demo:parts/AS`, or as `run`.
fn user(name: &str, export: &str) -> String {
    let (lift, body) = match export {
        "run" => {
            (r#"(func (export "run") (canon lift (core func $i "run")))"#.to_owned(), "(drop (call $v))")
        }
        other => (
            format!(
                r#"(func $value (result u32) (canon lift (core func $i "{other}")))
                   (instance $x (export "value" (func $value)))
                   (export "demo:parts/{other}@1.0.0" (instance $x))"#
            ),
            "(i32.add (call $v) (call $v))",
        ),
    };
    let result = if export == "run" { "" } else { "(result i32)" };
    format!(
        r#"(component
          (import "demo:parts/{name}@1.0.0" (instance $base (export "value" (func (result u32)))))
          (core func $v (canon lower (func $base "value")))
          (core module $m
            (import "b" "value" (func $v (result i32)))
            (func (export "{export}") {result} {body}))
          (core instance $i (instantiate $m (with "b" (instance (export "value" (func $v))))))
          {lift})"#
    )
}

/// Parts with their kinds, links and texts, composed.
fn composed(parts: &[(&str, &str, &[&str], &str)]) -> Result<Vec<u8>> {
    let components =
        declared(&parts.iter().map(|(id, kind, link, _)| (*id, *kind, *link)).collect::<Vec<_>>());
    let plan = plan(&components)?;
    let part = |n: &usize| Part { declared: &components[*n], bytes: wat::parse_str(parts[*n].3).unwrap() };
    compose(plan.order.iter().map(part).collect())
}

/// Id, kind and links of a component.
type Shape<'a> = (&'a str, &'a str, &'a [&'a str]);

fn declared(parts: &[Shape<'_>]) -> Vec<Component> {
    let mut text = "[package]\nname = \"a\"\nversion = \"1.0.0\"\n".to_owned();
    for (id, kind, link) in parts {
        writeln!(text, "[[component]]\nid = \"{id}\"\nfile = \"{id}.wasm\"").unwrap();
        writeln!(text, "type = \"{kind}\"\nlink = {link:?}").unwrap();
    }
    Manifest::parse(&text, &ParseOptions::default()).unwrap().manifest.components
}

fn planned(parts: &[Shape<'_>]) -> Result<Plan> {
    plan(&declared(parts))
}

const EXE: &str = "executable";
const LIB: &str = "library";

#[test]
fn what_is_linked_comes_before_its_linker_and_once() {
    let plan = planned(&[
        ("main", EXE, &["one", "two"]),
        ("two", LIB, &["base"]),
        ("base", LIB, &[]),
        ("one", LIB, &["base"]),
        ("spare", LIB, &["base"]),
    ])
    .unwrap();
    assert_eq!(plan.order, [2, 3, 1, 0]);
    assert_eq!(plan.warnings, ["the library `spare` is not used: nothing links it"]);
}

#[test]
fn a_wrong_shape_is_named() {
    let cases: &[(&[Shape<'_>], &str)] = &[
        (&[], "the capsule has no [[component]]"),
        (&[("a", LIB, &[]), ("b", LIB, &[])], "every [[component]] is a library (`a`, `b`)"),
        (&[("a", EXE, &[]), ("b", LIB, &[]), ("c", EXE, &[])], "`a`, `c` are all executables"),
        (&[("a", EXE, &["b"]), ("b", LIB, &["a"])], "`b` links `a`, which is no library"),
        (&[("a", EXE, &["b"]), ("b", LIB, &["c"]), ("c", LIB, &["b"])], "circle: `b` -> `c` -> `b`"),
        (&[("a", EXE, &[]), ("b", LIB, &["c"]), ("c", LIB, &["b"])], "circle: `b` -> `c` -> `b`"),
    ];
    for (parts, message) in cases {
        let error = planned(parts).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ManifestInvalid);
        assert!(error.message().contains(message), "{error} is not about {message}");
    }
}

#[test]
fn libraries_go_into_libraries_and_the_same_parts_give_the_same_bytes() {
    let (base, twice, main) = (base(), user("base", "twice"), user("twice", "run"));
    let compose = || {
        composed(&[
            ("main", EXE, &["twice"], &main),
            ("twice", LIB, &["base"], &twice),
            ("base", LIB, &[], &base),
        ])
        .unwrap()
    };
    let bytes = compose();
    let exports = inspect(&bytes).unwrap();
    assert!(exports.run && !exports.hook);
    Validator::new().validate_all(&bytes).unwrap();
    // Maps of the composer have another order in every instance of them.
    for _ in 0..8 {
        assert_eq!(compose(), bytes);
    }
}

#[test]
fn an_executable_alone_stays_as_it_is() {
    let main = wat::parse_str("(component)").unwrap();
    assert_eq!(composed(&[("main", EXE, &[], "(component)")]).unwrap(), main);
}

#[test]
fn what_does_not_fit_is_named() {
    let (base, main) = (base(), user("base", "run"));
    let wide = library("base", "", "i64", "i64.const 4");
    let astray = library("base", r#"(import "demo:parts/gone@1.0.0" (instance))"#, "i32", "i32.const 4");
    let wasi = library("base", r#"(import "wasi:cli/run@0.2.0" (instance))"#, "i32", "i32.const 4");
    let old = library("base", r#"(import "astrid:kv/host@1.0.7" (instance))"#, "i32", "i32.const 4");
    let two = library(
        "base",
        r#"(import "astrid:kv/host@1.0.7" (instance)) (import "astrid:kv/host@1.0.0" (instance))"#,
        "i32",
        "i32.const 4",
    );
    let lib = |text| composed(&[("main", EXE, &["lib"], &main), ("lib", LIB, &[], text)]);
    let refused = |result: Result<Vec<u8>>| {
        let error = result.and_then(|bytes| inspect(&bytes)).unwrap_err();
        (error.kind(), error.to_string())
    };
    for (result, kind, message) in [
        (
            lib(&wide),
            ErrorKind::AbiMismatch,
            "`main` imports `demo:parts/base@1.0.0` with another type than `lib`",
        ),
        (lib(&astray), ErrorKind::AbiMismatch, "`lib` imports `demo:parts/gone@1.0.0` and links nothing"),
        (lib(&wasi), ErrorKind::AbiMismatch, "`lib` imports `wasi:cli/run@0.2.0`"),
        (lib(&old), ErrorKind::AbiMismatch, "version 1.0.7 was wanted"),
        (lib(&two), ErrorKind::AbiMismatch, "together they can import one version"),
        (lib("(component)"), ErrorKind::ManifestInvalid, "exports nothing that `main` imports"),
        (lib("(module)"), ErrorKind::ComponentInvalid, "core module"),
        (
            composed(&[
                ("main", EXE, &["other"], &user("twice", "run")),
                ("other", LIB, &["base"], &user("base", "other")),
                ("base", LIB, &[], &base),
            ]),
            ErrorKind::ManifestInvalid,
            "`main` links `other`, which exports nothing",
        ),
    ] {
        let (found, text) = refused(result);
        assert!(found == kind && text.contains(message), "{text} is not {message}");
    }
}
