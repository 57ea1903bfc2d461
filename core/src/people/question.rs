//! What a handler is asked and what it may answer.
//!
//! Every text that a capsule wrote stands here with its invisible characters spelled out.

use std::fmt;
use std::time::SystemTime;

use super::Profile;
use super::risk::Risk;
use crate::principal::Principal;

/// Gives an enum its stable `snake_case` words, the same in every language.
macro_rules! words {
    ($name:ident { $($variant:ident $word:literal),+ $(,)? }) => {
        impl $name {
            /// The value as a stable `snake_case` word.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The value of a word; none for any other text.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(super) use words;

/// Which hook asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The capsule is being installed.
    Install,
    /// The capsule is being upgraded.
    Upgrade,
}

words!(Phase { Install "install", Upgrade "upgrade" });

/// What sort of value is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElicitKind {
    /// A text.
    Text,
    /// A text that goes to the secret store; the guest never sees it.
    Secret,
    /// One of the options.
    Select,
    /// A list of texts.
    Array,
}

words!(ElicitKind { Text "text", Secret "secret", Select "select", Array "array" });

/// An install or upgrade hook asks for a value.
#[derive(Clone, Debug)]
pub struct ElicitQuestion {
    /// The id of this question, a UUID.
    pub request_id: String,
    /// Whom the hook runs for.
    pub principal: Principal,
    /// The capsule.
    pub capsule: String,
    /// Which hook asks.
    pub phase: Phase,
    /// The name of the value.
    pub key: String,
    /// What sort of value.
    pub kind: ElicitKind,
    /// What the capsule says about it; may be empty.
    pub description: String,
    /// What there is to choose from; empty unless the kind is a selection.
    pub options: Vec<String>,
    /// What an empty answer means.
    pub default: Option<String>,
    /// When the answer is too late.
    pub deadline: SystemTime,
}

/// The answer to an [`ElicitQuestion`].
#[derive(Clone, PartialEq, Eq)]
pub enum ElicitAnswer {
    /// A text, a secret, or one of the options.
    Text(String),
    /// A list.
    List(Vec<String>),
    /// The person would not say.
    Cancelled,
}

/// Leaves the answer out: it may be a secret.
impl fmt::Debug for ElicitAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(..)",
            Self::List(_) => "List(..)",
            Self::Cancelled => "Cancelled",
        })
    }
}

/// A capsule asks to be permitted something.
#[derive(Clone, Debug)]
pub struct ApprovalQuestion {
    /// The id of this question, a UUID.
    pub request_id: String,
    /// Whom the capsule acts for.
    pub principal: Principal,
    /// The capsule.
    pub capsule: String,
    /// What it wants to do, in its own words.
    pub action: String,
    /// What it wants to do it to; may be empty.
    pub resource: String,
    /// How much harm the words of the action suggest.
    pub risk: Risk,
    /// When the answer is too late.
    pub deadline: SystemTime,
}

/// The answer to an [`ApprovalQuestion`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// No.
    Deny,
    /// Yes, this once.
    Approve,
    /// Yes, until the host is closed.
    ApproveSession,
    /// Yes, from now on.
    ApproveAlways,
}

words!(Decision {
    Deny "deny",
    Approve "approve",
    ApproveSession "approve_session",
    ApproveAlways "approve_always",
});

/// An uplink that a capsule registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UplinkInfo {
    /// The id that its messages carry, a UUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The platform, in lower case.
    pub platform: String,
    /// What it is for.
    pub profile: Profile,
    /// The capsule.
    pub capsule: String,
    /// For whom it was registered.
    pub principal: Principal,
}

/// A message that came in through an uplink.
#[derive(Clone, Debug)]
pub struct UplinkMessage {
    /// The uplink.
    pub uplink_id: String,
    /// Its platform.
    pub platform: String,
    /// Who wrote it, as the platform names people.
    pub platform_user_id: String,
    /// What they wrote.
    pub content: String,
    /// The capsule.
    pub capsule: String,
    /// Whom the capsule acts for.
    pub principal: Principal,
    /// Who the writer is here, if a link says so.
    pub resolved: Option<Principal>,
    /// When the answer is too late.
    pub deadline: SystemTime,
}

/// What an uplink has to tell.
#[derive(Clone, Debug)]
pub enum UplinkEvent {
    /// There is a new uplink.
    Registered(UplinkInfo),
    /// A message came in.
    Message(UplinkMessage),
    /// The uplink is gone.
    Unregistered(UplinkInfo),
}

/// What became of an [`UplinkEvent`]. For anything but a message the answer has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Somebody has it.
    Delivered,
    /// Nobody has it.
    Dropped,
    /// The writer has no session to deliver it to.
    NoSession,
}

words!(Delivery { Delivered "delivered", Dropped "dropped", NoSession "no_session" });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_values_belong_together() {
        for decision in [Decision::Deny, Decision::Approve, Decision::ApproveSession, Decision::ApproveAlways]
        {
            assert_eq!(Decision::parse(decision.name()), Some(decision));
        }
        assert_eq!(Decision::parse("yes"), None);
        assert_eq!(Delivery::parse("no_session"), Some(Delivery::NoSession));
    }

    #[test]
    fn the_debug_text_of_an_answer_keeps_it_secret() {
        assert!(!format!("{:?}", ElicitAnswer::Text("hunter2".into())).contains("hunter2"));
    }
}
