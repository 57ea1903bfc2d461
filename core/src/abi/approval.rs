//! `astrid:approval`: may the capsule do this? Answered by an allowance or by a human; nothing means no.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use super::arms::{Arm, Refusal};
use super::bindings::astrid::approval::host::{
    ApprovalDecision, ApprovalRequest, ApprovalResponse, ErrorCode, Host,
};
use super::call::{Touch, Verdict};
use super::context::CapsuleContext;
use super::ops;
use super::state::State;
use crate::audit::Outcome;
use crate::people::{ApprovalDraft, Decision, Unanswered};
use crate::policy::{Allowance, has_room};
use crate::principal::Principal;

impl Host for State {
    async fn request_approval(
        &mut self,
        request: ApprovalRequest,
    ) -> wasmtime::Result<Result<ApprovalResponse, ErrorCode>> {
        let action = request.action.clone();
        self.waiting(Touch::of(&ops::approval::REQUEST_APPROVAL).on(&action), told, move |state| {
            let draft = ApprovalDraft {
                principal: state.principal().clone(),
                capsule: state.capsule.id.to_string(),
                action: request.action,
                resource: request.target_resource,
            };
            let draft = draft.normalise().map_err(|_| ErrorCode::InvalidInput)?;
            let capsule = state.capsule.clone();
            let allowed = allowance(&capsule, &draft.principal, &draft.action, &draft.resource)?;
            let noted = if allowed {
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
                match capsule.host.desk.approve(draft).await {
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

/// Whether an earlier approval of this principal, for these very bytes of the capsule, covers the request.
fn allowance(
    capsule: &CapsuleContext,
    principal: &Principal,
    action: &str,
    resource: &str,
) -> Result<bool, ErrorCode> {
    let artifact = blake3::Hash::from_bytes(capsule.artifact).to_hex();
    let covers = |one: &Allowance| one.covers(principal, &capsule.id, &artifact, action, resource);
    if capsule.host.session_allowances.lock().any(principal, covers) {
        return Ok(true);
    }
    let kept: BTreeMap<String, Allowance> =
        capsule.host.store.allowances().list(principal).map_err(|error| {
            tracing::error!(%error, "the allowances could not be read");
            ErrorCode::StoreUnavailable
        })?;
    Ok(kept.values().any(covers))
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
