//! The host ABI as Rust traits and types, generated from `wit/`.
//!
//! All sixteen packages are generated, so that the table of operations and the linker speak of the same things; an
//! interface is offered to capsules only once its trait is implemented and linked in [`super::link`].

#![allow(missing_docs, clippy::all, clippy::pedantic)] // Generated code; its documentation is in `wit/`.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "astrid-host:runtime/capsule",
    imports: { default: async | trappable },
    with: {
        "astrid:io/poll@1.0.0.pollable": crate::abi::pollable::Pollable,
        "astrid:io/error@1.0.0.error": wasmtime_wasi_io::streams::Error,
        "astrid:io/streams@1.0.0.input-stream": crate::abi::streams::InputStream,
        "astrid:io/streams@1.0.0.output-stream": crate::abi::streams::OutputStream,
        "astrid:fs/host@1.0.0.file-handle": crate::abi::fs::FileHandle,
        "astrid:net/host@1.0.0.tcp-stream": crate::abi::net::TcpStream,
        "astrid:net/host@1.0.0.tcp-listener": crate::abi::net::TcpListener,
        "astrid:net/host@1.0.0.unix-listener": crate::abi::net::UnixListener,
        "astrid:net/host@1.0.0.udp-socket": crate::abi::net::UdpSocket,
        "astrid:http/host@1.0.0.http-stream": crate::abi::http::HttpStream,
        "astrid:http/host@1.1.0.http-stream": crate::abi::http::HttpStream,
        "astrid:http/host@1.1.0.http-upload": crate::abi::http::HttpUpload,
        "astrid:process/host@1.0.0.process-handle": crate::abi::process::ProcessHandle,
        "astrid:process/host@1.1.0.process-handle": crate::abi::process::ProcessHandle,
        "astrid:ipc/host@1.0.0.subscription": crate::abi::ipc::SubscriptionHandle,
    },
    trappable_error_type: {
        "astrid:io/streams@1.0.0.stream-error" => crate::abi::streams::StreamError,
    },
});
