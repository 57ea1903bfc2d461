//! Bytes as lower-case hexadecimal text.

use std::fmt::Write;

/// The bytes as text.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The text, in letters of either case, as exactly `N` bytes.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != N * 2 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[n * 2..n * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn text_and_back() {
        assert_eq!(super::encode(&[0, 1, 0xfe]), "0001fe");
        assert_eq!(super::decode::<3>("0001fE"), Some([0, 1, 0xfe]));
        assert_eq!(super::decode::<3>("0001f"), None);
        assert_eq!(super::decode::<2>("+1+2"), None);
        assert_eq!(super::decode::<1>("zz"), None);
        assert_eq!(super::decode::<1>("é"), None);
    }
}
