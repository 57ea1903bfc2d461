//! What a hostile or broken guest does with its own memory and time.

use core::hint::black_box;

use serde_json::Value;

use crate::answer::{Answer, Miss, fault};
use crate::args::Args;

const PAGE: u64 = 65_536;

/// An endless loop that makes no host call.
pub fn spin() -> ! {
    let mut turns: u64 = 0;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Asks for so many bytes more, in whole pages. Answers the size in bytes afterwards, or the arm `refused`.
pub fn grow(args: &Args<'_>) -> Answer {
    let pages = usize::try_from(args.number("bytes")?.div_ceil(PAGE)).map_err(|_| fault("too many bytes"))?;
    match core::arch::wasm32::memory_grow::<0>(pages) {
        usize::MAX => Err(Miss::Arm("refused", None)),
        before => Ok(((before + pages) as u64 * PAGE).into()),
    }
}

/// Leaves the text in memory, back to front, for as long as the instance lives.
pub fn fill(args: &Args<'_>) -> Answer {
    let backwards: Vec<u8> = args.text("text")?.bytes().rev().collect();
    black_box(backwards.leak());
    Ok(Value::Null)
}

/// Whether the text lies somewhere in memory back to front. The text itself, which lies there as this call's own
/// argument, is never turned round, so a search does not find itself. To look for a text as it is, ask for it reversed.
pub fn search(args: &Args<'_>) -> Answer {
    let text = args.text("text")?.as_bytes();
    let end = core::arch::wasm32::memory_size::<0>() * 65_536;
    let Some(last_start) = end.checked_sub(text.len()) else {
        return Ok(false.into());
    };
    Ok((16..=last_start).any(|start| lies_reversed(text, start)).into())
}

fn lies_reversed(text: &[u8], start: usize) -> bool {
    text.iter().rev().enumerate().all(|(offset, byte)| {
        let address = core::ptr::with_exposed_provenance::<u8>(start + offset);
        // SAFETY: the address is not null and lies inside the linear memory, all of which can be read.
        *byte == unsafe { address.read_volatile() }
    })
}

/// Traps three calls down, so that a backtrace has names to show.
pub fn trap() -> ! {
    trap_outer(black_box(1))
}

#[inline(never)]
fn trap_outer(depth: u32) -> ! {
    trap_middle(black_box(depth + 1))
}

#[inline(never)]
fn trap_middle(depth: u32) -> ! {
    trap_innermost(black_box(depth + 1))
}

#[inline(never)]
fn trap_innermost(depth: u32) -> ! {
    black_box(depth);
    core::arch::wasm32::unreachable()
}
