//! What a program chooses when it opens a host.

use std::collections::BTreeMap;
use std::ffi::c_char;
use std::time::Duration;

use ::astrid_host::audit::{AuditChoices, ExpectedCheckpoint};
use ::astrid_host::net::Network;
use ::astrid_host::policy::Instances;
use ::astrid_host::store::Durability;
use ::astrid_host::{HostOptions, Profile, Restart, Result};

use crate::closure::{
    astrid_approval_callback, astrid_checkpoint_callback, astrid_elicit_callback, astrid_log_callback,
    astrid_uplink_callback,
};
use crate::options::{Options, init, read};
use crate::processes::{self, astrid_processes};
use crate::text::{elements, json, list, optional_text, text};

/// One quota that every principal gets unless its own profile says otherwise.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_quota {
    /// The quota's name in a profile, for example `max_memory_bytes`.
    pub name: *const c_char,
    /// Its value; 0 is refused.
    pub value: u64,
}

/// What becomes of run loops that trap or cannot be started. Every field counts: `astrid_restart_init` fills in the default,
/// from which a program departs.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_restart {
    /// The size of this struct; `astrid_restart_init` sets it.
    pub struct_size: u32,
    /// Attempts until the capsule is left alone.
    pub attempts: u32,
    /// The pause before the first attempt; each further one is twice as long.
    pub first_ms: u64,
    /// The longest pause.
    pub most_ms: u64,
    /// How long a run loop must have been ready and running before its earlier failures are forgotten.
    pub recovery_ms: u64,
    /// 0: run loops that failed are not started again.
    pub enabled: u8,
}

/// The instances of a capsule that one principal has. Every field counts: `astrid_instances_init` fills in the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_instances {
    /// The size of this struct; `astrid_instances_init` sets it.
    pub struct_size: u32,
    /// How many are kept while the principal is at work.
    pub warm: u32,
    /// How many there are at once; a trigger beyond waits for one to come back. At least 1.
    pub most: u32,
    /// How long one may wait for work before it goes.
    pub idle_ms: u64,
}

/// A place of the network that is one capsule's to use.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_endpoint {
    /// The capsule's id.
    pub capsule: *const c_char,
    /// `host:port` or `host:*`.
    pub endpoint: *const c_char,
}

/// What capsules may reach and bind beyond the public network. No manifest can say any of it. `astrid_network_init` fills in the
/// default, which is nothing.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_network {
    /// The size of this struct; `astrid_network_init` sets it.
    pub struct_size: u32,
    /// What the airlock lets a capsule reach though it is not public.
    pub local_egress: *const astrid_endpoint,
    /// How many there are.
    pub local_egress_count: usize,
    /// Addresses beyond loopback at which a capsule may listen or take datagrams.
    pub public_binds: *const astrid_endpoint,
    /// How many there are.
    pub public_bind_count: usize,
    /// `address:port` of servers that are asked for names in place of the system's.
    pub dns_servers: *const *const c_char,
    /// How many there are.
    pub dns_server_count: usize,
    /// Roots that are trusted besides the platform's, in PEM.
    pub tls_roots: *const c_char,
    /// Lowers the longest lookup, connection and secure setup of a request; 0 leaves it, and so with those below.
    pub http_connect_ms: u64,
    /// Lowers the longest wait for the headers of a response.
    pub http_first_byte_ms: u64,
    /// Lowers the longest wait between two pieces of a body.
    pub http_between_bytes_ms: u64,
    /// Lowers the longest time a request may ask for.
    pub http_total_ms: u64,
}

/// How durable, how fast and how patient the audit log is. Every field counts: `astrid_audit_choices_init` fills in the
/// default. Nothing of it switches the log off.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_audit_choices {
    /// The size of this struct; `astrid_audit_choices_init` sets it.
    pub struct_size: u32,
    /// Operations whose entry is on the disk before the result of the call is seen: one by its name, as `capsule.install`, or
    /// all that begin so by a star at the end, as "kv.*". NULL is none.
    pub power_operations: *const *const c_char,
    /// How many there are.
    pub power_operation_count: usize,
    /// Entries that one capsule may cause for one principal in a second, at least 1; ten seconds' worth may come at once.
    pub entries_per_sec: u64,
    /// The same in bytes of the log, at least 1,024.
    pub bytes_per_sec: u64,
    /// How long repeats beyond the rate are collected in one counted entry.
    pub merge_within_ms: u64,
}

