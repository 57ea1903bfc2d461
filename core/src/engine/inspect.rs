//! What a file is before it reaches the compiler: a component or not, what it imports, what it exports.

use std::collections::BTreeMap;

use wasmparser::{ComponentExternalKind, ComponentTypeRef, ExternalKind, Parser, Payload};

use crate::abi::link::offered;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// The exports the host calls. A stub that a toolchain filled in counts as absent.
#[allow(clippy::struct_excessive_bools)] // Four exports that are each there or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exports {
    /// `astrid-hook-trigger`.
    pub hook: bool,
    /// `run`.
    pub run: bool,
    /// `astrid-install`.
    pub install: bool,
    /// `astrid-upgrade`.
    pub upgrade: bool,
}

const CORE_MODULE: [u8; 4] = [1, 0, 0, 0];
const MAGIC: &[u8] = b"\0asm";

/// Reads a component's imports and exports without compiling it.
///
/// # Errors
/// [`ErrorKind::ComponentInvalid`] when the bytes are not a whole component, [`ErrorKind::AbiMismatch`] when it imports
/// an interface this host does not offer; the message says what was wanted and what is offered.
pub fn inspect(bytes: &[u8]) -> Result<Exports> {
    check_header(bytes)?;
    let mut exports = Exports::default();
    let mut stubs = Stubs::default();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| invalid("the component is damaged or cut short").caused_by(error))? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) if depth > 0 => depth -= 1,
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    let import = import.map_err(damaged)?;
                    // A type is only named; what can be called comes as an instance, or not from this host.
                    if !matches!(import.ty, ComponentTypeRef::Type(_)) {
                        check_import(import.name.name)?;
                    }
                }
            }
            Payload::ComponentExportSection(items) if depth == 0 => {
                for item in items {
                    let item = item.map_err(damaged)?;
                    if item.kind == ComponentExternalKind::Func {
                        exports.mark(item.name.name);
                    }
                }
            }
            // A composed component has its core modules deeper down.
            Payload::ExportSection(items) if depth > 0 => {
                for item in items {
                    let item = item.map_err(damaged)?;
                    if item.kind == ExternalKind::Func {
                        stubs.see(item.name, item.index);
                    }
                }
                stubs.settle();
            }
            _ => {}
        }
    }
    if stubs.is_stub("run") {
        exports.run = false;
    }
    if stubs.is_stub("astrid-install") {
        exports.install = false;
    }
    if stubs.is_stub("astrid-upgrade") {
        exports.upgrade = false;
    }
    Ok(exports)
}

impl Exports {
    fn mark(&mut self, name: &str) {
        match name {
            "astrid-hook-trigger" => self.hook = true,
            "run" => self.run = true,
            "astrid-install" => self.install = true,
            "astrid-upgrade" => self.upgrade = true,
            _ => {}
        }
    }
}

/// Some toolchains fill in exports nobody wrote with one shared empty function: of the three names, two that share a
/// core function are stubs.
#[derive(Default)]
struct Stubs {
    functions: BTreeMap<String, u32>,
    stubs: Vec<String>,
}

impl Stubs {
    fn see(&mut self, name: &str, index: u32) {
        if matches!(name, "run" | "astrid-install" | "astrid-upgrade") {
            self.functions.insert(name.to_owned(), index);
        }
    }

    fn settle(&mut self) {
        let functions = std::mem::take(&mut self.functions);
        for (name, index) in &functions {
            if functions.iter().any(|(other, shared)| other != name && shared == index) {
                self.stubs.push(name.clone());
            }
        }
    }

    fn is_stub(&self, name: &str) -> bool {
        self.stubs.iter().any(|stub| stub == name)
    }
}

/// Refuses what is no component at its very beginning, or too large to be looked at.
///
/// # Errors
/// [`ErrorKind::ComponentInvalid`] saying what it is instead.
pub fn check_header(bytes: &[u8]) -> Result<()> {
    if bytes.is_empty() {
        return Err(invalid("the file is empty"));
    }
    if bytes.len() > limits::COMPONENT_BYTES {
        let most = limits::COMPONENT_BYTES;
        return Err(invalid(&format!("the component is larger than the limit of {most} bytes")));
    }
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        return Err(invalid("the file is not WebAssembly"));
    };
    if rest.starts_with(&CORE_MODULE) {
        return Err(invalid(
            "the file is a core module; capsules are components (wrap it with `wasm-tools component new`)",
        ));
    }
    Ok(())
}

pub(super) fn check_import(name: &str) -> Result<()> {
    let all: Vec<&str> = offered().collect();
    if all.contains(&name) {
        return Ok(());
    }
    let (interface, version) = name.split_once('@').unwrap_or((name, ""));
    let siblings: Vec<&str> =
        all.iter().filter(|one| one.split('@').next() == Some(interface)).copied().collect();
    let why = if !name.starts_with("astrid:") {
        "capsules may import astrid:* only".to_owned()
    } else if siblings.is_empty() {
        "this host does not offer that interface".to_owned()
    } else {
        format!("version {version} was wanted, offered: {}", siblings.join(", "))
    };
    Err(Error::new(ErrorKind::AbiMismatch, format!("the component imports `{name}`: {why}")))
}

fn damaged(error: wasmparser::BinaryReaderError) -> Error {
    invalid("the component is damaged or cut short").caused_by(error)
}

fn invalid(why: &str) -> Error {
    Error::new(ErrorKind::ComponentInvalid, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> (ErrorKind, String) {
        let error = inspect(bytes).unwrap_err();
        (error.kind(), error.message().to_owned())
    }

    #[test]
    fn says_what_a_file_is_that_is_no_component() {
        assert!(refused(b"").1.contains("empty"));
        assert!(refused(b"hello").1.contains("not WebAssembly"));
        assert!(refused(b"\0asm\x01\0\0\0").1.contains("core module"));
        assert_eq!(refused(b"\0asm\x0d\0\x01\0\x07\xff").0, ErrorKind::ComponentInvalid);
    }

    #[test]
    fn versions_are_matched_exactly() {
        assert!(check_import("astrid:kv/host@1.0.0").is_ok());
        let error = check_import("astrid:kv/host@1.0.7").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AbiMismatch);
        assert!(error.message().contains("1.0.7") && error.message().contains("astrid:kv/host@1.0.0"));
        assert!(check_import("wasi:cli/environment@0.2.0").unwrap_err().message().contains("astrid:* only"));
        assert!(check_import("astrid:weather/host@1.0.0").unwrap_err().message().contains("does not offer"));
    }
}
