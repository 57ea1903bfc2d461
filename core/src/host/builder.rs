//! Opening a host: the home, the rooms, the runtime.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};
use tokio::runtime::Runtime;

use super::keep::settle_keys;
use super::{Host, HostOptions, Inner, Open};
use crate::abi::context::{HostContext, Registry, Relay};
use crate::abi::ops;
use crate::abi::tenant::Tenants;
use crate::audit::{CheckpointSink, Draft, Log, Options, Outcome, RetiredKey};
use crate::bus::Bus;
use crate::cancel::Cancel;
use crate::capsule::Terms;
use crate::dispatch::Dispatcher;
use crate::engine::{Cache, Engine, Traps};
use crate::error::{Error, ErrorKind, Result};
use crate::http::Client;
use crate::limits;
use crate::logs::{LogSink, Logs};
use crate::manifest::ParseOptions;
use crate::metrics::Metrics;
use crate::net::{Connector, LocalSocket, Rules};
use crate::pending::Pending;
use crate::people::{
    ApprovalQuestion, Callback, Decision, Delivery, Desk, DeskTimeouts, ElicitAnswer, ElicitQuestion,
    UplinkEvent,
};
use crate::process::Bubblewrap;
use crate::store::{Profiles, Store};
use crate::vfs::{Vfs, WorkspaceMode};

/// Collects what a host needs before it is opened.
#[derive(Clone)]
pub struct HostBuilder {
    home: PathBuf,
    workspace: Option<PathBuf>,
    workspace_mode: WorkspaceMode,
    elicit: Option<Callback<ElicitQuestion, ElicitAnswer>>,
    approval: Option<Callback<ApprovalQuestion, Decision>>,
    uplink: Option<Callback<UplinkEvent, Delivery>>,
    pub(super) log: Option<LogSink>,
    checkpoint: Option<CheckpointSink>,
    options: HostOptions,
}

impl std::fmt::Debug for HostBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostBuilder").field("home", &self.home).finish_non_exhaustive()
    }
}

impl HostBuilder {
    pub(super) fn new(home: PathBuf) -> Self {
        let options = HostOptions::default();
        Self {
            home,
            workspace: None,
            workspace_mode: WorkspaceMode::default(),
            elicit: None,
            approval: None,
            uplink: None,
            log: None,
            checkpoint: None,
            options,
        }
    }

    /// The folder capsules see as their workspace. Without it they have none. It must not hold the home.
    #[must_use]
    pub fn workspace(mut self, folder: impl Into<PathBuf>) -> Self {
        self.workspace = Some(folder.into());
        self
    }

    /// What becomes of changes in the workspace; they are made in the folder itself unless this says otherwise.
    #[must_use]
    pub fn workspace_mode(mut self, mode: WorkspaceMode) -> Self {
        self.workspace_mode = mode;
        self
    }

    /// Answers questions of install hooks. Without it every question is cancelled.
    #[must_use]
    pub fn on_elicit(mut self, callback: Callback<ElicitQuestion, ElicitAnswer>) -> Self {
        self.elicit = Some(callback);
        self
    }

    /// Decides on approvals. Without it every request is denied.
    #[must_use]
    pub fn on_approval(mut self, callback: Callback<ApprovalQuestion, Decision>) -> Self {
        self.approval = Some(callback);
        self
    }

    /// Takes what uplinks bring in. Without it every message is dropped.
    #[must_use]
    pub fn on_uplink(mut self, callback: Callback<UplinkEvent, Delivery>) -> Self {
        self.uplink = Some(callback);
        self
    }

    /// Hears of every checkpoint of the audit log once the disk has it, in order, on a thread of the log's own: to be
    /// kept where whoever might cut the log cannot reach, and given back as `expected_checkpoint`. It must return soon
    /// and must not call the host.
    #[must_use]
    pub fn on_checkpoint(mut self, sink: CheckpointSink) -> Self {
        self.checkpoint = Some(sink);
        self
    }

    /// Sets the options.
    #[must_use]
    pub fn options(mut self, options: HostOptions) -> Self {
        self.options = options;
        self
    }

