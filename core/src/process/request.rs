//! What a guest may say about a program it starts, judged before anything is touched.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use super::bubblewrap::may_hold;
use super::options::Processes;
use super::plan::Limits;
use super::ring::Overflow;
use crate::limits;

/// Where a program finds an injected file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// At a path of the host's choosing, which this variable holds.
    Variable(String),
    /// At this path.
    Path(String),
}

/// A file that one program sees and nobody else.
#[derive(Clone, Debug)]
pub struct Injection {
    /// What is in it.
    pub content: Vec<u8>,
    /// Where it is found.
    pub placement: Placement,
}

/// A program that a guest asks for.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)] // The fields of `spawn-request`, which says what they mean.
pub struct Request {
    pub command: String,
    pub args: Vec<String>,
    pub stdin: Option<Vec<u8>>,
    pub env: Vec<(String, String)>,
    pub cwd: Option<String>,
    pub limits: Limits,
    pub injections: Vec<Injection>,
    pub label: Option<String>,
    pub keep_stdin_open: bool,
    pub overflow: Overflow,
    pub ring_bytes: Option<u32>,
    pub max_lifetime_ms: Option<u64>,
    pub idle_timeout_ms: Option<u64>,
    pub exit_retention_ms: Option<u64>,
}

/// Why a request is none that can be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Something in it is malformed.
    Invalid,
    /// It carries more than one call may.
    TooLarge,
    /// The folder to start in lies outside the workspace.
    Escape,
}

/// Variables that steer loaders and interpreters, or say who the host is.
const REFUSED: [&str; 14] = [
    "PATH",
    "ASTRID_SESSION_TOKEN",
    "BASH_ENV",
    "ENV",
    "GCONV_PATH",
    "NODE_OPTIONS",
    "PERL5OPT",
    "PYTHONHOME",
    "PYTHONPATH",
    "RUBYOPT",
    "ZDOTDIR",
    "BASHOPTS",
    "PS4",
    "SHELLOPTS",
];
const REFUSED_BEGINNINGS: [&str; 2] = ["LD_", "DYLD_"];

impl Request {
    /// Judges everything that can be judged without looking at the machine.
    pub fn check(&self, options: &Processes) -> Result<(), Unfit> {
        if self.stdin.as_ref().is_some_and(|bytes| bytes.len() > limits::PROCESS_STDIN_BYTES) {
            return Err(Unfit::TooLarge);
        }
        self.check_command()?;
        self.check_env()?;
        self.cwd()?;
        self.check_limits(options.limits)?;
        self.check_injections(options)
    }

    fn check_command(&self) -> Result<(), Unfit> {
        // With a `=` in it, it would be one more variable.
        if self.command.is_empty() || self.command.contains('=') || self.command.chars().any(char::is_control)
        {
            return Err(Unfit::Invalid);
        }
        if self.args.len() > limits::PROCESS_ARGUMENTS {
            return Err(Unfit::TooLarge);
        }
        // Line breaks and the like are part of many a good argument; only what ends a text for the system is not.
        let all = self.args.iter().chain([&self.command]);
        let mut total = 0;
        for text in all {
            if text.contains('\0') {
                return Err(Unfit::Invalid);
            }
            total += text.len();
            if text.len() > limits::PROCESS_ARGUMENT_BYTES || total > limits::PROCESS_ARGUMENTS_BYTES {
                return Err(Unfit::TooLarge);
            }
        }
        Ok(())
    }

    fn check_env(&self) -> Result<(), Unfit> {
        if self.env.len() > limits::PROCESS_VARIABLES {
            return Err(Unfit::TooLarge);
        }
        let total: usize = self.env.iter().map(|(key, value)| key.len() + value.len()).sum();
        if total > limits::PROCESS_ARGUMENTS_BYTES {
            return Err(Unfit::TooLarge);
        }
        let mut seen = HashSet::new();
        let fit = self.env.iter().all(|(key, value)| {
            let short = value.len() <= limits::PROCESS_VALUE_BYTES && !value.contains('\0');
            is_variable(key) && short && seen.insert(key)
        });
        if fit { Ok(()) } else { Err(Unfit::Invalid) }
    }

