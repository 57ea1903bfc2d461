//! Reads a TOML document field by field.
//!
//! A field that is read leaves its table, so what is left in the end is what nobody knows: the warnings about unknown
//! fields need no second list that could fall behind the first. Every error names the field and the line.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Error, ErrorKind, Result};

/// How deep a document may be nested.
const DEPTH: usize = 32;

/// The document a field belongs to, for its errors.
#[derive(Clone, Copy)]
struct Document<'t> {
    text: &'t str,
    kind: ErrorKind,
}

impl Document<'_> {
    fn error(self, at: usize, message: impl Into<String>) -> Error {
        let line = self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        Error::new(self.kind, message).with("line", line.to_string())
    }
}

/// A table whose fields are taken out one by one.
pub(crate) struct Fields<'t> {
    document: Document<'t>,
    path: String,
    at: usize,
    entries: DeTable<'t>,
}

/// One value with its name and its place.
pub(crate) struct Field<'t> {
    document: Document<'t>,
    path: String,
    span: Range<usize>,
    value: DeValue<'t>,
}

impl<'t> Fields<'t> {
    /// Parses a document; every error about it will be of this kind.
    pub(crate) fn parse(text: &'t str, kind: ErrorKind) -> Result<Self> {
        let document = Document { text, kind };
        // The recoverable parse hands the tree out even when it is broken, so that no tree is dropped before its depth is known.
        let (root, errors) = DeTable::parse_recoverable(text);
        let Some(entries) = shallow(root.into_inner()) else {
            return Err(Error::new(kind, format!("tables and lists are nested more than {DEPTH} deep")));
        };
        if let Some(error) = errors.first() {
            let at = error.span().map_or(0, |span| span.start);
            return Err(document.error(at, format!("not TOML: {}", error.message())));
        }
        Ok(Self { document, path: String::new(), at: 0, entries })
    }

    /// Takes a field out, if it is there.
    pub(crate) fn take(&mut self, name: &str) -> Option<Field<'t>> {
        let value = self.entries.remove(name)?;
        Some(Field::new(self.document, self.child(name), value))
    }

    /// Takes a field out that must be there.
    pub(crate) fn need(&mut self, name: &str) -> Result<Field<'t>> {
        self.take(name).ok_or_else(|| self.error(format!("`{}` is missing", self.child(name))))
    }

    /// Takes a string out, if it is there.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>> {
        self.take(name).map(Field::text).transpose()
    }

    /// Takes a list of strings out; empty if it is not there.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<String>> {
        self.take(name).map_or_else(|| Ok(Vec::new()), Field::texts)
    }

    /// Takes a flag out, if it is there.
    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>> {
        self.take(name).map(Field::flag).transpose()
    }

    /// Takes an array of tables out; empty if it is not there.
    pub(crate) fn tables(&mut self, name: &str) -> Result<Vec<Fields<'t>>> {
        self.take(name).map_or_else(|| Ok(Vec::new()), Field::tables)
    }

    /// All fields with their names, in the order of the file.
    pub(crate) fn in_order(self) -> Vec<(String, Field<'t>)> {
        let Self { document, path, entries, .. } = self;
        let mut fields: Vec<_> = entries
            .into_iter()
            .map(|(key, value)| {
                let at = key.span().start;
                let name = key.into_inner().into_owned();
                let field = Field::new(document, join(&path, &name), value);
                (at, name, field)
            })
            .collect();
        fields.sort_by_key(|(at, ..)| *at);
        fields.into_iter().map(|(_, name, field)| (name, field)).collect()
    }

    /// Warns about every field nobody took.
    pub(crate) fn finish(self, warnings: &mut Vec<String>) {
        for (_, field) in self.in_order() {
            let what = match &field.value {
                DeValue::Table(_) => "table",
                DeValue::Array(items) if items.iter().any(|item| item.get_ref().is_table()) => "table",
                _ => "field",
            };
            warnings.push(format!("unknown {what} `{}` is ignored", field.path));
        }
    }

    /// An error about this table.
    pub(crate) fn error(&self, message: impl Into<String>) -> Error {
        self.document.error(self.at, message)
    }

    /// The dotted name of this table.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    fn child(&self, name: &str) -> String {
        join(&self.path, name)
    }
}

impl<'t> Field<'t> {
    fn new(document: Document<'t>, path: String, value: Spanned<DeValue<'t>>) -> Self {
        Self { document, path, span: value.span(), value: value.into_inner() }
    }

    /// An error about this field; the message goes on after its name.
    pub(crate) fn error(&self, message: impl AsRef<str>) -> Error {
        self.document.error(self.span.start, format!("`{}` {}", self.path, message.as_ref()))
    }

