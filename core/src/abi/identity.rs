//! `astrid:identity`: who a user of an outside platform is to the host.

use super::arms::Arm;
use super::bindings::astrid::identity::host::{
    ErrorCode, Host, IdentityCreateUserRequest, IdentityCreateUserResponse, IdentityLinkRequest,
    IdentityResolveRequest, IdentityResolveResponse, IdentityUnlinkRequest, PlatformLink,
};
use super::call::{Met, Touch};
use super::ops::identity as ops;
use super::state::State;
use crate::error::Error;
use crate::people::{Account, Malformed, new_user, user_id};
use crate::policy::IdentityLevel;
use crate::store::Unlinked;

impl From<Malformed> for ErrorCode {
    fn from(_: Malformed) -> Self {
        Self::InvalidInput
    }
}

impl From<Error> for ErrorCode {
    fn from(_: Error) -> Self {
        Self::StoreUnavailable
    }
}

impl From<Unlinked> for ErrorCode {
    fn from(unlinked: Unlinked) -> Self {
        match unlinked {
            Unlinked::NoUser => Self::UserNotFound,
            Unlinked::NoLink => Self::LinkNotFound,
            Unlinked::Taken => Self::AlreadyLinked,
            Unlinked::Full => Self::fault("there are as many users or links as there may be"),
            Unlinked::Store(_) => Self::StoreUnavailable,
        }
    }
}

type Answer<T> = wasmtime::Result<Result<T, ErrorCode>>;

impl State {
    fn may_identify(&self, level: IdentityLevel) -> Result<(), ErrorCode> {
        if self.capsule.capabilities.may_identify(level) { Ok(()) } else { Err(ErrorCode::CapabilityDenied) }
    }
}

/// What the audit shows of an account: the platform. Whose account it is, is a commitment.
fn touch<'a>(op: &'static super::ops::Op, platform: &'a str, account: &'a str) -> Touch<'a> {
    Touch::of(op).on(platform).moving(account.as_bytes())
}

impl Host for State {
    async fn identity_resolve(&mut self, request: IdentityResolveRequest) -> Answer<IdentityResolveResponse> {
        let touch = touch(&ops::IDENTITY_RESOLVE, &request.platform, &request.platform_user_id);
        self.effect(touch, |state| {
            state.may_identify(IdentityLevel::Resolve)?;
            let account = Account::read(&request.platform, &request.platform_user_id)?;
            let user = state.capsule.host.store.identities().resolve(&account.platform, &account.id)?;
            let user = user.ok_or(ErrorCode::LinkNotFound)?;
            Ok(IdentityResolveResponse { user_id: user.id, display_name: user.display_name })
        })
        .await
    }

    async fn identity_link(&mut self, request: IdentityLinkRequest) -> Answer<()> {
        let touch = touch(&ops::IDENTITY_LINK, &request.platform, &request.platform_user_id);
        self.effect(touch.to(Some(&request.astrid_user_id)), |state| {
            state.may_identify(IdentityLevel::Link)?;
            let account = Account::read(&request.platform, &request.platform_user_id)?;
            let link = account.link(&request.astrid_user_id, &request.method)?;
            Ok(state.capsule.host.store.identities().link(&link)?)
        })
        .await
    }

    async fn identity_unlink(&mut self, request: IdentityUnlinkRequest) -> Answer<()> {
        let touch = touch(&ops::IDENTITY_UNLINK, &request.platform, &request.platform_user_id);
        self.effect(touch, |state| {
            state.may_identify(IdentityLevel::Link)?;
            let account = Account::read(&request.platform, &request.platform_user_id)?;
            Ok(state.capsule.host.store.identities().unlink(&account.platform, &account.id)?)
        })
        .await
    }

    async fn identity_list_links(&mut self, astrid_user_id: String) -> Answer<Vec<PlatformLink>> {
        self.effect(Touch::of(&ops::IDENTITY_LIST_LINKS).on(&astrid_user_id), |state| {
            state.may_identify(IdentityLevel::Link)?;
            let links = state.capsule.host.store.identities().links(&user_id(&astrid_user_id)?)?;
            let shown = links.into_iter().map(|link| PlatformLink {
                platform: link.platform,
                platform_user_id: link.platform_user_id,
                linked_at: link.linked_at,
                method: link.method,
            });
            Ok(shown.collect())
        })
        .await
    }

    async fn identity_create_user(
        &mut self,
        request: IdentityCreateUserRequest,
    ) -> Answer<IdentityCreateUserResponse> {
        let shown = request.display_name.as_deref().unwrap_or_default();
        let met = Met::new();
        let touch = Touch::of(&ops::IDENTITY_CREATE_USER).moving(shown.as_bytes()).meeting(&met);
        self.effect(touch, |state| {
            state.may_identify(IdentityLevel::Admin)?;
            let user = new_user(request.display_name.as_deref(), None)?;
            let store = &state.capsule.host.store;
            store.identities().create(&user)?;
            // The cell is new and empty.
            drop(met.set(("user", user.id.clone())));
            Ok(IdentityCreateUserResponse { user_id: user.id })
        })
        .await
    }
}
