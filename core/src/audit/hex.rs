//! Bytes as lower-case hexadecimal text, as they appear in JSON.

use std::fmt::Write;

use serde::{Deserialize, Deserializer, Serializer, de};

/// The bytes as text.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The text as exactly `N` bytes.
fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != N * 2 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[n * 2..n * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&encode(bytes))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(d: D) -> Result<[u8; N], D::Error> {
    let text = String::deserialize(d)?;
    decode(&text).ok_or_else(|| de::Error::custom(format!("expected {} hexadecimal digits", N * 2)))
}

pub(super) mod optional {
    //! The same for bytes that may be absent.

    use serde::Serializer;

    #[expect(clippy::ref_option, reason = "serde hands a reference to the field")]
    pub(in crate::audit) fn serialize<S: Serializer>(
        bytes: &Option<[u8; 32]>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => s.serialize_some(&super::encode(bytes)),
            None => s.serialize_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn text_and_back() {
        assert_eq!(super::encode(&[0, 1, 0xfe]), "0001fe");
        assert_eq!(super::decode::<3>("0001fe"), Some([0, 1, 0xfe]));
        assert_eq!(super::decode::<3>("0001f"), None);
        assert_eq!(super::decode::<2>("+1+2"), None);
        assert_eq!(super::decode::<1>("zz"), None);
    }
}
