//! Uplinks: the platforms a capsule speaks for, and the messages it passes in from them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use parking_lot::Mutex;
use uuid::Uuid;

use super::Profile;
use super::question::{UplinkInfo, UplinkMessage};
use crate::limits;
use crate::manifest::UplinkDecl;
use crate::principal::Principal;
use crate::visible::{visible, visible_prose};

/// Why an uplink call of a guest is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UplinkRefusal {
    /// A text breaks its rule, or there is such an uplink already.
    InvalidInput,
    /// The manifest declares the uplink with another profile.
    InvalidProfile,
    /// The capsule has registered no uplink of this id.
    Unknown,
    /// The capsule has too many uplinks, or too many messages in flight.
    Quota,
}

/// The uplinks that the instances of one capsule registered.
#[derive(Debug)]
pub struct Uplinks {
    capsule: String,
    registered: Mutex<HashMap<Uuid, UplinkInfo>>,
    in_flight: Arc<AtomicUsize>,
}

/// A message being passed in; it counts against the capsule's limit until dropped.
#[derive(Debug)]
pub struct Sending {
    info: UplinkInfo,
    in_flight: Arc<AtomicUsize>,
}

/// A message as the guest wrote it.
#[derive(Clone, Debug)]
pub struct UplinkDraft {
    /// Whom the capsule acts for.
    pub principal: Principal,
    /// The uplink it came through.
    pub uplink: UplinkInfo,
    /// Who wrote it: 1 to 256 bytes, no control character.
    pub platform_user_id: String,
    /// What they wrote: at most 64 KiB, no NUL.
    pub content: String,
    /// Who the writer is here, if a link says so.
    pub resolved: Option<Principal>,
}

impl Uplinks {
    /// No uplinks yet.
    #[must_use]
    pub fn new(capsule: &str) -> Self {
        Self { capsule: capsule.to_owned(), registered: Mutex::default(), in_flight: Arc::default() }
    }

    /// Registers an uplink. Name and platform have 1 to 128 bytes and no control character; the platform is compared in
    /// lower case. One name and platform can be registered once, and where the manifest declares it, only with the
    /// declared profile. A capsule has at most 32.
    pub fn register(
        &self,
        name: &str,
        platform: &str,
        profile: Profile,
        declared: &[UplinkDecl],
        principal: &Principal,
    ) -> Result<UplinkInfo, UplinkRefusal> {
        let name = label(name)?;
        let platform = label(platform)?.to_lowercase();
        if platform.len() > limits::UPLINK_NAME_BYTES {
            return Err(UplinkRefusal::InvalidInput);
        }
        let mut registered = self.registered.lock();
        if registered.values().any(|other| other.name == name && other.platform == platform) {
            return Err(UplinkRefusal::InvalidInput);
        }
        let is_declared =
            |one: &&UplinkDecl| one.name.trim() == name && one.platform.trim().to_lowercase() == platform;
        let mut profiles = declared.iter().filter(is_declared).map(|one| one.profile).peekable();
        if profiles.peek().is_some() && !profiles.any(|one| one == profile) {
            return Err(UplinkRefusal::InvalidProfile);
        }
        if registered.len() >= limits::UPLINKS_PER_CAPSULE {
            return Err(UplinkRefusal::Quota);
        }
        let id = Uuid::new_v4();
        let info = UplinkInfo {
            id: id.to_string(),
            name: name.to_owned(),
            platform,
            profile,
            capsule: self.capsule.clone(),
            principal: principal.clone(),
        };
        registered.insert(id, info.clone());
        Ok(info)
    }

    /// The uplink of an id.
    #[must_use]
    pub fn get(&self, id: &Uuid) -> Option<UplinkInfo> {
        self.registered.lock().get(id).cloned()
    }

    /// Begins to pass a message in: checks the texts, finds the uplink and takes one of the 128 places in flight.
    pub fn sending(&self, id: &str, platform_user_id: &str, content: &str) -> Result<Sending, UplinkRefusal> {
        if id.len() > limits::UPLINK_ID_BYTES {
            return Err(UplinkRefusal::InvalidInput);
        }
        let id = Uuid::try_parse(id).map_err(|_| UplinkRefusal::InvalidInput)?;
        validate(platform_user_id, content).map_err(|_| UplinkRefusal::InvalidInput)?;
        let info = self.get(&id).ok_or(UplinkRefusal::Unknown)?;
        let place = |taken| (taken < limits::UPLINK_SENDS).then_some(taken + 1);
        let taken = self.in_flight.fetch_update(Ordering::AcqRel, Ordering::Acquire, place);
        taken.map_err(|_| UplinkRefusal::Quota)?;
        Ok(Sending { info, in_flight: Arc::clone(&self.in_flight) })
    }

    /// Forgets the uplinks that were registered for one principal and gives them back, so that each can be told gone.
    pub fn clear_of(&self, principal: &Principal) -> Vec<UplinkInfo> {
        let mut registered = self.registered.lock();
        registered.extract_if(|_, info| info.principal == *principal).map(|(_, info)| info).collect()
    }

    /// Forgets every uplink and gives them back, so that each can be told gone.
    pub fn clear(&self) -> Vec<UplinkInfo> {
        std::mem::take(&mut *self.registered.lock()).into_values().collect()
    }
}

