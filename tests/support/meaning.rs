//! What a WIT package means, as text: every item with its types, in an order that does not depend on the file.
//!
//! Documentation, the order of declarations and the layout of files do not change it. The order of fields, cases and
//! parameters does, because it is what a compiled component relies on.

use std::collections::BTreeMap;

use wit_parser::{
    Function, Handle, InterfaceId, Resolve, Type, TypeDefKind, TypeId, TypeOwner, WorldItem, WorldKey,
};

/// Every package of a published namespace with its meaning, by `name@version`.
pub fn packages(resolve: &Resolve, namespace: &str) -> BTreeMap<String, String> {
    let published = resolve.packages.iter().filter(|(_, package)| package.name.namespace == namespace);
    published
        .map(|(_, package)| {
            let mut lines = Vec::new();
            for &interface in package.interfaces.values() {
                interface_lines(resolve, interface, &mut lines);
            }
            for (name, &world) in &package.worlds {
                let world = &resolve.worlds[world];
                for (way, items) in [("import", &world.imports), ("export", &world.exports)] {
                    for (key, item) in items {
                        lines.push(format!("world {name} {way} {}", world_item(resolve, key, item)));
                    }
                }
            }
            lines.sort_unstable();
            (package.name.to_string(), lines.join("\n"))
        })
        .collect()
}

/// The hash that the lock keeps of a meaning.
pub fn fingerprint(meaning: &str) -> String {
    blake3::hash(meaning.as_bytes()).to_hex().to_string()
}

fn interface_lines(resolve: &Resolve, id: InterfaceId, lines: &mut Vec<String>) {
    let interface = &resolve.interfaces[id];
    let name = interface.name.as_deref().unwrap_or_default();
    lines.push(format!("interface {name}"));
    for (type_name, &ty) in &interface.types {
        lines
            .push(format!("interface {name} type {type_name} = {}", shape(resolve, &resolve.types[ty].kind)));
    }
    for function in interface.functions.values() {
        lines.push(format!("interface {name} func {}", signature(resolve, function)));
    }
}

fn world_item(resolve: &Resolve, key: &WorldKey, item: &WorldItem) -> String {
    match item {
        WorldItem::Interface { .. } => format!("interface {}", resolve.name_world_key(key)),
        WorldItem::Function(function) => format!("func {}", signature(resolve, function)),
        WorldItem::Type { id, .. } => {
            format!("type {} = {}", resolve.name_world_key(key), shape(resolve, &resolve.types[*id].kind))
        }
    }
}

/// A function's name already says whether it is a method, and of which resource.
fn signature(resolve: &Resolve, function: &Function) -> String {
    let params: Vec<_> = function
        .params
        .iter()
        .map(|param| format!("{}: {}", param.name, named(resolve, &param.ty)))
        .collect();
    let result =
        function.result.as_ref().map_or_else(String::new, |ty| format!(" -> {}", named(resolve, ty)));
    format!("{}({}){result}", function.name, params.join(", "))
}

/// A type where it is used: by its full name if it has one.
fn named(resolve: &Resolve, ty: &Type) -> String {
    match ty {
        Type::Id(id) => named_id(resolve, *id),
        Type::Bool => "bool".into(),
        Type::U8 => "u8".into(),
        Type::U16 => "u16".into(),
        Type::U32 => "u32".into(),
        Type::U64 => "u64".into(),
        Type::S8 => "s8".into(),
        Type::S16 => "s16".into(),
        Type::S32 => "s32".into(),
        Type::S64 => "s64".into(),
        Type::F32 => "f32".into(),
        Type::F64 => "f64".into(),
        Type::Char => "char".into(),
        Type::String => "string".into(),
        Type::ErrorContext => "error-context".into(),
    }
}

fn named_id(resolve: &Resolve, id: TypeId) -> String {
    let ty = &resolve.types[id];
    match (&ty.name, ty.owner) {
        (Some(name), TypeOwner::Interface(owner)) => {
            format!("{}.{name}", resolve.id_of(owner).unwrap_or_default())
        }
        (Some(name), TypeOwner::World(_) | TypeOwner::None) => name.clone(),
        (None, _) => shape(resolve, &ty.kind),
    }
}

/// A type where it is defined.
fn shape(resolve: &Resolve, kind: &TypeDefKind) -> String {
    let name = |ty: &Type| named(resolve, ty);
    let maybe = |ty: &Option<Type>| ty.as_ref().map_or_else(|| "_".to_owned(), name);
    match kind {
        TypeDefKind::Record(record) => {
            let fields: Vec<_> =
                record.fields.iter().map(|field| format!("{}: {}", field.name, name(&field.ty))).collect();
            format!("record {{ {} }}", fields.join(", "))
        }
        TypeDefKind::Variant(variant) => {
            let cases: Vec<_> = variant
                .cases
                .iter()
                .map(|case| {
                    case.ty
                        .as_ref()
                        .map_or_else(|| case.name.clone(), |ty| format!("{}({})", case.name, name(ty)))
                })
                .collect();
            format!("variant {{ {} }}", cases.join(", "))
        }
        TypeDefKind::Enum(cases) => {
            let cases: Vec<_> = cases.cases.iter().map(|case| case.name.as_str()).collect();
            format!("enum {{ {} }}", cases.join(", "))
        }
        TypeDefKind::Flags(flags) => {
            let flags: Vec<_> = flags.flags.iter().map(|flag| flag.name.as_str()).collect();
            format!("flags {{ {} }}", flags.join(", "))
        }
        TypeDefKind::Tuple(tuple) => {
            format!("tuple<{}>", tuple.types.iter().map(name).collect::<Vec<_>>().join(", "))
        }
        TypeDefKind::Result(result) => format!("result<{}, {}>", maybe(&result.ok), maybe(&result.err)),
        TypeDefKind::Option(ty) => format!("option<{}>", name(ty)),
        TypeDefKind::List(ty) => format!("list<{}>", name(ty)),
        TypeDefKind::FixedLengthList(ty, length) => format!("list<{}, {length}>", name(ty)),
        TypeDefKind::Map(key, value) => format!("map<{}, {}>", name(key), name(value)),
        TypeDefKind::Future(ty) => format!("future<{}>", maybe(ty)),
        TypeDefKind::Stream(ty) => format!("stream<{}>", maybe(ty)),
        TypeDefKind::Handle(Handle::Own(id)) => format!("own<{}>", named_id(resolve, *id)),
        TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", named_id(resolve, *id)),
        TypeDefKind::Type(ty) => name(ty),
        TypeDefKind::Resource => "resource".to_owned(),
        TypeDefKind::Unknown => "unknown".to_owned(),
    }
}