    fn mismatch(&self, wanted: &str) -> Error {
        let found = match self.value.type_str() {
            word if word.starts_with(['a', 'i']) => format!("an {word}"),
            word => format!("a {word}"),
        };
        self.error(format!("must be {wanted}, not {found}"))
    }

    /// The dotted name of this field.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Whether the value is a string, where a string and a table are both allowed.
    pub(crate) fn is_text(&self) -> bool {
        self.value.is_str()
    }

    /// The value as a string.
    pub(crate) fn text(self) -> Result<String> {
        match self.value {
            DeValue::String(text) => Ok(text.into_owned()),
            _ => Err(self.mismatch("a string")),
        }
    }

    /// The value as a string that has this shape; the error of `read` goes on after the field's name.
    pub(crate) fn parsed<T, E: AsRef<str>>(self, read: impl FnOnce(&str) -> Result<T, E>) -> Result<T> {
        let Some(text) = self.value.as_str() else { return Err(self.mismatch("a string")) };
        read(text).map_err(|message| self.error(message))
    }

    /// The value as a list of strings.
    pub(crate) fn texts(self) -> Result<Vec<String>> {
        self.list()?.into_iter().map(Field::text).collect()
    }

    /// The value as a list whose entries are to be strings.
    pub(crate) fn list(self) -> Result<Vec<Field<'t>>> {
        self.items("a list of strings")
    }

    /// The value as a flag.
    pub(crate) fn flag(self) -> Result<bool> {
        self.value.as_bool().ok_or_else(|| self.mismatch("true or false"))
    }

    /// The value as a whole number from 0 up.
    pub(crate) fn number(self) -> Result<u64> {
        let Some(digits) = self.value.as_integer() else { return Err(self.mismatch("a whole number")) };
        u64::from_str_radix(digits.as_str(), digits.radix())
            .map_err(|_| self.error("must be a whole number from 0 up that fits 64 bits"))
    }

    /// The value as a whole number from 0 to 2^32 - 1.
    pub(crate) fn number32(self) -> Result<u32> {
        let too_large = self.error("must be less than 2^32");
        u32::try_from(self.number()?).map_err(|_| too_large)
    }

    /// The value as a table.
    pub(crate) fn table(self) -> Result<Fields<'t>> {
        match self.value {
            DeValue::Table(entries) => {
                Ok(Fields { document: self.document, path: self.path, at: self.span.start, entries })
            }
            _ => Err(self.mismatch("a table")),
        }
    }

    /// The value as an array of tables.
    pub(crate) fn tables(self) -> Result<Vec<Fields<'t>>> {
        self.items("an array of tables")?.into_iter().map(Field::table).collect()
    }

    fn items(self, wanted: &str) -> Result<Vec<Field<'t>>> {
        let Self { document, path, span, value } = self;
        match value {
            DeValue::Array(items) => Ok(items
                .into_iter()
                .enumerate()
                .map(|(n, item)| Field::new(document, format!("{path}[{n}]"), item))
                .collect()),
            value => Err(Field { document, path, span, value }.mismatch(wanted)),
        }
    }

    /// The value as JSON. A date becomes its text; a number JSON cannot hold is refused.
    pub(crate) fn json(self) -> Result<serde_json::Value> {
        use serde_json::{Number, Value};
        let number = |read: Option<Number>| {
            read.map(Value::Number).ok_or_else(|| self.error("has a number that JSON cannot hold"))
        };
        match &self.value {
            DeValue::String(text) => Ok(Value::from(text.as_ref())),
            DeValue::Boolean(flag) => Ok(Value::Bool(*flag)),
            DeValue::Datetime(date) => Ok(Value::String(date.to_string())),
            DeValue::Integer(digits) => {
                number(i64::from_str_radix(digits.as_str(), digits.radix()).ok().map(Number::from))
            }
            DeValue::Float(digits) => number(digits.as_str().parse().ok().and_then(Number::from_f64)),
            DeValue::Array(_) => {
                let items = self.items("a list")?.into_iter();
                items.map(Field::json).collect::<Result<_>>().map(Value::Array)
            }
            DeValue::Table(_) => {
                let fields = self.table()?.in_order().into_iter();
                fields
                    .map(|(name, field)| Ok((name, field.json()?)))
                    .collect::<Result<_>>()
                    .map(Value::Object)
            }
        }
    }
}

