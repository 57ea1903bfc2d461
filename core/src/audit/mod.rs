//! The record of what capsules did: hash-chained entries, signed checkpoints, and the tools to verify them.
//!
//! Appending is a copy into a mapped file, so an entry is in the operating system's hands when [`Log::append`] returns
//! and survives the sudden end of the process; the disk has it within 50 ms. The format is described, down to the byte,
//! in `docs/audit-format.md`, so that a log can be verified without this crate.
//!
//! What is promised: a changed, removed, inserted or swapped record is found by [`Log::verify`] with the log and the
//! public key alone, as far as a checkpoint follows it. A cut at the end is found only against a checkpoint that was
//! kept elsewhere ([`Options::checkpoint_sink`], [`Log::verify_against`]).

mod chain;
mod checkpoint;
mod codec;
mod entry;
mod hex;
mod log;
mod query;
mod recover;
mod segment;
mod verify;

pub use checkpoint::Checkpoint;
pub use entry::{Draft, Entry, Outcome};
pub use log::{CheckpointSink, Log, Options};
pub use query::Filter;
pub use recover::Recovery;
pub use verify::{Finding, Verification, verify_dir, verify_dir_against};