/// What a checkpoint that was kept elsewhere says: the fields of that name in `astrid_checkpoint`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_expected_checkpoint {
    /// How many records it covers.
    pub entries: u64,
    /// The hash of the last of them.
    pub head: [u8; 32],
}

/// How a host is opened. Prepare it with `astrid_host_options_init`; whatever stays 0 or NULL is the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct astrid_host_options {
    /// The size of this struct; `astrid_host_options_init` sets it.
    pub struct_size: u32,
    /// `ASTRID_CALLBACKS_RUNTIME` or `ASTRID_CALLBACKS_DISPATCH`.
    pub callbacks: u32,
    /// The folder in which everything is kept. Required.
    pub home: *const c_char,
    /// The folder that capsules may work in.
    pub workspace: *const c_char,
    /// Answers install and upgrade hooks.
    pub on_elicit: astrid_elicit_callback,
    /// Decides what capsules ask to do.
    pub on_approval: astrid_approval_callback,
    /// Receives what capsules send through uplinks.
    pub on_uplink: astrid_uplink_callback,
    /// The version that a manifest's `astrid-version` is compared with.
    pub runtime_version: *const c_char,
    /// Threads of the runtime.
    pub worker_threads: u32,
    /// Most principals that may be named.
    pub max_principals: u32,
    /// How long an elicit answer is waited for; it may only be lowered.
    pub elicit_timeout_ms: u64,
    /// How long an approval is waited for; it may only be lowered.
    pub approval_timeout_ms: u64,
    /// How long an uplink answer is waited for; it may only be lowered.
    pub uplink_timeout_ms: u64,
    /// The most bytes that the audit log may take.
    pub audit_limit_bytes: u64,
    /// The bytes of one segment of the audit log.
    pub audit_segment_bytes: u64,
    /// Other than 0: a call that names no principal is refused.
    pub require_principal: u8,
    /// Other than 0: a guest's `recv` answers an empty batch where it would answer `timeout`.
    pub recv_empty_on_timeout: u8,
    /// Other than 0: a capsule loads although nobody exports what its manifest imports.
    pub allow_missing_imports: u8,
    /// Quotas that differ from those of the default profile, for programs that change nothing else in it.
    pub quotas: *const astrid_quota,
    /// How many there are.
    pub quota_count: usize,
    /// The profile of a principal without one of its own: a JSON object with the names of a profile's file. Names that
    /// nobody knows are ignored; `astrid_host_set_profile` would name them.
    pub default_profile: *const c_char,
    /// Ids of capsules whose `publish-as` is taken for true: their messages arrive as `verified`, and handlers act for the
    /// principal they name.
    pub authenticated_uplinks: *const *const c_char,
    /// How many there are.
    pub authenticated_uplink_count: usize,
    /// What becomes of run loops that fail.
    pub restart: *const astrid_restart,
    /// How long the run loop of a new generation has to become ready before the old one is kept instead.
    pub ready_within_ms: u64,
    /// How many instances of a capsule a principal has, and for how long.
    pub instances: *const astrid_instances,
    /// Durability, rates and merging of the audit log.
    pub audit: *const astrid_audit_choices,
    /// What a checkpoint that was kept elsewhere says; a home whose audit log does not hold it does not open.
    pub expected_checkpoint: *const astrid_expected_checkpoint,
    /// The 32 bytes of the key that seals secrets, in place of one in the home; to be given at every opening.
    pub secret_key: *const u8,
    /// Takes what capsules log.
    pub on_log: astrid_log_callback,
    /// Takes the checkpoints of the audit log.
    pub on_checkpoint: astrid_checkpoint_callback,
    /// Other than 0: compiled code is not kept in the home, and every capsule is compiled anew when it is loaded.
    pub no_code_cache: u8,
    /// Other than 0: each capsule changes an overlay of the workspace for each principal, which `astrid_capsule_commit` puts into
    /// the workspace and `astrid_capsule_rollback` throws away.
    pub overlay: u8,
    /// Other than 0: capsules may open files that have more names than the host gave them, as package managers make them. Such
    /// a file may be one from outside a root that was linked into it.
    pub trust_hard_links: u8,
    /// Other than 0: acknowledged writes to the store survive the loss of power, for which each waits for the disk.
    pub power_durability: u8,
    /// What capsules may reach and bind beyond the public network, and how names are looked up.
    pub network: *const astrid_network,
    /// What programs that capsules start may see and use.
    pub processes: *const astrid_processes,
    /// Other than 0: the library installs no handlers of signals, and guests check for faults themselves, which makes them
    /// slower. Otherwise it handles SIGSEGV, SIGILL and SIGFPE, and hands on what is not a guest's to whoever had the signal
    /// before; a program that installs handlers of its own later wants this, or has to do as much.
    pub no_signal_traps: u8,
}

