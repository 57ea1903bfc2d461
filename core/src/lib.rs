//! Runs Astrid capsules, WebAssembly components that import `astrid:*` and nothing else, inside somebody else's program.
//!
//! The program opens a [`Host`], answers three kinds of questions by callback (elicit, approval, uplink), installs and loads
//! capsules, and calls their hooks. The host compiles, confines, meters, audits and cancels them; the program cannot switch
//! the audit or a quota off by forgetting something, and a missing or failing callback denies.
//!
//! The rooms of this crate stand on floors, and a room imports only rooms of lower floors; `ARCHITECTURE.md` draws them.

pub mod abi;
pub mod audit;
pub mod bus;
pub mod cancel;
pub mod capsule;
pub mod dispatch;
pub mod drive;
pub mod engine;
pub mod error;
mod hex;
pub mod host;
pub mod http;
pub mod limits;
pub mod logs;
pub mod manifest;
pub mod metrics;
pub mod net;
pub mod pending;
pub mod people;
pub mod policy;
pub mod principal;
pub mod process;
pub mod store;
pub mod stream;
mod syncer;
pub mod timer;
pub mod topic;
pub mod trace;
pub mod vfs;
mod visible;

pub use capsule::{
    Changes, Discovery, Found, HookResult, Inspection, Installed, InstalledVersion, Restart, State,
};
pub use drive::drive;
pub use engine::{ComponentReport, inspect_component};
pub use error::{Error, ErrorKind, Result};
pub use host::{
    AuditLog, BackUp, BusMessage, Capsule, CapsuleChange, CapsuleChanges, Host, HostBuilder, HostOptions,
    Install, Load, Messages, Outcome, Publish, RotateKeys, Trigger, Usage, Watch,
};
pub use policy::{Allowance, Profile};
pub use principal::Principal;
pub use vfs::WorkspaceMode;
