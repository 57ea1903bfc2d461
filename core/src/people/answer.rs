//! How the embedder answers: the callback, what can go wrong in it, and what it means to get no answer.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::error::{Cause, Error, ErrorKind};

/// A future on the heap.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A handler of the embedding program. It runs on the host's runtime, so it should post the question and wait for the
/// answer in its future; blocking in the call itself takes a worker away from everybody.
pub type Callback<Q, A> = Arc<dyn Fn(Q) -> BoxFuture<Result<A, CallbackError>> + Send + Sync>;

/// What went wrong in a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackFault {
    /// It raised, threw or panicked.
    Raised,
    /// It answered with something of another type.
    WrongAnswer,
    /// It would need the very thread that waits for it.
    WouldBlockCaller,
    /// What it runs on has been closed.
    Closed,
}

impl CallbackFault {
    /// The fault as a stable `snake_case` word, the same in every language.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::WrongAnswer => "wrong_answer",
            Self::WouldBlockCaller => "would_block_caller",
            Self::Closed => "closed",
        }
    }
}

/// The failure of a callback. It is for the embedder alone; a guest sees only that it was refused.
#[derive(Debug)]
pub struct CallbackError {
    /// What went wrong.
    pub fault: CallbackFault,
    /// One sentence for people.
    pub message: String,
    /// The embedder's own error, kept as it was given.
    pub source: Option<Cause>,
}

impl CallbackError {
    /// A failure without a cause.
    pub fn new(fault: CallbackFault, message: impl Into<String>) -> Self {
        Self { fault, message: message.into(), source: None }
    }

    /// Keeps the embedder's own error.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Cause>) -> Self {
        self.source = Some(cause.into());
        self
    }
}

impl fmt::Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.fault.name())
    }
}

impl StdError for CallbackError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}

/// The error of the call that ran into the failure, with the embedder's own error as its cause.
impl From<CallbackError> for Error {
    fn from(failure: CallbackError) -> Self {
        let error =
            Error::new(ErrorKind::CallbackFailed, failure.message).with("fault", failure.fault.name());
        match failure.source {
            Some(cause) => error.caused_by(cause),
            None => error,
        }
    }
}

/// Why a question has no answer. Each of them refuses; none of them permits.
#[derive(Debug)]
pub enum Unanswered {
    /// The embedder has no handler for such questions.
    NoHandler,
    /// Nobody answered in time.
    Timeout,
    /// The capsule has too many questions open for this principal.
    TooMany,
    /// The question or the answer breaks this rule.
    Invalid(&'static str),
    /// The handler failed.
    Failed(CallbackError),
    /// The host was closed.
    Closed,
}

impl Unanswered {
    /// Why, as a stable `snake_case` word; of a handler that failed, how it did.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoHandler => "no_handler",
            Self::Timeout => "timeout",
            Self::TooMany => "too_many",
            Self::Invalid(_) => "invalid",
            Self::Failed(failure) => failure.fault.name(),
            Self::Closed => "closed",
        }
    }
}

/// Who answered, as the audit tells it: the embedding program's handler, or nobody, and why not.
pub fn answered_by<A>(answer: &Result<A, Unanswered>) -> (&'static str, String) {
    match answer {
        Ok(_) => ("answered", "handler".to_owned()),
        Err(unanswered) => ("unanswered", unanswered.name().to_owned()),
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHandler => f.write_str("the host has no handler for such questions"),
            Self::Timeout => f.write_str("nobody answered in time"),
            Self::TooMany => f.write_str("too many questions are open"),
            Self::Invalid(rule) => f.write_str(rule),
            Self::Failed(failure) => write!(f, "the handler failed: {failure}"),
            Self::Closed => f.write_str("the host was closed"),
        }
    }
}

impl StdError for Unanswered {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Failed(failure) => Some(failure),
            Self::NoHandler | Self::Timeout | Self::TooMany | Self::Invalid(_) | Self::Closed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedders_own_error_is_the_cause() {
        let own = std::io::Error::other("no terminal");
        let error =
            Error::from(CallbackError::new(CallbackFault::Raised, "the handler raised").caused_by(own));
        assert_eq!(error.kind(), ErrorKind::CallbackFailed);
        assert_eq!(error.cause().unwrap().to_string(), "no terminal");
        assert!(error.cause().unwrap().is::<std::io::Error>());
        assert!(error.to_string().ends_with("(fault=raised)"));
    }
}
