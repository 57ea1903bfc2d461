//! `notify`: a message to a person outside, over the channel that `Capsule.toml` declares.

use serde_json::Value;

use crate::bindings::astrid::kv::host::kv_set;
use crate::bindings::astrid::uplink::host::{ErrorCode, UplinkProfile, uplink_register, uplink_send};
use crate::greet::kept;

/// Sends `text` to `user`, both out of the payload, and answers `delivered` or `not delivered`.
pub fn notify(payload: &[u8]) -> Result<String, String> {
    let message: Value =
        serde_json::from_slice(payload).map_err(|_| "a message is JSON with user and text")?;
    let user = message["user"].as_str().ok_or("the message names no user")?;
    let text = message["text"].as_str().ok_or("the message has no text")?;
    let delivered = match send(user, text) {
        Ok(delivered) => delivered,
        Err(ErrorCode::NoSession) => false,
        Err(error) => return Err(format!("the message was not sent: {error:?}")),
    };
    Ok(if delivered { "delivered" } else { "not delivered" }.to_owned())
}

/// The channel is registered once and its id kept; a host that was started anew may have forgotten it.
fn send(user: &str, text: &str) -> Result<bool, ErrorCode> {
    if let Some(channel) = kept("channel") {
        match uplink_send(&channel, user, text) {
            Err(ErrorCode::UnknownUplink) => {}
            answered => return answered,
        }
    }
    let channel = uplink_register("front-desk", "demo", UplinkProfile::Notify)?;
    kv_set("channel", channel.as_bytes()).map_err(|error| ErrorCode::Unknown(format!("{error:?}")))?;
    uplink_send(&channel, user, text)
}
