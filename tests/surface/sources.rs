//! What the sources of the four surfaces say, read as text: each is formatted by a tool, so a line looks one way only.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::language::Language;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn all(folder: &str, ending: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let wanted = files.into_iter().filter(|path| path.to_string_lossy().ends_with(ending));
    wanted.map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// The text from the first line that begins with `head` to the first one after it that begins with `end`.
fn block(source: &str, head: &str, end: &str) -> String {
    let lines = source.lines().skip_while(|line| !line.starts_with(head));
    let mut lines = lines.peekable();
    let first = lines.next().map(|line| format!("{line}\n")).unwrap_or_default();
    if first.trim_end().ends_with("{}") {
        return first;
    }
    let rest: Vec<&str> = lines.take_while(|line| !line.starts_with(end)).collect();
    first + &rest.join("\n")
}

/// The blocks of Rust that implement a type.
fn rust(kind: &str) -> String {
    let kind = if kind == "Audit" { "AuditLog" } else { kind };
    let head = format!("impl {kind} {{");
    all("core/src/host", ".rs").iter().map(|source| block(source, &head, "}")).collect()
}

fn python(noun: &str, asynchronous: bool) -> String {
    let class = |name: &str| format!("class {}{name}", if asynchronous { "Async" } else { "" });
    let sources: String = all("bindings-python/python/astrid_host", ".py").join("\n");
    let end = |text: String| text;
    let mut text = String::new();
    let bases: &[&str] = match noun {
        "Capsule" => &["Capsule(", "Loaded:"],
        "Messages" | "CapsuleChanges" => &["Stream("],
        "Host" => &["Host:"],
        _ => &["Audit:"],
    };
    for base in bases {
        let head = if *base == "Loaded:" { "class Loaded".to_owned() } else { class(base) };
        let lines = sources.lines().skip_while(|line| !line.starts_with(&head)).skip(1);
        let body: Vec<&str> =
            lines.take_while(|line| line.is_empty() || line.starts_with([' ', ')'])).collect();
        text.push_str(&end(body.join("\n")));
        text.push('\n');
    }
    text
}

fn node(noun: &str) -> String {
    let declared = read("bindings-node/index.d.ts") + &all("bindings-node/types", ".d.ts").join("\n");
    let feed = block(&declared, "interface Feed<", "}");
    match noun {
        "Audit" => {
            block(&declared, "export class AuditLog", "}")
                + &block(&declared, "export interface AuditLog", "}")
        }
        "Messages" | "CapsuleChanges" => block(&declared, &format!("export class {noun} "), "}") + &feed,
        _ => block(&declared, &format!("export class {noun} "), "}"),
    }
}

fn header() -> String {
    let text = read("bindings-c/include/astrid_host.h");
    text.lines().filter(|line| !line.trim_start().starts_with(['*', '/'])).collect::<Vec<_>>().join("\n")
}

/// The name at the beginning of a text.
fn name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The verbs that a noun has.
pub fn verbs(language: Language, noun: &str) -> BTreeSet<String> {
    let found: Vec<String> = match language {
        Language::Rust => {
            let text = rust(noun);
            let functions = text.lines().filter_map(|line| {
                let line = line.strip_prefix("    pub ")?;
                Some(name(line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?))
            });
            functions.collect()
        }
        Language::Python => {
            let text = python(noun, false);
            let functions = text.lines().filter_map(|line| Some(name(line.strip_prefix("    def ")?)));
            functions.filter(|name| !name.starts_with('_')).collect()
        }
        Language::Node => {
            let text = node(noun);
            let members = text.lines().filter_map(|line| {
                let line = line.strip_prefix("  ")?;
                let line = line.strip_prefix("static ").unwrap_or(line);
                let line = line.strip_prefix("readonly ").unwrap_or(line);
                let name = name(line);
                let next = line[name.len()..].chars().next();
                (matches!(next, Some('(' | ':' | '?')) && !name.is_empty()).then_some(name)
            });
            members.filter(|name| !matches!(name.as_str(), "constructor" | "return")).collect()
        }
        Language::C => {
            let (text, prefix) = (header(), Language::c_prefix(noun));
            let functions = text.lines().filter_map(|line| {
                let at = line.find(prefix)?;
                let name = name(&line[at..]);
                line[at + name.len()..].starts_with('(').then_some(name)
            });
            functions.filter(|name| noun != "Host" || !name.starts_with("astrid_host_audit_")).collect()
        }
    };
    found.into_iter().collect()
}

/// Whether the library offers a function by itself.
pub fn has_function(language: Language, function: &str) -> bool {
    match language {
        Language::Rust => {
            read("core/src/lib.rs").lines().any(|line| line.starts_with("pub use") && holds(line, function))
        }
        Language::Python => {
            read("bindings-python/python/astrid_host/__init__.py").contains(&format!("    \"{function}\","))
        }
        Language::Node => read("bindings-node/index.d.ts").contains(&format!("export function {function}(")),
        Language::C => header().contains(&format!(" {function}(")),
    }
}