    /// Opens the host without blocking the caller's executor.
    ///
    /// # Errors
    /// As [`Self::open_blocking`].
    pub async fn open(self) -> Result<Host> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        std::thread::Builder::new()
            .name("astrid-open".to_owned())
            .spawn(move || sender.send(self.open_blocking()))
            .map_err(|error| Error::new(ErrorKind::Internal, "no thread can be started").caused_by(error))?;
        receiver.await.map_err(|_| Error::new(ErrorKind::Internal, "opening the host stopped"))?
    }

    /// Opens the host on the calling thread.
    ///
    /// # Errors
    /// [`ErrorKind::HomeLocked`] when the home is open elsewhere, [`ErrorKind::HomeUnusable`] when it cannot be used, has
    /// a newer format or its secrets are sealed with another key, [`ErrorKind::InvalidArgument`] for an option that
    /// breaks a rule or a workspace that is no folder or holds the home, [`ErrorKind::AuditUnavailable`] when the audit log cannot be written or does not hold the
    /// expected checkpoint.
    pub fn open_blocking(self) -> Result<Host> {
        let options = self.options;
        let profile = options.profile()?;
        options.instances.check()?;
        options.audit.check()?;
        options.processes.check()?;
        let network = Rules::read(&options.network)?;
        let runtime_version = options.runtime_version.parse().map_err(|error: semver::Error| {
            Error::new(ErrorKind::InvalidArgument, "`runtime_version` is not a version").caused_by(error)
        })?;
        let store = Store::open_with(&self.home, options.durability, options.secret_key)?;
        let (workspace, mode) = (self.workspace.as_deref(), self.workspace_mode);
        let vfs = Vfs::open(&self.home, workspace, mode, options.trust_hard_links)?;
        settle_keys(&store)?;
        let (audit_key, left) = store.audit_keys()?;
        let retired = left.iter().map(|(until, bytes)| RetiredKey::from_bytes(*until, bytes)).collect();
        let log_options = Options {
            limit_bytes: options.audit_limit_bytes,
            segment_bytes: options.audit_segment_bytes,
            choices: options.audit.clone(),
            retired,
            expected: options.expected_checkpoint,
            checkpoint_sink: self.checkpoint,
        };
        let audit = Log::open(&store.audit_folder()?, audit_key, log_options)?;
        let runtime = build_runtime(options.worker_threads)?;
        let timeouts = DeskTimeouts {
            elicit: options.elicit_timeout,
            approval: options.approval_timeout,
            uplink: options.uplink_timeout,
        };
        let connector = Connector::new(runtime.handle().clone(), &options.network);
        let desk = Desk::new(runtime.handle().clone(), self.elicit, self.approval, self.uplink, timeouts);
        let bus = Bus::new();
        let tenants = Tenants::new(Profiles::of(&self.home), profile, options.max_principals, bus.clone())?;
        let metrics = Arc::new(Metrics::new(ops::all().map(|op| op.name)));
        let logs = Logs::new(self.home.join("log"), self.log, Arc::clone(&metrics));
        let context = Arc::new(HostContext {
            runtime: runtime.handle().clone(),
            store,
            audit,
            logs,
            metrics,
            bus,
            vfs,
            http: Client::new(Arc::clone(&connector), &options.network)?,
            connector,
            local: LocalSocket::new(self.home.join("run"), runtime.handle().clone()),
            network,
            sandbox: Arc::new(Bubblewrap::new(options.processes.clone(), runtime.handle().clone())),
            processes: options.processes,
            tracked: Arc::default(),
            file_work: Pending::default(),
            desk,
            tenants,
            registry: Registry::default(),
            session_allowances: Mutex::default(),
            relay: OnceLock::new(),
            installing: Pending::default(),
            closing: Cancel::default(),
            authenticated_uplinks: options.authenticated_uplinks.into_iter().collect(),
            instances: options.instances,
            recv_empty_on_timeout: options.recv_empty_on_timeout,
        });
        let dispatcher = Dispatcher::new(&context);
        let relay: Arc<dyn Relay> = Arc::clone(&dispatcher) as _;
        // The cell was made a line ago; nobody can have filled it.
        drop(context.relay.set(Arc::downgrade(&relay)));
        context.audit.append(&Draft::new("host.open", Outcome::Allowed))?;
        let cache = if options.code_cache {
            Some(Cache::new(context.store.cache_folder()?, context.store.cache_key()?))
        } else {
            None
        };
        let traps = if options.signal_traps { Traps::Signals } else { Traps::Checks };
        let engine = Engine::open(traps, cache)?;
        let open = Open { context, dispatcher, engine, runtime };
        let host = Host(Arc::new(Inner {
            process: std::process::id(),
            open: RwLock::new(Some(open)),
            capsules: Mutex::default(),
            parse: ParseOptions { runtime_version },
            require_principal: options.require_principal,
            allow_missing_imports: options.allow_missing_imports,
            terms: Terms { restart: options.restart, ready_within: options.ready_within },
        }));
        host.sweep(options.instances.idle);
        Ok(host)
    }
}

fn build_runtime(workers: usize) -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers.max(1))
        .thread_name("astrid-worker")
        .thread_keep_alive(limits::BLOCKING_IDLE)
        .enable_all()
        .build()
        .map_err(|error| {
            Error::new(ErrorKind::Internal, "the host's runtime cannot be started").caused_by(error)
        })
}
