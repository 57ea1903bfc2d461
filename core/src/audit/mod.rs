//! The record of what capsules did: hash-chained entries, signed checkpoints, and the tools to verify them.
//!
//! Appending is a copy into a mapped file, so an entry is in the operating system's hands when [`Log::append`] returns
//! and survives the sudden end of the process; the disk has it within 50 ms, or before the result of the call is seen
//! for the operations the embedder names. What one capsule does for one principal beyond a rate is counted with its
//! like, in a mapped file too, so that no guest fills the log and no count is lost. The format is described, down to the byte,
//! in `docs/audit-format.md`, so that a log can be verified without this crate.
//!
//! What is promised: a changed, removed, inserted or swapped record is found by [`Log::verify`] with the log and the
//! public key alone, as far as a checkpoint follows it. A cut at the end is found only against a checkpoint that was
//! kept elsewhere ([`Options::checkpoint_sink`], [`Log::verify_against`]).

mod chain;
mod checkpoint;
mod choices;
mod codec;
mod copy;
mod entry;
mod epochs;
mod hex;
mod log;
mod query;
mod rate;
mod recover;
mod segment;
mod slots;
mod state;
mod tally;
mod verify;

pub use checkpoint::{Checkpoint, ExpectedCheckpoint};
pub use choices::AuditChoices;
pub use entry::{Draft, Entry, Outcome};
pub use epochs::RetiredKey;
pub use log::{CheckpointSink, Log, Options, Recorded};
pub use query::{Filter, key_change_to};
pub use recover::Recovery;
pub use verify::{Finding, Verification, verify_dir, verify_dir_against};
