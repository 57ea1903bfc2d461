//! `astrid:approval/host`, one operation per arm.

use serde_json::json;

use crate::answer::{Answer, arms};
use crate::args::Args;
use crate::bindings::astrid::approval::host::{self, ApprovalDecision, ApprovalRequest, ErrorCode};
use crate::control::unknown;

arms!(ErrorCode {
    InvalidInput => "invalid-input",
    Timeout => "timeout",
    StoreUnavailable => "store-unavailable",
});

pub fn call(function: &str, args: &Args<'_>) -> Answer {
    match function {
        "request-approval" => {
            let asked = args.record("request");
            let request = ApprovalRequest {
                action: asked.text("action")?.to_owned(),
                target_resource: asked.text("target-resource")?.to_owned(),
            };
            let response = host::request_approval(&request).map_err(arm)?;
            Ok(json!({ "decision": decision(response.decision) }))
        }
        other => Err(unknown(other)),
    }
}

fn decision(decision: ApprovalDecision) -> &'static str {
    match decision {
        ApprovalDecision::Denied => "denied",
        ApprovalDecision::Approved => "approved",
        ApprovalDecision::ApprovedSession => "approved-session",
        ApprovalDecision::ApprovedAlways => "approved-always",
        ApprovalDecision::Allowance => "allowance",
    }
}
