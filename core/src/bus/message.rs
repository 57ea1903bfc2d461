//! One message, and whose it is.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::Reach;
use crate::principal::Principal;
use crate::topic::Topic;
use crate::trace::TraceParent;

/// Who stands behind a message. It is also the key of the queue a message waits in: messages that a principal sent and
/// messages that an uplink sent in its name are two publishers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Attribution {
    /// The host knows that this principal sent it.
    Verified(Principal),
    /// An uplink says that it speaks for this principal; nobody has checked.
    Claimed(Principal),
    /// The host itself.
    System,
}

impl Attribution {
    /// The principal, verified or claimed; none for the host itself.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        match self {
            Self::Verified(principal) | Self::Claimed(principal) => Some(principal),
            Self::System => None,
        }
    }
}

/// A published message. Every subscription that it reaches shares the one copy.
pub struct Message {
    /// Where it was published.
    pub topic: Topic,
    /// The content, JSON text.
    pub payload: Arc<str>,
    /// The session of the capsule that published it, as the text of a UUID; the nil UUID for the host.
    pub source: Arc<str>,
    /// Who stands behind it, as subscribers see it.
    pub attribution: Attribution,
    /// The principal whose guest published it; none for the host.
    pub sender: Option<Principal>,
    /// Its number on this bus, see [`Bus::next_sequence`](super::Bus::next_sequence).
    pub sequence: u64,
    /// When it was published.
    pub time: SystemTime,
    /// How many publishes led to it: 0 for the first of a chain.
    pub depth: u8,
    /// The trace it is part of; subscribers do not see it, what they cause inherits it.
    pub trace: Option<TraceParent>,
    /// Which capsules may hear it, whatever they subscribe to.
    pub reach: Reach,
    /// How its publisher is told if the one capsule that should serve it does not, if he asked to be.
    pub receipt: Option<Receipt>,
}

/// What a publisher asked to be told by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The name he gave the request: the simple form of a UUID.
    pub id: Arc<str>,
    /// The capsule that is told.
    pub publisher: Arc<str>,
}

impl Message {
    /// The principal for whom a capsule that answers the message acts: one the host has verified. A claim moves nobody's
    /// data, so a message that claims a principal is answered for the one who sent it.
    #[must_use]
    pub fn acts_for(&self) -> Option<&Principal> {
        match &self.attribution {
            Attribution::Verified(principal) => Some(principal),
            Attribution::Claimed(_) => self.sender.as_ref(),
            Attribution::System => None,
        }
    }

    /// What it counts against budgets, in bytes: payload and topic.
    #[must_use]
    pub fn size(&self) -> usize {
        self.payload.len() + self.topic.as_str().len()
    }
}

/// Leaves the payload out: it may hold what does not belong in a log.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("topic", &self.topic.as_str())
            .field("attribution", &self.attribution)
            .field("sequence", &self.sequence)
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

/// Whose messages a subscription takes. What is not admitted neither counts as a match nor uses any budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Everybody's.
    Everyone,
    /// Those of one principal, verified or claimed, and the host's own.
    Principal(Principal),
}

impl Admission {
    /// Whether a message of this attribution is taken.
    #[must_use]
    pub fn admits(&self, attribution: &Attribution) -> bool {
        match (self, attribution.principal()) {
            (Self::Everyone, _) | (Self::Principal(_), None) => true,
            (Self::Principal(own), Some(other)) => own == other,
        }
    }
}
