//! Which files a capsule may touch.

use std::path::{Component, Path, PathBuf};

/// One entry of `fs_read` or `fs_write`, typed when the manifest is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathPattern {
    /// `*`, `cwd://suffix` and `workspace://suffix`: this folder of the workspace and below; empty is all of it.
    Workspace(PathBuf),
    /// `home://suffix`: this folder of the calling principal's home and below.
    Home(PathBuf),
    /// `tmp://suffix`: this folder of the calling principal's temporary files and below.
    Tmp(PathBuf),
    /// An absolute path and below.
    Absolute(PathBuf),
}

/// Where the places of a call are: physical, canonical paths. A place that is not there grants nothing.
#[derive(Clone, Copy, Debug)]
pub struct Roots<'a> {
    /// The workspace.
    pub workspace: Option<&'a Path>,
    /// The home of the principal the call is made for.
    pub home: Option<&'a Path>,
    /// The temporary files of that principal.
    pub tmp: Option<&'a Path>,
}

impl PathPattern {
    /// Reads an entry. Refused are the empty text, a `..` anywhere, an unknown scheme, an absolute suffix after a scheme,
    /// and a relative path without one, which could never match.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("is empty");
        }
        if text.chars().any(char::is_control) {
            return Err("has control characters");
        }
        if text.split(['/', '\\']).any(|component| component == "..") {
            return Err("has a `..`");
        }
        if text == "*" {
            return Ok(Self::Workspace(PathBuf::new()));
        }
        let Some((scheme, suffix)) = text.split_once("://") else {
            if Path::new(text).is_absolute() {
                return Ok(Self::Absolute(clean(text)));
            }
            return Err(
                "is neither `*` nor absolute and names no place: write `workspace://…`, `home://…` or `tmp://…`",
            );
        };
        if Path::new(suffix).has_root() || suffix.starts_with('\\') {
            return Err("has an absolute path after its scheme");
        }
        match scheme {
            "cwd" | "workspace" => Ok(Self::Workspace(clean(suffix))),
            "home" => Ok(Self::Home(clean(suffix))),
            "tmp" => Ok(Self::Tmp(clean(suffix))),
            _ => Err("has a scheme nobody knows"),
        }
    }

    /// Whether the entry covers a physical, canonical path. The comparison goes by whole components: `/ws` does not
    /// cover `/ws-evil`. A path that is relative or has a `..` is covered by nothing.
    pub fn covers(&self, path: &Path, roots: &Roots<'_>) -> bool {
        if !path.is_absolute() || path.components().any(|component| component == Component::ParentDir) {
            return false;
        }
        let (root, suffix) = match self {
            Self::Workspace(suffix) => (roots.workspace, suffix),
            Self::Home(suffix) => (roots.home, suffix),
            Self::Tmp(suffix) => (roots.tmp, suffix),
            Self::Absolute(whole) => return path.starts_with(whole),
        };
        root.and_then(|root| path.strip_prefix(root).ok()).is_some_and(|rest| rest.starts_with(suffix))
    }
}

/// The path without `.` components and doubled separators.
fn clean(text: &str) -> PathBuf {
    Path::new(text).components().filter(|component| *component != Component::CurDir).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(pattern: &str, path: &str, home: Option<&str>) -> bool {
        let roots = Roots {
            workspace: Some(Path::new("/w")),
            home: home.map(Path::new),
            tmp: Some(Path::new("/t/alice")),
        };
        PathPattern::parse(pattern).unwrap().covers(Path::new(path), &roots)
    }

    #[test]
    fn the_vectors_hold() {
        let (alice, bob) = (Some("/h/alice"), Some("/h/bob"));
        let cases = [
            ("*", "/w/x", alice, true),
            ("*", "/w", alice, true),
            ("*", "/h/alice/x", alice, false),
            ("*", "/w-evil/x", alice, false),
            ("cwd://src", "/w/src", alice, true),
            ("cwd://src", "/w/src/a", alice, true),
            ("cwd://src", "/w/srcs", alice, false),
            ("workspace://./src/", "/w/src/a", alice, true),
            ("workspace://", "/w/a", alice, true),
            ("home://notes", "/h/alice/notes/a", alice, true),
            ("home://notes", "/h/bob/notes/a", bob, true),
            ("home://notes", "/h/bob/notes/a", alice, false),
            ("home://notes", "/h/alice/notes/a", bob, false),
            ("home://", "/h/alice/any", alice, true),
            ("home://", "/h/alice/any", None, false),
            ("tmp://", "/t/alice/x", alice, true),
            ("tmp://", "/t/bob/x", alice, false),
            ("/data", "/data/x", alice, true),
            ("/data", "/database", alice, false),
            ("/data", "/data/../etc/passwd", alice, false),
            ("*", "x", alice, false),
        ];
        for (pattern, path, home, expected) in cases {
            assert_eq!(covers(pattern, path, home), expected, "{pattern} covers {path} with {home:?}");
        }
    }

    #[test]
    fn what_could_widen_or_never_match_is_refused() {
        for bad in [
            "",
            "..",
            "../x",
            "cwd://../x",
            "home://a/../../b",
            "/a/../b",
            "home:///etc",
            "cwd:///",
            "tmp://\\x",
            "file:///etc",
            "://x",
            "src",
            "./src",
            "a\0b",
            "home://a\nb",
            "home://..\\x",
            "HOME://x",
        ] {
            assert!(PathPattern::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn no_pattern_reaches_out_of_its_place() {
        let pieces = ["a", ".", "..", "", "/", "w", "h", "~", "*"];
        for x in pieces {
            for y in pieces {
                for z in pieces {
                    for head in ["cwd://", "home://", "tmp://"] {
                        let Ok(pattern) = PathPattern::parse(&format!("{head}{x}/{y}/{z}")) else { continue };
                        let roots = Roots { workspace: Some(Path::new("/w")), home: None, tmp: None };
                        for outside in ["/", "/h", "/h/a", "/wa", "/etc/passwd", "/a"] {
                            assert!(
                                !pattern.covers(Path::new(outside), &roots),
                                "{pattern:?} covers {outside}"
                            );
                        }
                    }
                }
            }
        }
    }
}
