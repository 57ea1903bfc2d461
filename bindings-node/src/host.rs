//! The native half of `Host`.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use astrid_host::{Error, ErrorKind, Host, Principal, Result};
use napi::bindgen_prelude::{Either, Function, Uint8Array};
use napi::threadsafe_function::UnknownReturnValue;
use napi_derive::napi;
use serde_json::json;

use crate::calls::Calls;
use crate::capsule::NativeCapsule;
use crate::failure;
use crate::handlers;
use crate::letter::{Mail, Value};
use crate::mailbox::{Mailbox, Reply};
use crate::messages::NativeMessages;
use crate::options::{self, Loading, Opening};
use crate::payload::{self, Payload};
use crate::shapes;

/// A host, its mailbox and its calls.
#[napi]
pub struct NativeHost {
    host: Arc<OnceLock<Host>>,
    mailbox: Arc<Mailbox>,
    calls: Arc<Calls>,
}

#[napi]
impl NativeHost {
    /// A host that is not open yet; `pump` is called whenever there is something to drain.
    #[napi(constructor)]
    pub fn new(pump: Function<(), UnknownReturnValue>) -> napi::Result<Self> {
        let mailbox = Mailbox::new(&pump)?;
        let calls = Calls::new(Arc::clone(&mailbox));
        Ok(Self { host: Arc::new(OnceLock::new()), mailbox, calls })
    }

    /// Opens the home; `options` is JSON, see [`Opening`].
    #[napi]
    pub fn open(&self, call: u32, home: String, options: String) {
        let slot = Arc::clone(&self.host);
        let mailbox = Arc::clone(&self.mailbox);
        self.on_thread(call, "astrid-open", move || {
            let opening: Opening = options::read(&options)?;
            let mut builder = Host::builder(home).options(opening.host_options()?);
            if let Some(workspace) = opening.workspace {
                builder = builder.workspace(workspace);
            }
            if opening.handlers.elicit {
                builder = builder.on_elicit(handlers::elicit(&mailbox));
            }
            if opening.handlers.approval {
                builder = builder.on_approval(handlers::approval(&mailbox));
            }
            if opening.handlers.uplink {
                builder = builder.on_uplink(handlers::uplink(&mailbox));
            }
            let host = builder.open_blocking()?;
            slot.set(host).map_err(|_| payload::invalid("the host is open already"))?;
            Ok(Value::Done)
        });
    }

    /// Installs a capsule; `options` is JSON, see [`Loading`].
    #[napi]
    pub fn install(&self, call: u32, path: String, options: String) {
        self.begin(call, move |host| async move {
            let loading: Loading = options::read(&options)?;
            let mut install = host.install(path);
            if let Some(principal) = payload::principal(loading.principal)? {
                install = install.principal(principal);
            }
            if let Some(keep) = loading.attenuate {
                install = install.attenuate(keep);
            }
            Ok(shapes::settled(&shapes::installed(&install.await?)))
        });
    }

    /// Loads an installed capsule; `options` is JSON, see [`Loading`].
    #[napi]
    pub fn load(&self, call: u32, path: String, options: String) {
        self.begin(call, move |host| async move {
            Ok(Value::Capsule(options::read::<Loading>(&options)?.apply(host.load(path))?.await?))
        });
    }

    /// Loads every capsule of a folder in the order of their dependencies.
    #[napi]
    pub fn load_all(&self, call: u32, folder: String) {
        self.begin(call, move |host| async move { Ok(Value::Capsules(host.load_all(folder).await?)) });
    }

    /// Loads a capsule from memory.
    #[napi]
    pub fn load_component(
        &self,
        call: u32,
        bytes: Uint8Array,
        manifest: String,
        hash: String,
        options: String,
    ) {
        let bytes = bytes.to_vec();
        self.begin(call, move |host| async move {
            let load = host.load_component(bytes, &manifest, &hash);
            Ok(Value::Capsule(options::read::<Loading>(&options)?.apply(load)?.await?))
        });
    }

    /// Sets a field of a capsule's `[env]`, for everybody or for one principal.
    #[napi]
    pub fn configure(
        &self,
        call: u32,
        capsule: String,
        principal: Option<String>,
        key: String,
        value: String,
    ) {
        self.begin_blocking(call, move |host| {
            match payload::principal(principal)? {
                Some(principal) => host.configure_for(&capsule, &principal, &key, &value)?,
                None => host.configure(&capsule, &key, &value)?,
            }
            Ok(Value::Done)
        });
    }

    /// Publishes a message as the embedding program.
    #[napi]
    pub fn publish(&self, call: u32, topic: String, payload: Payload, principal: Option<String>) {
        let payload = payload::bytes(payload);
        self.begin(call, move |host| async move {
            let mut publish = host.publish(topic, payload);
            if let Some(principal) = payload::principal(principal)? {
                publish = publish.principal(principal);
            }
            Ok(shapes::settled(&shapes::outcome(&publish.await?)))
        });
    }

    /// Subscribes to the topics of a pattern; a text is the failure.
    #[napi]
    pub fn subscribe(&self, pattern: String) -> Either<NativeMessages, String> {
        let messages = self.opened().and_then(|host| Ok((host.handle()?, host.subscribe(&pattern)?)));
        match messages {
            Ok((runtime, messages)) => {
                Either::A(NativeMessages::new(messages, runtime, Arc::clone(&self.calls)))
            }
            Err(error) => Either::B(failure::text(&error)),
        }
    }

    /// What a principal has used.
    #[napi]
    pub fn usage(&self, call: u32, principal: String) {
        self.begin_blocking(call, move |host| {
            Ok(shapes::settled(&shapes::shape(&host.usage(&Principal::parse(&principal)?)?)?))
        });
    }

