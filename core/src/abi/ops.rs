//! The table of the host ABI: one row for every function a capsule may import.
//!
//! A row says what the envelope needs to know before it opens the door (capability, scope, quota, audit, permit,
//! whether the call can wait) and what a guest can be answered. The tests that have to exist are generated from the
//! same rows, and a test reads `wit/` to see that no function is without a row and no row without a function.

/// Writes rows: `NAME fn "function" { field: value, .. }`, or `NAME method "resource.function" { .. }`. Fields that a
/// row leaves out come from the base given at the head of the list.
macro_rules! ops {
    ($rows:ident, $package:literal, $import:literal, $base:expr;
     $($row:ident $kind:ident $function:literal { $($field:ident: $value:expr),* $(,)? })+) => {
        $(
            #[doc = concat!("`", $package, ".", $function, "`")]
            pub static $row: Op = Op {
                name: concat!($package, ".", $function),
                import: $import,
                function: ops!(@ $kind $function),
                place: {
                    static PLACE: crate::abi::ops::Place = crate::abi::ops::Place::UNKNOWN;
                    Some(&PLACE)
                },
                $($field: $value,)*
                ..$base
            };
        )+
        /// The rows of this list, in the order of the interface.
        pub(super) static $rows: &[&Op] = &[$(&$row),+];
    };
    (@ fn $function:literal) => { $function };
    (@ method $function:literal) => { concat!("[method]", $function) };
}

pub mod approval;
pub mod elicit;
pub mod fs;
pub mod http;
pub mod http_1_1;
pub mod identity;
pub mod io;
pub mod ipc;
pub mod kv;
pub mod net;
#[macro_use]
mod process_rows;
mod place;
pub mod process;
pub mod process_1_1;
pub mod request_context;
pub mod sys;
pub mod uplink;

pub use place::Place;

#[cfg(test)]
mod tests;

/// One function of the host ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // A row is a list of facts that each hold or do not.
pub struct Op {
    /// Its name in the audit, in metrics and in tests: `kv.kv-set`, `ipc.subscription.recv`, `http@1.1.0.http-request`.
    pub name: &'static str,
    /// The interface that holds it, as a component imports it: `astrid:kv/host@1.0.0`.
    pub import: &'static str,
    /// Its name in that interface: `kv-set`, `[method]subscription.recv`.
    pub function: &'static str,
    /// The capability of the manifest that it needs. `publish` and `subscribe` stand for the tables of that name.
    pub capability: Option<&'static str>,
    /// What part of its arguments the capability is held against.
    pub scope: ScopeKind,
    /// The quota it draws on.
    pub quota: QuotaClass,
    /// When it leaves an entry in the audit.
    pub audit: AuditRule,
    /// The permit it holds while it works.
    pub permit: PermitClass,
    /// Whether it can wait for something outside the host, and so has to race cancellation.
    pub waits: bool,
    /// Whether it waits for a human, which does not use up the guest's deadline.
    pub human: bool,
    /// Whether it reads or changes something that is kept for each principal apart.
    pub stateful: bool,
    /// The error arms that a guest can be shown, in kebab-case. The arm that turns away a guest already being stopped
    /// (see `refusal`) is listed only for calls that wait: no other lives long enough to tell anybody.
    pub arms: &'static [&'static str],
    /// How it refuses when no arm of its own says why.
    pub refusal: Refusal,
    /// Whether the linker of this version offers it.
    pub built: bool,
    /// Whether a guest can come to call it once it is linked. A method is out of reach while no linked function hands
    /// out its resource.
    pub reachable: bool,
    /// Where it is remembered which row of the table this is.
    place: Option<&'static Place>,
}

impl Op {
    /// Its number: its place among [`all`] rows.
    #[must_use]
    pub fn number(&self) -> usize {
        self.place.map_or(usize::MAX, |place| {
            place.or_find(|| all().position(|op| op.name == self.name).unwrap_or(usize::MAX))
        })
    }

    /// The base of all rows: gated by nothing, counted nowhere, never waiting, audited when it goes wrong.
    const PLAIN: Self = Self {
        name: "",
        import: "",
        function: "",
        capability: None,
        scope: ScopeKind::Nothing,
        quota: QuotaClass::Nothing,
        audit: AuditRule::Refusals,
        permit: PermitClass::Nothing,
        waits: false,
        human: false,
        stateful: false,
        arms: &[],
        refusal: Refusal::Arm("unknown"),
        built: false,
        reachable: true,
        place: None,
    };
}

