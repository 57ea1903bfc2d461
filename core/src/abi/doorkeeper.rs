//! Who may come in by the local socket, and the record of who came.

use super::context::HostContext;
use crate::audit::{Draft, Outcome};
use crate::error::Result;
use crate::net::{Doorkeeper, Greeted, Known};
use crate::principal::Principal;

impl Doorkeeper for HostContext {
    fn known(&self, principal: &Principal) -> Option<Known> {
        let tenant = self.tenants.known(principal).filter(|tenant| tenant.takes_calls())?;
        Some(Known { profile: tenant.profile(), gone: tenant.gone().clone() })
    }

    fn greeted(&self, greeted: &Greeted<'_>) -> Result<()> {
        let outcome = if greeted.refused.is_some() { Outcome::Denied } else { Outcome::Allowed };
        // What a client that was turned away calls itself is a claim.
        let principal = greeted.principal.map(Principal::as_str);
        let (principal, claimed) = match greeted.refused {
            None => (principal, None),
            Some(_) => (None, principal),
        };
        let key = greeted.key_id.map(|id| ("key", id));
        let detail: Vec<_> = [("client", greeted.client)].into_iter().chain(key).collect();
        let draft = Draft {
            principal,
            claimed,
            reason: greeted.refused.unwrap_or_default(),
            detail: &detail,
            ..Draft::new("host.greet", outcome)
        };
        self.audit.append(&draft).map(drop)
    }
}
