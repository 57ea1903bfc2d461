//! Questions as C sees them: plain structs of borrowed texts that live while the callback runs.

use std::ffi::{CString, c_char};
use std::ptr;
use std::time::SystemTime;

use ::astrid_host::Principal;
use ::astrid_host::people::{ApprovalQuestion, ElicitKind, ElicitQuestion, UplinkEvent, UplinkInfo};

use crate::error::c_text;

/// A line of text is asked for.
pub const ASTRID_ELICIT_TEXT: i32 = 0;
/// A secret is asked for; it goes to the secret store, and the capsule is told only that it is there.
pub const ASTRID_ELICIT_SECRET: i32 = 1;
/// One of the options is asked for.
pub const ASTRID_ELICIT_SELECT: i32 = 2;
/// A list of texts is asked for.
pub const ASTRID_ELICIT_ARRAY: i32 = 3;

/// A capsule announced an uplink.
pub const ASTRID_UPLINK_REGISTERED: i32 = 0;
/// A capsule sends a message through an uplink.
pub const ASTRID_UPLINK_MESSAGE: i32 = 1;
/// An uplink is gone.
pub const ASTRID_UPLINK_UNREGISTERED: i32 = 2;

/// What an install or upgrade hook wants to know. Every text is borrowed until the callback returns; control and
/// bidirectional characters that a capsule wrote are made visible.
#[repr(C)]
pub struct astrid_elicit_question {
    /// The size of this struct in the library that runs; later versions append fields.
    pub struct_size: u32,
    /// One of `ASTRID_ELICIT_TEXT`, `_SECRET`, `_SELECT`, `_ARRAY`.
    pub kind: i32,
    /// Names this question, in the audit too.
    pub request_id: *const c_char,
    /// For whom the capsule is installed.
    pub principal: *const c_char,
    /// Which capsule asks.
    pub capsule: *const c_char,
    /// `install` or `upgrade`.
    pub phase: *const c_char,
    /// The name under which the answer is used.
    pub key: *const c_char,
    /// What the person should be told.
    pub description: *const c_char,
    /// What is suggested, or NULL.
    pub default_value: *const c_char,
    /// The options of a select question.
    pub options: *const *const c_char,
    /// How many options there are.
    pub option_count: usize,
    /// How long the answer is waited for, in milliseconds.
    pub timeout_ms: u64,
}

/// What a capsule wants to do. Every text is borrowed until the callback returns; control and bidirectional characters
/// that a capsule wrote are made visible.
#[repr(C)]
pub struct astrid_approval_question {
    /// The size of this struct in the library that runs; later versions append fields.
    pub struct_size: u32,
    /// Names this question, in the audit too.
    pub request_id: *const c_char,
    /// On whose behalf the capsule asks.
    pub principal: *const c_char,
    /// Which capsule asks.
    pub capsule: *const c_char,
    /// What it wants to do.
    pub action: *const c_char,
    /// To what it wants to do it.
    pub resource: *const c_char,
    /// How the host rates the action, for example `low` or `high`.
    pub risk: *const c_char,
    /// How long the answer is waited for, in milliseconds.
    pub timeout_ms: u64,
}

/// What happens at an uplink. Every text is borrowed until the callback returns; a text that the event does not have is
/// NULL. Control and bidirectional characters that a capsule wrote are made visible.
#[repr(C)]
pub struct astrid_uplink_event {
    /// The size of this struct in the library that runs; later versions append fields.
    pub struct_size: u32,
    /// One of `ASTRID_UPLINK_REGISTERED`, `_MESSAGE`, `_UNREGISTERED`.
    pub kind: i32,
    /// The uplink's id.
    pub uplink_id: *const c_char,
    /// The platform it stands for, for example `chat`.
    pub platform: *const c_char,
    /// Which capsule it belongs to.
    pub capsule: *const c_char,
    /// On whose behalf the capsule acts.
    pub principal: *const c_char,
    /// The name the capsule gave the uplink; NULL for a message.
    pub name: *const c_char,
    /// `chat`, `interactive`, `notify` or `bridge`; NULL for a message.
    pub profile: *const c_char,
    /// Whom a message names, as the platform names people.
    pub platform_user: *const c_char,
    /// What a message says.
    pub content: *const c_char,
    /// The principal that is linked with the platform's user, if there is a link.
    pub resolved: *const c_char,
    /// How long the answer to a message is waited for, in milliseconds; 0 for the other events.
    pub timeout_ms: u64,
}

/// Keeps the texts of one question where C can read them.
#[derive(Default)]
pub(crate) struct Texts(Vec<CString>);

