//! What a script holds while it plays: resources by name, and values that later calls refer to.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::answer::{Miss, fault};
use crate::bindings::astrid::fs::host::FileHandle;
use crate::bindings::astrid::http1_0_0::host::HttpStream as OlderHttpStream;
use crate::bindings::astrid::http1_1_0::host::{HttpStream, HttpUpload};
use crate::bindings::astrid::io::poll::Pollable;
use crate::bindings::astrid::io::streams::{InputStream, OutputStream};
use crate::bindings::astrid::ipc::host::Subscription;
use crate::bindings::astrid::process1_0_0::host::ProcessHandle as OlderProcessHandle;
use crate::bindings::astrid::process1_1_0::host::ProcessHandle;
use crate::bindings::astrid::net::host::{TcpListener, TcpStream, UdpSocket, UnixListener};

/// A handle that a script gave a name.
pub enum Resource {
    Subscription(Subscription),
    Pollable(Pollable),
    File(FileHandle),
    Input(InputStream),
    Output(OutputStream),
    Stream(TcpStream),
    Listener(TcpListener),
    Local(UnixListener),
    Udp(UdpSocket),
    OlderHttp(OlderHttpStream),
    Http(HttpStream),
    Upload(HttpUpload),
    OlderProcess(OlderProcessHandle),
    Process(ProcessHandle),
}

/// Resources and values of one invocation, or of several when a script says `"keep": true`.
#[derive(Default)]
pub struct Stage {
    resources: BTreeMap<String, Resource>,
    values: BTreeMap<String, Value>,
    kept: bool,
}

thread_local! {
    /// What the last invocation that said `"keep": true` left behind in this instance.
    static LEFT: RefCell<Stage> = RefCell::default();
}

impl Stage {
    /// The stage as the last invocation left it: empty, unless that one kept its things.
    pub fn enter() -> Self {
        Self { kept: false, ..LEFT.take() }
    }

    /// Ends the invocation. Handles are dropped here unless the script asked to keep them.
    pub fn leave(self) {
        if self.kept {
            LEFT.set(self);
        }
    }

    /// Keeps what is on the stage for the next invocation.
    pub fn keep(&mut self) {
        self.kept = true;
    }

    pub fn keep_value(&mut self, name: &str, value: Value) {
        self.values.insert(name.to_owned(), value);
    }

    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Gives the handle its name, or drops it at once when it has none.
    pub fn keep_resource(&mut self, name: Option<&str>, resource: Resource) -> Value {
        if let Some(name) = name {
            self.resources.insert(name.to_owned(), resource);
        }
        name.into()
    }

    pub fn drop_resource(&mut self, name: &str) -> Result<(), Miss> {
        self.resources.remove(name).map(drop).ok_or_else(|| unknown(name))
    }

    fn resource(&self, name: Option<&str>) -> Result<&Resource, Miss> {
        let name = name.ok_or_else(|| fault("the call needs `on`, the name of its receiver"))?;
        self.resources.get(name).ok_or_else(|| unknown(name))
    }
}

/// Writes the getter of each kind of resource.
macro_rules! getters {
    ($($getter:ident $kind:ident $handle:ty, $wanted:literal;)+) => {
        impl Stage {
            $(pub fn $getter(&self, name: Option<&str>) -> Result<&$handle, Miss> {
                match self.resource(name)? {
                    Resource::$kind(handle) => Ok(handle),
                    _ => Err(fault(concat!("that name holds no ", $wanted))),
                }
            })+
        }
    };
}

getters! {
    subscription Subscription Subscription, "subscription";
    pollable Pollable Pollable, "pollable";
    file File FileHandle, "file";
    input Input InputStream, "input stream";
    output Output OutputStream, "output stream";
    stream Stream TcpStream, "connection";
    listener Listener TcpListener, "listener";
    local Local UnixListener, "local socket";
    udp Udp UdpSocket, "UDP socket";
    older_http OlderHttp OlderHttpStream, "response";
    http Http HttpStream, "response";
    upload Upload HttpUpload, "upload";
    older_process OlderProcess OlderProcessHandle, "process";
    process Process ProcessHandle, "process";
}

fn unknown(name: &str) -> Miss {
    fault(format!("no resource is called {name}"))
}
