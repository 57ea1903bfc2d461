//! What a component is to this host, for people: what it imports and exports, what it needs to be granted, and whether it runs.

use std::collections::BTreeSet;

use serde::Serialize;
use wasmparser::component_types::ComponentEntityType;
use wasmparser::types::TypesRef;
use wasmparser::{Parser, Payload, Validator};

use super::features::FEATURES;
use super::inspect::{check_header, check_import, inspect};
use crate::abi::ops;
use crate::error::{Error, ErrorKind, Result};

/// What [`inspect_component`] found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ComponentReport {
    /// The BLAKE3 of its bytes, 64 hexadecimal digits: the `hash` of a manifest.
    pub hash: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// Whether this host can run it. Compiling it may still fail, by a limit of its size.
    pub runnable: bool,
    /// What stands in the way, in words.
    pub problems: Vec<String>,
    /// What it imports, in its order.
    pub imports: Vec<ImportedInterface>,
    /// The names of what it exports, in its order.
    pub exports: Vec<String>,
    /// The capabilities that functions it imports need, by the names of the manifest; without them those functions refuse.
    pub capabilities: Vec<String>,
}

/// An interface that a component imports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportedInterface {
    /// Its name with its version, `astrid:kv/host@1.0.0`.
    pub name: String,
    /// Whether this host offers it, in exactly this version.
    pub offered: bool,
    /// The functions of it that the component can call.
    pub functions: Vec<ImportedFunction>,
}

/// A function that a component imports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportedFunction {
    /// Its name in the interface, `kv-get` or `[method]subscription.recv`.
    pub name: String,
    /// The capability of the manifest that it needs, if any.
    pub capability: Option<String>,
}

/// Says what a component is to this host. Nothing is compiled or run; no host has to be open.
///
/// # Errors
/// [`ErrorKind::ComponentInvalid`] when the bytes are no valid component, so that nothing can be said of it. A component that is
/// valid and cannot run here is no error: the report says why.
pub fn inspect_component(bytes: &[u8]) -> Result<ComponentReport> {
    check_header(bytes)?;
    let invalid = |error: wasmparser::BinaryReaderError| {
        Error::new(ErrorKind::ComponentInvalid, format!("the component is not valid: {}", error.message()))
            .caused_by(error)
    };
    let types = Validator::new_with_features(FEATURES).validate_all(bytes).map_err(invalid)?;
    let (imported, exports) = names(bytes).map_err(invalid)?;
    let mut problems: Vec<String> = Vec::new();
    let mut imports = Vec::new();
    for name in imported {
        let Some(item) = types.as_ref().component_item_for_import(&name) else { continue };
        // A type is only named.
        if matches!(item.ty, ComponentEntityType::Type { .. }) {
            continue;
        }
        let refused = check_import(&name).err();
        let functions = functions(types.as_ref(), item.ty, &name);
        imports.push(ImportedInterface { offered: refused.is_none(), functions, name });
        problems.extend(refused.map(|error| error.message().to_owned()));
    }
    let found = inspect(bytes);
    if problems.is_empty() {
        match found {
            Ok(exports) if !exports.hook && !exports.run => {
                problems.push("it exports neither `astrid-hook-trigger` nor `run`".to_owned());
            }
            Ok(_) => {}
            Err(error) => problems.push(error.message().to_owned()),
        }
    }
    let needed: BTreeSet<&str> =
        imports.iter().flat_map(|one| &one.functions).filter_map(|one| one.capability.as_deref()).collect();
    Ok(ComponentReport {
        hash: blake3::hash(bytes).to_hex().to_string(),
        bytes: bytes.len() as u64,
        runnable: problems.is_empty(),
        problems,
        capabilities: needed.into_iter().map(str::to_owned).collect(),
        imports,
        exports,
    })
}

/// The names of the outermost imports and exports.
fn names(bytes: &[u8]) -> std::result::Result<(Vec<String>, Vec<String>), wasmparser::BinaryReaderError> {
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0_usize);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) if depth > 0 => depth -= 1,
            Payload::ComponentImportSection(items) if depth == 0 => {
                for item in items {
                    imports.push(item?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(items) if depth == 0 => {
                for item in items {
                    exports.push(item?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

/// The functions of an imported instance, or the imported function itself.
fn functions(types: TypesRef<'_>, imported: ComponentEntityType, import: &str) -> Vec<ImportedFunction> {
    let function = |name: &str| {
        let row = ops::all().find(|op| op.import == import && op.function == name);
        let capability = row.and_then(|op| op.capability).map(str::to_owned);
        ImportedFunction { name: name.to_owned(), capability }
    };
    match imported {
        ComponentEntityType::Func(_) => vec![function(import)],
        ComponentEntityType::Instance(id) => {
            let exports = types[id].exports.iter();
            let functions = exports.filter(|(_, item)| matches!(item.ty, ComponentEntityType::Func(_)));
            functions.map(|(name, _)| function(name)).collect()
        }
        ComponentEntityType::Module(_)
        | ComponentEntityType::Component(_)
        | ComponentEntityType::Value(_)
        | ComponentEntityType::Type { .. } => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(text: &str) -> Vec<u8> {
        wat::parse_str(text).unwrap()
    }

    #[test]
    fn what_is_imported_is_told_with_what_it_needs() {
        let report = inspect_component(&component(
            r#"(component
                (import "astrid:process/host@1.0.0" (instance
                    (export "spawn" (func))
                    (export "nothing-like-it" (func))))
                (import "astrid:kv/host@1.0.0" (instance (export "kv-get" (func))))
            )"#,
        ))
        .unwrap();
        let names: Vec<_> = report.imports.iter().map(|one| (&*one.name, one.offered)).collect();
        assert_eq!(names, [("astrid:process/host@1.0.0", true), ("astrid:kv/host@1.0.0", true)]);
        assert_eq!(report.capabilities, ["host_process"]);
        assert_eq!(report.imports[0].functions[0].capability.as_deref(), Some("host_process"));
        assert_eq!(report.imports[0].functions[1].capability, None);
        assert!(!report.runnable, "it exports nothing");
        assert_eq!(report.problems, ["it exports neither `astrid-hook-trigger` nor `run`"]);
        assert_eq!((report.hash.len(), report.exports.len()), (64, 0));
    }

    #[test]
    fn whatever_is_not_offered_is_named() {
        let report = inspect_component(&component(
            r#"(component
                (import "astrid:kv/host@1.9.0" (instance))
                (import "wasi:clocks/wall-clock@0.2.0" (instance (export "now" (func))))
            )"#,
        ))
        .unwrap();
        assert!(!report.runnable);
        assert_eq!(report.problems.len(), 2);
        assert!(report.problems[0].contains("version 1.9.0 was wanted, offered: astrid:kv/host@1.0.0"));
        assert!(report.problems[1].contains("capsules may import astrid:* only"));
        assert_eq!(report.imports[1].functions[0].name, "now");
    }

    #[test]
    fn what_is_no_component_is_an_error() {
        for bytes in [&b""[..], b"\0asm", b"\0asm\x01\0\0\0", b"PK\x03\x04", b"\0asm\x0d\0\x01\0\x07"] {
            assert_eq!(inspect_component(bytes).unwrap_err().kind(), ErrorKind::ComponentInvalid);
        }
    }
}