// SAFETY: integers, raw pointers, and callbacks of raw pointers and optional functions are all valid as zeros.
unsafe impl Options for astrid_host_options {}

// SAFETY: integers are valid as zeros.
unsafe impl Options for astrid_restart {
    fn initial() -> Self {
        let Restart { enabled, first, most, attempts, recovery } = Restart::default();
        Self {
            struct_size: 0,
            attempts,
            first_ms: millis_of(first),
            most_ms: millis_of(most),
            recovery_ms: millis_of(recovery),
            enabled: u8::from(enabled),
        }
    }
}

// SAFETY: as above.
unsafe impl Options for astrid_instances {
    fn initial() -> Self {
        let Instances { warm, most, idle } = Instances::default();
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self { struct_size: 0, warm: count(warm), most: count(most), idle_ms: millis_of(idle) }
    }
}

// SAFETY: integers and raw pointers are valid as zeros.
unsafe impl Options for astrid_network {}

// SAFETY: as above.
unsafe impl Options for astrid_audit_choices {
    fn initial() -> Self {
        let choices = AuditChoices::default();
        Self {
            struct_size: 0,
            power_operations: std::ptr::null(),
            power_operation_count: 0,
            entries_per_sec: choices.entries_per_sec,
            bytes_per_sec: choices.bytes_per_sec,
            merge_within_ms: millis_of(choices.merge_within),
        }
    }
}

fn millis_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Makes `options` the default. `struct_size` is `sizeof *options`. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_host_options_init(options: *mut astrid_host_options, struct_size: usize) {
    // SAFETY: (outs), with the size that the caller names.
    unsafe { init(options, struct_size) };
}

/// Fills in the default. `struct_size` is `sizeof *restart`. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_restart_init(restart: *mut astrid_restart, struct_size: usize) {
    // SAFETY: (outs), with the size that the caller names.
    unsafe { init(restart, struct_size) };
}

/// Fills in the default. `struct_size` is `sizeof *instances`. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_instances_init(instances: *mut astrid_instances, struct_size: usize) {
    // SAFETY: (outs), with the size that the caller names.
    unsafe { init(instances, struct_size) };
}

/// Fills in the default. `struct_size` is `sizeof *network`. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_network_init(network: *mut astrid_network, struct_size: usize) {
    // SAFETY: (outs), with the size that the caller names.
    unsafe { init(network, struct_size) };
}

/// Fills in the default. `struct_size` is `sizeof *choices`. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn astrid_audit_choices_init(choices: *mut astrid_audit_choices, struct_size: usize) {
    // SAFETY: (outs), with the size that the caller names.
    unsafe { init(choices, struct_size) };
}

impl astrid_host_options {
    /// The options as the core wants them.
    ///
    /// # Safety
    /// (texts) and (arrays) of the crate's contract hold for the fields, and what they point at was prepared with its size.
    pub(crate) unsafe fn core(&self) -> Result<HostOptions> {
        let mut core = HostOptions::default();
        // SAFETY: the caller passes the contract on.
        unsafe {
            self.named(&mut core)?;
            self.pointed(&mut core)?;
        }
        let millis = |given: u64, field: &mut Duration| {
            if given != 0 {
                *field = Duration::from_millis(given);
            }
        };
        millis(self.elicit_timeout_ms, &mut core.elicit_timeout);
        millis(self.approval_timeout_ms, &mut core.approval_timeout);
        millis(self.uplink_timeout_ms, &mut core.uplink_timeout);
        millis(self.ready_within_ms, &mut core.ready_within);
        if self.worker_threads != 0 {
            core.worker_threads = self.worker_threads as usize;
        }
        if self.max_principals != 0 {
            core.max_principals = self.max_principals as usize;
        }
        if self.audit_limit_bytes != 0 {
            core.audit_limit_bytes = Some(self.audit_limit_bytes);
        }
        if self.audit_segment_bytes != 0 {
            core.audit_segment_bytes = Some(self.audit_segment_bytes);
        }
        core.require_principal = self.require_principal != 0;
        core.recv_empty_on_timeout = self.recv_empty_on_timeout != 0;
        core.allow_missing_imports = self.allow_missing_imports != 0;
        core.code_cache = self.no_code_cache == 0;
        core.trust_hard_links = self.trust_hard_links != 0;
        core.signal_traps = self.no_signal_traps == 0;
        if self.power_durability != 0 {
            core.durability = Durability::Power;
        }
        Ok(core)
    }

