//! The keys a principal's devices sign in with.

use ed25519_dalek::{Signature, VerifyingKey};
use serde::Serialize;

use super::Grant;
use super::profile_file::each;
use crate::error::Result;
use crate::hex;
use crate::limits::KEY_LABEL_BYTES;
use crate::manifest::reader::{Field, Fields};

/// Hexadecimal digits of a key's id.
const ID_DIGITS: usize = 16;
/// Hexadecimal digits of an Ed25519 public key.
const KEY_DIGITS: usize = 64;
/// What a key begins with where it is written as one text.
const BARE: &str = "ed25519:";

/// The Ed25519 key of one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceKey {
    /// 16 lower-case hexadecimal digits. Where a profile gives none they are the first of the key's BLAKE3.
    pub key_id: String,
    /// The public key, 64 lower-case hexadecimal digits.
    pub pubkey: String,
    /// What people call the device; at most 256 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// When the key was added, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// What it may be used for.
    pub scope: KeyScope,
}

/// What a device's key may be used for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyScope {
    /// Everything its principal may.
    Full,
    /// Of what its principal may only what is allowed and not denied.
    Scoped {
        /// Capabilities.
        allow: Vec<Grant>,
        /// Capabilities, which beat those allowed.
        deny: Vec<Grant>,
    },
}

impl DeviceKey {
    /// Reads a key: a table, or the text `ed25519:` and the key, which stands for one of full scope.
    pub(super) fn read(field: Field<'_>, warnings: &mut Vec<String>) -> Result<Self> {
        if field.is_text() {
            let pubkey = field.parsed(|text| {
                let digits = text.strip_prefix(BARE).filter(|digits| is_hex(digits, KEY_DIGITS));
                digits.map(str::to_owned).ok_or("must be `ed25519:` and 64 lower-case hexadecimal digits")
            })?;
            let key_id = id_of(&pubkey);
            return Ok(Self { key_id, pubkey, label: None, created_at: None, scope: KeyScope::Full });
        }
        let mut fields = field.table()?;
        let pubkey = fields.need("pubkey")?.parsed(|text| digits(text, KEY_DIGITS))?;
        let key_id = match fields.take("key_id") {
            Some(field) => field.parsed(|text| digits(text, ID_DIGITS))?,
            None => id_of(&pubkey),
        };
        let label = fields.take("label").map(|field| field.parsed(label)).transpose()?;
        let created_at = fields.take("created_at").map(moment).transpose()?;
        let scope = match fields.take("scope") {
            None => KeyScope::Full,
            Some(field) => KeyScope::read(field, warnings)?,
        };
        fields.finish(warnings);
        Ok(Self { key_id, pubkey, label, created_at, scope })
    }

    /// Whether the key has signed the message. A key that is no point of the curve has signed nothing.
    #[must_use]
    pub fn has_signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let key = hex::decode::<32>(&self.pubkey).and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
        // Strictly: keys of small order would have signed anything.
        key.is_some_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
    }

    /// Whether the key may be used for a capability of its principal.
    #[must_use]
    pub fn allows(&self, capability: &str) -> bool {
        let covers = |list: &[Grant]| list.iter().any(|grant| grant.covers(capability));
        match &self.scope {
            KeyScope::Full => true,
            KeyScope::Scoped { allow, deny } => covers(allow) && !covers(deny),
        }
    }
}

impl KeyScope {
    fn read(field: Field<'_>, warnings: &mut Vec<String>) -> Result<Self> {
        if field.is_text() {
            return field.parsed(|text| match text {
                "full" => Ok(Self::Full),
                _ => Err("must be `full`, or a table `scoped`"),
            });
        }
        let mut fields = field.table()?;
        let mut scoped: Fields<'_> = fields.need("scoped")?.table()?;
        let allow = each(&mut scoped, "allow", Grant::parse)?;
        let deny = each(&mut scoped, "deny", Grant::parse)?;
        scoped.finish(warnings);
        fields.finish(warnings);
        Ok(Self::Scoped { allow, deny })
    }
}

/// A moment is written as a text or as a date of TOML's own.
fn moment(field: Field<'_>) -> Result<String> {
    let wrong = field.error("must be a moment as RFC 3339 writes it");
    match field.json()? {
        serde_json::Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => Ok(text),
        _ => Err(wrong),
    }
}

fn label(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text.len() > KEY_LABEL_BYTES || text.contains(char::is_control) {
        return Err(format!("must be 1 to {KEY_LABEL_BYTES} bytes without control characters"));
    }
    Ok(text.to_owned())
}

