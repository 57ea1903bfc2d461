//! The canonical bytes: little-endian numbers, texts with their length before them, options with a flag of 0 or 1.
//!
//! A value has exactly one encoding, and the reader refuses any other bytes.

/// Bytes of a hash, a key, a commitment.
pub(super) type Digest = [u8; 32];

pub(super) fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(super) fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// Writes at most `most` bytes of the text, cut between two characters.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str, most: usize) {
    let text = &text[..text.floor_char_boundary(most.min(usize::from(u16::MAX)))];
    put_u16(out, u16::try_from(text.len()).unwrap_or(u16::MAX));
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn put_text_option(out: &mut Vec<u8>, text: Option<&str>, most: usize) {
    out.push(u8::from(text.is_some()));
    if let Some(text) = text {
        put_text(out, text, most);
    }
}

pub(super) fn put_digest(out: &mut Vec<u8>, digest: &Digest) {
    out.extend_from_slice(digest);
}

pub(super) fn put_digest_option(out: &mut Vec<u8>, digest: Option<&Digest>) {
    out.push(u8::from(digest.is_some()));
    if let Some(digest) = digest {
        out.extend_from_slice(digest);
    }
}

/// Reads canonical bytes from the front; none as soon as something is missing or not canonical.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        let length = usize::from(self.u16()?);
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(taken).ok()
    }

    #[expect(clippy::option_option, reason = "the outer one says whether the bytes are canonical")]
    pub(super) fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.u8()? {
            0 => Some(None),
            1 => read(self).map(Some),
            _ => None,
        }
    }

    /// Succeeds only if nothing is left.
    pub(super) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        let mut out = Vec::new();
        put_text(&mut out, "aé", 2);
        assert_eq!(out, [1, 0, b'a']);
        assert_eq!(Reader(&out).text(), Some("a"));
    }

    #[test]
    fn only_canonical_bytes_are_read() {
        assert_eq!(Reader(&[2, 0]).option(Reader::u8), None);
        assert_eq!(Reader(&[0]).option(Reader::u8), Some(None));
        assert_eq!(Reader(&[3, 0, b'a']).text(), None);
        assert_eq!(Reader(&[1, 0, 0xff]).text(), None);
        assert_eq!(Reader(&[1]).end(), None);
    }
}
