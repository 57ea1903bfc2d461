//! `astrid:uplink`: a capsule that speaks for a chat platform names itself and passes messages in.

use std::sync::Arc;

use super::arms::Arm;
use super::bindings::astrid::uplink::host::{ErrorCode, Host, UplinkProfile};
use super::call::{Met, Touch, Verdict};
use super::ops;
use super::state::State;
use crate::people::{Account, Delivery, Profile, Unanswered, UplinkDraft, UplinkRefusal, answered_by};
use crate::principal::Principal;

impl From<UplinkRefusal> for ErrorCode {
    fn from(refusal: UplinkRefusal) -> Self {
        match refusal {
            UplinkRefusal::InvalidInput => ErrorCode::InvalidInput,
            UplinkRefusal::InvalidProfile => ErrorCode::InvalidProfile,
            UplinkRefusal::Unknown => ErrorCode::UnknownUplink,
            UplinkRefusal::Quota => ErrorCode::Quota,
        }
    }
}

impl Host for State {
    async fn uplink_register(
        &mut self,
        name: String,
        platform: String,
        profile: UplinkProfile,
    ) -> wasmtime::Result<Result<String, ErrorCode>> {
        self.effect(Touch::of(&ops::uplink::UPLINK_REGISTER).on(&name), |state| {
            let capsule = &state.capsule;
            let declared = &capsule.manifest.uplinks;
            let principal = state.principal().clone();
            let info =
                capsule.uplinks.register(&name, &platform, profile_of(profile), declared, &principal)?;
            let id = info.id.clone();
            capsule.host.desk.uplink_registered(info);
            Ok(id)
        })
        .await
    }

    async fn uplink_send(
        &mut self,
        uplink_id: String,
        platform_user_id: String,
        content: String,
    ) -> wasmtime::Result<Result<bool, ErrorCode>> {
        let met = Arc::new(Met::new());
        let touch = Touch::of(&ops::uplink::UPLINK_SEND).on(&platform_user_id).moving(content.as_bytes());
        let touch = touch.meeting(&met);
        self.waiting(
            touch,
            |&delivered| told(delivered),
            |state| {
                let sending = state.capsule.uplinks.sending(&uplink_id, &platform_user_id, &content)?;
                let draft = UplinkDraft {
                    principal: state.principal().clone(),
                    uplink: sending.info().clone(),
                    platform_user_id: platform_user_id.clone(),
                    content: content.clone(),
                    resolved: resolved(state, &sending.info().platform, &platform_user_id),
                };
                let failure = state.call.callback_failure.clone();
                let (host, met) = (state.capsule.host.clone(), Arc::clone(&met));
                draft.validate().map_err(|_| ErrorCode::InvalidInput)?;
                Ok(async move {
                    let answer = host.desk.uplink(draft).await;
                    met.get_or_init(|| answered_by(&answer));
                    drop(sending);
                    match answer {
                        Ok(Delivery::Delivered) => Ok(true),
                        Ok(Delivery::NoSession) => Err(ErrorCode::NoSession),
                        Ok(Delivery::Dropped)
                        | Err(Unanswered::NoHandler | Unanswered::Timeout | Unanswered::Invalid(_)) => {
                            Ok(false)
                        }
                        Err(Unanswered::TooMany) => Err(ErrorCode::Quota),
                        Err(Unanswered::Closed) => Err(ErrorCode::fault("closed")),
                        Err(Unanswered::Failed(error)) => {
                            failure.lock().get_or_insert(error);
                            Ok(false)
                        }
                    }
                })
            },
        )
        .await
    }
}

/// Who the account is linked to, if anybody. Where that cannot be read the message speaks for nobody.
fn resolved(state: &State, platform: &str, user: &str) -> Option<Principal> {
    let account = Account::read(platform, user).ok()?;
    let found = state.capsule.host.store.identities().resolve(&account.platform, &account.id);
    let found = found.inspect_err(|error| tracing::warn!(%error, "whose account it is could not be read"));
    found.ok().flatten().map(|user| user.principal)
}

fn told(delivered: bool) -> Verdict {
    Verdict { reason: if delivered { "delivered" } else { "dropped" }, ..Verdict::ALLOWED }
}

fn profile_of(profile: UplinkProfile) -> Profile {
    match profile {
        UplinkProfile::Chat => Profile::Chat,
        UplinkProfile::Interactive => Profile::Interactive,
        UplinkProfile::Notify => Profile::Notify,
        UplinkProfile::Bridge => Profile::Bridge,
    }
}
