//! How many instances of a capsule a principal has, and for how long.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// The instances of one (capsule, principal). Run loops and hooks have instances of their own, which do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instances {
    /// How many are kept while the principal is at work; those above go when they have been idle for [`Self::idle`].
    pub warm: usize,
    /// How many there are at once; a trigger beyond waits for one to come back. At least 1.
    pub most: usize,
    /// How long one may wait for work. When the principal has not used the capsule for so long, its last ones go too.
    pub idle: Duration,
}

impl Default for Instances {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            warm: limits::WARM_INSTANCES,
            most: cores.saturating_mul(2).clamp(limits::LEAST_INSTANCES, limits::MOST_INSTANCES),
            idle: limits::INSTANCE_IDLE,
        }
    }
}

impl Instances {
    /// Refuses a choice under which nothing could run.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when there may be no instance at all.
    pub fn check(&self) -> Result<()> {
        if self.most == 0 {
            return Err(Error::new(ErrorKind::InvalidArgument, "`instances.most` must be at least 1"));
        }
        Ok(())
    }
}
