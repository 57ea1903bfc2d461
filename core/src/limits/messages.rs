//! Names, topics, queues and the delivery of messages, and what the calls about them carry.

use std::time::Duration;

use super::{KIB, MIB};

// ---- names -----------------------------------------------------------------------------------------------------------

/// Longest id of a principal, in bytes.
pub const PRINCIPAL_BYTES: usize = 64;
/// Longest topic or pattern, in bytes.
pub const TOPIC_BYTES: usize = 256;
/// Most segments of a topic or pattern.
pub const TOPIC_SEGMENTS: usize = 8;

// ---- bus -------------------------------------------------------------------------------------------------------------

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

// ---- dispatch --------------------------------------------------------------------------------------------------------

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

// ---- abi: sys, io, ipc -----------------------------------------------------------------------------------------------

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
