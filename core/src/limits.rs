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
pub const HOOK_TIMEOUT: Duration = Duration::from_mins(10);
/// Wall clock of instantiation, which may run the guest's start code.
pub const INSTANTIATE_TIMEOUT: Duration = Duration::from_mins(5);
/// Largest trigger payload, in bytes.
pub const TRIGGER_PAYLOAD_BYTES: usize = 16 * MIB;
/// Instances of one (capsule, principal) that are kept warm while the principal is at work.
pub const WARM_INSTANCES: usize = 4;
/// Instances of one (capsule, principal) at once, unless the embedder names another number: twice the cores, at least this.
pub const LEAST_INSTANCES: usize = 8;
/// And at most this.
pub const MOST_INSTANCES: usize = 64;
/// How long an instance may wait for work before its memory is given back.
pub const INSTANCE_IDLE: Duration = Duration::from_mins(1);
/// Bytes that the arguments of a principal's host calls may occupy at once, over all its instances.
pub const CALL_BYTES: u64 = 64 * MIB as u64;
/// Stack of guest code, in bytes.
pub const GUEST_STACK_BYTES: usize = 512 * KIB;
/// Stack of a host call on the guest's fiber, in bytes.
pub const HOST_STACK_BYTES: usize = 512 * KIB;
/// Bytes that the arguments of one host call may occupy in the host: the largest legal argument and its fellows.
pub const HOSTCALL_BYTES: usize = 16 * MIB;
/// How long an unload waits for a run loop or a trigger to end before it goes on without it.
pub const UNLOAD_WAIT: Duration = Duration::from_secs(1);
/// Compiled components the engine remembers, so that installing and then loading compiles once.
pub const RECENT_COMPONENTS: usize = 16;
/// Handles one instance may hold at once.
pub const TABLE_HANDLES: usize = 4096;
/// What one slot of a guest's table counts against its memory ceiling, in bytes.
pub const TABLE_SLOT_BYTES: u64 = 32;

// ---- the pool of instances -------------------------------------------------------------------------------------
// The pool reserves its whole address space when the first host is opened, about 98 GiB of the 128 TiB a process has; of
// memory it takes what is touched. What does not fit, and whoever comes when it is full, gets an instance on demand.

/// Instances the pool has room for.
pub const POOL_INSTANCES: u32 = 1024;
/// Address space reserved for each linear memory, in bytes: in the pool no memory grows beyond it, on demand growing
/// further moves the memory.
pub const MEMORY_RESERVATION_BYTES: u64 = 64 * MIB as u64;
/// Address space behind each linear memory that faults when it is touched, in bytes.
pub const MEMORY_GUARD_BYTES: u64 = 32 * MIB as u64;
/// Linear memories of a component that fits the pool.
pub const POOL_MEMORIES: u32 = 1;
/// Tables of a component that fits the pool.
pub const POOL_TABLES: u32 = 4;
/// Slots of a table in the pool; a table that could grow beyond them does not fit.
pub const POOL_TABLE_SLOTS: usize = 20_000;
/// Core instances of a component that fits the pool.
pub const POOL_CORE_INSTANCES: u32 = 32;
/// Bytes of bookkeeping of a component that fits the pool.
pub const POOL_INSTANCE_BYTES: usize = MIB;

// ---- compilation -----------------------------------------------------------------------------------------------

