//! The network: names, connections, listeners and datagrams. It does what it is told and decides nothing; what may be
//! reached is decided by [`crate::policy`], and asked here about every address before it is used.

mod connector;
mod frame;
mod halves;
mod handshake;
mod listener;
mod local;
mod network;
mod options;
mod resolver;
mod socket;
mod stream;
#[cfg(test)]
mod stream_tests;
mod target;
mod token;
mod udp;

pub use connector::{ConnectError, Connector};
pub use frame::Framed;
pub use handshake::{Doorkeeper, Greeted, Ingress, Known};
pub use listener::Listener;
pub use local::{Arrived, LocalSocket};
pub use network::{Network, Rules};
pub use options::Options;
pub use socket::Account;
pub(crate) use stream::sleep_or_never;
pub use stream::{Stream, WriteError};
pub use target::Target;
pub use udp::{Datagrams, Received};
