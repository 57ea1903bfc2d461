//! Elicit: what a hook may ask for, and which answers count.

use std::collections::HashSet;
use std::time::SystemTime;

use uuid::Uuid;

use super::question::{ElicitAnswer, ElicitKind, ElicitQuestion, Phase};
use crate::limits;
use crate::principal::Principal;
use crate::visible::{visible, visible_prose};

/// A question as the guest wrote it.
#[derive(Clone, Debug)]
pub struct ElicitDraft {
    /// Whom the hook runs for.
    pub principal: Principal,
    /// The capsule.
    pub capsule: String,
    /// Which hook asks.
    pub phase: Phase,
    /// The name of the value: not empty, at most 256 bytes, no `:` and no control character.
    pub key: String,
    /// What sort of value.
    pub kind: ElicitKind,
    /// At most 4096 bytes.
    pub description: String,
    /// What to choose from; looked at for a selection only.
    pub options: Vec<String>,
    /// What an empty answer means; only for a text (at most 64 KiB) or a selection (one of the options).
    pub default: Option<String>,
}

impl ElicitDraft {
    /// Whether the question may be asked; the error names the rule it breaks.
    pub fn validate(&self) -> Result<(), &'static str> {
        if self.key.is_empty() || self.key.len() > limits::ELICIT_KEY_BYTES {
            return Err("a key has 1 to 256 bytes");
        }
        if self.key.contains(|character: char| character == ':' || character.is_control()) {
            return Err("a key has no colon and no control character");
        }
        if self.description.len() > limits::ELICIT_DESCRIPTION_BYTES {
            return Err("a description has at most 4096 bytes");
        }
        if self.kind == ElicitKind::Select {
            self.validate_options()?;
        }
        match (&self.default, self.kind) {
            (None, _) => Ok(()),
            (Some(_), ElicitKind::Secret | ElicitKind::Array) => Err("a secret or a list has no default"),
            (Some(default), ElicitKind::Select) if !self.options.contains(default) => {
                Err("the default is not one of the options")
            }
            (Some(default), ElicitKind::Text | ElicitKind::Select) => fits(default),
        }
    }

    fn validate_options(&self) -> Result<(), &'static str> {
        if self.options.is_empty() || self.options.len() > limits::ELICIT_ITEMS {
            return Err("a selection has 1 to 256 options");
        }
        if self.options.iter().any(|option| option.len() > limits::ELICIT_DESCRIPTION_BYTES) {
            return Err("an option has at most 4096 bytes");
        }
        // Compared as they are shown: a person can only tell apart, and a handler only give back, what it sees.
        let shown: HashSet<_> = self.options.iter().map(|option| visible(option)).collect();
        if shown.len() < self.options.len() { Err("the options are not distinct") } else { Ok(()) }
    }

    /// The question as the handler sees it.
    pub(super) fn question(&self, deadline: SystemTime) -> ElicitQuestion {
        let selects = self.kind == ElicitKind::Select;
        let options = if selects { self.options.as_slice() } else { &[] };
        ElicitQuestion {
            request_id: Uuid::new_v4().to_string(),
            principal: self.principal.clone(),
            capsule: visible(&self.capsule),
            phase: self.phase,
            key: visible(&self.key),
            kind: self.kind,
            description: visible_prose(&self.description),
            options: options.iter().map(|option| visible(option)).collect(),
            default: self.shown_default(),
            deadline,
        }
    }

    fn shown_default(&self) -> Option<String> {
        let show = if self.kind == ElicitKind::Select { visible } else { visible_prose };
        self.default.as_deref().map(show)
    }

    /// The answer as the guest gets it, if it counts; else the rule it breaks. An empty text means the default, and what was
    /// shown spelled out means what the capsule had written.
    pub(super) fn accept(&self, answer: ElicitAnswer) -> Result<ElicitAnswer, &'static str> {
        match (self.kind, answer) {
            (_, ElicitAnswer::Cancelled) => Ok(ElicitAnswer::Cancelled),
            (ElicitKind::Select, ElicitAnswer::Text(text)) => {
                let chosen = self.options.iter().find(|option| visible(option) == text);
                let default = self.default.as_ref().filter(|_| text.is_empty());
                let option = chosen.or(default).ok_or("the answer is not one of the options")?;
                Ok(ElicitAnswer::Text(option.clone()))
            }
            (ElicitKind::Text, ElicitAnswer::Text(text)) => {
                fits(&text)?;
                let means_default = text.is_empty() || Some(&text) == self.shown_default().as_ref();
                let default = self.default.clone().filter(|_| means_default);
                Ok(ElicitAnswer::Text(default.unwrap_or(text)))
            }
            (ElicitKind::Secret, ElicitAnswer::Text(secret)) => {
                fits(&secret)?;
                if secret.is_empty() { Err("a secret is not empty") } else { Ok(ElicitAnswer::Text(secret)) }
            }
            (ElicitKind::Array, ElicitAnswer::List(list)) => {
                if list.len() > limits::ELICIT_ITEMS {
                    return Err("a list has at most 256 items");
                }
                list.iter().try_for_each(|item| fits(item))?;
                Ok(ElicitAnswer::List(list))
            }
            (ElicitKind::Array, ElicitAnswer::Text(_)) => Err("the answer has to be a list"),
            (ElicitKind::Text | ElicitKind::Secret | ElicitKind::Select, ElicitAnswer::List(_)) => {
                Err("the answer has to be a text")
            }
        }
    }
}