/// Largest component that is looked at, in bytes.
pub const COMPONENT_BYTES: usize = 64 * MIB;
/// Core modules of one component.
pub const CORE_MODULES: usize = 128;
/// Components inside a component, at any depth.
pub const INNER_COMPONENTS: usize = 256;
/// How deep components may lie in one another.
pub const COMPONENT_DEPTH: usize = 8;
/// Functions with a body, over all core modules of a component.
pub const CORE_FUNCTIONS: usize = 50_000;
/// Bytes of one function's body. The interpreter of Python has one of 417 KiB.
pub const FUNCTION_BYTES: usize = 512 * KIB;
/// Bytes of all bodies of a component: about a minute of one core. The engines for JavaScript have up to 10 MiB of them.
pub const CODE_BYTES: usize = 16 * MIB;
/// Locals of one function.
pub const FUNCTION_LOCALS: u64 = 10_000;
/// How deep blocks may lie in one another in a function.
pub const BLOCK_DEPTH: usize = 1_000;
/// What one function may cost the compiler, as `engine/bounds.rs` estimates it: about 5 s of one core. The most
/// expensive function of the engines for JavaScript and Python costs 113,000,000.
pub const FUNCTION_WORK: u64 = 400_000_000;
/// What all functions of a component may cost together: about 50 s of one core. A component with Python in it costs
/// 1,500,000,000, one with JavaScript 2,300,000,000 or, in the variant that compiles ahead, 3,000,000,000.
pub const COMPONENT_WORK: u64 = 4_000_000_000;
/// Types, imports, exports, globals, element and data segments of a component, of each kind.
pub const COMPONENT_ITEMS: usize = 100_000;
/// How long one compilation may take, from the moment its turn has come.
pub const COMPILE_TIME: Duration = Duration::from_mins(2);
/// Compilations at once; one fewer of those that may be slow.
pub const COMPILE_LANES: usize = 2;
/// A component whose functions cost the compiler more than this may be slow: about two seconds of one core.
pub const QUICK_WORK: u64 = 160_000_000;
/// And so may one with more bytes of code than this.
pub const QUICK_CODE_BYTES: usize = 512 * KIB;
/// Threads of one compilation, if the machine has so many cores.
pub const COMPILE_THREADS: usize = 8;
/// Stack of a compiling thread, in bytes.
pub const COMPILE_STACK_BYTES: usize = 8 * MIB;
/// Compilations that may wait for their turn; one more is refused.
pub const COMPILE_QUEUE: usize = 1024;
/// Bytes of compiled code that a home keeps; what was used longest ago gives way.
pub const CODE_CACHE_BYTES: u64 = 512 * MIB as u64;

// ---- store -----------------------------------------------------------------------------------------------------

/// Longest key a guest may store, in bytes of UTF-8.
pub const KV_KEY_BYTES: usize = 256;
/// Largest value a guest may store under one key, in bytes.
pub const KV_VALUE_BYTES: usize = MIB;
/// Most keys one listing or one page returns.
pub const KV_PAGE_KEYS: usize = 1024;
/// Longest name of a secret or a setting, in bytes of UTF-8.
pub const SETTING_KEY_BYTES: usize = 256;
/// Largest secret, in bytes of UTF-8.
pub const SECRET_VALUE_BYTES: usize = 64 * KIB;
/// Largest setting, in bytes of UTF-8.
pub const SETTING_VALUE_BYTES: usize = MIB;
/// How long an acknowledged write may sit in the operating system's memory before it is on its way to the disk.
pub const SYNC_WITHIN: Duration = Duration::from_millis(50);

// ---- files -----------------------------------------------------------------------------------------------------

/// Longest path a guest may give, in bytes of UTF-8.
pub const PATH_BYTES: usize = 4096;
/// Links followed on the way of one path; one more is `access`, as a circle of them would be.
pub const PATH_LINKS: usize = 40;
/// Names looked up on the way of one path, those in links included.
pub const PATH_STEPS: usize = 16_384;
/// Most bytes of one `read-at` or `write-at`.
pub const FILE_CALL_BYTES: usize = MIB;
/// Most bytes of one `read-file`, `write-file` or `fs-append`.
pub const FILE_BYTES: usize = 10 * MIB;
/// Most names of one `fs-readdir`.
pub const READDIR_ENTRIES: usize = 4096;
/// Files, folders and further names that one capsule may make in total, unless the profile says otherwise.
pub const FILES_MADE: u64 = 1_000_000;
/// Bytes that are copied between two looks at the cancel signal.
pub const COPY_PIECE_BYTES: usize = 256 * KIB;
/// Folders inside one another that are emptied on the stack; what lies deeper is moved up first.
pub const TREE_DEPTH: usize = 64;
/// File calls of one capsule that are at work at once; the others wait without a thread.
pub const FILE_CALLS: usize = 4;

// ---- audit -----------------------------------------------------------------------------------------------------

