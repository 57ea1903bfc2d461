//! What the host tells JavaScript, and its shape at the border.

use astrid_host::{Capsule, Error, HookResult};
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use crate::capsule::NativeCapsule;
use crate::changes::NativeChanges;
use crate::failure;

/// What a call came to.
pub enum Value {
    /// It is done, and there is no more to say.
    Done,
    /// A value, as JSON.
    Json(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// What a hook answered.
    Hook(HookResult),
    /// A capsule.
    Capsule(Capsule),
    /// Capsules, in the order they were loaded.
    Capsules(Vec<Capsule>),
    /// A watch that has begun.
    Changes(NativeChanges),
}

/// One thing the host tells JavaScript.
pub enum Letter {
    /// A call came to an end.
    Settled {
        /// The call's number, given by JavaScript.
        call: u32,
        /// Its outcome.
        outcome: Result<Value, Error>,
    },
    /// A handler is asked.
    Question {
        /// The question's number.
        id: u32,
        /// The question as JSON.
        text: String,
    },
    /// Nobody waits for the answer to this question any more.
    Withdrawn {
        /// The question's number.
        id: u32,
    },
    /// Nobody will ask for the exception of this question any more.
    Forgotten {
        /// The question's number.
        id: u32,
    },
}

/// A letter as JavaScript reads it.
#[napi(object, object_from_js = false)]
pub struct Mail {
    /// `done`, `json`, `bytes`, `hook`, `capsule`, `capsules`, `changes`, `error`, `question`, `withdrawn` or `forgotten`.
    pub what: &'static str,
    /// The number of the call or of the question.
    pub id: u32,
    /// The JSON of a value, an error or a question; the action of a hook.
    pub text: Option<String>,
    /// The data of a hook.
    pub data: Option<String>,
    /// The capsules that were loaded.
    pub capsules: Option<Vec<NativeCapsule>>,
    /// The bytes of a value.
    pub bytes: Option<Uint8Array>,
    /// The watch that has begun.
    pub changes: Option<NativeChanges>,
}

impl Mail {
    /// The letter, with handles of capsules made for the host whose mailbox this is.
    pub fn write(letter: Letter, capsule: impl Fn(Capsule) -> NativeCapsule) -> Self {
        match letter {
            Letter::Settled { call, outcome } => Self::settled(call, outcome, capsule),
            Letter::Question { id, text } => Self { text: Some(text), ..Self::bare("question", id) },
            Letter::Withdrawn { id } => Self::bare("withdrawn", id),
            Letter::Forgotten { id } => Self::bare("forgotten", id),
        }
    }

    /// How the call of this number ended.
    pub fn settled(
        call: u32,
        outcome: Result<Value, Error>,
        capsule: impl Fn(Capsule) -> NativeCapsule,
    ) -> Self {
        match outcome {
            Ok(Value::Done) => Self::bare("done", call),
            Ok(Value::Json(text)) => Self { text: Some(text), ..Self::bare("json", call) },
            Ok(Value::Bytes(bytes)) => Self { bytes: Some(bytes.into()), ..Self::bare("bytes", call) },
            Ok(Value::Changes(changes)) => Self { changes: Some(changes), ..Self::bare("changes", call) },
            Ok(Value::Hook(hook)) => {
                Self { text: Some(hook.action), data: hook.data, ..Self::bare("hook", call) }
            }
            Ok(Value::Capsule(one)) => {
                Self { capsules: Some(vec![capsule(one)]), ..Self::bare("capsule", call) }
            }
            Ok(Value::Capsules(all)) => Self {
                capsules: Some(all.into_iter().map(capsule).collect()),
                ..Self::bare("capsules", call)
            },
            Err(error) => Self { text: Some(failure::text(&error)), ..Self::bare("error", call) },
        }
    }

    fn bare(what: &'static str, id: u32) -> Self {
        Self { what, id, text: None, data: None, capsules: None, bytes: None, changes: None }
    }
}
