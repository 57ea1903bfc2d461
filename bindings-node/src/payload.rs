//! Arguments that come in more than one shape, and the small checks of the border.

use std::time::Duration;

use astrid_host::{Error, ErrorKind, Principal, Result};
use napi::bindgen_prelude::{Either, Uint8Array};

/// Text or bytes; JavaScript has turned every other value into JSON text before.
pub type Payload = Either<String, Uint8Array>;

/// The bytes, copied, since JavaScript may change its own while the guest runs.
pub fn bytes(payload: Payload) -> Vec<u8> {
    match payload {
        Either::A(text) => text.into_bytes(),
        Either::B(bytes) => bytes.to_vec(),
    }
}

/// The principal, if one is named.
pub fn principal(name: Option<String>) -> Result<Option<Principal>> {
    name.map(|name| Principal::parse(&name)).transpose()
}

/// A time in milliseconds, if one is given.
pub fn millis(name: &str, millis: Option<f64>) -> Result<Option<Duration>> {
    let Some(millis) = millis else { return Ok(None) };
    match Duration::try_from_secs_f64(millis / 1000.0) {
        Ok(time) if !time.is_zero() => Ok(Some(time)),
        _ => Err(invalid(format!("{name} must be a number of milliseconds above 0, not {millis}"))),
    }
}

/// A whole number, if one is given.
pub fn count(name: &str, count: Option<f64>) -> Result<Option<usize>> {
    let Some(count) = count else { return Ok(None) };
    // Every whole number below this is one of JavaScript's own.
    if count.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&count) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is whole and in range"
        )]
        let count = count as u32;
        return Ok(usize::try_from(count).ok());
    }
    Err(invalid(format!("{name} must be a whole number of at most {}, not {count}", u32::MAX)))
}

/// A key of 32 bytes.
pub fn key(bytes: &[u8]) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| invalid(format!("secretKey must have 32 bytes, not {}", bytes.len())))
}

/// An argument that breaks a rule.
pub fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
