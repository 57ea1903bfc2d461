//! The native half of `Host`: its principals.

use astrid_host::{Principal, Profile};
use napi_derive::napi;
use serde_json::json;

use crate::host::NativeHost;
use crate::letter::Value;
use crate::{options, payload, shapes};

#[napi]
impl NativeHost {
    /// The profile in force for a principal, as its file is.
    #[napi]
    pub fn profile(&self, call: u32, principal: String) {
        self.begin_blocking(call, move |host| {
            Ok(shapes::settled(&host.profile(&Principal::parse(&principal)?)?.to_json()?))
        });
    }

    /// Gives a principal a profile of its own, which is JSON.
    #[napi]
    pub fn set_profile(&self, call: u32, principal: String, profile: String) {
        self.begin_blocking(call, move |host| {
            let profile = Profile::from_json(&options::read(&profile)?)?.profile;
            host.set_profile(&Principal::parse(&principal)?, profile)?;
            Ok(Value::Done)
        });
    }

    /// The principals the host knows.
    #[napi]
    pub fn principals(&self, call: u32) {
        self.begin_blocking(call, |host| Ok(shapes::settled(&json!(host.principals()?))));
    }

    /// Removes a principal.
    #[napi]
    pub fn remove_principal(&self, call: u32, principal: String) {
        self.begin(call, move |host| async move {
            host.remove_principal(&Principal::parse(&principal)?).await?;
            Ok(Value::Done)
        });
    }

    /// What a principal has used.
    #[napi]
    pub fn usage(&self, call: u32, principal: String) {
        self.begin_blocking(call, move |host| {
            Ok(shapes::settled(&shapes::shape(&host.usage(&Principal::parse(&principal)?)?)?))
        });
    }

    /// What was approved for a principal.
    #[napi]
    pub fn allowances(&self, call: u32, principal: String) {
        self.begin_blocking(call, move |host| {
            Ok(shapes::settled(&shapes::shapes(&host.allowances(&Principal::parse(&principal)?)?)?))
        });
    }

    /// Takes an allowance back.
    #[napi]
    pub fn revoke_allowance(&self, call: u32, principal: String, id: String) {
        self.begin_blocking(call, move |host| {
            let revoked = host.revoke_allowance(&Principal::parse(&principal)?, &id)?;
            Ok(shapes::settled(&json!(revoked)))
        });
    }

    /// Every user.
    #[napi]
    pub fn users(&self, call: u32) {
        self.begin_blocking(call, |host| Ok(shapes::settled(&shapes::shapes(&host.users()?)?)));
    }

    /// Creates a user.
    #[napi]
    pub fn create_user(&self, call: u32, display_name: Option<String>, principal: Option<String>) {
        self.begin_blocking(call, move |host| {
            let user = host.create_user(display_name.as_deref(), payload::principal(principal)?)?;
            Ok(shapes::settled(&shapes::shape(&user)?))
        });
    }

    /// Removes a user.
    #[napi]
    pub fn remove_user(&self, call: u32, user: String) {
        self.begin_blocking(call, move |host| Ok(shapes::settled(&json!(host.remove_user(&user)?))));
    }

    /// The accounts of a user.
    #[napi]
    pub fn links(&self, call: u32, user: String) {
        self.begin_blocking(call, move |host| Ok(shapes::settled(&shapes::shapes(&host.links(&user)?)?)));
    }

    /// Links an account to a user.
    #[napi]
    pub fn link_account(&self, call: u32, user: String, platform: String, account: String, method: String) {
        self.begin_blocking(call, move |host| {
            host.link_account(&user, &platform, &account, &method)?;
            Ok(Value::Done)
        });
    }

    /// Ends a link.
    #[napi]
    pub fn unlink_account(&self, call: u32, platform: String, account: String) {
        self.begin_blocking(call, move |host| {
            host.unlink_account(&platform, &account)?;
            Ok(Value::Done)
        });
    }
}