    /// What is given as texts.
    ///
    /// # Safety
    /// As for `core`.
    unsafe fn named(&self, core: &mut HostOptions) -> Result<()> {
        // SAFETY: the caller passes the contract on.
        unsafe {
            if let Some(version) = optional_text("options.runtime_version", self.runtime_version)? {
                core.runtime_version = version;
            }
            if let Some(profile) = optional_text("options.default_profile", self.default_profile)? {
                let profile = json("options.default_profile", &profile)?;
                core.default_profile = Profile::from_json(&profile)?.profile;
            }
            for quota in elements("options.quotas", self.quotas, self.quota_count)? {
                core.quotas.set(&text("options.quotas.name", quota.name)?, quota.value)?;
            }
            let (ids, count) = (self.authenticated_uplinks, self.authenticated_uplink_count);
            core.authenticated_uplinks = list("options.authenticated_uplinks", ids, count)?;
        }
        Ok(())
    }

    /// What is given as structs and bytes of their own.
    ///
    /// # Safety
    /// As for `core`.
    unsafe fn pointed(&self, core: &mut HostOptions) -> Result<()> {
        // SAFETY: the caller passes the contract on; a key has 32 bytes.
        unsafe {
            let restart = read("options.restart", self.restart)?;
            core.restart = Restart {
                enabled: restart.enabled != 0,
                first: Duration::from_millis(restart.first_ms),
                most: Duration::from_millis(restart.most_ms),
                attempts: restart.attempts,
                recovery: Duration::from_millis(restart.recovery_ms),
            };
            let instances = read("options.instances", self.instances)?;
            core.instances = Instances {
                warm: instances.warm as usize,
                most: instances.most as usize,
                idle: Duration::from_millis(instances.idle_ms),
            };
            let network = read("options.network", self.network)?;
            let (places, count) = (network.local_egress, network.local_egress_count);
            core.network.local_egress = endpoints("options.network.local_egress", places, count)?;
            let (places, count) = (network.public_binds, network.public_bind_count);
            core.network.public_binds = endpoints("options.network.public_binds", places, count)?;
            let given = |millis: u64| (millis != 0).then_some(millis);
            core.network.http_connect_ms = given(network.http_connect_ms);
            core.network.http_first_byte_ms = given(network.http_first_byte_ms);
            core.network.http_between_bytes_ms = given(network.http_between_bytes_ms);
            core.network.http_total_ms = given(network.http_total_ms);
            let roots = optional_text("options.network.tls_roots", network.tls_roots)?;
            core.network.tls_roots = roots.map(String::into_bytes).unwrap_or_default();
            let (servers, count) = (network.dns_servers, network.dns_server_count);
            let servers = list("options.network.dns_servers", servers, count)?;
            core.network.dns_servers =
                servers.iter().map(|text| Network::dns_server(text)).collect::<Result<_>>()?;
            core.processes = processes::core(self.processes)?;
            let audit = read("options.audit", self.audit)?;
            let (operations, count) = (audit.power_operations, audit.power_operation_count);
            core.audit.power_operations = list("options.audit.power_operations", operations, count)?;
            core.audit.entries_per_sec = audit.entries_per_sec;
            core.audit.bytes_per_sec = audit.bytes_per_sec;
            core.audit.merge_within = Duration::from_millis(audit.merge_within_ms);
            core.expected_checkpoint = self
                .expected_checkpoint
                .as_ref()
                .map(|kept| ExpectedCheckpoint { entries: kept.entries, head: kept.head });
            core.secret_key = self.secret_key.cast::<[u8; 32]>().as_ref().copied();
        }
        Ok(())
    }
}

/// The places of every capsule.
///
/// # Safety
/// (texts) and (arrays) of the crate's contract hold.
unsafe fn endpoints(
    name: &str,
    places: *const astrid_endpoint,
    count: usize,
) -> Result<BTreeMap<String, Vec<String>>> {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    // SAFETY: the caller passes the contract on.
    unsafe {
        for place in elements(name, places, count)? {
            all.entry(text(name, place.capsule)?).or_default().push(text(name, place.endpoint)?);
        }
    }
    Ok(all)
}
