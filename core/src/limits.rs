//! Every number of the contract, each once, with its unit.
//!
//! A number that a guest can run into is here and nowhere else, so that a reader can compare this page with the contract.

use std::time::Duration;

/// One kibibyte, in bytes.
pub const KIB: usize = 1024;
/// One mebibyte, in bytes; the contract's "MB" is this.
pub const MIB: usize = 1024 * KIB;

// ---- engine ----------------------------------------------------------------------------------------------------

/// The time between two looks at a running guest's deadline and cancel flag.
pub const TICK: Duration = Duration::from_millis(10);
/// How long a guest that was told of its cancellation may still run before it is dropped.
pub const CANCEL_GRACE: Duration = Duration::from_millis(20);
/// Fuel of one trigger, in wasmtime's units.
pub const FUEL_PER_TRIGGER: u64 = 10_000_000_000;
/// Wall clock of an install or upgrade hook.
pub const HOOK_TIMEOUT: Duration = Duration::from_secs(600);
/// Wall clock of instantiation, which may run the guest's start code.
pub const INSTANTIATE_TIMEOUT: Duration = Duration::from_secs(300);
/// Largest component that is handed to the compiler, in bytes.
pub const COMPONENT_BYTES: usize = 64 * MIB;
/// Largest trigger payload, in bytes.
pub const TRIGGER_PAYLOAD_BYTES: usize = 16 * MIB;
/// Instances of one (capsule, principal) that are kept warm.
pub const WARM_INSTANCES: usize = 4;
/// Handles one instance may hold at once.
pub const TABLE_HANDLES: usize = 4096;
