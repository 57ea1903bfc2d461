//! What the embedding program may choose when it opens a host.

use std::time::Duration;

use crate::capsule::Restart;
use crate::limits;
use crate::policy::Quotas;

/// The choices of a host; each has a default that is safe to leave alone.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HostOptions {
    /// The version that a manifest's `astrid-version` is compared with.
    pub runtime_version: String,
    /// Threads of the host's own runtime, at least 1.
    pub worker_threads: usize,
    /// How long an elicit question may stay open; never more than 120 s.
    pub elicit_timeout: Duration,
    /// How long an approval may stay open; never more than 60 s.
    pub approval_timeout: Duration,
    /// How long an uplink message may wait for its answer; never more than 5 s.
    pub uplink_timeout: Duration,
    /// The quotas of a principal without a profile of its own.
    pub quotas: Quotas,
    /// How many principals the host knows at most.
    pub max_principals: usize,
    /// Refuses calls that name no principal instead of making them for the capsule's owner.
    pub require_principal: bool,
    /// Lets `recv` answer an empty batch instead of `timeout`, as capsules built for older hosts expect.
    pub recv_empty_on_timeout: bool,
    /// Most bytes of the audit log; none means as much as the disk holds.
    pub audit_limit_bytes: Option<u64>,
    /// Bytes of one segment of the audit log; none means the default.
    pub audit_segment_bytes: Option<u64>,
    /// Loads a capsule even if a required import is exported by nobody.
    pub allow_missing_imports: bool,
    /// What becomes of run loops that trap or cannot be started.
    pub restart: Restart,
    /// How long the run loop of a new generation has to become ready before the old one is kept instead.
    pub ready_within: Duration,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            runtime_version: "2026.10.1".to_owned(),
            worker_threads: 2,
            elicit_timeout: limits::ELICIT_TIMEOUT,
            approval_timeout: limits::APPROVAL_TIMEOUT,
            uplink_timeout: limits::UPLINK_TIMEOUT,
            quotas: Quotas::default(),
            max_principals: limits::PRINCIPALS,
            require_principal: false,
            recv_empty_on_timeout: false,
            audit_limit_bytes: None,
            audit_segment_bytes: None,
            allow_missing_imports: false,
            restart: Restart::default(),
            ready_within: limits::REPLACEMENT_READY,
        }
    }
}
