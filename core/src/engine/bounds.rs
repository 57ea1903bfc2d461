//! How large a component may be in every direction that costs the compiler time, judged before the compiler sees it.
//!
//! A thread that compiles cannot be stopped, so whatever passes here must compile in bounded time.

use wasmparser::{FunctionBody, Operator, Parser, Payload, TableType, Validator};

use super::features::FEATURES;
use super::queue::Pace;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// What the look at a component found out besides that it is within bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Whether a table may grow beyond what a slot of the pool holds.
    pub large_tables: bool,
    /// How long compiling it may take.
    pub pace: Pace,
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
    Ok(counts.measured())
}

#[derive(Default)]
struct Counts {
    modules: usize,
    components: usize,
    depth: usize,
    functions: usize,
    code: usize,
    work: u64,
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
                self.work = self.work.saturating_add(work_of(&body)?);
                if self.work > limits::COMPONENT_WORK {
                    return Err(exceeded("units of work for the compiler", limits::COMPONENT_WORK));
                }
                Ok(())
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

    fn measured(&self) -> Measured {
        let quick = self.work <= limits::QUICK_WORK && self.code <= limits::QUICK_CODE_BYTES;
        Measured { pace: if quick { Pace::Quick } else { Pace::Slow }, ..self.measured }
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

/// What costs the compiler more than its bytes let one think. Values that live across blocks are handed on at every edge
/// between them, so locals are multiplied by depth and by branches; placing blocks costs their square; around a call the
/// fuel is put away and taken up again. The factors were measured with functions made for it: 80,000,000 are about a second
/// of one core.
#[derive(Default)]
struct Shape {
    locals: u64,
    depth: u64,
    deepest: u64,
    turns: u64,
    edges: u64,
    calls: u64,
}

impl Shape {
    const OF_DEPTH: u64 = 2_000;
    const OF_EDGE: u64 = 50;
    const OF_CALL: u64 = 2_500;

    fn see(&mut self, operator: &Operator<'_>) {
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                self.turns += 1;
                self.depth += 1;
                self.deepest = self.deepest.max(self.depth);
            }
            Operator::End => self.depth = self.depth.saturating_sub(1),
            Operator::Br { .. } | Operator::BrIf { .. } => {
                self.turns += 1;
                self.edges += 1;
            }
            Operator::BrTable { targets } => {
                self.turns += 1;
                self.edges += u64::from(targets.len());
            }
            Operator::Call { .. } | Operator::CallIndirect { .. } => self.calls += 1,
            // Parameters are locals that no declaration counts; what is not used costs nothing.
            Operator::LocalGet { local_index }
            | Operator::LocalSet { local_index }
            | Operator::LocalTee { local_index } => {
                self.locals = self.locals.max(u64::from(*local_index) + 1);
            }
            _ => {}
        }
    }

    fn work(&self) -> u64 {
        [
            self.turns.saturating_mul(self.turns),
            self.locals.saturating_mul(self.deepest).saturating_mul(Self::OF_DEPTH),
            self.locals.saturating_mul(self.edges).saturating_mul(Self::OF_EDGE),
            self.calls.saturating_mul(Self::OF_CALL),
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }
}

/// What the function will cost the compiler.
fn work_of(body: &FunctionBody<'_>) -> Result<u64> {
    let mut locals = 0_u64;
    for run in body.get_locals_reader().map_err(damaged)? {
        locals += u64::from(run.map_err(damaged)?.0);
        if locals > limits::FUNCTION_LOCALS {
            return Err(exceeded("locals of one function", limits::FUNCTION_LOCALS));
        }
    }
    let mut shape = Shape::default();
    let mut operators = body.get_operators_reader().map_err(damaged)?;
    while !operators.eof() {
        shape.see(&operators.read().map_err(damaged)?);
        if shape.depth > limits::BLOCK_DEPTH as u64 {
            return Err(exceeded("blocks inside one another", limits::BLOCK_DEPTH));
        }
    }
    let work = shape.work();
    if work > limits::FUNCTION_WORK {
        return Err(exceeded("units of work for the compiler in one function", limits::FUNCTION_WORK));
    }
    Ok(work)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn number(mut n: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while n > 127 {
            bytes.push(u8::try_from(n & 127).unwrap() | 128);
            n >>= 7;
        }
        bytes.push(u8::try_from(n).unwrap());
        bytes
    }

    fn section(id: u8, content: &[u8]) -> Vec<u8> {
        [&[id][..], &number(content.len()), content].concat()
    }

    /// A component of one module with `copies` of a function that has so many 64-bit locals.
    fn component(locals: usize, code: &[u8], copies: usize) -> Vec<u8> {
        let body = [&[1][..], &number(locals), &[0x7e], code, &[0x0b]].concat();
        let bodies = [number(body.len()), body].concat().repeat(copies);
        let module = [
            b"\0asm\x01\0\0\0".to_vec(),
            section(1, b"\x01\x60\0\0"),
            section(3, &[number(copies), vec![0; copies]].concat()),
            section(10, &[number(copies), bodies].concat()),
        ];
        [b"\0asm\x0d\0\x01\0".to_vec(), section(1, &module.concat())].concat()
    }

    /// Loops inside one another, around code that changes every local.
    fn nested(locals: usize, depth: usize) -> Vec<u8> {
        let changed = (0..locals).flat_map(|n| {
            let n = number(n);
            [&[0x20][..], &n, &[0x42, 1, 0x7c, 0x21], &n].concat()
        });
        [[0x03, 0x40].repeat(depth), changed.collect(), [0x41, 1, 0x0d, 0, 0x0b].repeat(depth)].concat()
    }

    fn refused(bytes: &[u8]) -> String {
        let error = measure(bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ComponentInvalid);
        error.message().to_owned()
    }

    #[test]
    fn small_functions_that_are_slow_to_compile_are_refused() {
        assert!(
            refused(&component(1000, &nested(1000, 1000), 1))
                .contains("work for the compiler in one function")
        );
        assert_eq!(measure(&component(300, &nested(300, 300), 1)).unwrap().pace, Pace::Slow);
        assert_eq!(measure(&component(50, &nested(50, 50), 1)).unwrap().pace, Pace::Quick);
        assert!(refused(&component(300, &nested(300, 300), 60)).contains("work for the compiler"));
        let ifs = [0x41, 1, 0x04, 0x40, 0x0b].repeat(40_000);
        assert!(refused(&component(1, &ifs, 1)).contains("work for the compiler in one function"));
    }

    #[test]
    fn size_is_bounded_for_one_function_and_for_all() {
        let nops = |bytes: usize| vec![0x01; bytes];
        assert!(refused(&component(1, &nops(limits::FUNCTION_BYTES), 1)).contains("bytes in one function"));
        let most = limits::FUNCTION_BYTES - 16;
        measure(&component(1, &nops(most), 1)).unwrap();
        let copies = limits::CODE_BYTES / most + 1;
        assert!(refused(&component(1, &nops(most), copies)).contains("bytes of code"));
        assert!(refused(&component(1, &[], limits::CORE_FUNCTIONS + 1)).contains("functions"));
    }

    #[test]
    fn what_is_damaged_or_invalid_is_said_to_be() {
        let whole = component(1, &[0x20, 0, 0x1a], 1);
        assert_eq!(measure(&whole).unwrap(), Measured::default());
        assert!(refused(&whole[..whole.len() - 3]).contains("damaged"));
        assert!(refused(&component(1, &[0x20, 7, 0x1a], 1)).contains("breaks a rule"));
    }
}
