//! Which commands a capsule may run.

/// One entry of `host_process`: a command, and everything that begins with it and a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandPattern(Box<str>);

impl CommandPattern {
    /// Reads an entry. Refused are a blank one, a space at either end, a control character and a `..` component.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.trim().is_empty() {
            return Err("is empty");
        }
        if text.trim() != text {
            return Err("begins or ends with a space");
        }
        if text.chars().any(char::is_control) {
            return Err("has control characters");
        }
        if text.split(['/', '\\', ' ']).any(|component| component == "..") {
            return Err("has a `..`");
        }
        Ok(Self(text.into()))
    }

    /// Whether the entry covers the command a capsule wants to run. An empty command is covered by nothing. What follows the
    /// space names no folder: the whole text is the name of a file, and `git /../sh` would be another program.
    pub fn covers(&self, command: &str) -> bool {
        command
            .strip_prefix(&*self.0)
            .is_some_and(|rest| rest.is_empty() || (rest.starts_with(' ') && !rest.contains('/')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_itself_and_what_follows_a_space() {
        let git = CommandPattern::parse("git").unwrap();
        assert!(git.covers("git") && git.covers("git push"));
        for no in [
            "",
            " ",
            "gitk",
            "git /x",
            "git /../../usr/bin/sh",
            "git a/b",
            "git-push",
            "/usr/bin/git",
            "GIT",
            "git\tpush",
        ] {
            assert!(!git.covers(no), "{no:?}");
        }
        for bad in ["", " ", "git ", "\tgit", "a\nb", "../git", "./../git", "sh .."] {
            assert!(CommandPattern::parse(bad).is_err(), "{bad:?}");
        }
    }
}