/// Size of one segment file of the audit log, in bytes, unless the embedder names another.
pub const AUDIT_SEGMENT_BYTES: u64 = 8 * MIB as u64;
/// Smallest segment and smallest byte limit the audit log accepts, in bytes.
pub const AUDIT_LEAST_BYTES: u64 = 64 * KIB as u64;
/// Space kept free in the audit log for its closing entry and its last checkpoint, in bytes.
pub const AUDIT_RESERVE_BYTES: u64 = 4 * KIB as u64;
/// Space under the log's byte limit that only calls already admitted may use, in bytes; a quarter of the limit if that
/// is less.
pub const AUDIT_ADMISSION_BYTES: u64 = MIB as u64;
/// Space in the segment file that is made ready before a call is admitted, in bytes; a quarter of the segment if that
/// is less.
pub const AUDIT_READY_BYTES: u64 = 64 * KIB as u64;
/// Entries between two signed checkpoints, at most.
pub const AUDIT_CHECKPOINT_ENTRIES: u64 = 1024;
/// Entries that one (capsule, principal) may cause in a second, unless the embedder says otherwise.
pub const AUDIT_ENTRIES_PER_SEC: u64 = 5000;
/// The same in bytes of the log.
pub const AUDIT_BYTES_PER_SEC: u64 = 2 * MIB as u64;
/// The lowest rate of bytes, in bytes a second: one entry of every length comes through.
pub const AUDIT_LEAST_RATE_BYTES: u64 = 1024;
/// How much of the two rates may come at once.
pub const AUDIT_BURST: Duration = Duration::from_secs(10);
/// How long repeats beyond the rate are collected in one counted entry, unless the embedder says otherwise.
pub const AUDIT_MERGE_WITHIN: Duration = Duration::from_secs(5);
/// Counted entries that can be open at once.
pub const AUDIT_TALLIES: usize = 512;
/// Counted entries that one (capsule, principal) can have open at once.
pub const AUDIT_TALLIES_PER_PAIR: usize = 8;
/// Space of one open counted entry, in bytes.
pub const AUDIT_TALLY_BYTES: usize = 2 * KIB;
/// The part of a limited log that one (capsule, principal) may fill: one in this many.
pub const AUDIT_SHARES: u64 = 4;
/// Longest operation, reason, capsule id or principal in an audit entry, in bytes; the rest is cut off.
pub const AUDIT_NAME_BYTES: usize = 128;
/// Longest subject and longest detail value in an audit entry, in bytes; the rest is cut off.
pub const AUDIT_TEXT_BYTES: usize = 1024;
/// Most details in an audit entry; the rest is left out.
pub const AUDIT_DETAILS: usize = 8;

// ---- names -----------------------------------------------------------------------------------------------------

/// Longest id of a principal, in bytes.
pub const PRINCIPAL_BYTES: usize = 64;
/// Longest topic or pattern, in bytes.
pub const TOPIC_BYTES: usize = 256;
/// Most segments of a topic or pattern.
pub const TOPIC_SEGMENTS: usize = 8;

// ---- bus -------------------------------------------------------------------------------------------------------

/// Bytes (payload and topic) that may wait in one subscription, over all its publishers.
pub const SUBSCRIPTION_BYTES: usize = MIB;
/// Messages of one publisher that may wait in one subscription.
pub const SUBSCRIPTION_MESSAGES_PER_PUBLISHER: usize = 16_384;
/// Bytes (payload and topic) that one `poll` or `recv` of a guest returns at most.
pub const BATCH_BYTES: usize = MIB;
/// Handlers and subscriptions together that one publish of a guest reaches at most.
pub const FAN_OUT: usize = 256;
/// Bytes every publisher with waiting messages may have delivered in its turn, at least.
pub const DELIVERY_QUANTUM_BYTES: usize = 4 * KIB;

// ---- dispatch --------------------------------------------------------------------------------------------------