    /// The folder to start in, below the workspace.
    pub fn cwd(&self) -> Result<PathBuf, Unfit> {
        let Some(text) = &self.cwd else { return Ok(PathBuf::new()) };
        let text = text.strip_prefix("cwd://").unwrap_or(text);
        if text.contains('\0') || text.contains("://") {
            return Err(Unfit::Invalid);
        }
        let mut below = PathBuf::new();
        for part in Path::new(text).components() {
            match part {
                Component::Normal(name) => below.push(name),
                Component::CurDir => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                    return Err(Unfit::Escape);
                }
            }
        }
        Ok(below)
    }

    fn check_limits(&self, most: Limits) -> Result<(), Unfit> {
        let small = |own: Option<u32>, most: Option<u32>| (own.map(u64::from), most.map(u64::from));
        let pairs = [
            (self.limits.memory_bytes, most.memory_bytes),
            (self.limits.cpu_secs, most.cpu_secs),
            small(self.limits.pids, most.pids),
            small(self.limits.open_files, most.open_files),
        ];
        let fits = |own: u64, most: Option<u64>| own > 0 && most.is_none_or(|most| own <= most);
        let limits_fit = pairs.iter().all(|(own, most)| own.is_none_or(|own| fits(own, *most)));
        let ring = self.ring_bytes.map_or(limits::PROCESS_RING_BYTES, |bytes| bytes as usize);
        let ring_fits = (limits::LEAST_RING_BYTES..=limits::MOST_RING_BYTES).contains(&ring);
        if limits_fit && ring_fits && self.idle_timeout_ms != Some(0) { Ok(()) } else { Err(Unfit::Invalid) }
    }

    fn check_injections(&self, options: &Processes) -> Result<(), Unfit> {
        let sizes = self.injections.iter().map(|injection| injection.content.len());
        if self.injections.len() > limits::INJECTIONS
            || sizes.clone().sum::<usize>() > limits::INJECTIONS_BYTES
        {
            return Err(Unfit::TooLarge);
        }
        let (mut names, mut paths) = (HashSet::new(), Vec::<PathBuf>::new());
        // One file is no folder of another.
        let mut apart = |path: PathBuf| {
            let apart = paths.iter().all(|other| !path.starts_with(other) && !other.starts_with(&path));
            paths.push(path);
            apart
        };
        let fit = self.injections.iter().all(|injection| match &injection.placement {
            Placement::Variable(name) => is_variable(name) && names.insert(name),
            Placement::Path(path) => injection_path(options, path).is_some_and(&mut apart),
        });
        if !fit {
            return Err(Unfit::Invalid);
        }
        if sizes.into_iter().any(|bytes| bytes > limits::INJECTION_BYTES) {
            Err(Unfit::TooLarge)
        } else {
            Ok(())
        }
    }

    /// What people read of it.
    pub fn label(&self) -> String {
        let made = || [&self.command].into_iter().chain(&self.args).cloned().collect::<Vec<_>>().join(" ");
        let text = self.label.clone().unwrap_or_else(made);
        let mut label: String = text.chars().filter(|c| !c.is_control()).collect();
        let mut most = limits::PROCESS_LABEL_BYTES.min(label.len());
        while !label.is_char_boundary(most) {
            most -= 1;
        }
        label.truncate(most);
        label
    }
}

/// Where a file may be injected, with nothing superfluous in it.
pub(super) fn injection_path(options: &Processes, path: &str) -> Option<PathBuf> {
    let plain = path.len() <= limits::INJECTION_PATH_BYTES && !path.chars().any(char::is_control);
    if !plain
        || !path.starts_with('/')
        || path.contains(['"', '\\'])
        || path.split('/').any(|part| part == "..")
    {
        return None;
    }
    let plain: PathBuf = Path::new(path).components().filter(|part| *part != Component::CurDir).collect();
    may_hold(options, &plain).then_some(plain)
}

