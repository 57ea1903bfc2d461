//! What the engine promises, seen from outside: memory that was wiped, code that was not tampered with, a compiler that
//! nobody can take for himself.

#![allow(clippy::expect_used)]

mod code;
mod isolation;
mod slow;
mod stage;