/// Calls of handlers that one (capsule, principal) may have waiting, the one that is served included.
pub const LANE_PLACES: usize = 64;
/// How long a guest's publish waits for room with the handlers that want it; then it is `backpressure`.
pub const PUBLISH_WAIT: Duration = Duration::from_secs(5);
/// Messages of guests that may be on their way to handlers at once; one more is `backpressure`.
pub const DELIVERIES: usize = 4096;
/// Bytes (payload and topic) of these messages.
pub const DELIVERY_BYTES: usize = 64 * MIB;
/// Messages of the guests of one principal that may be on their way to handlers at once.
pub const DELIVERIES_OF_ONE: usize = 512;
/// Bytes (payload and topic) of these messages.
pub const DELIVERY_BYTES_OF_ONE: usize = 8 * MIB;

// ---- people ----------------------------------------------------------------------------------------------------

/// Longest wait for the answer to an elicit question.
pub const ELICIT_TIMEOUT: Duration = Duration::from_mins(2);
/// Longest wait for a decision on an approval.
pub const APPROVAL_TIMEOUT: Duration = Duration::from_mins(1);
/// Longest wait for the embedder to take an uplink event.
pub const UPLINK_TIMEOUT: Duration = Duration::from_secs(5);
/// Questions (elicit and approval together) that one capsule may have open for one principal.
pub const OPEN_QUESTIONS: usize = 16;
/// Longest key of an elicit question, in bytes.
pub const ELICIT_KEY_BYTES: usize = 256;
/// Longest description or single option of an elicit question, in bytes.
pub const ELICIT_DESCRIPTION_BYTES: usize = 4 * KIB;
/// Options of a select question, and items of a list answer, at most.
pub const ELICIT_ITEMS: usize = 256;
/// Longest text answer, list item or default, in bytes.
pub const ELICIT_TEXT_BYTES: usize = 64 * KIB;
/// Approvals of one principal that are remembered for one capsule, as many for the session and as many for good; one more
/// counts once.
pub const ALLOWANCES: usize = 1024;
/// Longest action of an approval, in characters; a longer one is refused.
pub const APPROVAL_ACTION_CHARS: usize = 256;
/// Longest resource of an approval, in characters; a longer one is cut.
pub const APPROVAL_RESOURCE_CHARS: usize = 1024;
/// Uplinks one capsule may register.
pub const UPLINKS_PER_CAPSULE: usize = 32;
/// Longest name or platform of an uplink, in bytes.
pub const UPLINK_NAME_BYTES: usize = 128;
/// Longest text in which a guest may give an uplink id, in bytes.
pub const UPLINK_ID_BYTES: usize = 64;
/// Longest user id of a platform, in bytes.
pub const UPLINK_USER_BYTES: usize = 256;
/// Longest content of an uplink message, in bytes.
pub const UPLINK_CONTENT_BYTES: usize = 64 * KIB;
/// Uplink messages one capsule may have in flight.
pub const UPLINK_SENDS: usize = 128;

// ---- abi: sys, io, ipc -----------------------------------------------------------------------------------------

/// Longest `sleep-ns`, in nanoseconds; more is `too-large`, never clamped.
pub const SLEEP_NS: u64 = 60_000_000_000;
/// Most bytes of one `random-bytes`.
pub const RANDOM_BYTES: u64 = 4096;
/// Longest log message kept, in bytes.
pub const LOG_BYTES: usize = 64 * KIB;
/// Shortest secret that is taken out of log lines, in bytes; a shorter one is likely to be part of a word.
pub const LOG_SECRET_BYTES: usize = 6;
/// Secrets that one instance has read and that are taken out of its log lines; those that were read last.
pub const LOG_SECRETS: usize = 32;
/// Most bytes that one read or skip of a stream gives.
pub const STREAM_READ_BYTES: usize = MIB;
/// Bytes that a socket's stream reads from the operating system at once.
pub const SOCKET_READ_BYTES: usize = 256 * KIB;
/// Bytes written to a socket's stream that may wait for the operating system to take them.
pub const SOCKET_WAITING_BYTES: usize = 256 * KIB;
/// How long a socket may take none of the bytes that wait for it before its stream fails.
pub const SOCKET_STALL: Duration = Duration::from_secs(30);
/// Zero bytes that a stream is given at once.
pub const STREAM_ZEROES_BYTES: usize = 64 * KIB;
/// A piece shorter than this is put together with its neighbours in a pipe, in bytes.
pub const PIPE_SMALL_BYTES: usize = KIB;
/// Most pollables of one `poll`.
pub const POLL_LIST: usize = 256;
/// Largest published payload, in bytes.
pub const PUBLISH_BYTES: usize = MIB;
/// How many publishes may lead from one to the next.
pub const PUBLISH_DEPTH: u8 = 8;
/// Subscriptions of one capsule, over all its instances.
pub const SUBSCRIPTIONS: usize = 128;
/// Longest wait of one `recv`, in milliseconds; more is clamped.
pub const RECV_MS: u64 = 60_000;

