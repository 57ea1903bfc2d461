//! What people have approved beyond the moment, for the embedding program to show and to take back.

use std::collections::BTreeMap;

use super::Host;
use crate::audit::{Draft, Outcome};
use crate::error::Result;
use crate::policy::Allowance;
use crate::principal::Principal;

impl Host {
    /// What was approved for a principal, for good or until the host is closed, oldest first.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable), [`ErrorKind::Closed`](crate::ErrorKind::Closed).
    pub fn allowances(&self, principal: &Principal) -> Result<Vec<Allowance>> {
        let rooms = self.rooms()?;
        let kept: BTreeMap<String, Allowance> = rooms.context.store.allowances().list(principal)?;
        let mut all: Vec<_> = kept.into_values().collect();
        all.extend(rooms.context.session_allowances.lock().list(principal).cloned());
        all.sort_by(|one, other| (one.created_ms, &one.id).cmp(&(other.created_ms, &other.id)));
        Ok(all)
    }

    /// Takes back what was approved and tells whether there was such an allowance. From then on the same request is asked
    /// about again; what is being done already goes on.
    ///
    /// # Errors
    /// As [`Host::allowances`], and [`ErrorKind::AuditUnavailable`](crate::ErrorKind::AuditUnavailable).
    pub fn revoke_allowance(&self, principal: &Principal, id: &str) -> Result<bool> {
        let entry = Draft {
            principal: Some(principal.as_str()),
            subject: id,
            ..Draft::new("host.revoke-allowance", Outcome::Allowed)
        };
        self.doing(&entry, |context| {
            let session = context.session_allowances.lock().revoke(principal, id);
            Ok(context.store.allowances().remove(principal, id)? || session)
        })
    }
}
