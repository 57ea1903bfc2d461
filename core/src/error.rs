//! The one error of the host: a kind that never changes its meaning, a message for people, and the cause.

use std::error::Error as StdError;
use std::fmt;

/// Declares the error kinds once; the enum, the codes, the numbers and the documentation all come from this table.
macro_rules! kinds {
    ($($number:literal $variant:ident $code:literal $meaning:literal;)+) => {
        /// What went wrong, as a stable value that every language binding shows under the same code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ErrorKind { $(#[doc = $meaning] $variant = $number,)+ }

        impl ErrorKind {
            /// Every kind, in the order of its number.
            pub const ALL: &'static [ErrorKind] = &[$(ErrorKind::$variant,)+];

            /// The stable `snake_case` code, the same in every language.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(ErrorKind::$variant => $code,)+ }
            }

            /// One sentence on what the kind means.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(ErrorKind::$variant => $meaning,)+ }
            }
        }
    };
}

kinds! {
    1 ManifestInvalid "manifest_invalid" "The capsule's manifest is missing, malformed or breaks a rule.";
    2 ComponentInvalid "component_invalid" "The file is not a WebAssembly component this host can compile.";
    3 AbiMismatch "abi_mismatch" "The component imports or exports something this host does not offer.";
    4 HashMismatch "hash_mismatch" "The component's bytes are not the ones that were pinned.";
    5 NotInstalled "not_installed" "No hash is pinned for the capsule: install it first, or name the hash.";
    6 AlreadyLoaded "already_loaded" "A capsule with this id is loaded already.";
    7 NotFound "not_found" "The named capsule, file or export does not exist.";
    8 InvalidArgument "invalid_argument" "An argument breaks a rule; the message names it.";
    9 PrincipalRefused "principal_refused" "The principal is unknown, disabled, or has no readable profile.";
    10 CapabilityDenied "capability_denied" "The manifest does not grant what was asked for.";
    11 QuotaExceeded "quota_exceeded" "A quota of the principal or a limit of the host is used up.";
    12 Timeout "timeout" "The call ran past its deadline and was stopped.";
    13 Cancelled "cancelled" "The call was cancelled, or its capsule was unloaded.";
    14 FuelExhausted "fuel_exhausted" "The guest used up the fuel of the call.";
    15 MemoryExceeded "memory_exceeded" "The guest needed more memory than its ceiling.";
    16 GuestTrap "guest_trap" "The guest trapped; the error carries its backtrace.";
    17 NotReady "not_ready" "The capsule's run loop has not signalled that it is ready.";
    18 InstallFailed "install_failed" "The install or upgrade hook failed; nothing was pinned.";
    19 Closed "closed" "The host, capsule or subscription was closed, or belongs to the parent of a fork.";
    20 CallbackFailed "callback_failed" "A callback of the embedding program raised, answered wrongly, or could not run.";
    21 HomeLocked "home_locked" "Another process or host has the home folder open.";
    22 HomeUnusable "home_unusable" "The home folder cannot be created, read or written, or has a newer format.";
    23 StoreUnavailable "store_unavailable" "The embedded database cannot be read or written.";
    24 AuditUnavailable "audit_unavailable" "The audit log cannot be written, so nothing that must be recorded may happen.";
    25 Internal "internal" "The host broke one of its own rules; please report it.";
}

impl ErrorKind {
    /// The stable number, from 1 up; 0 means success in the C interface.
    #[must_use]
    pub const fn number(self) -> i32 {
        self as i32
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The cause of an error, kept as it was given so that a binding can hand its own exception back.
pub type Cause = Box<dyn StdError + Send + Sync + 'static>;

/// An error of the host: its [`ErrorKind`], a message that names the thing, and what led to it.
///
/// Errors are for the embedding program. A guest never sees one: it gets the error arm of the function it called.
pub struct Error(Box<Parts>);

struct Parts {
    kind: ErrorKind,
    message: String,
    context: Vec<(&'static str, String)>,
    source: Option<Cause>,
    guest_backtrace: Option<String>,
}

/// The host's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of this kind; the message should name the thing that is wrong.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            kind,
            message: message.into(),
            context: Vec::new(),
            source: None,
            guest_backtrace: None,
        }))
    }

    /// Adds where it happened, for example `("capsule", id)`.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.context.push((key, value.into()));
        self
    }

    /// Keeps the cause.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Cause>) -> Self {
        self.0.source = Some(cause.into());
        self
    }

    /// Keeps the guest's own backtrace, one frame a line.
    #[must_use]
    pub fn with_guest_backtrace(mut self, backtrace: impl Into<String>) -> Self {
        self.0.guest_backtrace = Some(backtrace.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message without the code and the context.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it happened, as pairs in the order they were added.
    #[must_use]
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.0.context
    }

    /// The guest's backtrace, if the guest trapped.
    #[must_use]
    pub fn guest_backtrace(&self) -> Option<&str> {
        self.0.guest_backtrace.as_deref()
    }

    /// The cause as it was given, to be downcast by whoever gave it.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.0.source.as_deref()
    }

    /// Takes the cause out, so that a binding can raise its own exception again.
    pub fn take_cause(&mut self) -> Option<Cause> {
        self.0.source.take()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.kind.code(), self.0.message)?;
        for (n, (key, value)) in self.0.context.iter().enumerate() {
            write!(f, "{}{key}={value}", if n == 0 { " (" } else { ", " })?;
        }
        if !self.0.context.is_empty() {
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        if let Some(source) = &self.0.source {
            write!(f, "\n  caused by: {source}")?;
        }
        if let Some(backtrace) = &self.0.guest_backtrace {
            write!(f, "\n  in the guest:\n{backtrace}")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_codes_are_unique_and_stable() {
        for (n, kind) in ErrorKind::ALL.iter().enumerate() {
            assert_eq!(kind.number(), i32::try_from(n).unwrap() + 1);
            assert!(kind.code().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            assert!(kind.meaning().ends_with('.'));
        }
        let mut codes: Vec<_> = ErrorKind::ALL.iter().map(|k| k.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ErrorKind::ALL.len());
    }

    #[test]
    fn the_page_of_errors_says_what_the_table_says() {
        let page = include_str!("../../docs/errors.md");
        for kind in ErrorKind::ALL {
            let row = format!("| {} | `{}` | {} |", kind.number(), kind.code(), kind.meaning());
            assert!(page.lines().any(|line| line == row), "docs/errors.md lacks: {row}");
        }
    }

    #[test]
    fn the_text_names_kind_message_and_context() {
        let error = Error::new(ErrorKind::NotFound, "no capsule of that name").with("capsule", "notes");
        assert_eq!(error.to_string(), "not_found: no capsule of that name (capsule=notes)");
    }
}
