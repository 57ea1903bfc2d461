//! The host ABI: what the guest calls, one thin file for each interface, every call through one envelope.

pub mod announce;
pub mod approval;
pub mod arms;
pub mod bindings;
pub mod call;
pub mod clock;
pub mod context;
pub mod elicit;
pub mod fs;
pub mod holding;
pub mod io;
pub mod ipc;
pub mod kv;
pub mod link;
pub mod memory;
pub mod net;
mod offload;
pub mod ops;
pub mod payload;
pub mod pollable;
pub mod state;
pub mod streams;
pub mod sys;
pub mod tenant;
mod tenants;
pub mod uplink;