impl Sending {
    /// The uplink.
    #[must_use]
    pub fn info(&self) -> &UplinkInfo {
        &self.info
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

impl UplinkDraft {
    /// Whether the message may be passed in; the error names the rule it breaks.
    pub fn validate(&self) -> Result<(), &'static str> {
        validate(&self.platform_user_id, &self.content)
    }

    /// The message as the handler sees it.
    pub(super) fn message(self, deadline: SystemTime) -> UplinkMessage {
        UplinkMessage {
            uplink_id: self.uplink.id,
            platform: visible(&self.uplink.platform),
            platform_user_id: visible(&self.platform_user_id),
            content: visible_prose(&self.content),
            capsule: visible(&self.uplink.capsule),
            principal: self.principal,
            resolved: self.resolved,
            deadline,
        }
    }
}

impl UplinkInfo {
    /// The uplink as the handler sees it.
    pub(super) fn shown(self) -> Self {
        Self {
            name: visible(&self.name),
            platform: visible(&self.platform),
            capsule: visible(&self.capsule),
            ..self
        }
    }
}

fn label(text: &str) -> Result<&str, UplinkRefusal> {
    let label = text.trim();
    let good = (1..=limits::UPLINK_NAME_BYTES).contains(&label.len()) && !text.contains(char::is_control);
    if good { Ok(label) } else { Err(UplinkRefusal::InvalidInput) }
}

fn validate(platform_user_id: &str, content: &str) -> Result<(), &'static str> {
    if !(1..=limits::UPLINK_USER_BYTES).contains(&platform_user_id.len()) {
        return Err("a platform's user id has 1 to 256 bytes");
    }
    if platform_user_id.contains(char::is_control) {
        return Err("a platform's user id has no control character");
    }
    if content.len() > limits::UPLINK_CONTENT_BYTES {
        return Err("a message has at most 64 KiB");
    }
    if content.contains('\0') { Err("a message has no NUL") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register(uplinks: &Uplinks, name: &str, platform: &str) -> Result<UplinkInfo, UplinkRefusal> {
        uplinks.register(name, platform, Profile::Chat, &[], &Principal::default())
    }

    #[test]
    fn one_name_and_platform_once() {
        let uplinks = Uplinks::new("bot");
        let info = register(&uplinks, "main", " TeleGram ").unwrap();
        assert_eq!((info.platform.as_str(), info.capsule.as_str()), ("telegram", "bot"));
        assert_eq!(register(&uplinks, "main", "telegram"), Err(UplinkRefusal::InvalidInput));
        assert!(register(&uplinks, "other", "telegram").is_ok());
        assert_eq!(uplinks.get(&Uuid::parse_str(&info.id).unwrap()), Some(info));
        assert!(uplinks.clear_of(&Principal::parse("bob").unwrap()).is_empty());
        assert_eq!(uplinks.clear_of(&Principal::default()).len(), 2);
        assert!(uplinks.clear().is_empty());
        assert!(register(&uplinks, "main", "telegram").is_ok());
    }

    #[test]
    fn names_and_platforms_have_rules() {
        let uplinks = Uplinks::new("bot");
        for bad in ["", " ", "a\nb", "a\0", &"x".repeat(129)] {
            assert_eq!(register(&uplinks, bad, "telegram"), Err(UplinkRefusal::InvalidInput), "{bad:?}");
            assert_eq!(register(&uplinks, "main", bad), Err(UplinkRefusal::InvalidInput), "{bad:?}");
        }
    }

    #[test]
    fn a_declared_uplink_keeps_its_profile() {
        let uplinks = Uplinks::new("bot");
        let declared =
            [UplinkDecl { name: "main".into(), platform: "Telegram".into(), profile: Profile::Bridge }];
        let register = |name: &str, profile| {
            uplinks.register(name, "telegram", profile, &declared, &Principal::default()).map(|_| ())
        };
        assert_eq!(register("main", Profile::Chat), Err(UplinkRefusal::InvalidProfile));
        assert_eq!(register("main", Profile::Bridge), Ok(()));
        assert_eq!(register("undeclared", Profile::Chat), Ok(()));
    }

    #[test]
    fn a_capsule_has_thirty_two() {
        let uplinks = Uplinks::new("bot");
        for n in 0..32 {
            register(&uplinks, &n.to_string(), "telegram").unwrap();
        }
        assert_eq!(register(&uplinks, "more", "telegram"), Err(UplinkRefusal::Quota));
    }

    #[test]
    fn a_message_is_checked_and_takes_a_place() {
        let uplinks = Uplinks::new("bot");
        let id = register(&uplinks, "main", "telegram").unwrap().id;
        let refused =
            |id: &str, user: &str, content: &str| uplinks.sending(id, user, content).map(|_| ()).unwrap_err();
        assert_eq!(refused("no uuid", "u", "hi"), UplinkRefusal::InvalidInput);
        assert_eq!(refused(&format!("{id}{}", " ".repeat(40)), "u", "hi"), UplinkRefusal::InvalidInput);
        assert_eq!(refused(&Uuid::new_v4().to_string(), "u", "hi"), UplinkRefusal::Unknown);
        for user in ["", "a\nb", &"u".repeat(257)] {
            assert_eq!(refused(&id, user, "hi"), UplinkRefusal::InvalidInput);
        }
        for content in ["a\0b", &"x".repeat(65_537)] {
            assert_eq!(refused(&id, "u", content), UplinkRefusal::InvalidInput);
        }
        let mut flying: Vec<_> = (0..128).map(|_| uplinks.sending(&id, "u", "hi").unwrap()).collect();
        assert_eq!(refused(&id, "u", "hi"), UplinkRefusal::Quota);
        assert_eq!(flying.pop().unwrap().info().id, id);
        assert!(uplinks.sending(&id, "u", "").is_ok());
    }
}
