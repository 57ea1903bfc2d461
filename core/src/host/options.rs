//! What the embedding program may choose when it opens a host.

use std::time::Duration;

use crate::audit::{AuditChoices, ExpectedCheckpoint};
use crate::capsule::Restart;
use crate::error::Result;
use crate::limits;
use crate::net::Network;
use crate::policy::{Instances, Profile, Quotas};
use crate::process::Processes;
use crate::store::Durability;

/// The choices of a host; each has a default that is safe to leave alone.
#[derive(Clone)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools)] // Choices that are each made or not.
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
    /// The profile of a principal without one of its own.
    pub default_profile: Profile,
    /// The quotas of that profile, for those who change nothing else in it; the default leaves the profile's own.
    pub quotas: Quotas,
    /// How many principals the host knows at most.
    pub max_principals: usize,
    /// Refuses calls that name no principal instead of making them for the capsule's owner.
    pub require_principal: bool,
    /// Ids of capsules whose `publish-as` is taken for true: their messages arrive as `verified`, and handlers act for the
    /// principal they name. What others claim stays `claimed`, and is answered for the one who sent it.
    pub authenticated_uplinks: Vec<String>,
    /// Lets `recv` answer an empty batch instead of `timeout`, as capsules built for older hosts expect.
    pub recv_empty_on_timeout: bool,
    /// What the store's acknowledged writes survive: guests' keys, secrets, settings, allowances, receipts. In the class
    /// [`Durability::Power`] a guest waits for the disk, together with everybody who writes at the same time.
    pub durability: Durability,
    /// Most bytes of the audit log; none means as much as the disk holds.
    pub audit_limit_bytes: Option<u64>,
    /// Bytes of one segment of the audit log; none means the default.
    pub audit_segment_bytes: Option<u64>,
    /// Durability, rates and merging of the audit log.
    pub audit: AuditChoices,
    /// What a checkpoint that was kept elsewhere says; a home whose audit log does not hold it does not open.
    pub expected_checkpoint: Option<ExpectedCheckpoint>,
    /// The key that seals secrets, in place of one in the home; to be given at every opening.
    pub secret_key: Option<[u8; 32]>,
    /// Loads a capsule even if a required import is exported by nobody.
    pub allow_missing_imports: bool,
    /// What becomes of run loops that trap or cannot be started.
    pub restart: Restart,
    /// How long the run loop of a new generation has to become ready before the old one is kept instead.
    pub ready_within: Duration,
    /// How many instances of a capsule a principal has, and for how long.
    pub instances: Instances,
    /// What capsules may reach and bind beyond the public network, and how names are looked up.
    pub network: Network,
    /// What programs that capsules start may see and use.
    pub processes: Processes,
    /// Keeps compiled code in the home, so that a capsule is compiled once and not at every start.
    pub code_cache: bool,
    /// Lets capsules open files that have more names than the host gave them, as package managers make them. Such a file
    /// may be one from outside a root that was linked into it.
    pub trust_hard_links: bool,
    /// Finds guests' faults by handlers of SIGSEGV, SIGILL and SIGFPE, which hand on what is not a guest's to whoever had the
    /// signal before. Without it the host installs none, and guests check for themselves, which makes them slower: for
    /// programs that install handlers of their own later, or let nobody else have these signals.
    pub signal_traps: bool,
}

impl std::fmt::Debug for HostOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // One of the fields is a key, which no log may show.
        f.debug_struct("HostOptions").field("runtime_version", &self.runtime_version).finish_non_exhaustive()
    }
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            runtime_version: "2026.10.1".to_owned(),
            worker_threads: 2,
            elicit_timeout: limits::ELICIT_TIMEOUT,
            approval_timeout: limits::APPROVAL_TIMEOUT,
            uplink_timeout: limits::UPLINK_TIMEOUT,
            default_profile: Profile::default(),
            quotas: Quotas::default(),
            max_principals: limits::PRINCIPALS,
            require_principal: false,
            authenticated_uplinks: Vec::new(),
            recv_empty_on_timeout: false,
            durability: Durability::default(),
            audit_limit_bytes: None,
            audit_segment_bytes: None,
            audit: AuditChoices::default(),
            expected_checkpoint: None,
            secret_key: None,
            allow_missing_imports: false,
            restart: Restart::default(),
            ready_within: limits::REPLACEMENT_READY,
            instances: Instances::default(),
            network: Network::default(),
            processes: Processes::default(),
            code_cache: true,
            trust_hard_links: false,
            signal_traps: true,
        }
    }
}

impl HostOptions {
    /// The profile of a principal without one of its own, with the quotas where they were changed.
    ///
    /// # Errors
    /// `invalid_argument` when it breaks a rule.
    pub(super) fn profile(&self) -> Result<Profile> {
        self.quotas.check()?;
        let mut profile = self.default_profile.clone();
        if self.quotas != Quotas::default() {
            profile.quotas = self.quotas.clone();
        }
        profile.to_toml().map(|_| profile)
    }
}
