//! Programs of the machine that capsules start, in a sandbox.
//!
//! A [`Plan`] says what to start, once everything a guest may say about it has been judged; a [`Sandbox`] starts it and gives a
//! [`Child`]. Nothing here knows who may start what.

mod bubblewrap;
mod child;
mod confine;
mod filter;
mod folder;
mod group;
mod input;
mod options;
mod plan;
mod registry;
mod request;
mod ring;
mod sandbox;
mod spawner;

#[cfg(test)]
mod escape_tests;
#[cfg(test)]
mod tests;

pub use bubblewrap::{WORKSPACE, may_hold};
pub use child::{Child, Exit, Held, Signal};
pub use folder::Start;
pub use group::Used;
pub use input::{Closed, Input};
pub use options::Processes;
pub use plan::{Bind, Injected, Limits, Plan};
pub use registry::{Entry, Event, Place, Registry, Tell, Terms};
pub use request::{Injection, Placement, Request, Unfit};
pub use ring::{Overflow, Part, Ring};
pub use sandbox::{Bubblewrap, By, Diagnosis, Enforcement, Sandbox, Unstarted};
