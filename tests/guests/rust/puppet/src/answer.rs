//! What one call came to: a value, an error arm of its interface, or a fault of the script itself.

use serde_json::{Map, Value};

/// Why a call has no value.
pub enum Miss {
    /// The host answered with this error arm; the text is the payload of `unknown(..)` where there is one.
    Arm(&'static str, Option<String>),
    /// The script is at fault (an argument is missing, a name is not known): the host was never asked.
    Fault(String),
}

/// The value of a call, or why there is none.
pub type Answer = Result<Value, Miss>;

/// A fault of the script, told in a sentence.
pub fn fault(sentence: impl Into<String>) -> Miss {
    Miss::Fault(sentence.into())
}

/// The result as the script's reader sees it: `{"op", "ok"}`, `{"op", "err", "text"?}` or `{"op", "fault"}`.
pub fn written(op: &str, answer: Answer) -> Value {
    let mut result = Map::new();
    result.insert("op".to_owned(), op.into());
    match answer {
        Ok(value) => {
            result.insert("ok".to_owned(), value);
        }
        Err(Miss::Arm(arm, text)) => {
            result.insert("err".to_owned(), arm.into());
            if let Some(text) = text {
                result.insert("text".to_owned(), text.into());
            }
        }
        Err(Miss::Fault(sentence)) => {
            result.insert("fault".to_owned(), sentence.into());
        }
    }
    Value::Object(result)
}

/// Turns an interface's error variant into [`Miss::Arm`], naming each arm as the WIT does.
macro_rules! arms {
    ($error:ident { $($arm:ident => $name:literal),+ $(,)? }) => {
        fn arm(error: $error) -> $crate::answer::Miss {
            match error {
                $($error::$arm => $crate::answer::Miss::Arm($name, None),)+
                $error::Unknown(text) => $crate::answer::Miss::Arm("unknown", Some(text)),
            }
        }
    };
}
pub(crate) use arms;
