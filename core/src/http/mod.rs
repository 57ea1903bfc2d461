//! Requests over HTTP/1.1 and HTTP/2: one client for both versions of `astrid:http`.
//!
//! It connects through [`crate::net`], so every address is judged and connected as it was judged. It follows redirects one hop
//! at a time and asks its [`Gate`] about every hop. Bodies travel through bounded pipes in both directions.

mod answer;
mod body;
mod client;
mod coding;
mod connection;
mod error;
mod headers;
mod integrity;
mod options;
mod pool;
mod redirect;
mod request;
mod tls;

pub use answer::{Answer, Body, Trailers};
pub use body::Streamed;
pub use client::{Client, Gate, Hop, Whose};
pub use error::HttpError;
pub use headers::{Secrets, readable};
pub use integrity::Integrity;
pub use options::{Ceilings, Options, Redirects};
pub use request::Request;
