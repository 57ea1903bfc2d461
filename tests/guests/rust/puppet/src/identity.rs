//! `astrid:identity/host`, one operation per function.

use serde_json::{Value, json};

use crate::answer::{Answer, arms};
use crate::args::Args;
use crate::bindings::astrid::identity::host::{
    self, ErrorCode, IdentityCreateUserRequest, IdentityLinkRequest, IdentityResolveRequest,
    IdentityUnlinkRequest,
};
use crate::control::unknown;

arms!(ErrorCode {
    CapabilityDenied => "capability-denied",
    InvalidInput => "invalid-input",
    UserNotFound => "user-not-found",
    LinkNotFound => "link-not-found",
    AlreadyLinked => "already-linked",
    StoreUnavailable => "store-unavailable",
});

pub fn call(function: &str, args: &Args<'_>) -> Answer {
    let text = |name: &str| args.text(name).map(str::to_owned);
    match function {
        "identity-resolve" => {
            let request = IdentityResolveRequest {
                platform: text("platform")?,
                platform_user_id: text("platform-user-id")?,
            };
            let found = host::identity_resolve(&request).map_err(arm)?;
            Ok(json!({ "user-id": found.user_id, "display-name": found.display_name }))
        }
        "identity-link" => {
            let request = IdentityLinkRequest {
                platform: text("platform")?,
                platform_user_id: text("platform-user-id")?,
                astrid_user_id: text("astrid-user-id")?,
                method: text("method")?,
            };
            host::identity_link(&request).map(|()| Value::Null).map_err(arm)
        }
        "identity-unlink" => {
            let request = IdentityUnlinkRequest {
                platform: text("platform")?,
                platform_user_id: text("platform-user-id")?,
            };
            host::identity_unlink(&request).map(|()| Value::Null).map_err(arm)
        }
        "identity-list-links" => {
            let links = host::identity_list_links(args.text("astrid-user-id")?).map_err(arm)?;
            let shown = links.into_iter().map(|link| {
                json!({
                    "platform": link.platform, "platform-user-id": link.platform_user_id,
                    "linked-at": link.linked_at, "method": link.method,
                })
            });
            Ok(shown.collect())
        }
        "identity-create-user" => {
            let display_name = args.optional_text("display-name")?.map(str::to_owned);
            let created = host::identity_create_user(&IdentityCreateUserRequest { display_name }).map_err(arm)?;
            Ok(created.user_id.into())
        }
        other => Err(unknown(other)),
    }
}
