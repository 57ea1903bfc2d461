//! `astrid:approval`: may the capsule do this? Answered by an allowance or by a human; nothing means no.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use super::arms::{Arm, Refusal};
use super::bindings::astrid::approval::host::{
    ApprovalDecision, ApprovalRequest, ApprovalResponse, ErrorCode, Host,
};
use super::call::{Met, Touch, Verdict};
use super::context::CapsuleContext;
use super::ops;
use super::state::State;
use crate::audit::Outcome;
use crate::people::{ApprovalDraft, Decision, Unanswered, answered_by};
use crate::policy::{Allowance, has_room};

impl Host for State {
    async fn request_approval(
        &mut self,
        request: ApprovalRequest,
    ) -> wasmtime::Result<Result<ApprovalResponse, ErrorCode>> {
        let action = request.action.clone();
        let met = Arc::new(Met::new());
        let touch = Touch::of(&ops::approval::REQUEST_APPROVAL).on(&action).meeting(&met);
        let met = Arc::clone(&met);
        self.waiting(touch, told, move |state| {
            let draft = ApprovalDraft {
                principal: state.principal().clone(),
                capsule: state.capsule.id.to_string(),
                action: request.action,
                resource: request.target_resource,
            };
            let draft = draft.normalise().map_err(|_| ErrorCode::InvalidInput)?;
            let capsule = state.capsule.clone();
            let allowed = match standing(state, &draft) {
                Some(command) => Some(("standing", command)),
                None => allowance(&capsule, &draft)?.map(|id| ("allowance", id)),
            };
            let noted = if let Some(by) = allowed {
                met.get_or_init(|| by);
                None
            } else {
                let noted = state.note("approval.asked", &draft.resource, Outcome::Allowed, &draft.action);
                Some(noted.map_err(ErrorCode::refuse)?)
            };
            let failure = state.call.callback_failure.clone();
            Ok(async move {
                let Some(noted) = noted else { return answer(ApprovalDecision::Allowance) };
                capsule.host.audit.settled(noted).await.map_err(|_| ErrorCode::refuse(Refusal::Audit))?;
                let asked = draft.clone();
                let decision = capsule.host.desk.approve(draft).await;
                met.get_or_init(|| answered_by(&decision));
                match decision {
                    Ok(Decision::Deny) => answer(ApprovalDecision::Denied),
                    Ok(Decision::Approve) => answer(ApprovalDecision::Approved),
                    Ok(Decision::ApproveSession) => {
                        let kept = remember(&capsule, &asked, true);
                        let kept = capsule.host.session_allowances.lock().remember(kept);
                        // One that is not remembered counts once, and the guest is told so.
                        answer(if kept {
                            ApprovalDecision::ApprovedSession
                        } else {
                            ApprovalDecision::Approved
                        })
                    }
                    Ok(Decision::ApproveAlways) => {
                        let kept = remember(&capsule, &asked, false);
                        let kept = keep(&capsule, kept);
                        let settled = capsule.host.store.settled();
                        match settled.await.and(kept) {
                            Ok(true) => answer(ApprovalDecision::ApprovedAlways),
                            Ok(false) => answer(ApprovalDecision::Approved),
                            Err(error) => {
                                tracing::error!(%error, "an allowance could not be stored");
                                Err(ErrorCode::StoreUnavailable)
                            }
                        }
                    }
                    Err(Unanswered::Timeout) => Err(ErrorCode::Timeout),
                    Err(Unanswered::Failed(error)) => {
                        failure.lock().get_or_insert(error);
                        answer(ApprovalDecision::Denied)
                    }
                    Err(Unanswered::Invalid(_)) => Err(ErrorCode::InvalidInput),
                    Err(Unanswered::NoHandler | Unanswered::TooMany | Unanswered::Closed) => {
                        answer(ApprovalDecision::Denied)
                    }
                }
            })
        })
        .await
    }
}

#[allow(clippy::unnecessary_wraps)] // The shape of every branch of the answer.
fn answer(decision: ApprovalDecision) -> Result<ApprovalResponse, ErrorCode> {
    Ok(ApprovalResponse { decision })
}

#[allow(clippy::trivially_copy_pass_by_ref)] // The envelope lends what the guest will get, whatever its size.
fn told(response: &ApprovalResponse) -> Verdict {
    let (outcome, reason) = match response.decision {
        ApprovalDecision::Denied => (Outcome::Denied, "denied"),
        ApprovalDecision::Approved => (Outcome::Allowed, "approved"),
        ApprovalDecision::ApprovedSession => (Outcome::Allowed, "approved-session"),
        ApprovalDecision::ApprovedAlways => (Outcome::Allowed, "approved-always"),
        ApprovalDecision::Allowance => (Outcome::Allowed, "allowance"),
    };
    Verdict::new(outcome, reason)
}

/// The command of the principal's profile that covers the request, if there is one. A request that names no resource is about
/// its action.
fn standing(state: &State, asked: &ApprovalDraft) -> Option<String> {
    let command = if asked.resource.is_empty() { &asked.action } else { &asked.resource };
    let workspace = state.capsule.host.vfs.workspace().map(|(folder, _)| folder);
    let profile = state.acting.profile();
    let standing = profile.command_always.iter().find(|one| one.covers(command, workspace));
    standing.map(|one| one.command.clone())
}

/// The earlier approval of this principal, for these very bytes of the capsule, that covers the request, if there is one.
fn allowance(capsule: &CapsuleContext, asked: &ApprovalDraft) -> Result<Option<String>, ErrorCode> {
    let principal = &asked.principal;
    let artifact = blake3::Hash::from_bytes(capsule.artifact).to_hex();
    let covers =
        |one: &Allowance| one.covers(principal, &capsule.id, &artifact, &asked.action, &asked.resource);
    if let Some(one) = capsule.host.session_allowances.lock().list(principal).find(|one| covers(one)) {
        return Ok(Some(one.id.clone()));
    }
    let kept: BTreeMap<String, Allowance> =
        capsule.host.store.allowances().list(principal).map_err(|error| {
            tracing::error!(%error, "the allowances could not be read");
            ErrorCode::StoreUnavailable
        })?;
    Ok(kept.into_values().find(covers).map(|one| one.id))
}

/// Keeps an approval for good, if there is room for it.
fn keep(capsule: &CapsuleContext, allowance: Allowance) -> crate::Result<bool> {
    let principal = allowance.principal.clone();
    capsule.host.store.allowances().edit(&principal, |kept: &mut BTreeMap<String, Allowance>| {
        let fits = has_room(kept.values(), &allowance.capsule);
        if fits {
            kept.insert(allowance.id.clone(), allowance);
        }
        fits
    })
}

fn remember(capsule: &CapsuleContext, asked: &ApprovalDraft, session_only: bool) -> Allowance {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Allowance::new(
        Uuid::new_v4().to_string(),
        asked.principal.clone(),
        &capsule.id,
        blake3::Hash::from_bytes(capsule.artifact).to_hex().as_str(),
        &asked.action,
        &asked.resource,
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        session_only,
    )
}
