//! What a failed guest call means to the embedding program.

use std::fmt::Write as _;

use wasmtime::{Trap, WasmBacktrace};

use super::Stopped;
use crate::abi::clock::Remaining;
use crate::abi::state::State;
use crate::error::{Error, ErrorKind};

impl From<Stopped> for Error {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Expired => timeout(),
            Stopped::Cancelled => cancelled(),
        }
    }
}

/// Names the limit that stopped the guest, or the trap with the guest's own backtrace.
#[must_use]
pub fn fault(error: &wasmtime::Error, state: Option<&State>) -> Error {
    let backtrace = error.downcast_ref::<WasmBacktrace>().map(frames).unwrap_or_default();
    let named = match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => {
            Error::new(ErrorKind::FuelExhausted, "the guest used up the fuel of the call")
        }
        Some(Trap::Interrupt) if state.is_some_and(|state| state.capsule.cancel.is_given()) => cancelled(),
        Some(Trap::Interrupt) => timeout(),
        _ if state.is_some_and(expired) => timeout(),
        _ if state.is_some_and(|state| state.memory.refused) => {
            Error::new(ErrorKind::MemoryExceeded, "the guest needed more memory than its ceiling and gave up")
        }
        Some(trap) => Error::new(ErrorKind::GuestTrap, format!("the guest trapped: {trap}")),
        None => Error::new(
            ErrorKind::GuestTrap,
            format!("the guest broke a rule of its calls: {}", error.root_cause()),
        ),
    };
    if backtrace.is_empty() { named } else { named.with_guest_backtrace(backtrace) }
}

fn expired(state: &State) -> bool {
    state.call.clock.remaining() == Remaining::Expired
}

fn timeout() -> Error {
    Error::new(ErrorKind::Timeout, "the call ran past its deadline and was stopped")
}

fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the capsule was unloaded while it served the call")
}

/// One line for each frame, innermost first, with the guest's own function names.
fn frames(backtrace: &WasmBacktrace) -> String {
    let mut text = String::new();
    for (n, frame) in backtrace.frames().iter().enumerate() {
        let name =
            frame.func_name().map_or_else(|| format!("<function {}>", frame.func_index()), str::to_owned);
        let name = wasmtime_name(&name);
        if n > 0 {
            text.push('\n');
        }
        // Writing to a string does not fail.
        let _ = write!(text, "  {n}: {name}");
    }
    text
}

/// Rust's mangled names end in a hash that only makes them harder to read.
fn wasmtime_name(name: &str) -> &str {
    name.rsplit_once("::h").filter(|(_, hash)| hash.len() == 16).map_or(name, |(stem, _)| stem)
}
