//! What may be done, decided from what is written: nothing here reads a clock, a file or a socket.
//!
//! - [`Capabilities`]: what a manifest grants to its capsule, compiled into scopes;
//! - [`Acl`]: which topics a capsule may publish and subscribe to;
//! - [`Profile`] and [`Quotas`]: what a principal may do and use up;
//! - [`ThroughputWindow`] and [`CpuWindow`]: how much of that is left in this second;
//! - [`Allowance`]: what a person has approved beforehand.
//!
//! Whatever is absent denies.

mod acl;
mod airlock;
mod allowance;
mod capabilities;
mod command;
mod cpu;
mod device_key;
mod grant;
mod host;
mod instances;
mod path;
mod profile;
mod profile_file;
mod quotas;
mod session;
mod standing;
mod window;

pub use acl::Acl;
pub use airlock::{Airlock, Verdict};
pub use allowance::Allowance;
pub use capabilities::{Capabilities, Expansion, IdentityLevel};
pub use command::CommandPattern;
pub use cpu::{Busy, CpuWindow, Reservation, Spent};
pub use device_key::{DeviceKey, KeyScope};
pub use grant::{Grant, Group};
pub use host::{BindAddress, Endpoint, HostPattern};
pub use instances::Instances;
pub use path::{PathPattern, Roots};
pub use profile::Profile;
pub use profile_file::ParsedProfile;
pub use quotas::Quotas;
pub use session::{SessionAllowances, has_room};
pub use standing::{CommandLocation, StandingCommand};
pub use window::ThroughputWindow;
