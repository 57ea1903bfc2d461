//! How far a write has come when it is acknowledged.

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process, however sudden: the operating system has the write before the call returns, and the
    /// disk has it soon after ([`crate::limits::SYNC_WITHIN`]). A write costs microseconds.
    #[default]
    Process,
    /// The loss of power: the disk has the write before the call returns. Concurrent callers share one sync; a write
    /// costs milliseconds.
    Power,
}