fn fits(text: &str) -> Result<(), &'static str> {
    if text.len() > limits::ELICIT_TEXT_BYTES { Err("a text has at most 64 KiB") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(kind: ElicitKind) -> ElicitDraft {
        ElicitDraft {
            principal: Principal::default(),
            capsule: "notes".into(),
            phase: Phase::Install,
            key: "token".into(),
            kind,
            description: String::new(),
            options: if kind == ElicitKind::Select { vec!["a".into(), "b".into()] } else { vec![] },
            default: None,
        }
    }

    fn text(text: &str) -> ElicitAnswer {
        ElicitAnswer::Text(text.into())
    }

    #[test]
    fn rules_of_the_question() {
        let good = draft(ElicitKind::Text);
        assert!(good.validate().is_ok());
        for key in ["", "a:b", "a\nb", "a\0", &"k".repeat(257)] {
            assert!(ElicitDraft { key: key.into(), ..good.clone() }.validate().is_err(), "{key:?}");
        }
        assert!(ElicitDraft { description: "d".repeat(4097), ..good.clone() }.validate().is_err());
        assert!(ElicitDraft { default: Some("d".repeat(65_537)), ..good.clone() }.validate().is_err());
        assert!(ElicitDraft { default: Some("d".into()), ..good }.validate().is_ok());
        for kind in [ElicitKind::Secret, ElicitKind::Array] {
            assert!(ElicitDraft { default: Some("d".into()), ..draft(kind) }.validate().is_err());
        }
        let select = draft(ElicitKind::Select);
        assert!(select.validate().is_ok());
        assert!(ElicitDraft { default: Some("b".into()), ..select.clone() }.validate().is_ok());
        assert!(ElicitDraft { default: Some("c".into()), ..select.clone() }.validate().is_err());
        for options in [vec![], vec!["a", "a"], vec!["\u{200b}", "\\u{200b}"], vec!["x"; 257]] {
            let options = options.into_iter().map(String::from).collect();
            assert!(ElicitDraft { options, ..select.clone() }.validate().is_err());
        }
    }

    #[test]
    fn rules_of_the_answer() {
        let large = "x".repeat(65_537);
        for (kind, answer, accepted) in [
            (ElicitKind::Text, text("hi"), true),
            (ElicitKind::Text, text(""), true),
            (ElicitKind::Text, text(&large), false),
            (ElicitKind::Text, ElicitAnswer::List(vec![]), false),
            (ElicitKind::Secret, text("s"), true),
            (ElicitKind::Secret, text(""), false),
            (ElicitKind::Select, text("a"), true),
            (ElicitKind::Select, text("c"), false),
            (ElicitKind::Select, text(""), false),
            (ElicitKind::Array, ElicitAnswer::List(vec![]), true),
            (ElicitKind::Array, ElicitAnswer::List(vec!["x".into(); 257]), false),
            (ElicitKind::Array, ElicitAnswer::List(vec![large.clone()]), false),
            (ElicitKind::Array, text("a"), false),
            (ElicitKind::Secret, ElicitAnswer::Cancelled, true),
        ] {
            assert_eq!(draft(kind).accept(answer).is_ok(), accepted, "{kind:?}");
        }
    }

    #[test]
    fn an_empty_answer_means_the_default() {
        let asked = ElicitDraft { default: Some("two\r\nlines".into()), ..draft(ElicitKind::Text) };
        assert_eq!(asked.accept(text("")), Ok(text("two\r\nlines")));
        assert_eq!(asked.accept(text("two\nlines")), Ok(text("two\r\nlines")));
        assert_eq!(asked.accept(text("other")), Ok(text("other")));
        let asked = ElicitDraft { default: Some("b".into()), ..draft(ElicitKind::Select) };
        assert_eq!(asked.accept(text("")), Ok(text("b")));
    }

    #[test]
    fn the_handler_sees_what_is_hidden_and_the_capsule_gets_its_own_option_back() {
        let asked = ElicitDraft {
            options: vec!["safe\u{202e}".into(), "other".into()],
            description: "one\ntwo\u{200b}".into(),
            ..draft(ElicitKind::Select)
        };
        let question = asked.question(SystemTime::UNIX_EPOCH);
        assert_eq!(question.options, ["safe\\u{202e}", "other"]);
        assert_eq!(question.description, "one\ntwo\\u{200b}");
        assert_eq!(asked.accept(text("safe\\u{202e}")), Ok(text("safe\u{202e}")));
    }
}