// ---- net -------------------------------------------------------------------------------------------------------

/// Longest host a guest may name, in bytes.
pub const HOST_NAME_BYTES: usize = 255;
/// Most addresses of one name; one with more has none that can be trusted.
pub const DNS_ANSWERS: usize = 64;
/// How long one question to a server of names may take.
pub const DNS_ATTEMPT: Duration = Duration::from_secs(2);
/// How often a server of names is asked before it is given up.
pub const DNS_ATTEMPTS: usize = 2;
/// Questions that one server may have open at once.
pub const DNS_LOOKUPS: usize = 1024;
/// How long what the machine says of its servers and its file of hosts is kept before it is asked again.
pub const DNS_SETTINGS_KEPT: Duration = Duration::from_secs(5);
/// How long the machine's own addresses are taken for known.
pub const OWN_ADDRESSES_KEPT: Duration = Duration::from_secs(1);
/// How long connecting may take, the lookup and every address together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest framed message of a stream, in bytes.
pub const FRAME_BYTES: usize = 10 * MIB;
/// How long a framed read waits for the length of a message.
pub const FRAME_HEADER_WAIT: Duration = Duration::from_millis(50);
/// Most bytes of one `read-bytes` or `peek`; more is clamped.
pub const SOCKET_CALL_BYTES: usize = 10 * MIB;
/// Longest wait of one `poll-accept`; more is clamped.
pub const POLL_ACCEPT: Duration = Duration::from_mins(1);
/// Connections that may wait to be accepted by one listener.
pub const LISTEN_BACKLOG: u32 = 128;
/// Longest datagram, in bytes.
pub const DATAGRAM_BYTES: usize = 65_507;
/// Datagrams of others than the fixed peer that one look for the peer's throws away at most.
pub const DATAGRAMS_PASSED_OVER: usize = 64;
/// How long closing a connection waits for what it has not sent, unless the guest sets a shorter time.
pub const LINGER: Duration = Duration::from_mins(1);
/// Shortest write timeout; a shorter one would end before anything could be tried.
pub const WRITE_TIMEOUT_LEAST: Duration = Duration::from_millis(1);

/// How long a client of the local socket may take over each message of the handshake.
pub const GREETING_STEP: Duration = Duration::from_secs(5);
/// Longest message of a client in the handshake, in bytes.
pub const GREETING_BYTES: usize = 4 * KIB;
/// How much of what a client says it is gets recorded, in characters.
pub const CLIENT_VERSION_CHARS: usize = 64;
/// Clients of the local socket that may be in the handshake or wait for a capsule; the system keeps others waiting.
pub const LOCAL_CLIENTS: usize = 64;
/// How long a client that has passed the handshake waits for a capsule before it is dropped.
pub const LOCAL_WAIT: Duration = Duration::from_secs(30);
/// The pause after the system had no connection to give, because the process has too many files open.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Longest URL of a request, in bytes.
pub const URL_BYTES: usize = 16 * KIB;
/// Most headers of a request, or of a response.
pub const HTTP_HEADERS: usize = 128;
/// Longest headers of a request, or of a response, together, in bytes.
pub const HTTP_HEADER_BYTES: usize = 64 * KIB;
/// Longest body of a response that is given whole, in bytes; a request may only lower it.
pub const HTTP_BODY_BYTES: u64 = 10 * MIB as u64;
/// Bytes of a response or an upload that wait between the guest and the network.
pub const HTTP_PIPE_BYTES: usize = 256 * KIB;
/// Longest lookup, connection and secure setup together; a request may only lower it.
pub const HTTP_CONNECT: Duration = Duration::from_secs(30);
/// Longest wait for the headers of a response; a request may only lower it.
pub const HTTP_FIRST_BYTE: Duration = Duration::from_mins(2);
/// Longest wait for the next piece of a body; a request may only lower it.
pub const HTTP_BETWEEN_BYTES: Duration = Duration::from_mins(2);
/// How long a request that is answered whole may take, unless it says otherwise.
pub const HTTP_TOTAL: Duration = Duration::from_secs(30);
/// The longest time a request may ask for.
pub const HTTP_TOTAL_MOST: Duration = Duration::from_mins(15);
/// Most redirects that are followed; a request may only lower it.
pub const HTTP_REDIRECTS: u32 = 10;
/// Most encodings of one body.
pub const HTTP_CODINGS: usize = 3;
/// Idle connections to one origin that are kept for one capsule and principal.
pub const HTTP_IDLE_EACH: usize = 4;
/// Idle connections that are kept in all.
pub const HTTP_IDLE: usize = 256;
/// How long an idle connection is kept.
pub const HTTP_IDLE_KEPT: Duration = Duration::from_mins(1);

