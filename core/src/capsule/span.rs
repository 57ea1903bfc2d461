//! The span of a trigger, and its place in a trace.

use tracing::Span;
use tracing::field::Empty;

use crate::abi::state::Caller;
use crate::trace::TraceParent;

/// Makes the span of a trigger and lets what the trigger causes inherit its place in the trace: the caller's, or a trace
/// of its own. While nobody listens there is no span, and what the caller said is handed on as it is.
pub(super) fn of_trigger(capsule: &str, action: &str, caller: &mut Caller) -> Span {
    let span = tracing::info_span!(
        target: "astrid::trigger", "astrid.trigger", capsule, action, trace_id = Empty, span_id = Empty,
        parent_id = Empty, sampled = Empty, outcome = Empty, fuel = Empty,
    );
    if span.is_disabled() {
        return span;
    }
    let (trace, id) = made_up();
    let own = match caller.trace {
        Some(parent) => {
            span.record("parent_id", parent.span_id());
            parent.from_span(id)
        }
        None => TraceParent::begin(trace, id),
    };
    span.record("trace_id", own.trace_id());
    span.record("span_id", own.span_id());
    span.record("sampled", own.is_sampled());
    caller.trace = Some(own);
    span
}

/// Random numbers for a trace and a span; the time stands in for them where the machine has no randomness to give.
fn made_up() -> (u128, u64) {
    let mut bytes = [0; 16];
    let mut more = [0; 8];
    if getrandom::fill(&mut bytes).and_then(|()| getrandom::fill(&mut more)).is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        bytes = now.as_nanos().to_le_bytes();
        more.copy_from_slice(&bytes[..8]);
    }
    (u128::from_le_bytes(bytes), u64::from_le_bytes(more).max(1))
}

#[cfg(test)]
#[path = "span_tests.rs"]
mod tests;