/// Everything that says what a verb takes: its parameters, and the fields of the options among them.
pub fn signature(language: Language, noun: &str, verb: &str) -> Option<String> {
    match language {
        Language::Rust => {
            let text = rust(noun);
            let at = text.find(&format!("fn {verb}(")).or_else(|| text.find(&format!("fn {verb}<")))?;
            let signature = until(&text[at..], '{');
            let builder = signature.split("-> ").nth(1).map(name).unwrap_or_default();
            let more = if noun == "Host" && verb == "configure" { "principal" } else { "" };
            let own =
                if builder == "Result" || builder == "HostBuilder" { String::new() } else { rust(&builder) };
            Some(signature + &own + more)
        }
        Language::Python => {
            let mut both = String::new();
            for asynchronous in [false, true] {
                let text = python(noun, asynchronous);
                let at = text.find(&format!("def {verb}("))?;
                let signature = until(&text[at..], '>');
                // A word counts only if both faces have it.
                both = if asynchronous { intersect(&both, &signature) } else { signature };
            }
            Some(both)
        }
        Language::Node => {
            let text = node(noun);
            let at = text.lines().position(|line| {
                let Some(line) = line.strip_prefix("  ") else { return false };
                let line = line.strip_prefix("static ").unwrap_or(line);
                let line = line.strip_prefix("readonly ").unwrap_or(line);
                name(line) == verb
            })?;
            let mut signature = String::new();
            for line in text.lines().skip(at) {
                signature.push_str(line);
                if line.ends_with(';') && !line.starts_with("    ") {
                    break;
                }
            }
            let declared = read("bindings-node/index.d.ts") + &all("bindings-node/types", ".d.ts").join("\n");
            let words: BTreeSet<String> =
                signature.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect();
            let mut whole = signature;
            for options in words.iter().filter(|word| word.ends_with("Options") || word.ends_with("Filter")) {
                let mut wanted = options.clone();
                // An interface and those it extends.
                while !wanted.is_empty() {
                    let head = [format!("export interface {wanted} "), format!("interface {wanted} ")];
                    let text =
                        head.iter().map(|head| block(&declared, head, "}")).find(|text| !text.is_empty());
                    let text = text.unwrap_or_default();
                    wanted = text.split("extends ").nth(1).map(name).unwrap_or_default();
                    whole.push_str(&text);
                }
            }
            Some(whole)
        }
        Language::C => {
            let text = header();
            let at = text.find(&format!("{verb}("))?;
            let signature = until(&text[at..], ';');
            let mut whole = signature.clone();
            for word in signature.split(|c: char| !c.is_alphanumeric() && c != '_') {
                if word.ends_with("_options") {
                    whole.push_str(&block(&text, &format!("typedef struct {word} "), "}"));
                }
            }
            Some(whole)
        }
    }
}

fn until(text: &str, end: char) -> String {
    text.split(end).next().unwrap_or_default().to_owned()
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').collect()
}

fn intersect(one: &str, other: &str) -> String {
    words(one).intersection(&words(other)).copied().collect::<Vec<_>>().join(" ")
}

/// Whether a word stands in a signature.
pub fn holds(signature: &str, word: &str) -> bool {
    words(signature).contains(word)
}

/// The options of a host.
pub fn options(language: Language) -> BTreeSet<String> {
    let found: Vec<String> = match language {
        Language::Rust => {
            let text = block(&read("core/src/host/options.rs"), "pub struct HostOptions", "}");
            let fields = text.lines().filter_map(|line| line.strip_prefix("    pub ").map(name));
            let builder = rust("HostBuilder");
            let setters = builder.lines().filter_map(|line| line.strip_prefix("    pub fn ").map(name));
            let setters = setters.filter(|name| name != "options" && name != "open_blocking");
            fields.chain(setters).collect()
        }
        Language::Python => {
            let options = read("bindings-python/python/astrid_host/options.py");
            let text = block(&options, "class HostOptions", "class ");
            let fields = text.lines().filter_map(|line| {
                let line = line.strip_prefix("    ")?;
                let name = name(line);
                (line[name.len()..].starts_with(':') && !name.is_empty()).then_some(name)
            });
            let open = signature(Language::Python, "Host", "open").unwrap();
            let given = [
                "workspace",
                "workspace_mode",
                "on_elicit",
                "on_approval",
                "on_uplink",
                "on_log",
                "on_checkpoint",
            ];
            let given = given.into_iter().filter(|word| holds(&open, word)).map(str::to_owned);
            fields.chain(given).collect()
        }
        Language::Node => {
            let text = block(&read("bindings-node/types/options.d.ts"), "export interface HostOptions", "}");
            text.lines().filter_map(|line| line.strip_prefix("  readonly ").map(name)).collect()
        }
        Language::C => {
            let text = block(&header(), "typedef struct astrid_host_options", "}");
            let fields = text.lines().filter_map(|line| {
                let line = line.trim().strip_suffix(';')?;
                line.rsplit([' ', '*']).next().map(str::to_owned)
            });
            let of_the_struct = |name: &String| {
                !matches!(name.as_str(), "struct_size" | "callbacks" | "home") && !name.ends_with("_count")
            };
            fields.filter(of_the_struct).collect()
        }
    };
    found.into_iter().collect()
}
