//! How each language spells a name.

/// A language of the surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Rust,
    Python,
    Node,
    C,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 4] = [Self::Rust, Self::Python, Self::Node, Self::C];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::Node => "node",
            Self::C => "c",
        }
    }

    /// A word of the table as an argument or an option; where a length of time is a number, its name says of what.
    pub fn spell(self, word: &str, duration: bool) -> String {
        match (self, duration) {
            (Self::Rust | Self::Python, _) | (Self::C, false) => word.to_owned(),
            (Self::C, true) => format!("{word}_ms"),
            (Self::Node, _) => camel(word) + if duration { "Ms" } else { "" },
        }
    }

    /// A function of the library itself.
    pub fn function(self, name: &str) -> String {
        match self {
            Self::Rust | Self::Python => name.to_owned(),
            Self::Node => camel(name),
            Self::C => format!("astrid_{name}"),
        }
    }

    /// A verb of a noun.
    pub fn verb(self, noun: &str, verb: &str) -> String {
        match self {
            Self::Rust | Self::Python => verb.to_owned(),
            Self::Node => camel(verb),
            Self::C => format!("{}{verb}", Self::c_prefix(noun)),
        }
    }

    /// What the functions of a noun begin with in C.
    pub fn c_prefix(noun: &str) -> &'static str {
        match noun {
            "Host" => "astrid_host_",
            "Capsule" => "astrid_capsule_",
            "Audit" => "astrid_host_audit_",
            "Messages" => "astrid_subscription_",
            "CapsuleChanges" => "astrid_watch_",
            other => panic!("no function of C is about {other}"),
        }
    }
}

fn camel(word: &str) -> String {
    let mut parts = word.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut name, part| {
        let (head, tail) = part.split_at(1);
        name.push_str(&head.to_uppercase());
        name.push_str(tail);
        name
    })
}
