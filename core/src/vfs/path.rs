//! The paths guests write: which root they mean, and what is left below it.

use std::ffi::OsString;

use unicode_normalization::is_nfc;

use super::FsError;
use crate::limits;

/// One of the roots a path can lie under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `workspace://`, also spelled `cwd://` or not at all: the embedding program's folder.
    Workspace,
    /// `home://`: the principal's own folder.
    Home,
    /// `tmp://`, also spelled `/tmp`: the principal's scratch folder.
    Tmp,
}

impl Scheme {
    /// What a path under this root begins with when the host spells it.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Workspace => "workspace://",
            Self::Home => "home://",
            Self::Tmp => "tmp://",
        }
    }
}

/// A path as a guest means it: a root and the names below it. No name is empty, `.` or `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestPath {
    /// The root.
    pub scheme: Scheme,
    /// The names from the root down; none means the root itself.
    pub names: Vec<OsString>,
}

impl GuestPath {
    /// Reads a path. `..` takes a name away, whatever that name would turn out to be, and is
    /// [`FsError::BoundaryEscape`] where there is none; a path that breaks a rule of spelling or names a root nobody
    /// knows is [`FsError::InvalidPath`].
    pub fn parse(text: &str) -> Result<Self, FsError> {
        let malformed = text.is_empty()
            || text.len() > limits::PATH_BYTES
            || text.chars().any(char::is_control)
            || !is_nfc(text);
        if malformed {
            return Err(FsError::InvalidPath);
        }
        let (scheme, rest) = split(text)?;
        let mut names = Vec::new();
        for name in rest.split('/') {
            match name {
                "" | "." => {}
                ".." => {
                    names.pop().ok_or(FsError::BoundaryEscape)?;
                }
                name => names.push(OsString::from(name)),
            }
        }
        Ok(Self { scheme, names })
    }
}

fn split(text: &str) -> Result<(Scheme, &str), FsError> {
    if let Some((scheme, rest)) = text.split_once("://")
        && !scheme.contains('/')
    {
        return match scheme {
            "workspace" | "cwd" => Ok((Scheme::Workspace, rest)),
            "home" => Ok((Scheme::Home, rest)),
            "tmp" => Ok((Scheme::Tmp, rest)),
            _ => Err(FsError::InvalidPath),
        };
    }
    match text.strip_prefix("/tmp") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => Ok((Scheme::Tmp, rest)),
        _ => Ok((Scheme::Workspace, text)),
    }
}

/// The name, if a guest could give it back in a path.
pub(super) fn spelled(name: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(name).ok()?;
    (!name.chars().any(char::is_control) && is_nfc(name)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<(Scheme, String), FsError> {
        GuestPath::parse(text).map(|path| {
            let names: Vec<_> = path.names.iter().map(|name| name.to_string_lossy().into_owned()).collect();
            (path.scheme, names.join("/"))
        })
    }

    #[test]
    fn every_spelling_leads_to_its_root() {
        for (text, scheme, names) in [
            ("a/b", Scheme::Workspace, "a/b"),
            ("/etc/passwd", Scheme::Workspace, "etc/passwd"),
            ("workspace://a", Scheme::Workspace, "a"),
            ("workspace:///a", Scheme::Workspace, "a"),
            ("cwd://", Scheme::Workspace, ""),
            (".", Scheme::Workspace, ""),
            ("./a//b/", Scheme::Workspace, "a/b"),
            ("a/../b", Scheme::Workspace, "b"),
            ("a/..", Scheme::Workspace, ""),
            ("home://notes/x", Scheme::Home, "notes/x"),
            ("tmp://x", Scheme::Tmp, "x"),
            ("/tmp", Scheme::Tmp, ""),
            ("/tmp/x", Scheme::Tmp, "x"),
            ("/tmpx", Scheme::Workspace, "tmpx"),
            ("tmp/x", Scheme::Workspace, "tmp/x"),
            ("a/b://c", Scheme::Workspace, "a/b:/c"),
            ("...", Scheme::Workspace, "..."),
            ("a\\..\\..\\b", Scheme::Workspace, "a\\..\\..\\b"),
            ("%2e%2e/x", Scheme::Workspace, "%2e%2e/x"),
            ("HOME", Scheme::Workspace, "HOME"),
        ] {
            assert_eq!(parsed(text), Ok((scheme, names.to_owned())), "{text:?}");
        }
    }

    #[test]
    fn climbing_out_and_malformed_paths_are_told_apart() {
        for text in
            ["..", "../x", "a/../..", "/..", "/tmp/..", "home://..", "tmp://a/../../x", "workspace://../x"]
        {
            assert_eq!(parsed(text), Err(FsError::BoundaryEscape), "{text:?}");
        }
        let long = "a".repeat(limits::PATH_BYTES + 1);
        for text in [
            "",
            "a\0b",
            "a\nb",
            "\u{1b}[2J",
            "a\u{7f}",
            "a\u{85}",
            "e\u{301}",
            "file:///etc",
            "://x",
            "Home://x",
            "work space://x",
            "home:// \t",
            &long,
        ] {
            assert_eq!(parsed(text), Err(FsError::InvalidPath), "{text:?}");
        }
        assert!(parsed(&"a".repeat(limits::PATH_BYTES)).is_ok());
    }

    #[test]
    fn names_that_no_path_can_spell() {
        for bad in [&b"\xff"[..], b"a\nb", b"e\xcc\x81", b"\xc0\xaf"] {
            assert_eq!(spelled(bad), None);
        }
        assert_eq!(spelled("é".as_bytes()), Some("é"));
    }
}
