//! The committed header is what the sources say. `ASTRID_HEADER=write cargo test -p astrid-host-c --test header` renews it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where something is missing")]
use std::fmt::Write as _;
use std::path::Path;

use astrid_host::ErrorKind;
use cbindgen::{Builder, Config, DocumentationLength, DocumentationStyle, Language, Style};

const BEGINNING: &str = "\
/**
 * @file astrid_host.h
 * The C interface of astrid-host, which runs Astrid capsules inside your program.
 *
 * Generated from bindings-c/src; do not edit.
 *
 * Every function returns an `astrid_status`, ASTRID_OK or the number of an error kind, and puts an `astrid_error` into its
 * last argument unless that is NULL; on success it puts NULL there. Handles are opaque; a NULL handle or a required
 * argument that is NULL is `invalid_argument`. A handle outlives what it stands for: after a close its functions answer
 * `closed`, until it is freed. Freeing NULL does nothing. Result pointers are NULL after a failure.
 *
 * Unless a function says otherwise, any thread may call it, also at the same time, and it keeps nothing of its arguments.
 * Texts are UTF-8 and end with a NUL. Freeing a handle twice, or using it while or after it is freed, is undefined, as
 * with `free`.
 */";

#[test]
fn the_committed_header_is_current() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = here.join("include/astrid_host.h");
    let made = header(here);
    if std::env::var("ASTRID_HEADER").is_ok_and(|wish| wish == "write") {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let line = made.lines().zip(committed.lines()).position(|(made, committed)| made != committed);
    assert!(made == committed, "include/astrid_host.h is stale from line {:?}", line.map(|line| line + 1));
}

fn header(crate_root: &Path) -> String {
    let mut config = Config {
        language: Language::C,
        cpp_compat: true,
        include_guard: Some("ASTRID_HOST_H".into()),
        header: Some(BEGINNING.into()),
        after_includes: Some(kinds()),
        no_includes: true,
        sys_includes: vec!["stddef.h".into(), "stdint.h".into()],
        style: Style::Both,
        usize_is_size_t: true,
        documentation: true,
        documentation_style: DocumentationStyle::Doxy,
        documentation_length: DocumentationLength::Full,
        line_length: 110,
        ..Config::default()
    };
    config.function.sort_by = None;
    let mut made = Vec::new();
    Builder::new()
        .with_config(config)
        .with_src_list(crate_root)
        .generate()
        .expect("the sources parse")
        .write(&mut made);
    String::from_utf8(made).unwrap()
}

/// The kinds as an enum, from the one table.
fn kinds() -> String {
    let mut text = String::from(
        "\n/**\n * The numbers of the error kinds; their codes and meanings are at `astrid_error_kind_at`.\n */\nenum {\n  /** The function did what was asked. */\n  ASTRID_OK = 0,\n",
    );
    for kind in ErrorKind::ALL {
        let name = kind.code().to_uppercase();
        writeln!(text, "  /** {} */\n  ASTRID_ERROR_{name} = {},", kind.meaning(), kind.number()).unwrap();
    }
    text.push_str("};");
    text
}

/// Adds the sources in the order in which a reader wants them.
trait SourceList {
    fn with_src_list(self, crate_root: &Path) -> Self;
}

impl SourceList for Builder {
    fn with_src_list(self, crate_root: &Path) -> Self {
        let order = [
            "kinds",
            "error",
            "text",
            "question",
            "answer",
            "log",
            "checkpoint",
            "closure",
            "options",
            "processes",
            "choices",
            "host",
            "packages",
            "inspect",
            "install",
            "lifecycle",
            "capsule",
            "workspace",
            "call",
            "bus",
            "watch",
            "principals",
            "allowances",
            "users",
            "audit",
            "export",
            "keep",
        ];
        order.iter().fold(self, |builder, name| builder.with_src(crate_root.join(format!("src/{name}.rs"))))
    }
}
