//! `astrid:elicit`: an install or upgrade hook asks a human for a value.

use std::sync::Arc;

use super::arms::{Arm, Refusal};
use super::bindings::astrid::elicit::host::{ElicitRequest, ElicitResponse, ElicitType, ErrorCode, Host};
use super::call::{Met, Touch, Verdict};
use super::ops;
use super::state::{Phase, State};
use crate::audit::Outcome;
use crate::error::ErrorKind;
use crate::people::{self, ElicitAnswer, ElicitDraft, ElicitKind, Unanswered, answered_by};
use crate::store::Scope;

impl Host for State {
    async fn elicit(
        &mut self,
        request: ElicitRequest,
    ) -> wasmtime::Result<Result<ElicitResponse, ErrorCode>> {
        let key = request.key.clone();
        let met = Arc::new(Met::new());
        let touch = Touch::of(&ops::elicit::ELICIT).on(&key).meeting(&met);
        let met = Arc::clone(&met);
        self.waiting(
            touch,
            |_| Verdict::ALLOWED,
            move |state| {
                let phase = match state.call.phase {
                    Phase::Install => people::Phase::Install,
                    Phase::Upgrade => people::Phase::Upgrade,
                    Phase::Instantiate | Phase::Hook | Phase::Run => return Err(ErrorCode::NotInLifecycle),
                };
                let kind = kind_of(request.kind);
                let draft = ElicitDraft {
                    principal: state.principal().clone(),
                    capsule: state.capsule.id.to_string(),
                    phase,
                    key: request.key,
                    kind,
                    description: request.description,
                    options: request.options.unwrap_or_default(),
                    default: request.default_value,
                };
                draft.validate().map_err(|_| ErrorCode::InvalidInput)?;
                let noted = state
                    .note("elicit.asked", &draft.key, Outcome::Allowed, kind.name())
                    .map_err(ErrorCode::refuse)?;
                let scope =
                    Scope { principal: Some(draft.principal.clone()), capsule: draft.capsule.clone() };
                let failure = state.call.callback_failure.clone();
                let host = state.capsule.host.clone();
                let key = draft.key.clone();
                Ok(async move {
                    host.audit.settled(noted).await.map_err(|_| ErrorCode::refuse(Refusal::Audit))?;
                    let answer = host.desk.elicit(draft).await;
                    met.get_or_init(|| answered_by(&answer));
                    let answer = match answer {
                        Ok(answer) => answer,
                        Err(unanswered) => return Err(arm_of(unanswered, &failure)),
                    };
                    match (kind, answer) {
                        (_, ElicitAnswer::Cancelled) => Err(ErrorCode::Cancelled),
                        (ElicitKind::Secret, ElicitAnswer::Text(secret)) => {
                            let set = host.store.secrets().set(&scope, &key, &secret);
                            let settled = host.store.settled();
                            match set.and(settled.await) {
                                Ok(()) => Ok(ElicitResponse::SecretStored),
                                Err(error) => {
                                    tracing::error!(%error, "an elicited secret could not be stored");
                                    Err(ErrorCode::StoreUnavailable)
                                }
                            }
                        }
                        (_, ElicitAnswer::Text(text)) => Ok(ElicitResponse::Value(text)),
                        (_, ElicitAnswer::List(list)) => Ok(ElicitResponse::Values(list)),
                    }
                })
            },
        )
        .await
    }

    async fn has_secret(&mut self, key: String) -> wasmtime::Result<Result<bool, ErrorCode>> {
        self.effect(Touch::of(&ops::elicit::HAS_SECRET).on(&key), |state| {
            let secrets = state.capsule.host.store.secrets();
            secrets.exists_effective(state.principal(), &state.capsule.id, &key).map_err(|error| match error
                .kind()
            {
                ErrorKind::InvalidArgument => ErrorCode::InvalidInput,
                _ => ErrorCode::StoreUnavailable,
            })
        })
        .await
    }
}

fn kind_of(kind: ElicitType) -> ElicitKind {
    match kind {
        ElicitType::Text => ElicitKind::Text,
        ElicitType::Secret => ElicitKind::Secret,
        ElicitType::Select => ElicitKind::Select,
        ElicitType::Array => ElicitKind::Array,
    }
}

/// What the guest learns when nobody answered: nobody was there, or they took too long; never why.
fn arm_of(unanswered: Unanswered, failure: &super::state::FailureSlot) -> ErrorCode {
    match unanswered {
        Unanswered::Timeout => ErrorCode::Timeout,
        Unanswered::Invalid(_) => ErrorCode::InvalidInput,
        Unanswered::NoHandler | Unanswered::TooMany | Unanswered::Closed => ErrorCode::Cancelled,
        Unanswered::Failed(error) => {
            failure.lock().get_or_insert(error);
            ErrorCode::Cancelled
        }
    }
}
