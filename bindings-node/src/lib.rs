//! The Node.js binding of astrid-host: a private native module under the hand-written npm package.
//!
//! It converts and nothing else. Every call is begun with a number that JavaScript chose and settled by a letter with
//! that number; handlers are asked by letters too. So no JavaScript value ever leaves the JavaScript thread, and an
//! exception of a handler is kept there, to come back as the very same object.

// The attribute macros of napi write the functions that Node calls; there is no unsafe code of our own here.
#![allow(unsafe_code)]
// JavaScript gives its arguments away, so the exported functions own them.
#![allow(clippy::needless_pass_by_value)]

mod audit;
mod calls;
mod capsule;
mod cause;
mod changes;
mod export;
mod failure;
mod handlers;
mod host;
mod letter;
mod mailbox;
mod messages;
mod notices;
mod opening;
mod options;
mod packages;
mod payload;
mod principals;
mod question;
mod shapes;

use napi_derive::napi;

/// One failure of every kind, as JSON, in the order of their numbers.
#[napi]
#[must_use]
pub fn failures() -> Vec<String> {
    failure::every_kind()
}

/// What a component is, as JSON, and otherwise the text of an error.
#[napi]
#[must_use]
pub fn inspect_component(bytes: &[u8]) -> Vec<String> {
    let report = astrid_host::inspect_component(bytes).and_then(|report| shapes::plain(&report));
    match report {
        Ok(report) => vec![report.to_string()],
        Err(error) => vec![String::new(), failure::text(&error)],
    }
}

/// The version of this library.
#[napi]
#[must_use]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