/// How long the other side may take over so many bytes: 5 s and a millisecond for each KiB.
#[must_use]
pub const fn transfer_time(bytes: usize) -> Duration {
    Duration::from_millis(5000 + (bytes / KIB) as u64)
}

// ---- manifest --------------------------------------------------------------------------------------------------

/// Largest `Capsule.toml`, in bytes.
pub const MANIFEST_BYTES: usize = MIB;
/// Longest id of a capsule, in bytes.
pub const PACKAGE_NAME_BYTES: usize = 64;
/// Longest name of a command on the command line, in bytes.
pub const COMMAND_NAME_BYTES: usize = 32;
/// Priority of a handler that names none; lower runs first.
pub const HANDLER_PRIORITY: u32 = 100;
/// Keywords, and categories, of one capsule.
pub const PACKAGE_WORDS: usize = 5;
/// Components of one capsule; their files together have at most [`COMPONENT_BYTES`].
pub const COMPONENTS: usize = 32;

// ---- packages --------------------------------------------------------------------------------------------------

/// Largest `.capsule` archive, compressed, in bytes.
pub const ARCHIVE_BYTES: usize = 64 * MIB;
/// Bytes a `.capsule` archive may unpack to, with the headers of its entries.
pub const ARCHIVE_UNPACKED_BYTES: usize = 128 * MIB;
/// Largest file in a `.capsule` archive, in bytes.
pub const ARCHIVE_FILE_BYTES: usize = COMPONENT_BYTES;
/// Entries of a `.capsule` archive, folders included.
pub const ARCHIVE_ENTRIES: usize = 4096;
/// Longest path in a `.capsule` archive, in bytes.
pub const ARCHIVE_PATH_BYTES: usize = 1024;
/// Largest `meta.json` beside a manifest, in bytes.
pub const META_BYTES: usize = MIB;
/// Largest file of a capsule that the embedding program reads through the host, in bytes.
pub const STATIC_FILE_BYTES: usize = 4 * MIB;

// ---- host ------------------------------------------------------------------------------------------------------

/// Principals a host knows at most, unless the embedding program says otherwise.
pub const PRINCIPALS: usize = 10_000;
/// How long a thread that was lent to blocking work waits for more of it before it ends.
pub const BLOCKING_IDLE: Duration = Duration::from_secs(1);
/// How long loading a folder of capsules waits for each to become ready.
pub const READY_WAIT: Duration = Duration::from_secs(5);
/// How long the run loop of a new generation has to become ready before the old one is kept, unless the embedding program
/// says otherwise.
pub const REPLACEMENT_READY: Duration = Duration::from_millis(500);
/// How long a replaced generation may still serve the calls it has admitted before they are cancelled.
pub const DRAIN_WAIT: Duration = Duration::from_secs(30);
/// The pause before a failed run loop is restarted for the first time; it doubles with every further attempt.
pub const RESTART_FIRST: Duration = Duration::from_secs(2);
/// The longest pause before a restart.
pub const RESTART_MOST: Duration = Duration::from_mins(2);
/// Restarts of a capsule until it is left alone.
pub const RESTART_ATTEMPTS: u32 = 5;
/// How long a restarted run loop must have been ready and running before its failures are forgotten.
pub const RESTART_RECOVERY: Duration = Duration::from_mins(1);
/// A run loop's watchdog looks at it after it has computed for this long, or for the longest call of its owner if that is
/// shorter.
pub const WATCHDOG_WINDOW: Duration = Duration::from_secs(5);
/// Windows in a row in which a run loop may compute without one host call that waited.
pub const WATCHDOG_WINDOWS: u8 = 3;
/// How long a capsule's folder must lie still before a watcher looks at what changed.
pub const WATCH_DEBOUNCE: Duration = Duration::from_millis(500);
/// Changes that may wait to be taken from a watcher.
pub const WATCH_CHANGES: usize = 64;
/// Bytes of one capsule's folder that a watcher reads at most; a larger folder counts as changed whenever it is written to.
pub const WATCH_BYTES: u64 = 256 * MIB as u64;