fn is_variable(name: &str) -> bool {
    let mut bytes = name.bytes();
    let grammar = bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    grammar && !REFUSED.contains(&name) && !REFUSED_BEGINNINGS.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(change: impl FnOnce(&mut Request)) -> Result<(), Unfit> {
        let mut request = Request { command: "cat".to_owned(), ..Request::default() };
        change(&mut request);
        request.check(&Processes::default())
    }

    fn env(key: &str, value: &str) -> Result<(), Unfit> {
        judge(|request| request.env = vec![(key.to_owned(), value.to_owned())])
    }

    #[test]
    fn variables_that_steer_loaders_are_refused() {
        assert_eq!(env("A_1", "x"), Ok(()));
        for name in
            ["", "1A", "A-B", "A=B", "É", "PATH", "LD_PRELOAD", "DYLD_X", "BASH_ENV", "PS4", "SHELLOPTS"]
        {
            assert_eq!(env(name, "x"), Err(Unfit::Invalid), "{name}");
        }
        assert_eq!(env("A", "a\0b"), Err(Unfit::Invalid));
        assert_eq!(env("A", &"x".repeat(65_537)), Err(Unfit::Invalid));
        let twice = vec![("A".to_owned(), String::new()); 2];
        assert_eq!(judge(|request| request.env = twice), Err(Unfit::Invalid));
        let many = (0..257).map(|n| (format!("A{n}"), String::new())).collect();
        assert_eq!(judge(|request| request.env = many), Err(Unfit::TooLarge));
    }

    #[test]
    fn folders_lie_below_the_workspace() {
        let cwd = |text: &str| Request { cwd: Some(text.to_owned()), ..Request::default() }.cwd();
        assert_eq!(cwd("a/./b"), Ok(PathBuf::from("a/b")));
        assert_eq!(cwd("cwd://a"), Ok(PathBuf::from("a")));
        for out in ["/", "/etc", "..", "a/../../b", "cwd:///etc"] {
            assert_eq!(cwd(out), Err(Unfit::Escape), "{out}");
        }
        assert_eq!(cwd("home://x"), Err(Unfit::Invalid));
    }

    #[test]
    fn limits_are_neither_nothing_nor_more_than_the_operator_gives() {
        assert_eq!(judge(|request| request.limits.pids = Some(512)), Ok(()));
        assert_eq!(judge(|request| request.limits.pids = Some(513)), Err(Unfit::Invalid));
        assert_eq!(judge(|request| request.limits.cpu_secs = Some(0)), Err(Unfit::Invalid));
        assert_eq!(judge(|request| request.ring_bytes = Some(4095)), Err(Unfit::Invalid));
        assert_eq!(judge(|request| request.idle_timeout_ms = Some(0)), Err(Unfit::Invalid));
        assert_eq!(judge(|request| request.command.clear()), Err(Unfit::Invalid));
        assert_eq!(judge(|request| request.args = vec!["a\0".to_owned()]), Err(Unfit::Invalid));
        assert_eq!(judge(|request| request.args = vec!["a\nb".to_owned()]), Ok(()));
        assert_eq!(judge(|request| request.stdin = Some(vec![0; (4 << 20) + 1])), Err(Unfit::TooLarge));
    }

    #[test]
    fn files_are_not_injected_over_what_the_sandbox_has() {
        let at = |path: &str| Injection { content: vec![1], placement: Placement::Path(path.to_owned()) };
        let inject = |files: Vec<Injection>| judge(|request| request.injections = files);
        assert_eq!(inject(vec![at("/etc/app.conf"), at("/opt/app")]), Ok(()));
        for bad in [
            "x",
            "/a/../b",
            "/",
            "/usr/bin/sh",
            "/proc/x",
            "/dev/null",
            "/workspace/x",
            "/workspace",
            "/a\\b",
            "/tmp",
            "/run/injected",
            "/run/injected/0",
        ] {
            assert_eq!(inject(vec![at(bad)]), Err(Unfit::Invalid), "{bad}");
        }
        assert_eq!(inject(vec![at("/opt/a"), at("/opt//./a")]), Err(Unfit::Invalid));
        assert_eq!(inject(vec![at("/opt/a/b"), at("/opt/a")]), Err(Unfit::Invalid));
        assert_eq!(inject(vec![at("/opt/a"), at("/opt/ab")]), Ok(()));
        let named =
            |name: &str| Injection { content: Vec::new(), placement: Placement::Variable(name.to_owned()) };
        assert_eq!(inject(vec![named("A"), named("A")]), Err(Unfit::Invalid));
        assert_eq!(inject(vec![named("LD_X")]), Err(Unfit::Invalid));
        assert_eq!(inject(vec![at("/opt/a"); 129]), Err(Unfit::TooLarge));
        let large = Injection { content: vec![0; (8 << 20) + 1], ..at("/opt/a") };
        assert_eq!(inject(vec![large]), Err(Unfit::TooLarge));
    }

    #[test]
    fn labels_are_short_and_plain() {
        let request =
            Request { command: "a\tb".to_owned(), args: vec!["é".repeat(100)], ..Request::default() };
        let label = request.label();
        assert!(label.starts_with("ab é") && label.len() <= 128 && !label.contains('\t'));
    }
}