/// What a capability is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeKind {
    /// Nothing beyond the capability itself.
    Nothing,
    /// A path below one of the principal's roots.
    Path,
    /// The host of a URL.
    Url,
    /// A host name alone.
    Host,
    /// A host and a port.
    Address,
    /// The program to run.
    Command,
    /// A topic or a topic pattern.
    Topic,
    /// A key of the store, of the settings or of a question.
    Key,
    /// A level of the capability itself.
    Level,
    /// A handle or id that was given out earlier; whoever holds it may use it.
    Handle,
}

/// The quota a call draws on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaClass {
    /// None.
    Nothing,
    /// Bytes kept for the principal.
    Storage,
    /// Bytes published in a second.
    Throughput,
    /// Places in the capsule's table of handles, pollables among them.
    Handles,
    /// Open subscriptions.
    Subscriptions,
    /// Open streams, listeners and UDP sockets.
    Sockets,
    /// Open HTTP streams and uploads.
    HttpStreams,
    /// Running processes.
    Processes,
    /// Open questions to people.
    Questions,
    /// Registered uplinks and their messages in flight.
    Uplinks,
}

/// When a call leaves an entry in the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditRule {
    /// Each time.
    Always,
    /// When it is denied, fails or is cancelled.
    Refusals,
    /// Never: it cannot be refused and tells the guest nothing that is worth an entry.
    Never,
}

/// The permit a call holds while it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermitClass {
    /// None.
    Nothing,
    /// One of the few for work that keeps a thread busy.
    Blocking,
    /// One of the many for work that awaits.
    Io,
}

/// How a call refuses when it has no result, or no arm that says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// By this arm of its error type.
    Arm(&'static str),
    /// By doing nothing, for a call without a result.
    Silent,
    /// By its neutral value: false, 0 or an empty list; a clock goes on telling the time.
    Fallback,
    /// By a resource that is closed from the start.
    CloseResource,
    /// By a trap, for a call that has to hand out a handle and has none to give.
    Trap,
}

/// Arms that only a fault of the machine leads to. No guest can bring one about, so no test is asked for.
pub const FAULT_ARMS: [&str; 2] = ["unknown", "store-unavailable"];

static TABLE: [&[&Op]; 28] = [
    approval::ROWS,
    elicit::ROWS,
    fs::READ_ROWS,
    fs::WRITE_ROWS,
    fs::HANDLE_ROWS,
    http::REQUEST_ROWS,
    http::STREAM_ROWS,
    http_1_1::REQUEST_ROWS,
    http_1_1::STREAM_ROWS,
    identity::ROWS,
    io::ERROR_ROWS,
    io::POLL_ROWS,
    io::POLLABLE_ROWS,
    io::STREAM_ROWS,
    ipc::ROWS,
    kv::ROWS,
    net::MAKE_ROWS,
    net::SOCKET_ROWS,
    net::OPTION_ROWS,
    process::START_ROWS,
    process::KNOWN_ROWS,
    process::HANDLE_ROWS,
    process_1_1::START_ROWS,
    process_1_1::KNOWN_ROWS,
    process_1_1::HANDLE_ROWS,
    request_context::ROWS,
    sys::ROWS,
    uplink::ROWS,
];

/// Every row, package by package.
pub fn all() -> impl Iterator<Item = &'static Op> {
    TABLE.iter().copied().flatten().copied()
}

/// The row of that name, such as `kv.kv-set`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Op> {
    all().find(|op| op.name == name)
}

/// What the tests have to show, sorted: for every function that is built and within reach `op/ok` and `op/<arm>` for
/// each arm but those of [`FAULT_ARMS`]; `op/cancelled` where it waits; `op/isolated` where it keeps something for each
/// principal apart.
#[must_use]
pub fn required_pairs() -> Vec<String> {
    let mut pairs: Vec<String> = all()
        .filter(|op| op.built && op.reachable)
        .flat_map(|op| {
            let arms = op.arms.iter().copied().filter(|arm| !FAULT_ARMS.contains(arm));
            let facets = [op.waits.then_some("cancelled"), op.stateful.then_some("isolated")];
            ["ok"]
                .into_iter()
                .chain(arms)
                .chain(facets.into_iter().flatten())
                .map(|what| format!("{}/{what}", op.name))
        })
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}
