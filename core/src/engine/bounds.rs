//! How large a component may be in every direction that costs the compiler time, judged before the compiler sees it.
//!
//! A thread that compiles cannot be stopped, so whatever passes here must compile in bounded time.

use wasmparser::{FunctionBody, Operator, Parser, Payload, TableType, Validator};

use super::features::FEATURES;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// What the look at a component found out besides that it is within bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Whether a table may grow beyond what a slot of the pool holds.
    pub large_tables: bool,
}

/// Counts everything and checks that the component is valid and uses no feature that is off.
///
/// # Errors
/// [`ErrorKind::ComponentInvalid`], naming the limit that is exceeded or the rule that is broken.
pub fn measure(bytes: &[u8]) -> Result<Measured> {
    let mut counts = Counts::default();
    for payload in Parser::new(0).parse_all(bytes) {
        counts.see(payload.map_err(damaged)?)?;
    }
    Validator::new_with_features(FEATURES).validate_all(bytes).map_err(|error| {
        invalid(format!("the component breaks a rule or uses a feature that is off: {error}"))
            .caused_by(error)
    })?;
    Ok(counts.measured)
}

#[derive(Default)]
struct Counts {
    modules: usize,
    components: usize,
    depth: usize,
    functions: usize,
    code: usize,
    types: usize,
    imports: usize,
    exports: usize,
    globals: usize,
    elements: usize,
    data: usize,
    measured: Measured,
}

impl Counts {
    fn see(&mut self, payload: Payload<'_>) -> Result<()> {
        let count = |number: u32| number as usize;
        match payload {
            Payload::ModuleSection { .. } => {
                self.depth += 1;
                add(&mut self.modules, 1, limits::CORE_MODULES, "core modules")
            }
            Payload::ComponentSection { .. } => {
                self.depth += 1;
                if self.depth > limits::COMPONENT_DEPTH {
                    return Err(exceeded("components inside one another", limits::COMPONENT_DEPTH));
                }
                add(&mut self.components, 1, limits::INNER_COMPONENTS, "components")
            }
            Payload::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                Ok(())
            }
            Payload::CodeSectionStart { count: number, .. } => {
                add(&mut self.functions, count(number), limits::CORE_FUNCTIONS, "functions")
            }
            Payload::CodeSectionEntry(body) => {
                let size = body.as_bytes().len();
                if size > limits::FUNCTION_BYTES {
                    return Err(exceeded("bytes in one function", limits::FUNCTION_BYTES));
                }
                add(&mut self.code, size, limits::CODE_BYTES, "bytes of code")?;
                look_inside(&body)
            }
            Payload::TypeSection(items) => self.types(count(items.count())),
            Payload::CoreTypeSection(items) => self.types(count(items.count())),
            Payload::ComponentTypeSection(items) => self.types(count(items.count())),
            Payload::ImportSection(items) => self.imports(count(items.count())),
            Payload::ComponentImportSection(items) => self.imports(count(items.count())),
            Payload::ExportSection(items) => self.exports(count(items.count())),
            Payload::ComponentExportSection(items) => self.exports(count(items.count())),
            Payload::GlobalSection(items) => {
                add(&mut self.globals, count(items.count()), limits::COMPONENT_ITEMS, "globals")
            }
            Payload::ElementSection(items) => {
                add(&mut self.elements, count(items.count()), limits::COMPONENT_ITEMS, "element segments")
            }
            Payload::DataSection(items) => {
                add(&mut self.data, count(items.count()), limits::COMPONENT_ITEMS, "data segments")
            }
            Payload::TableSection(tables) => {
                for table in tables {
                    self.measured.large_tables |= is_large(&table.map_err(damaged)?.ty);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn types(&mut self, more: usize) -> Result<()> {
        add(&mut self.types, more, limits::COMPONENT_ITEMS, "types")
    }

    fn imports(&mut self, more: usize) -> Result<()> {
        add(&mut self.imports, more, limits::COMPONENT_ITEMS, "imports")
    }

    fn exports(&mut self, more: usize) -> Result<()> {
        add(&mut self.exports, more, limits::COMPONENT_ITEMS, "exports")
    }
}

/// Locals and nested blocks cost the compiler more than their bytes let one think.
fn look_inside(body: &FunctionBody<'_>) -> Result<()> {
    let mut locals = 0_u64;
    for run in body.get_locals_reader().map_err(damaged)? {
        locals += u64::from(run.map_err(damaged)?.0);
        if locals > limits::FUNCTION_LOCALS {
            return Err(exceeded("locals of one function", limits::FUNCTION_LOCALS));
        }
    }
    let mut depth = 0_usize;
    let mut operators = body.get_operators_reader().map_err(damaged)?;
    while !operators.eof() {
        match operators.read().map_err(damaged)? {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => depth += 1,
            Operator::End => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limits::BLOCK_DEPTH {
            return Err(exceeded("blocks inside one another", limits::BLOCK_DEPTH));
        }
    }
    Ok(())
}

fn is_large(table: &TableType) -> bool {
    table.maximum.is_none_or(|most| most > limits::POOL_TABLE_SLOTS as u64)
}

fn add(counted: &mut usize, more: usize, most: usize, what: &str) -> Result<()> {
    *counted = counted.saturating_add(more);
    if *counted > most { Err(exceeded(what, most)) } else { Ok(()) }
}

fn exceeded(what: &str, most: impl std::fmt::Display) -> Error {
    invalid(format!("the component has more than the limit of {most} {what}"))
}

fn damaged(error: wasmparser::BinaryReaderError) -> Error {
    invalid("the component is damaged or cut short".to_owned()).caused_by(error)
}

fn invalid(why: String) -> Error {
    Error::new(ErrorKind::ComponentInvalid, why)
}