    /// The audit entries that a filter selects; `filter` is JSON, see [`options::EntryFilter`].
    #[napi]
    pub fn audit_entries(&self, call: u32, filter: String) {
        self.begin_blocking(call, move |host| {
            let filter = options::read::<options::EntryFilter>(&filter)?.filter()?;
            let entries = host.audit().entries(&filter)?;
            let shaped: Result<Vec<_>> = entries.iter().map(shapes::entry).collect();
            Ok(shapes::settled(&json!(shaped?)))
        });
    }

    /// Verifies the whole audit log.
    #[napi]
    pub fn audit_verify(&self, call: u32) {
        self.begin_blocking(call, move |host| Ok(shapes::settled(&shapes::shape(&host.audit().verify()?)?)));
    }

    /// Writes the audit log to a file, one JSON object a line.
    #[napi]
    pub fn audit_export(&self, call: u32, path: String) {
        self.begin_blocking(call, move |host| {
            let unwritten =
                |error: io::Error| payload::invalid(format!("cannot write {path}")).caused_by(error);
            let mut file = BufWriter::new(File::create(&path).map_err(unwritten)?);
            host.audit().export(&mut file)?;
            file.flush().map_err(unwritten)?;
            Ok(Value::Done)
        });
    }

    /// The public key under which the audit log is signed, in hex.
    #[napi]
    pub fn audit_public_key(&self, call: u32) {
        self.begin_blocking(call, move |host| {
            Ok(shapes::settled(&json!(shapes::hex(&host.audit().public_key()?))))
        });
    }

    /// The capsules that are loaded.
    #[napi]
    pub fn capsules(&self) -> Vec<NativeCapsule> {
        let Ok(host) = self.opened() else { return Vec::new() };
        host.capsules().into_iter().map(|capsule| self.handle(capsule)).collect()
    }

    /// Closes the host; its other calls end first, each with its own error.
    #[napi]
    pub fn close(&self, call: u32) {
        let host = self.opened();
        self.on_thread(call, "astrid-close", move || {
            let host = host?;
            let never = || ControlFlow::<Infallible>::Continue(());
            match astrid_host::drive(host.close(), Duration::from_secs(1), never) {
                Ok(closed) => closed.map(|()| Value::Done),
            }
        });
    }

    /// Ends a call without a word: its guest is stopped and its letter never comes.
    #[napi]
    pub fn cancel(&self, call: u32) {
        self.calls.cancel(call);
    }

    /// Takes all letters.
    #[napi]
    pub fn drain(&self) -> Vec<Mail> {
        let letters = self.mailbox.drain();
        letters.into_iter().map(|letter| Mail::write(letter, |capsule| self.handle(capsule))).collect()
    }

    /// A handler's answer, as JSON; false when nobody waits for it any more.
    #[napi]
    pub fn answer(&self, question: u32, json: String) -> bool {
        self.mailbox.reply(question, Reply::Answer(json))
    }

    /// A handler threw or its Promise was rejected; false when nobody waits for it any more.
    #[napi]
    pub fn raise(&self, question: u32, message: String) -> bool {
        self.mailbox.reply(question, Reply::Raised(message))
    }

    /// A handler answered a value of the wrong type; false when nobody waits for it any more.
    #[napi]
    pub fn refuse(&self, question: u32, message: String) -> bool {
        self.mailbox.reply(question, Reply::Wrong(message))
    }

    /// A handler answered a Promise to a thread that waits for it; false when nobody waits any more.
    #[napi]
    pub fn would_block(&self, question: u32, message: String) -> bool {
        self.mailbox.reply(question, Reply::WouldBlock(message))
    }

    /// Lets go of JavaScript for good.
    #[napi]
    pub fn detach(&self) {
        self.calls.cancel_all();
        self.mailbox.close();
    }
}

impl NativeHost {
    fn opened(&self) -> Result<Host> {
        self.host.get().cloned().ok_or_else(|| Error::new(ErrorKind::Closed, "the host is not open"))
    }

    fn handle(&self, capsule: astrid_host::Capsule) -> NativeCapsule {
        NativeCapsule::new(
            capsule,
            Arc::clone(&self.host),
            Arc::clone(&self.mailbox),
            Arc::clone(&self.calls),
        )
    }

    fn begin<W, F>(&self, call: u32, work: W)
    where
        W: FnOnce(Host) -> F,
        F: Future<Output = Result<Value>> + Send + 'static,
    {
        match self.opened().and_then(|host| Ok((host.handle()?, host))) {
            Ok((runtime, host)) => self.calls.begin(call, &runtime, work(host)),
            Err(error) => self.calls.settle(call, Err(error)),
        }
    }

    fn begin_blocking<W>(&self, call: u32, work: W)
    where
        W: FnOnce(Host) -> Result<Value> + Send + 'static,
    {
        match self.opened().and_then(|host| Ok((host.handle()?, host))) {
            Ok((runtime, host)) => self.calls.begin_blocking(call, &runtime, move || work(host)),
            Err(error) => self.calls.settle(call, Err(error)),
        }
    }

    /// Opening and closing run on threads of their own: before and after there is no runtime to run them.
    fn on_thread<W>(&self, call: u32, name: &str, work: W)
    where
        W: FnOnce() -> Result<Value> + Send + 'static,
    {
        let calls = Arc::clone(&self.calls);
        let started = thread::Builder::new().name(name.to_owned()).spawn(move || calls.settle(call, work()));
        if let Err(error) = started {
            let error = Error::new(ErrorKind::Internal, "cannot start a thread").caused_by(error);
            self.calls.settle(call, Err(error));
        }
    }
}

impl Drop for NativeHost {
    fn drop(&mut self) {
        self.detach();
    }
}
