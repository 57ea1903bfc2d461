//! Sends the spans of `astrid-host` to an OpenTelemetry collector, by OTLP over HTTP.
//!
//! The core says what it does through `tracing`; this crate is a layer that listens. A program that wants its traces exported
//! installs it once, before it opens a host:
//!
//! ```no_run
//! use tracing_subscriber::layer::SubscriberExt as _;
//! use tracing_subscriber::util::SubscriberInitExt as _;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let export = astrid_host_otlp::Export::to("http://127.0.0.1:4318/v1/traces", "my-service")?;
//! tracing_subscriber::registry().with(export.layer()).init();
//! // … open a host, trigger capsules …
//! export.shutdown()?;
//! # Ok(())
//! # }
//! ```
//!
//! A trigger that names a `traceparent` becomes a child of that span, in the same trace; one that the caller does not sample
//! is not exported. Only the spans of the host are looked at.

mod export;
mod post;
mod spans;

pub use export::{Export, ExportError};
pub use post::Post;
pub use spans::Spans;
