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

/// An argument that breaks a rule.
pub fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
