//! `buy`: nothing is bought before a person has said yes.

use serde_json::Value;

use crate::bindings::astrid::approval::host::{ApprovalDecision, ApprovalRequest, request_approval};

/// Asks for approval to buy the item of the payload `{"item", "price"}`, and answers `approved` or `refused`.
pub fn buy(payload: &[u8]) -> Result<String, String> {
    let wish: Value = serde_json::from_slice(payload).map_err(|_| "a wish is JSON with item and price")?;
    let item = wish["item"].as_str().ok_or("the wish names no item")?;
    let target_resource = match &wish["price"] {
        Value::Null => item.to_owned(),
        Value::String(price) => format!("{item} for {price}"),
        price => format!("{item} for {price}"),
    };
    let request = ApprovalRequest { action: "buy".to_owned(), target_resource };
    // Whatever is not a clear yes is a no: an error, silence, a decision this code does not know.
    let approved = request_approval(&request).is_ok_and(|response| match response.decision {
        ApprovalDecision::Approved
        | ApprovalDecision::ApprovedSession
        | ApprovalDecision::ApprovedAlways
        | ApprovalDecision::Allowance => true,
        ApprovalDecision::Denied => false,
    });
    Ok(if approved { "approved" } else { "refused" }.to_owned())
}
