//! `astrid:process`: programs of the machine, for both versions of the package.
//!
//! What a guest asks for is read and judged here; [`crate::process`] starts it. Version 1.0.0 runs the same code without
//! injected files.

mod cancelling;
mod handle;
mod persistent;
mod start;
mod versions;

use super::arms::{Arm, Refusal};
use super::call::Verdict;
use crate::process::{Child, Exit, Start, Unfit, Unstarted};
pub use cancelling::{Tracked, call_of};
pub use handle::ProcessHandle;

/// Why a call about a program did not succeed: the arms of both versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessError {
    /// `capability-denied`.
    Denied,
    /// `invalid-input`.
    Invalid,
    /// `boundary-escape`.
    Escape,
    /// `quota`.
    Quota,
    /// `too-large`.
    TooLarge,
    /// `closed`.
    Closed,
    /// `cancelled`.
    Cancelled,
    /// `wait-timeout`.
    Timeout,
    /// `no-such-process`.
    Unknown,
    /// `registry-full`.
    Full,
    /// `persist-unsupported`.
    Unsupported,
    /// `unknown`, with what people may read.
    Fault(&'static str),
}

impl Arm for ProcessError {
    fn name(&self) -> &'static str {
        match self {
            Self::Denied => "capability-denied",
            Self::Invalid => "invalid-input",
            Self::Escape => "boundary-escape",
            Self::Quota => "quota",
            Self::TooLarge => "too-large",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
            Self::Timeout => "wait-timeout",
            Self::Unknown => "no-such-process",
            Self::Full => "registry-full",
            Self::Unsupported => "persist-unsupported",
            Self::Fault(_) => "unknown",
        }
    }

    fn refuse(why: Refusal) -> Self {
        match why {
            Refusal::Cancelled => Self::Cancelled,
            Refusal::Denied => Self::Denied,
            Refusal::Audit | Refusal::Bytes => Self::Fault(why.text()),
        }
    }

    fn fault(text: &'static str) -> Self {
        Self::Fault(text)
    }
}

impl From<Unfit> for ProcessError {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Invalid => Self::Invalid,
            Unfit::TooLarge => Self::TooLarge,
            Unfit::Escape => Self::Escape,
        }
    }
}

impl From<Start> for ProcessError {
    fn from(start: Start) -> Self {
        match start {
            Start::Unfit(unfit) => unfit.into(),
            Start::Failed => Self::Fault("the program could not be started"),
        }
    }
}

impl From<Unstarted> for ProcessError {
    fn from(unstarted: Unstarted) -> Self {
        match unstarted {
            Unstarted::NoSandbox(why) => {
                tracing::warn!(%why, "a program was not started: there is no sandbox");
                Self::Fault("this host has no sandbox for programs: bubblewrap is missing or not permitted")
            }
            Unstarted::NoProgram => Self::Fault("there is no such program"),
            Unstarted::Failed(error) => {
                tracing::warn!(%error, "a program could not be started");
                Self::Fault("the program could not be started")
            }
        }
    }
}

type Answer<T> = wasmtime::Result<Result<T, ProcessError>>;

/// Output taken from a program.
pub(super) struct Logs {
    stdout: String,
    stderr: String,
    exit: Option<Exit>,
}

/// A program that was run to its end.
pub(super) struct Finished {
    stdout: String,
    stderr: String,
    exit: Exit,
}

impl Finished {
    /// All output of a program that has ended.
    fn of(child: &Child, exit: Exit) -> Self {
        Self { stdout: text(child.stdout.drain()), stderr: text(child.stderr.drain()), exit }
    }
}

/// What was left of a program that was killed.
pub(super) struct Killed {
    by_this: bool,
    stdout: String,
    stderr: String,
    exit: Exit,
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn told<T>(_: &T) -> Verdict {
    Verdict::ALLOWED
}