fn digits(text: &str, number: usize) -> Result<String, String> {
    if !is_hex(text, number) {
        return Err(format!("must be {number} lower-case hexadecimal digits"));
    }
    Ok(text.to_owned())
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The id of a key that was given none.
fn id_of(pubkey: &str) -> String {
    let bytes = hex::decode::<32>(pubkey).unwrap_or_default();
    blake3::hash(&bytes).to_hex()[..ID_DIGITS].to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::Profile;
    use super::*;

    fn keys(text: &str) -> crate::Result<Vec<DeviceKey>> {
        Profile::parse_toml(text).map(|parsed| parsed.profile.public_keys)
    }

    #[test]
    fn a_bare_key_is_one_of_full_scope_with_an_id_of_its_own() {
        let text = format!(
            "[auth]\npublic_keys = [\"ed25519:{}\", \"ed25519:{}\"]",
            "0a".repeat(32),
            "0b".repeat(32)
        );
        let read = keys(&text).unwrap();
        assert_eq!((read[0].scope.clone(), read[0].pubkey.clone()), (KeyScope::Full, "0a".repeat(32)));
        assert!(is_hex(&read[0].key_id, ID_DIGITS) && read[0].key_id != read[1].key_id);
        assert!(read[0].allows("audit:read_all"));
    }

    #[test]
    fn a_scoped_key_allows_what_it_says() {
        let text = format!(
            "[[auth.public_keys]]\npubkey = \"{}\"\nkey_id = \"0123456789abcdef\"\nlabel = \"phone\"\n\
             created_at = 2026-01-02T03:04:05Z\nscope = {{ scoped = {{ allow = [\"self:*\"], deny = [\"self:quota:*\"] }} }}",
            "ff".repeat(32)
        );
        let key = keys(&text).unwrap().remove(0);
        assert_eq!(
            (key.label.as_deref(), key.created_at.as_deref()),
            (Some("phone"), Some("2026-01-02T03:04:05Z"))
        );
        assert!(key.allows("self:agent:list") && !key.allows("self:quota:get") && !key.allows("audit:write"));
    }

    #[test]
    fn a_key_tells_its_own_signatures_from_others() {
        use ed25519_dalek::{Signer, SigningKey};
        let own = SigningKey::from_bytes(&[7; 32]);
        let written = hex::encode(own.verifying_key().as_bytes());
        let key = keys(&format!("[auth]\npublic_keys = [\"ed25519:{written}\"]")).unwrap().remove(0);
        let signature = own.sign(b"hello").to_bytes();
        assert!(key.has_signed(b"hello", &signature) && !key.has_signed(b"hullo", &signature));
        let other = SigningKey::from_bytes(&[8; 32]).sign(b"hello").to_bytes();
        assert!(!key.has_signed(b"hello", &other) && !key.has_signed(b"hello", &[0; 64]));
        // The neutral element of the curve, with which a signature of zeros would verify for any message.
        let weak = DeviceKey { pubkey: format!("01{}", "0".repeat(62)), ..key.clone() };
        let mut forged = [0; 64];
        forged[0] = 1;
        assert!(!weak.has_signed(b"hello", &forged));
        assert!(!DeviceKey { pubkey: "ff".repeat(32), ..key }.has_signed(b"hello", &signature));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let good = "ab".repeat(32);
        for (entry, field) in [
            ("\"rsa:1234\"".to_owned(), "auth.public_keys[0]"),
            (format!("\"{good}\""), "auth.public_keys[0]"),
            (format!("\"ed25519:{}\"", good.to_uppercase()), "auth.public_keys[0]"),
            ("{}".to_owned(), "auth.public_keys[0].pubkey"),
            (format!("{{ pubkey = \"{good}\", key_id = \"1\" }}"), "auth.public_keys[0].key_id"),
            (format!("{{ pubkey = \"{good}\", scope = \"half\" }}"), "auth.public_keys[0].scope"),
            (format!("{{ pubkey = \"{good}\", scope = {{ }} }}"), "auth.public_keys[0].scope.scoped"),
            (format!("{{ pubkey = \"{good}\", created_at = \"today\" }}"), "auth.public_keys[0].created_at"),
            (format!("{{ pubkey = \"{good}\", label = \"\" }}"), "auth.public_keys[0].label"),
        ] {
            let error = keys(&format!("[auth]\npublic_keys = [{entry}]")).unwrap_err();
            assert!(error.message().starts_with(&format!("`{field}` ")), "{entry} said {error}");
        }
    }
}