// ---- logs and metrics ------------------------------------------------------------------------------------------

/// Most bytes of the log of one (principal, capsule) and day.
pub const LOG_DAY_BYTES: u64 = 16 * 1024 * 1024;
/// Days that a log is kept beside today's.
pub const LOG_DAYS: i32 = 7;
/// Files of logs that are open at once.
pub const LOG_FILES: usize = 64;
/// Bytes of lines that may wait to be written, or to be told to the embedding program, over all capsules.
pub const LOG_QUEUE_BYTES: usize = 4 * MIB;
/// What one capsule may have of it.
pub const LOG_QUEUE_SHARE_BYTES: usize = MIB;
/// Logs whose losses are counted one by one until they can be told; those of others appear in the metrics alone.
pub const LOG_LOSSES: usize = 1024;
/// How long closing waits until what is left of the logs is written.
pub const LOG_CLOSE_WAIT: Duration = Duration::from_secs(1);
/// Capsules whose counters are kept when they are not loaded any more.
pub const METERED_CAPSULES: usize = 16_384;
/// Actions of one capsule that have a histogram of their own.
pub const METERED_ACTIONS: usize = 16;
/// Longest action that has one, in bytes.
pub const METERED_ACTION_BYTES: usize = 64;

// ---- identity --------------------------------------------------------------------------------------------------

/// Longest name of a platform, in bytes.
pub const PLATFORM_BYTES: usize = 64;
/// Longest text that says how a link was established, in bytes.
pub const LINK_METHOD_BYTES: usize = 64;
/// Longest name of a user that is shown, in bytes.
pub const DISPLAY_NAME_BYTES: usize = 128;
/// Users of a host that capsules may create.
pub const USERS: usize = 100_000;

// ---- processes -------------------------------------------------------------------------------------------------

