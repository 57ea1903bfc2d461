//! Which capsules a message may reach, whatever they subscribe to.

use std::sync::Arc;

use crate::policy::Profile;
use crate::principal::Principal;

/// A capsule that listens, by a subscription or by a handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Its id.
    pub capsule: Arc<str>,
    /// The principal it was loaded for.
    pub owner: Principal,
}

/// Which capsules a message may reach. The embedding program hears everything.
#[derive(Clone, Debug)]
pub enum Reach {
    /// Every one.
    Everyone,
    /// Those that were granted to the caller, and his own.
    Granted {
        /// For whom the message asks.
        caller: Principal,
        /// His profile, as it was when he asked.
        profile: Arc<Profile>,
    },
    /// The one of this id.
    Capsule(Arc<str>),
    /// None.
    Nobody,
}

impl Reach {
    /// Whether the message may reach this capsule.
    #[must_use]
    pub fn admits(&self, listener: &Listener) -> bool {
        match self {
            Self::Everyone => true,
            Self::Granted { caller, profile } => {
                listener.owner == *caller || profile.may_call(&listener.capsule)
            }
            Self::Capsule(id) => *id == listener.capsule,
            Self::Nobody => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absence_denies_and_the_owner_needs_no_grant() {
        let person = |name| Principal::parse(name).unwrap();
        let profile = |text| Arc::new(Profile::parse_toml(text).unwrap().profile);
        let tool = Listener { capsule: "tool".into(), owner: person("owner") };
        let granted = |name, text| Reach::Granted { caller: person(name), profile: profile(text) };
        assert!(!granted("alice", "").admits(&tool));
        assert!(!granted("alice", "capsules = [\"other\", \"too\"]").admits(&tool));
        assert!(granted("alice", "capsules = [\"tool\"]").admits(&tool));
        assert!(granted("alice", "grants = [\"capsule:access:any\"]").admits(&tool));
        assert!(granted("owner", "").admits(&tool));
        assert!(Reach::Everyone.admits(&tool) && !Reach::Nobody.admits(&tool));
        assert!(Reach::Capsule("tool".into()).admits(&tool) && !Reach::Capsule("t".into()).admits(&tool));
    }
}
