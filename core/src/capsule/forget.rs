//! What a capsule lets go of when one of the principals it served is removed.

use super::Loaded;
use crate::principal::Principal;

impl Loaded {
    /// Whether the principal is its owner, without whom it cannot stay loaded.
    #[must_use]
    pub fn is_owned_by(&self, principal: &Principal) -> bool {
        self.loading.principal == *principal
    }

    /// Drops the principal's warm instances and tells of its uplinks that they are gone. The instances of others are not
    /// touched. The principal's calls have to be over: what they put back later would stay.
    pub fn forget(&self, principal: &Principal) {
        self.shelf.forget(principal);
        let Some(context) = self.context() else { return };
        for uplink in context.uplinks.clear_of(principal) {
            context.host.desk.uplink_unregistered(uplink);
        }
    }
}
