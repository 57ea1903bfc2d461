//! The digest that a guest expects of a body.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::HttpError;

/// Base64 with padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A running digest and what it should be in the end.
#[derive(Clone)]
pub struct Integrity {
    running: Running,
    expected: Vec<u8>,
}

#[derive(Clone)]
enum Running {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl std::fmt::Debug for Integrity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Integrity")
    }
}

impl Integrity {
    /// Reads `sha256-`, `sha384-` or `sha512-`, then base64.
    ///
    /// # Errors
    /// [`HttpError::Invalid`] for anything else.
    pub fn read(text: &str) -> Result<Self, HttpError> {
        let (running, length, digest) = match text.split_once('-') {
            Some(("sha256", digest)) => (Running::Sha256(Sha256::new()), 32, digest),
            Some(("sha384", digest)) => (Running::Sha384(Sha384::new()), 48, digest),
            Some(("sha512", digest)) => (Running::Sha512(Sha512::new()), 64, digest),
            _ => return Err(HttpError::Invalid),
        };
        let expected = BASE64.decode(digest).map_err(|_| HttpError::Invalid)?;
        if expected.len() == length { Ok(Self { running, expected }) } else { Err(HttpError::Invalid) }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match &mut self.running {
            Running::Sha256(digest) => digest.update(bytes),
            Running::Sha384(digest) => digest.update(bytes),
            Running::Sha512(digest) => digest.update(bytes),
        }
    }

    /// Whether the body was the one that was expected.
    pub(super) fn holds(self) -> bool {
        match self.running {
            Running::Sha256(digest) => digest.finalize()[..] == self.expected[..],
            Running::Sha384(digest) => digest.finalize()[..] == self.expected[..],
            Running::Sha512(digest) => digest.finalize()[..] == self.expected[..],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_compared_with_and_without_padding() {
        for text in [
            "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
            "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ",
        ] {
            let mut integrity = Integrity::read(text).unwrap();
            let other = integrity.clone();
            integrity.update(b"hel");
            integrity.update(b"lo");
            assert!(integrity.holds() && !other.holds());
        }
        for bad in [
            "",
            "sha256-",
            "sha256-AAAA",
            "md5-AAAA",
            "sha256",
            "sha512-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
            "sha256-@",
        ] {
            assert!(Integrity::read(bad).is_err(), "{bad}");
        }
    }
}