/// What a program reads first, at most, in bytes.
pub const PROCESS_STDIN_BYTES: usize = 4 * MIB;
/// What one call writes to a program, at most, in bytes.
pub const PROCESS_WRITE_BYTES: usize = MIB;
/// What is kept of each output of a program unless it asks for another number, in bytes.
pub const PROCESS_RING_BYTES: usize = MIB;
/// The least that may be kept.
pub const LEAST_RING_BYTES: usize = 4 * KIB;
/// The most that may be kept; also the most that a program which is run to its end may write to each output.
pub const MOST_RING_BYTES: usize = 8 * MIB;
/// What is read of an output at once.
pub const PROCESS_READ_BYTES: usize = 64 * KIB;
/// What `read-since` gives at most.
pub const PROCESS_CHUNK_BYTES: usize = 4 * MIB;
/// Memory of each process of a program, unless the embedding program says otherwise.
pub const PROCESS_MEMORY_BYTES: u64 = 2 * 1024 * MIB as u64;
/// Its processes and threads.
pub const PROCESS_PIDS: u32 = 512;
/// Its open files, for each process.
pub const PROCESS_OPEN_FILES: u32 = 1024;
/// Each of its scratch folders.
pub const PROCESS_SCRATCH_BYTES: u64 = 64 * MIB as u64;
/// The user and group that owns nothing, as which programs run when the host is root.
pub const NOBODY: u32 = 65_534;
/// How long the probe of the sandbox may take.
pub const PROCESS_PROBE: Duration = Duration::from_secs(10);
/// How long the outputs of a program that has ended are waited for.
pub const PROCESS_DRAIN: Duration = Duration::from_secs(2);
/// Variables of a program.
pub const PROCESS_VARIABLES: usize = 256;
/// The value of one, in bytes.
pub const PROCESS_VALUE_BYTES: usize = 64 * KIB;
/// A program's name and each of its arguments, in bytes; the system takes no longer ones.
pub const PROCESS_ARGUMENT_BYTES: usize = 128 * KIB - 1;
/// Arguments of a program.
pub const PROCESS_ARGUMENTS: usize = 4096;
/// All of them together, and all variables together; the system takes no more.
pub const PROCESS_ARGUMENTS_BYTES: usize = MIB;
/// Files injected into one program.
pub const INJECTIONS: usize = 128;
/// Each of them, in bytes.
pub const INJECTION_BYTES: usize = 8 * MIB;
/// All of them together.
pub const INJECTIONS_BYTES: usize = 16 * MIB;
/// Ids that one capsule keeps, over all its principals.
pub const REGISTRY_PROCESSES: usize = 256;
/// How long a program that outlives its call runs, at most and unless it asks for less.
pub const PROCESS_LIFETIME: Duration = Duration::from_hours(6);
/// How long it runs without a call about it, unless it asks for another time.
pub const PROCESS_IDLE: Duration = Duration::from_mins(30);
/// How long its output is kept after it ended, unless it asks for another time.
pub const EXIT_RETENTION: Duration = Duration::from_mins(5);
/// And at most.
pub const MOST_EXIT_RETENTION: Duration = Duration::from_hours(1);
/// How long a program that is asked to end has, unless the guest names another time.
pub const STOP_GRACE: Duration = Duration::from_secs(5);
/// And at most.
pub const MOST_STOP_GRACE: Duration = Duration::from_secs(30);
/// How long a program has after an interrupt that cancels the work it was started for.
pub const CANCEL_PROCESS_GRACE: Duration = Duration::from_secs(2);
/// The name of a program for people, in bytes.
pub const PROCESS_LABEL_BYTES: usize = 128;

// ---- policy ----------------------------------------------------------------------------------------------------

/// Largest profile of a principal, in bytes.
pub const PROFILE_BYTES: usize = MIB;
/// Longest name of a group of principals, in bytes.
pub const GROUP_BYTES: usize = 64;
/// Longest capability of a principal, in bytes.
pub const GRANT_BYTES: usize = 256;
/// Longest label of a device's key, in bytes.
pub const KEY_LABEL_BYTES: usize = 256;
/// Longest id of a capsule that a profile grants, in characters.
pub const GRANTED_CAPSULE_CHARS: usize = 128;
/// Pollables of one capsule at once, unless the profile says otherwise.
pub const POLLABLES: usize = 1024;
/// Streams of TCP and Unix sockets of one capsule, unless the profile says otherwise.
pub const SOCKETS: usize = 8;
/// TCP listeners of one capsule, unless the profile says otherwise.
pub const LISTENERS: usize = 4;
/// UDP sockets of one capsule, unless the profile says otherwise.
pub const UDP_SOCKETS: usize = 4;
/// HTTP streams and uploads of one capsule, unless the profile says otherwise.
pub const HTTP_STREAMS: usize = 4;
/// Open files of one capsule, unless the profile says otherwise.
pub const FILE_HANDLES: usize = 16;
/// Background processes of one principal, unless the profile says otherwise.
pub const PROCESSES: usize = 8;
/// Processes of one principal that are kept under an id, unless the profile says otherwise.
pub const RETAINED_PROCESSES: usize = 32;
/// The most sockets, listeners or HTTP streams a profile may give.
pub const MOST_SOCKETS: usize = 1024;
/// The most open files a profile may give.
pub const MOST_FILE_HANDLES: usize = 1024;
/// How long removing a principal waits for its calls to end before it goes on without them.
pub const REMOVE_WAIT: Duration = Duration::from_secs(1);