impl Texts {
    pub(crate) fn keep(&mut self, text: &str) -> *const c_char {
        let text = c_text(text);
        // The bytes of a CString stay where they are when the CString itself is moved into the list.
        let pointer = text.as_ptr();
        self.0.push(text);
        pointer
    }

    fn maybe(&mut self, text: Option<&str>) -> *const c_char {
        text.map_or(ptr::null(), |text| self.keep(text))
    }
}

/// The size that a struct says of itself.
pub(crate) fn size_of_struct<T>() -> u32 {
    u32::try_from(size_of::<T>()).unwrap_or(u32::MAX)
}

/// What is left of the time to answer.
fn left(deadline: SystemTime) -> u64 {
    let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
    u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
}

/// A core question that can be shown to C.
pub(crate) trait Shown {
    /// The struct that C sees.
    type View;
    /// Calls `with` with the view, which is good until `with` returns.
    fn show(&self, with: impl FnOnce(*const Self::View));
}

impl Shown for ElicitQuestion {
    type View = astrid_elicit_question;

    fn show(&self, with: impl FnOnce(*const Self::View)) {
        let mut texts = Texts::default();
        let options: Vec<_> = self.options.iter().map(|option| texts.keep(option)).collect();
        with(&astrid_elicit_question {
            struct_size: size_of_struct::<Self::View>(),
            kind: match self.kind {
                ElicitKind::Text => ASTRID_ELICIT_TEXT,
                ElicitKind::Secret => ASTRID_ELICIT_SECRET,
                ElicitKind::Select => ASTRID_ELICIT_SELECT,
                ElicitKind::Array => ASTRID_ELICIT_ARRAY,
            },
            request_id: texts.keep(&self.request_id),
            principal: texts.keep(self.principal.as_str()),
            capsule: texts.keep(&self.capsule),
            phase: texts.keep(self.phase.name()),
            key: texts.keep(&self.key),
            description: texts.keep(&self.description),
            default_value: texts.maybe(self.default.as_deref()),
            options: if options.is_empty() { ptr::null() } else { options.as_ptr() },
            option_count: options.len(),
            timeout_ms: left(self.deadline),
        });
    }
}

impl Shown for ApprovalQuestion {
    type View = astrid_approval_question;

    fn show(&self, with: impl FnOnce(*const Self::View)) {
        let mut texts = Texts::default();
        with(&astrid_approval_question {
            struct_size: size_of_struct::<Self::View>(),
            request_id: texts.keep(&self.request_id),
            principal: texts.keep(self.principal.as_str()),
            capsule: texts.keep(&self.capsule),
            action: texts.keep(&self.action),
            resource: texts.keep(&self.resource),
            risk: texts.keep(self.risk.name()),
            timeout_ms: left(self.deadline),
        });
    }
}

impl Shown for UplinkEvent {
    type View = astrid_uplink_event;

    fn show(&self, with: impl FnOnce(*const Self::View)) {
        let mut texts = Texts::default();
        with(&match self {
            Self::Registered(info) => uplink(&mut texts, ASTRID_UPLINK_REGISTERED, info),
            Self::Unregistered(info) => uplink(&mut texts, ASTRID_UPLINK_UNREGISTERED, info),
            Self::Message(message) => astrid_uplink_event {
                struct_size: size_of_struct::<Self::View>(),
                kind: ASTRID_UPLINK_MESSAGE,
                uplink_id: texts.keep(&message.uplink_id),
                platform: texts.keep(&message.platform),
                capsule: texts.keep(&message.capsule),
                principal: texts.keep(message.principal.as_str()),
                name: ptr::null(),
                profile: ptr::null(),
                platform_user: texts.keep(&message.platform_user_id),
                content: texts.keep(&message.content),
                resolved: texts.maybe(message.resolved.as_ref().map(Principal::as_str)),
                timeout_ms: left(message.deadline),
            },
        });
    }
}

fn uplink(texts: &mut Texts, kind: i32, info: &UplinkInfo) -> astrid_uplink_event {
    astrid_uplink_event {
        struct_size: size_of_struct::<astrid_uplink_event>(),
        kind,
        uplink_id: texts.keep(&info.id),
        platform: texts.keep(&info.platform),
        capsule: texts.keep(&info.capsule),
        principal: texts.keep(info.principal.as_str()),
        name: texts.keep(&info.name),
        profile: texts.keep(info.profile.name()),
        platform_user: ptr::null(),
        content: ptr::null(),
        resolved: ptr::null(),
        timeout_ms: 0,
    }
}
