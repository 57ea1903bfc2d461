//! The token of the local socket: who can read its file may speak to the host.

use std::path::Path;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::{hex, store};

/// Bytes of a token.
const BYTES: usize = 32;

/// 32 random bytes, made anew each time the socket is opened.
pub(super) struct Token(Zeroizing<[u8; BYTES]>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// Makes a token and writes it to a file that only its owner can read, whole or not at all.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] without randomness, [`ErrorKind::HomeUnusable`] when the file cannot be written.
    pub(super) fn make(file: &Path) -> Result<Self> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        getrandom::fill(&mut *bytes).map_err(|cause| {
            Error::new(ErrorKind::Internal, "the operating system gives no randomness").caused_by(cause)
        })?;
        let text = Zeroizing::new(hex::encode(&*bytes));
        store::write_private(file, text.as_bytes()).map_err(|cause| {
            Error::new(ErrorKind::HomeUnusable, "the token of the local socket cannot be written")
                .caused_by(cause)
        })?;
        Ok(Self(bytes))
    }

    /// Whether the text is this token. How long that takes tells nothing about how much of it is right.
    pub(super) fn is(&self, text: &str) -> bool {
        let given = hex::decode::<BYTES>(text);
        // What is malformed is compared all the same.
        let bytes = Zeroizing::new(given.unwrap_or_default());
        bool::from(bytes.ct_eq(&*self.0)) && given.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_token_is_a_private_file_and_only_itself() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("system.token");
        let token = Token::make(&file).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{text}");
        assert!(token.is(&text) && token.is(&text.to_uppercase()));
        for other in ["", "0", &text[..63], &format!("{text}0"), &"0".repeat(64), &"x".repeat(64)] {
            assert!(!token.is(other), "{other}");
        }
        let another = Token::make(&file).unwrap();
        assert!(!another.is(&text) && another.is(&std::fs::read_to_string(&file).unwrap()));
    }
}
