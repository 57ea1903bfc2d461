//! Questions to people, uplinks, and users of outside platforms.

use std::time::Duration;

use super::KIB;

// ---- people ----------------------------------------------------------------------------------------------------------

/// Longest wait for the answer to an elicit question.
pub const ELICIT_TIMEOUT: Duration = Duration::from_mins(2);
/// Longest wait for a decision on an approval.
pub const APPROVAL_TIMEOUT: Duration = Duration::from_mins(1);
/// Longest wait for the embedder to take an uplink event.
pub const UPLINK_TIMEOUT: Duration = Duration::from_secs(5);
/// Questions (elicit and approval together) that one capsule may have open for one principal.
pub const OPEN_QUESTIONS: usize = 16;
/// Longest key of an elicit question, in bytes.
pub const ELICIT_KEY_BYTES: usize = 256;
/// Longest description or single option of an elicit question, in bytes.
pub const ELICIT_DESCRIPTION_BYTES: usize = 4 * KIB;
/// Options of a select question, and items of a list answer, at most.
pub const ELICIT_ITEMS: usize = 256;
/// Longest text answer, list item or default, in bytes.
pub const ELICIT_TEXT_BYTES: usize = 64 * KIB;
/// Approvals of one principal that are remembered for one capsule, as many for the session and as many for good; one more
/// counts once.
pub const ALLOWANCES: usize = 1024;
/// Longest action of an approval, in characters; a longer one is refused.
pub const APPROVAL_ACTION_CHARS: usize = 256;
/// Longest resource of an approval, in characters; a longer one is cut.
pub const APPROVAL_RESOURCE_CHARS: usize = 1024;
/// Uplinks one capsule may register.
pub const UPLINKS_PER_CAPSULE: usize = 32;
/// Longest name or platform of an uplink, in bytes.
pub const UPLINK_NAME_BYTES: usize = 128;
/// Longest text in which a guest may give an uplink id, in bytes.
pub const UPLINK_ID_BYTES: usize = 64;
/// Longest user id of a platform, in bytes.
pub const UPLINK_USER_BYTES: usize = 256;
/// Longest content of an uplink message, in bytes.
pub const UPLINK_CONTENT_BYTES: usize = 64 * KIB;
/// Uplink messages one capsule may have in flight.
pub const UPLINK_SENDS: usize = 128;

// ---- identity --------------------------------------------------------------------------------------------------------

/// Longest name of a platform, in bytes.
pub const PLATFORM_BYTES: usize = 64;
/// Longest text that says how a link was established, in bytes.
pub const LINK_METHOD_BYTES: usize = 64;
/// Longest name of a user that is shown, in bytes.
pub const DISPLAY_NAME_BYTES: usize = 128;
/// Accounts that are linked to one user.
pub const LINKS_PER_USER: usize = 256;
/// Users of a host.
pub const USERS: usize = 100_000;
