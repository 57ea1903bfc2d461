//! The people behind the embedding program: what they are asked, for how long, and which answers count.
//!
//! A question is posted on the [`Desk`]. The embedder's callback runs as a task of the host's own runtime, never inside the
//! guest call that caused it; the caller gets a future that holds no thread and takes the question back when dropped.
//! No handler, an error, a panic, a late answer and an answer that breaks a rule are all [`Unanswered`], which callers
//! turn into a refusal. Approval given by a person opens no gate by itself.

mod answer;
mod approval;
mod desk;
mod elicit;
mod identity;
mod question;
mod risk;
mod uplink;

pub use crate::visible::{visible, visible_prose};
pub use answer::{BoxFuture, Callback, CallbackError, CallbackFault, Unanswered, answered_by};
pub use approval::ApprovalDraft;
pub use desk::{Desk, DeskTimeouts};
pub use elicit::ElicitDraft;
pub use identity::{Account, Malformed, new_user, user_id};
pub use question::{
    ApprovalQuestion, Decision, Delivery, ElicitAnswer, ElicitKind, ElicitQuestion, Phase, UplinkEvent,
    UplinkInfo, UplinkMessage,
};
pub use risk::Risk;
pub use uplink::{Sending, UplinkDraft, UplinkRefusal, Uplinks};

/// What an uplink is for, as the manifest and the guest both name it.
pub use crate::manifest::UplinkProfile as Profile;
