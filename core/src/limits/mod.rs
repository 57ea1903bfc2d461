//! Every number of the contract, each once, with its unit.
//!
//! A number that a guest can run into is here and nowhere else, so that a reader can compare these pages with the contract. They
//! are used as `limits::NAME`, whichever page they stand on.

mod engine;
mod keeping;
mod messages;
mod net;
mod packages;
mod people;
mod process;

pub use engine::*;
pub use keeping::*;
pub use messages::*;
pub use net::*;
pub use packages::*;
pub use people::*;
pub use process::*;

/// One kibibyte, in bytes.
pub const KIB: usize = 1024;
/// One mebibyte, in bytes; the contract's "MB" is this.
pub const MIB: usize = 1024 * KIB;
