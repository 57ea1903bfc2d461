//! The native half of `Host`.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use astrid_host::{Error, ErrorKind, Host, Result};
use napi::bindgen_prelude::{Either, Function, Uint8Array};
use napi::threadsafe_function::UnknownReturnValue;
use napi_derive::napi;

use crate::calls::Calls;
use crate::capsule::NativeCapsule;
use crate::failure;
use crate::handlers;
use crate::letter::{Mail, Value};
use crate::mailbox::{Mailbox, Reply};
use crate::messages::NativeMessages;
use crate::opening::{self, Opening};
use crate::options;
use crate::payload::{self, Payload};
use crate::shapes;

/// A host, its mailbox and its calls.
#[napi]
pub struct NativeHost {
    host: Arc<OnceLock<Host>>,
    mailbox: Arc<Mailbox>,
    pub(crate) calls: Arc<Calls>,
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
    pub fn open(&self, call: u32, home: String, options: String, secret_key: Option<Uint8Array>) {
        let slot = Arc::clone(&self.host);
        let mailbox = Arc::clone(&self.mailbox);
        let secret_key = secret_key.map(|key| key.to_vec());
        self.on_thread(call, "astrid-open", move || {
            let mut opening: Opening = options::read(&options)?;
            let mut builder = Host::builder(home);
            if let Some(workspace) = opening.workspace.take() {
                builder = builder.workspace(workspace);
            }
            if let Some(mode) = &opening.workspace_mode {
                builder = builder.workspace_mode(opening::workspace_mode(mode)?);
            }
            if opening.handlers.on_elicit {
                builder = builder.on_elicit(handlers::elicit(&mailbox));
            }
            if opening.handlers.on_approval {
                builder = builder.on_approval(handlers::approval(&mailbox));
            }
            if opening.handlers.on_uplink {
                builder = builder.on_uplink(handlers::uplink(&mailbox));
            }
            if opening.handlers.on_log {
                builder = builder.on_log(handlers::log(&mailbox));
            }
            if opening.handlers.on_checkpoint {
                builder = builder.on_checkpoint(handlers::checkpoint(&mailbox));
            }
            let host = builder.options(opening.host_options(secret_key.as_deref())?).open_blocking()?;
            slot.set(host).map_err(|_| payload::invalid("the host is open already"))?;
            Ok(Value::Done)
        });
    }

    /// Publishes a message as the embedding program.
    #[napi]
    pub fn publish(
        &self,
        call: u32,
        topic: String,
        payload: Payload,
        principal: Option<String>,
        fan_out: Option<f64>,
    ) {
        let payload = payload::bytes(payload);
        self.begin(call, move |host| async move {
            let mut publish = host.publish(topic, payload);
            if let Some(principal) = payload::principal(principal)? {
                publish = publish.principal(principal);
            }
            if let Some(most) = payload::count("fanOut", fan_out)? {
                publish = publish.fan_out(most);
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

    /// Copies the home into a new folder.
    #[napi]
    pub fn backup(&self, call: u32, target: String) {
        self.begin(call, move |host| async move {
            host.backup(target).await?;
            Ok(Value::Done)
        });
    }

    /// Gives the home new keys; the embedding program names its next one if it keeps the one that seals secrets.
    #[napi]
    pub fn rotate_keys(&self, call: u32, secret_key: Option<Uint8Array>) {
        let secret_key = secret_key.map(|key| key.to_vec());
        self.begin(call, move |host| async move {
            let mut rotating = host.rotate_keys();
            if let Some(key) = secret_key {
                rotating = rotating.secret_key(payload::key(&key)?);
            }
            rotating.await?;
            Ok(Value::Done)
        });
    }

    /// What is counted, as text.
    #[napi]
    pub fn metrics(&self, call: u32) {
        self.begin_blocking(call, |host| Ok(shapes::settled(&host.metrics()?.into())));
    }

    /// What works on this machine.
    #[napi]
    pub fn diagnose(&self, call: u32) {
        self.begin(
            call,
            move |host| async move { Ok(shapes::settled(&shapes::shape(&host.diagnose().await?)?)) },
        );
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

    /// Takes the lines that `onLog` has not heard yet, each as JSON.
    #[napi]
    pub fn log_lines(&self) -> Vec<String> {
        self.mailbox.notices().take_lines()
    }

    /// Takes the checkpoints that `onCheckpoint` has not heard of yet, each as JSON.
    #[napi]
    pub fn checkpoints(&self) -> Vec<String> {
        self.mailbox.notices().take_checkpoints()
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
    pub(crate) fn opened(&self) -> Result<Host> {
        self.host.get().cloned().ok_or_else(|| Error::new(ErrorKind::Closed, "the host is not open"))
    }

    pub(crate) fn handle(&self, capsule: astrid_host::Capsule) -> NativeCapsule {
        NativeCapsule::new(
            capsule,
            Arc::clone(&self.host),
            Arc::clone(&self.mailbox),
            Arc::clone(&self.calls),
        )
    }

    pub(crate) fn begin<W, F>(&self, call: u32, work: W)
    where
        W: FnOnce(Host) -> F,
        F: Future<Output = Result<Value>> + Send + 'static,
    {
        match self.opened().and_then(|host| Ok((host.handle()?, host))) {
            Ok((runtime, host)) => self.calls.begin(call, &runtime, work(host)),
            Err(error) => self.calls.settle(call, Err(error)),
        }
    }

    pub(crate) fn begin_blocking<W>(&self, call: u32, work: W)
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