/// Gives a tree back if it is no deeper than [`DEPTH`]. Dotted keys inside nested inline tables make trees of thousands of
/// levels from a few kilobytes, and dropping one the usual way would exhaust the stack: a deep one is taken apart here.
fn shallow(root: DeTable<'_>) -> Option<DeTable<'_>> {
    let mut ahead: Vec<(&DeValue<'_>, usize)> = root.values().map(|value| (value.get_ref(), 1)).collect();
    let mut deepest = 0;
    while let Some((value, depth)) = ahead.pop() {
        deepest = deepest.max(depth);
        match value {
            DeValue::Table(table) => ahead.extend(table.values().map(|value| (value.get_ref(), depth + 1))),
            DeValue::Array(items) => ahead.extend(items.iter().map(|item| (item.get_ref(), depth + 1))),
            _ => {}
        }
    }
    if deepest <= DEPTH {
        return Some(root);
    }
    let mut rest: Vec<DeValue<'_>> = vec![DeValue::Table(root)];
    while let Some(value) = rest.pop() {
        match value {
            DeValue::Table(table) => rest.extend(table.into_iter().map(|(_, value)| value.into_inner())),
            DeValue::Array(items) => rest.extend(items.into_iter().map(Spanned::into_inner)),
            _ => {}
        }
    }
    None
}

/// Joins a table's name and a field's; a name that is no bare key of TOML is quoted.
fn join(path: &str, name: &str) -> String {
    let bare =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let name = if bare { Cow::Borrowed(name) } else { Cow::Owned(format!("{name:?}")) };
    if path.is_empty() { name.into_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Fields<'_> {
        Fields::parse(text, ErrorKind::ManifestInvalid).unwrap()
    }

    #[test]
    fn errors_name_the_field_and_the_line() {
        let text = "# comment\n[a]\nb = 5\nlist = [\"x\", 1]\n";
        let mut a = fields(text).take("a").unwrap().table().unwrap();
        let error = a.text("b").unwrap_err();
        assert_eq!(error.message(), "`a.b` must be a string, not an integer");
        assert_eq!(error.context(), [("line", "3".to_owned())]);
        let error = a.texts("list").unwrap_err();
        assert_eq!(error.message(), "`a.list[1]` must be a string, not an integer");
        let error = a.need("gone").err().unwrap();
        assert_eq!(error.message(), "`a.gone` is missing");
    }

    #[test]
    fn broken_toml_is_an_error_with_its_line() {
        let error = Fields::parse("a = 1\nb = \n", ErrorKind::ManifestInvalid).err().unwrap();
        assert!(error.message().starts_with("not TOML: "), "{error}");
        assert_eq!(error.context(), [("line", "2".to_owned())]);
    }

    #[test]
    fn what_nobody_took_is_warned_about_in_the_order_of_the_file() {
        let mut all = fields("z = 1\na = [1]\nk = 2\n\"x y\" = 3\n[[t]]\nb = 1\n[s]\n");
        all.take("k");
        let mut warnings = Vec::new();
        all.finish(&mut warnings);
        assert_eq!(
            warnings,
            [
                "unknown field `z` is ignored",
                "unknown field `a` is ignored",
                "unknown field `\"x y\"` is ignored",
                "unknown table `t` is ignored",
                "unknown table `s` is ignored",
            ]
        );
    }

    #[test]
    fn values_become_json() {
        let mut all =
            fields("v = { s = \"x\", n = -3, h = 0x10, f = 1.5, b = true, l = [1, []], d = 2026-01-02 }");
        let json = all.take("v").unwrap().json().unwrap();
        let expected = r#"{"s":"x","n":-3,"h":16,"f":1.5,"b":true,"l":[1,[]],"d":"2026-01-02"}"#;
        assert_eq!(json.to_string(), expected);
        assert!(fields("v = nan").take("v").unwrap().json().is_err());
        assert!(fields("v = 9223372036854775808").take("v").unwrap().json().is_err());
    }

    #[test]
    fn nesting_does_not_exhaust_a_small_stack() {
        let path = vec!["a"; 78].join(".");
        for (levels, tail) in [(79, ""), (200, ""), (79, "\nx = "), (79, "\n[v.a.b]")] {
            let deep = (0..levels).fold("1".to_owned(), |inner, _| format!("{{ {path} = {inner} }}"));
            let text = format!("v = {deep}{tail}");
            let read = std::thread::Builder::new().stack_size(512 << 10).spawn(move || {
                Fields::parse(&text, ErrorKind::ManifestInvalid).err().map(|error| error.kind())
            });
            assert_eq!(read.unwrap().join().unwrap(), Some(ErrorKind::ManifestInvalid));
        }
        let lists = format!("v = {}{}", "[".repeat(31), "]".repeat(31));
        assert!(fields(&lists).take("v").unwrap().json().is_ok());
    }
}
