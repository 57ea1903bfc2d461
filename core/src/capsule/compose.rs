//! Several components of one capsule, put together: libraries into the components that link them, to one component that
//! is hashed, pinned and compiled like any other.
//!
//! The same files give the same bytes: components are taken in the order of the links, and nothing of the machine or of
//! the time goes in.

use wac_graph::types::{ItemKind, Package};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, PackageId};
use wasmparser::Validator;

use crate::engine::check_header;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Component, ComponentKind};

/// Which components are put together, and in which order.
#[derive(Debug)]
pub(super) struct Plan {
    /// Indices of the components that are used: what is linked before who links it, the executable last.
    pub order: Vec<usize>,
    /// One sentence for each library that is not used.
    pub warnings: Vec<String>,
}

/// Plans the composition.
///
/// # Errors
/// [`ErrorKind::ManifestInvalid`] unless there is exactly one executable, only libraries are linked, and no component links
/// itself, directly or through others.
pub(super) fn plan(components: &[Component]) -> Result<Plan> {
    let executable = sole_executable(components)?;
    let mut order = Vec::with_capacity(components.len());
    visit(components, executable, &mut Vec::new(), &mut order)?;
    let mut all = order.clone();
    let mut warnings = Vec::new();
    for (n, component) in components.iter().enumerate() {
        if !order.contains(&n) {
            visit(components, n, &mut Vec::new(), &mut all)?;
            warnings.push(format!("the library `{}` is not used: nothing links it", component.name()));
        }
    }
    Ok(Plan { order, warnings })
}

fn sole_executable(components: &[Component]) -> Result<usize> {
    let executables: Vec<usize> =
        (0..components.len()).filter(|n| components[*n].kind == ComponentKind::Executable).collect();
    match executables.as_slice() {
        [one] => Ok(*one),
        [] if components.is_empty() => Err(invalid("the capsule has no [[component]]".to_owned())),
        [] => Err(invalid(format!(
            "every [[component]] is a library ({}): one must be the executable",
            names(components, &(0..components.len()).collect::<Vec<_>>(), ", ")
        ))),
        more => Err(invalid(format!(
            "the [[component]]s {} are all executables: one is, and the others are libraries",
            names(components, more, ", ")
        ))),
    }
}

/// Places a component after everything it links. `path` is how it was reached.
fn visit(components: &[Component], n: usize, path: &mut Vec<usize>, order: &mut Vec<usize>) -> Result<()> {
    if order.contains(&n) {
        return Ok(());
    }
    if let Some(first) = path.iter().position(|seen| *seen == n) {
        path.push(n);
        let circle = names(components, &path[first..], " -> ");
        return Err(invalid(format!("these components link each other in a circle: {circle}")));
    }
    path.push(n);
    for link in &components[n].link {
        let linked = linked(components, link)?;
        if components[linked].kind == ComponentKind::Executable {
            let message = format!("`{}` links `{link}`, which is no library", components[n].name());
            return Err(invalid(message));
        }
        visit(components, linked, path, order)?;
    }
    path.pop();
    order.push(n);
    Ok(())
}

/// The component of this id. The manifest has been checked, so it is there.
fn linked(components: &[Component], id: &str) -> Result<usize> {
    let found = components.iter().position(|component| component.id == id);
    found.ok_or_else(|| invalid(format!("no [[component]] has the id `{id}`")))
}

fn names(components: &[Component], which: &[usize], between: &str) -> String {
    which.iter().map(|n| format!("`{}`", components[*n].name())).collect::<Vec<_>>().join(between)
}

/// A component and its bytes.
pub(super) struct Part<'a> {
    pub declared: &'a Component,
    pub bytes: Vec<u8>,
}

/// Puts the parts, in the order of the plan, together to one component that exports what the executable exports. An
/// executable that links nothing stays as it is.
///
/// # Errors
/// [`ErrorKind::ComponentInvalid`] for a part that is no component, [`ErrorKind::ManifestInvalid`] for a link that gives
/// its linker nothing, [`ErrorKind::AbiMismatch`] for an import that no link satisfies or that has another type.
pub(super) fn compose(mut parts: Vec<Part<'_>>) -> Result<Vec<u8>> {
    if parts.len() <= 1 {
        return Ok(parts.pop().map_or_else(Vec::new, |only| only.bytes));
    }
    let mut graph = CompositionGraph::new();
    let mut placed: Vec<Placed<'_>> = Vec::with_capacity(parts.len());
    for part in parts {
        let next = place(&mut graph, placed.len(), part)?;
        connect(&mut graph, &next, &placed)?;
        placed.push(next);
    }
    one_version_each(&graph, &placed)?;
    if let Some(executable) = placed.last() {
        for (name, _) in externs(&graph, executable.package, Side::Exports) {
            let alias = graph.alias_instance_export(executable.instance, &name);
            let alias = alias.map_err(|error| mismatch(executable.name, &error))?;
            graph.export(alias, &name).map_err(|error| mismatch(executable.name, &error))?;
        }
    }
    // The compiler validates what comes out, as it does every component.
    let options = EncodeOptions { define_components: true, validate: false, processor: None };
    graph.encode(options).map_err(|error| {
        Error::new(ErrorKind::AbiMismatch, format!("the components cannot be put together: {error}"))
            .caused_by(error)
    })
}

