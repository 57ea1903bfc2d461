//! Runs Astrid capsules inside somebody else's program.

pub mod error;
pub mod limits;

pub use error::{Error, ErrorKind, Result};
