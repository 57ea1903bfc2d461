//! Bytes as lower-case hexadecimal text, as they appear in JSON.

use serde::{Deserialize, Deserializer, Serializer, de};

use crate::hex::decode;
pub(super) use crate::hex::encode;

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
