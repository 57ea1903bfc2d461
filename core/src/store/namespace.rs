//! Composite keys, and the rules a key has to keep.
//!
//! Every part but the last is written with its length before it, so no principal, capsule and key, however chosen,
//! gives the bytes of another combination or a prefix of them. The last part stands bare, so that keys sort by their
//! own bytes and can be found by prefix.

use unicode_normalization::is_nfc;

use super::Scope;
use crate::limits;
use crate::principal::Principal;

/// What kind of host-owned record a key leads to; the first byte of its key.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Kind {
    Secret = b's',
    Setting = b'e',
    Receipt = b'r',
    Allowance = b'a',
    User = b'u',
    /// A linked account, by platform and account.
    Link = b'l',
    /// The same, by user.
    LinkOfUser = b'o',
    /// The version of a format; see `formats.rs`.
    Format = b'v',
    /// Which key the secrets are sealed with.
    SecretKey = b'k',
}

impl Kind {
    /// The kind of record a key of the host's keyspace leads to.
    pub(super) fn of(key: &[u8]) -> Option<Self> {
        let all = [
            Self::Secret,
            Self::Setting,
            Self::Receipt,
            Self::Allowance,
            Self::User,
            Self::Link,
            Self::LinkOfUser,
            Self::Format,
            Self::SecretKey,
        ];
        all.into_iter().find(|kind| key.first() == Some(&(*kind as u8)))
    }
}

/// Whether a key of a guest's value, or of its usage, is of this capsule, whosever it is.
pub(super) fn is_of_capsule(key: &[u8], capsule: &str) -> bool {
    after_part(key).is_some_and(|rest| rest.starts_with(&part(capsule)))
}

/// Whether a key of a secret or a setting is of this capsule, host-wide or of any principal.
pub(super) fn is_scope_of(key: &[u8], capsule: &str) -> bool {
    match key.get(1..) {
        Some([0, rest @ ..]) => rest.starts_with(&part(capsule)),
        Some([1, rest @ ..]) => is_of_capsule(rest, capsule),
        _ => false,
    }
}

/// What follows the first part, whose length stands before it.
fn after_part(key: &[u8]) -> Option<&[u8]> {
    let (length, rest) = key.split_first_chunk::<2>()?;
    let length = match u16::from_be_bytes(*length) {
        u16::MAX => blake3::OUT_LEN,
        length => usize::from(length),
    };
    rest.get(length..)
}

fn part(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    push(&mut bytes, text);
    bytes
}

/// The start of all keys of one principal's guests.
pub(super) fn principal_head(principal: &Principal) -> Vec<u8> {
    let mut key = Vec::with_capacity(66);
    push(&mut key, principal.as_str());
    key
}

/// The start of all keys of one capsule for one principal.
pub(super) fn capsule_head(principal: &Principal, capsule: &str) -> Vec<u8> {
    let mut key = principal_head(principal);
    push(&mut key, capsule);
    key
}

/// The start of all keys of one scope.
pub(super) fn scope_head(kind: Kind, scope: &Scope) -> Vec<u8> {
    let mut key = match &scope.principal {
        None => vec![kind as u8, 0],
        Some(principal) => owned_head(kind, principal),
    };
    push(&mut key, &scope.capsule);
    key
}

/// The start of all records of this kind that belong to one principal.
pub(super) fn owned_head(kind: Kind, principal: &Principal) -> Vec<u8> {
    let mut key = vec![kind as u8, 1];
    push(&mut key, principal.as_str());
    key
}

/// The start of all records of this kind that have these parts.
pub(super) fn part_head(kind: Kind, parts: &[&str]) -> Vec<u8> {
    let mut key = vec![kind as u8];
    for part in parts {
        push(&mut key, part);
    }
    key
}

/// A record that belongs to no principal.
pub(super) fn plain_key(kind: Kind, name: &str) -> Vec<u8> {
    join(&[kind as u8], name)
}

/// The head followed by the last part.
pub(super) fn join(head: &[u8], last: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(head.len() + last.len());
    key.extend_from_slice(head);
    key.extend_from_slice(last.as_bytes());
    key
}

/// The least key that is greater than every key with this prefix; none if the prefix is all 0xff.
pub(super) fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let end = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut key = prefix[..=end].to_vec();
    key[end] += 1;
    Some(key)
}

/// A part that came from a manifest or an embedder is short; one too long for its length field would still not collide
/// with another, because the length that is written is then the greatest and the hash of the part stands for it.
fn push(key: &mut Vec<u8>, part: &str) {
    match u16::try_from(part.len()) {
        Ok(length) if length < u16::MAX => {
            key.extend_from_slice(&length.to_be_bytes());
            key.extend_from_slice(part.as_bytes());
        }
        _ => {
            key.extend_from_slice(&u16::MAX.to_be_bytes());
            key.extend_from_slice(blake3::hash(part.as_bytes()).as_bytes());
        }
    }
}

/// True if a guest may store under this key: normalised (NFC), 1 to 256 bytes, no control characters.
pub(super) fn is_key(key: &str) -> bool {
    !key.is_empty() && is_key_prefix(key)
}

/// True if some key may start like this; the empty prefix may.
pub(super) fn is_key_prefix(prefix: &str) -> bool {
    prefix.len() <= limits::KV_KEY_BYTES && !prefix.chars().any(char::is_control) && is_nfc(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_combination_collides_with_or_prefixes_another() {
        let names = ["a", "aa", "b", "a-a", "a_1"];
        let capsules = ["", "a", "aa", "b", "\0", "\0\u{1}a"];
        let mut heads = Vec::new();
        for name in names {
            for capsule in capsules {
                heads.push(capsule_head(&Principal::parse(name).unwrap(), capsule));
            }
        }
        for (m, one) in heads.iter().enumerate() {
            for (n, other) in heads.iter().enumerate() {
                assert!(m == n || !one.starts_with(other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn host_wide_never_meets_a_principal() {
        let alice = Principal::parse("alice").unwrap();
        let own = scope_head(Kind::Secret, &Scope::of(&alice, "c"));
        let host = scope_head(Kind::Secret, &Scope::host("c"));
        assert!(!own.starts_with(&host) && !host.starts_with(&own));
        assert!(own.starts_with(&owned_head(Kind::Secret, &alice)));
    }

    #[test]
    fn key_rules() {
        for good in ["a", "__state", "a/b c", "é", "日本", &"k".repeat(256)] {
            assert!(is_key(good), "{good:?}");
        }
        for bad in ["", "\0", "a\nb", "\u{7f}", "\u{85}", "e\u{301}", &"k".repeat(257)] {
            assert!(!is_key(bad), "{bad:?}");
        }
        assert!(is_key_prefix(""));
    }

    #[test]
    fn the_end_of_a_prefix() {
        assert_eq!(after_prefix(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(after_prefix(&[1, 255, 255]), Some(vec![2]));
        assert_eq!(after_prefix(&[255]), None);
    }
}
