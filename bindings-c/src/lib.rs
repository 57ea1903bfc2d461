//! The C interface of `astrid-host`: opaque handles, status codes, and callbacks of a context, a call and a drop.
//!
//! This crate converts and does nothing else. Every exported function stands on the same contract with its caller,
//! which the header states and the `SAFETY` lines name:
//!
//! - **handles**: a handle is NULL or was given out by this library, has the named type, and was not freed;
//! - **outs**: an out pointer is NULL or may be written for its type;
//! - **texts**: a `const char *` is NULL or points at bytes that end with a NUL and do not change during the call;
//! - **arrays**: a pointer with a count is NULL or points at that many elements that do not change during the call;
//! - **callbacks**: `call` and `drop` may be called on any thread with their `ctx`, and neither unwinds nor jumps out.
#![allow(unsafe_code, reason = "this crate is the one place where foreign pointers become values")]
#![allow(non_camel_case_types, reason = "exported types bear the names that the header gives them")]
#![allow(clippy::missing_safety_doc, reason = "the contract above is the same for every exported function")]

mod allowances;
mod answer;
mod ask;
mod audit;
mod bus;
mod call;
mod capsule;
mod checkpoint;
mod choices;
mod closure;
mod dispatch;
mod error;
mod export;
mod host;
mod inspect;
mod install;
mod keep;
mod kinds;
mod lifecycle;
mod listen;
mod log;
mod options;
mod packages;
mod principals;
mod processes;
mod question;
mod stop;
mod tell;
mod text;
mod users;
mod wait;
mod watch;
mod workspace;
