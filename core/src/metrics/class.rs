//! What kind of principal something was for: the only thing metrics ever say about one.

use crate::principal::Principal;

/// The telemetry class of a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalClass {
    /// Nobody: the host itself.
    System,
    /// A program that acts on somebody's behalf; its name begins with `agent.` or `agent:`.
    Agent,
    /// Everybody else.
    User,
}

impl PrincipalClass {
    /// Every class, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::System, Self::Agent, Self::User];

    /// The class of a principal, or of the host itself.
    #[must_use]
    pub fn of(principal: Option<&Principal>) -> Self {
        match principal.map(Principal::as_str) {
            None => Self::System,
            Some(name) if name.starts_with("agent.") || name.starts_with("agent:") => Self::Agent,
            Some(_) => Self::User,
        }
    }

    /// Its name as a label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Agent => "agent",
            Self::User => "user",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_system_and_people_are_users() {
        assert_eq!(PrincipalClass::of(None), PrincipalClass::System);
        let alice = Principal::parse("agent-7").unwrap();
        assert_eq!(PrincipalClass::of(Some(&alice)), PrincipalClass::User);
    }
}
