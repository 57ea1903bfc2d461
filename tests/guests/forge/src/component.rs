//! Components out of WebAssembly text and out of compiled core modules.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::{Result, read};

/// The words that open the comment in which a text guest carries its own world.
const WORLD_OPENS: &str = "(;wit";
const WORLD_CLOSES: &str = ";)";

/// Every text guest of `tests/guests/wat`, by name and in order.
pub fn of_folder(repository: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut guests = Vec::new();
    for entry in std::fs::read_dir(repository.join("tests/guests/wat"))? {
        let file = entry?.path();
        let Some(name) = file.file_stem().and_then(|stem| stem.to_str()) else { continue };
        if file.extension().is_some_and(|extension| extension == "wat") {
            let text = String::from_utf8(read(&file)?)?;
            let bytes = of_text(&text, &repository.join("wit"))
                .map_err(|error| format!("{} makes no component: {error:#}", file.display()))?;
            guests.push((name.to_owned(), bytes));
        }
    }
    guests.sort();
    Ok(guests)
}

/// One text guest. A core module that opens with a `(;wit … ;)` comment is wrapped into a component of the world in that
/// comment; without one the text is taken as it is, be it a component or a bare core module.
pub fn of_text(text: &str, wit: &Path) -> Result<Vec<u8>> {
    let bytes = wat::parse_str(text)?;
    match world_of(text) {
        Some(world) => {
            let mut module = bytes;
            let mut resolve = Resolve::default();
            resolve.push_dir(wit)?;
            let package = resolve.push_str("guest.wit", &format!("package guests:text;\n{world}"))?;
            let world = resolve.select_world(&[package], None)?;
            embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
            of_module(&module)
        }
        None => Ok(bytes),
    }
}

/// A core module whose metadata names its world, as compilers with component bindings leave it.
pub fn of_module(module: &[u8]) -> Result<Vec<u8>> {
    let encoder = ComponentEncoder::default().merge_imports_based_on_semver(false).module(module)?;
    Ok(encoder.validate(true).encode()?)
}

fn world_of(text: &str) -> Option<&str> {
    let rest = text.trim_start().strip_prefix(WORLD_OPENS)?;
    rest.split_once(WORLD_CLOSES).map(|(world, _)| world)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_is_read_from_the_opening_comment_only() {
        assert_eq!(world_of("(;wit world a {} ;)\n(module)"), Some(" world a {} "));
        assert_eq!(world_of("(module) (;wit world a {} ;)"), None);
        assert_eq!(world_of(";; plain\n(module)"), None);
    }

    #[test]
    fn text_without_a_world_stays_as_it_is() -> Result<()> {
        let bytes = of_text("(module)", Path::new("nowhere"))?;
        assert_eq!(bytes, b"\0asm\x01\0\0\0");
        Ok(())
    }
}
