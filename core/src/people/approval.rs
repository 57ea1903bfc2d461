//! Approval: what may be asked, and how it is put.

use std::time::SystemTime;

use uuid::Uuid;

use super::question::ApprovalQuestion;
use super::risk::Risk;
use crate::limits;
use crate::principal::Principal;
use crate::visible::visible;

/// A request as the guest wrote it, or after [`ApprovalDraft::normalise`] as it is judged and remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalDraft {
    /// Whom the capsule acts for.
    pub principal: Principal,
    /// The capsule.
    pub capsule: String,
    /// What it wants to do: not blank, at most 256 characters, no control character.
    pub action: String,
    /// What it wants to do it to; cut to 1024 characters.
    pub resource: String,
}

impl ApprovalDraft {
    /// Trims both texts and cuts the resource; the error names the rule that the action breaks. Doing it twice changes
    /// nothing more.
    pub fn normalise(self) -> Result<Self, &'static str> {
        if self.action.chars().count() > limits::APPROVAL_ACTION_CHARS {
            return Err("an action has at most 256 characters");
        }
        if self.action.contains(char::is_control) {
            return Err("an action has no control character");
        }
        let action = self.action.trim();
        if action.is_empty() {
            return Err("an action is not blank");
        }
        let resource = self.resource.trim();
        let end = resource
            .char_indices()
            .nth(limits::APPROVAL_RESOURCE_CHARS)
            .map_or(resource.len(), |(end, _)| end);
        Ok(Self { action: action.to_owned(), resource: resource[..end].trim_end().to_owned(), ..self })
    }

    /// The request as the handler sees it.
    pub(super) fn question(&self, deadline: SystemTime) -> ApprovalQuestion {
        ApprovalQuestion {
            request_id: Uuid::new_v4().to_string(),
            principal: self.principal.clone(),
            capsule: visible(&self.capsule),
            action: visible(&self.action),
            resource: visible(&self.resource),
            risk: Risk::of(&self.action),
            deadline,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(action: &str, resource: &str) -> ApprovalDraft {
        ApprovalDraft {
            principal: Principal::default(),
            capsule: "notes".into(),
            action: action.into(),
            resource: resource.into(),
        }
    }

    #[test]
    fn a_bad_action_is_refused() {
        for action in ["", "  ", "a\0b", "a\nb", "a\n", &"ä".repeat(257)] {
            assert!(draft(action, "").normalise().is_err(), "{action:?}");
        }
        assert!(draft(&"ä".repeat(256), "").normalise().is_ok());
    }

    #[test]
    fn texts_are_trimmed_and_the_resource_is_cut() {
        let normal = draft(" delete ", &format!(" {} ", "ä".repeat(2000))).normalise().unwrap();
        assert_eq!(normal.action, "delete");
        assert_eq!(normal.resource, "ä".repeat(1024));
        assert_eq!(normal.clone().normalise().unwrap(), normal);
    }

    #[test]
    fn the_handler_sees_what_is_hidden_and_how_grave_it_is() {
        let question = draft("delete", "/tmp/\u{202e}x\n").question(SystemTime::UNIX_EPOCH);
        assert_eq!(question.resource, "/tmp/\\u{202e}x\\u{a}");
        assert_eq!(question.risk, Risk::High);
    }
}