/// A part of the composition, instantiated once however many link it.
struct Placed<'a> {
    id: &'a str,
    name: &'a str,
    link: &'a [String],
    package: PackageId,
    instance: NodeId,
}

fn place<'a>(graph: &mut CompositionGraph, n: usize, part: Part<'a>) -> Result<Placed<'a>> {
    let name = part.declared.name();
    let about = |error: Error| error.with("component", name);
    check_header(&part.bytes).map_err(about)?;
    let invalid = |error: &dyn std::fmt::Display| {
        about(Error::new(ErrorKind::ComponentInvalid, format!("the component is not valid: {error}")))
    };
    // Only what is valid here goes to the composer, which knows more of WebAssembly than this host allows.
    Validator::new().validate_all(&part.bytes).map_err(|error| invalid(&error))?;
    let package = Package::from_bytes(&format!("part-{n}"), None, part.bytes, graph.types_mut());
    let package = package.map_err(|error| invalid(&error))?;
    let package = graph.register_package(package).map_err(|error| invalid(&error))?;
    let instance = graph.instantiate(package);
    Ok(Placed { id: &part.declared.id, name, link: &part.declared.link, package, instance })
}

/// Gives a part what it imports from the parts it links; of several that export the same, the first it names.
fn connect(graph: &mut CompositionGraph, part: &Placed<'_>, before: &[Placed<'_>]) -> Result<()> {
    let linked = part.link.iter().filter_map(|link| before.iter().find(|placed| placed.id == link));
    let linked: Vec<(&Placed<'_>, Vec<String>)> = linked
        .map(|placed| {
            let exports = externs(graph, placed.package, Side::Exports);
            (placed, exports.into_iter().map(|(name, _)| name).collect())
        })
        .collect();
    let imports = externs(graph, part.package, Side::Imports);
    for (library, exports) in &linked {
        if !imports.iter().any(|(name, _)| exports.contains(name)) {
            let (own, library) = (part.name, library.name);
            return Err(invalid(format!(
                "`{own}` links `{library}`, which exports nothing that `{own}` imports"
            )));
        }
    }
    for (import, kind) in &imports {
        let Some((library, _)) = linked.iter().find(|(_, exports)| exports.contains(import)) else {
            if import.starts_with("astrid:") || matches!(kind, ItemKind::Type(_)) {
                continue;
            }
            let why = if linked.is_empty() { "links nothing" } else { "links nothing that exports it" };
            let message = format!("`{}` imports `{import}` and {why}", part.name);
            return Err(Error::new(ErrorKind::AbiMismatch, message));
        };
        let export = graph.alias_instance_export(library.instance, import);
        let export = export.map_err(|error| mismatch(part.name, &error))?;
        graph.set_instantiation_argument(part.instance, import, export).map_err(|error| {
            let message = format!(
                "`{}` imports `{import}` with another type than `{}` exports: {error}",
                part.name, library.name
            );
            Error::new(ErrorKind::AbiMismatch, message).caused_by(error)
        })?;
    }
    Ok(())
}

/// Refuses two versions of one interface of the host: the composer would merge them into one, and a part would be given
/// another version than the one it asks for.
fn one_version_each(graph: &CompositionGraph, placed: &[Placed<'_>]) -> Result<()> {
    let left: Vec<&str> = graph.imports().map(|(name, ..)| name).collect();
    for name in &left {
        let interface = name.split('@').next();
        if let Some(other) = left.iter().find(|other| other.split('@').next() == interface && other != &name)
        {
            let parts: Vec<String> = placed.iter().map(|placed| format!("`{}`", placed.name)).collect();
            let message = format!(
                "the components {} import both `{name}` and `{other}`: together they can import one version",
                parts.join(", ")
            );
            return Err(Error::new(ErrorKind::AbiMismatch, message));
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Side {
    Imports,
    Exports,
}

fn externs(graph: &CompositionGraph, package: PackageId, side: Side) -> Vec<(String, ItemKind)> {
    let world = &graph.types()[graph[package].ty()];
    let all = match side {
        Side::Imports => &world.imports,
        Side::Exports => &world.exports,
    };
    all.iter().map(|(name, kind)| (name.clone(), *kind)).collect()
}

fn mismatch(component: &str, error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::AbiMismatch, format!("`{component}` cannot be put together: {error}"))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::ManifestInvalid, message).with("table", "component")
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
