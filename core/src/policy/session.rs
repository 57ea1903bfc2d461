//! Approvals that last until the host is closed.

use std::collections::HashMap;

use super::Allowance;
use crate::limits;
use crate::principal::Principal;

/// The approvals of a session, by the principal they count for.
#[derive(Debug, Default)]
pub struct SessionAllowances(HashMap<Principal, Vec<Allowance>>);

impl SessionAllowances {
    /// Remembers an approval; false when there is no room for one more of its capsule.
    pub fn remember(&mut self, allowance: Allowance) -> bool {
        let kept = self.0.entry(allowance.principal.clone()).or_default();
        let fits = has_room(kept.iter(), &allowance.capsule);
        if fits {
            kept.push(allowance);
        }
        fits
    }

    /// The principal's approvals, oldest first.
    pub fn list(&self, principal: &Principal) -> impl Iterator<Item = &Allowance> {
        self.0.get(principal).into_iter().flatten()
    }

    /// Forgets one approval of a principal and tells whether it was there.
    pub fn revoke(&mut self, principal: &Principal, id: &str) -> bool {
        let Some(kept) = self.0.get_mut(principal) else { return false };
        let before = kept.len();
        kept.retain(|allowance| allowance.id != id);
        kept.len() < before
    }

    /// Forgets what was approved for a principal.
    pub fn forget_principal(&mut self, principal: &Principal) {
        self.0.remove(principal);
    }

    /// Forgets what was approved to a capsule.
    pub fn forget_capsule(&mut self, capsule: &str) {
        self.0.retain(|_, kept| {
            kept.retain(|allowance| allowance.capsule != capsule);
            !kept.is_empty()
        });
    }
}

/// Whether one more approval of this capsule may be remembered beside those that are kept for a principal. Each request is
/// compared with all of them, so there is an end, and each capsule has its own.
pub fn has_room<'a>(kept: impl Iterator<Item = &'a Allowance>, capsule: &str) -> bool {
    kept.filter(|allowance| allowance.capsule == capsule).count() < limits::ALLOWANCES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance(principal: &str, capsule: &str, resource: &str) -> Allowance {
        let principal = Principal::parse(principal).unwrap();
        Allowance::new(String::new(), principal, capsule, "", "read", resource, 0, true)
    }

    #[test]
    fn a_capsule_fills_its_own_room_only() {
        let mut session = SessionAllowances::default();
        for n in 0..limits::ALLOWANCES {
            assert!(session.remember(allowance("alice", "notes", &n.to_string())));
        }
        assert!(!session.remember(allowance("alice", "notes", "one more")));
        assert!(session.remember(allowance("alice", "other", "a")));
        assert!(session.remember(allowance("bob", "notes", "a")));
        let alice = Principal::parse("alice").unwrap();
        assert!(session.list(&alice).any(|one| one.resource == "7"));
        assert!(!session.list(&alice).any(|one| one.resource == "one more"));
    }

    #[test]
    fn one_is_revoked_by_whom_it_counts_for() {
        let mut session = SessionAllowances::default();
        let (alice, bob) = (Principal::parse("alice").unwrap(), Principal::parse("bob").unwrap());
        for (id, resource) in [("1", "a"), ("2", "b")] {
            session.remember(Allowance { id: id.to_owned(), ..allowance("alice", "notes", resource) });
        }
        assert!(!session.revoke(&bob, "1") && !session.revoke(&alice, "3"));
        assert!(session.revoke(&alice, "1") && !session.revoke(&alice, "1"));
        let left: Vec<_> = session.list(&alice).map(|one| &*one.id).collect();
        assert_eq!(left, ["2"]);
        assert_eq!(session.list(&bob).count(), 0);
    }

    #[test]
    fn what_is_forgotten_is_nobody_elses() {
        let mut session = SessionAllowances::default();
        let (alice, bob) = (Principal::parse("alice").unwrap(), Principal::parse("bob").unwrap());
        for (principal, capsule) in [("alice", "notes"), ("alice", "other"), ("bob", "notes")] {
            assert!(session.remember(allowance(principal, capsule, "a")));
        }
        session.forget_capsule("notes");
        assert!(session.list(&alice).any(|one| one.capsule == "other") && !session.list(&bob).any(|_| true));
        session.forget_principal(&alice);
        assert!(!session.list(&alice).any(|_| true));
    }
}
