//! The native half of `Capsule`.

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use astrid_host::{Capsule, HookResult, Host, Principal, Result};
use napi::bindgen_prelude::{FnArgs, Function};
use napi::threadsafe_function::UnknownReturnValue;
use napi_derive::napi;

use crate::calls::Calls;
use crate::changes;
use crate::letter::{Letter, Mail, Value};
use crate::mailbox::Mailbox;
use crate::payload::{self, Payload};
use crate::shapes;

/// How often a thread that waits in `triggerSync` looks up even if nothing woke it.
const PULSE: Duration = Duration::from_millis(50);

/// How a hook is called.
#[napi(object, object_to_js = false)]
pub struct TriggerOptions {
    /// For whom.
    pub principal: Option<String>,
    /// A deadline shorter than the principal's own.
    pub timeout_ms: Option<f64>,
    /// The trace the call is part of.
    pub traceparent: Option<String>,
}

/// A handle to a loaded capsule.
#[napi]
pub struct NativeCapsule {
    capsule: Capsule,
    host: Arc<OnceLock<Host>>,
    mailbox: Arc<Mailbox>,
    calls: Arc<Calls>,
}

#[napi]
impl NativeCapsule {
    /// Its id.
    #[napi(getter)]
    pub fn id(&self) -> String {
        self.capsule.id().to_owned()
    }

    /// Its version.
    #[napi(getter)]
    pub fn version(&self) -> String {
        self.capsule.version()
    }

    /// The BLAKE3 of its component, in hex.
    #[napi(getter)]
    pub fn hash(&self) -> String {
        self.capsule.hash()
    }

    /// What its manifest says that this host does not know.
    #[napi(getter)]
    pub fn warnings(&self) -> Vec<String> {
        self.capsule.warnings().to_vec()
    }

    /// Where it is in its life.
    #[napi(getter)]
    pub fn state(&self) -> &'static str {
        self.capsule.state().name()
    }

    /// The number of the generation that serves now.
    #[napi(getter)]
    pub fn generation(&self) -> i64 {
        i64::try_from(self.capsule.generation()).unwrap_or(i64::MAX)
    }

    /// How often its run loop was restarted.
    #[napi(getter)]
    pub fn restarts(&self) -> u32 {
        self.capsule.restarts()
    }

    /// Why its run loop failed last.
    #[napi(getter)]
    pub fn failure(&self) -> Option<String> {
        self.capsule.failure()
    }

    /// Its manifest, as JSON.
    #[napi(getter)]
    pub fn manifest(&self) -> napi::Result<String> {
        serde_json::to_string(&*self.capsule.manifest())
            .map_err(|error| napi::Error::from_reason(error.to_string()))
    }

    /// Calls a hook.
    #[napi]
    pub fn trigger(&self, call: u32, action: String, payload: Payload, options: TriggerOptions) {
        match self.prepare(action, payload, options) {
            Ok(work) => self.begin(call, async move { Ok(Value::Hook(work.await?)) }),
            Err(error) => self.calls.settle(call, Err(error)),
        }
    }

    /// Calls a hook on this thread. Questions are put to `ask` in between, since the event loop stands still; an
    /// exception of `ask` itself stops the guest and comes out.
    #[napi]
    pub fn trigger_sync(
        &self,
        action: String,
        payload: Payload,
        options: TriggerOptions,
        ask: Function<FnArgs<(u32, String)>, UnknownReturnValue>,
    ) -> napi::Result<Mail> {
        let outcome = match self.prepare(action, payload, options) {
            Ok(work) => {
                let _waiting = self.mailbox.wait_here();
                let pulse = || match self.ask_all(&ask) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => ControlFlow::Break(error),
                };
                astrid_host::drive(work, PULSE, pulse)?
            }
            Err(error) => Err(error),
        };
        Ok(Mail::settled(0, outcome.map(Value::Hook), |capsule| self.handle(capsule)))
    }

    /// Waits until its run loop has said that it is ready.
    #[napi]
    pub fn wait_ready(&self, call: u32, timeout_ms: Option<f64>) {
        let capsule = self.capsule.clone();
        self.begin(call, async move {
            capsule.wait_ready(payload::millis("timeoutMs", timeout_ms)?).await?;
            Ok(Value::Done)
        });
    }

    /// Reads a file that its manifest declares.
    #[napi]
    pub fn static_file(&self, call: u32, path: String) {
        let capsule = self.capsule.clone();
        self.begin(call, async move { Ok(Value::Bytes(capsule.static_file(&path).await?)) });
    }

    /// Puts what it changed for a principal into the workspace, and says how many files and folders that were.
    #[napi]
    pub fn commit(&self, call: u32, principal: String) {
        let capsule = self.capsule.clone();
        self.begin(call, async move {
            let changes = capsule.commit(&Principal::parse(&principal)?).await?;
            Ok(shapes::settled(&changes.into()))
        });
    }

    /// Throws away what it changed for a principal.
    #[napi]
    pub fn rollback(&self, call: u32, principal: String) {
        let capsule = self.capsule.clone();
        self.begin(call, async move {
            capsule.rollback(&Principal::parse(&principal)?).await?;
            Ok(Value::Done)
        });
    }

    /// Replaces what runs by what lies where it came from.
    #[napi]
    pub fn reload(&self, call: u32) {
        let capsule = self.capsule.clone();
        self.begin(call, async move {
            capsule.reload().await?;
            Ok(Value::Done)
        });
    }

    /// Watches the folder it was loaded from.
    #[napi]
    pub fn watch(&self, call: u32, reload: bool) {
        let (capsule, host, calls) = (self.capsule.clone(), Arc::clone(&self.host), Arc::clone(&self.calls));
        self.begin(call, async move {
            let Some(host) = host.get() else { return Err(payload::invalid("the host is not open")) };
            changes::begin(capsule.watch()?.reload(reload), host.handle()?, calls).await
        });
    }

    /// Stops it and lets it go.
    #[napi]
    pub fn unload(&self, call: u32) {
        let capsule = self.capsule.clone();
        self.begin(call, async move {
            capsule.unload().await?;
            Ok(Value::Done)
        });
    }
}

impl NativeCapsule {
    /// A handle whose calls are settled through this mailbox.
    pub fn new(
        capsule: Capsule,
        host: Arc<OnceLock<Host>>,
        mailbox: Arc<Mailbox>,
        calls: Arc<Calls>,
    ) -> Self {
        Self { capsule, host, mailbox, calls }
    }

    fn handle(&self, capsule: Capsule) -> Self {
        Self::new(capsule, Arc::clone(&self.host), Arc::clone(&self.mailbox), Arc::clone(&self.calls))
    }

    fn prepare(
        &self,
        action: String,
        payload: Payload,
        options: TriggerOptions,
    ) -> Result<impl Future<Output = Result<HookResult>> + Send + use<>> {
        let mut trigger = self.capsule.trigger(action, payload::bytes(payload));
        if let Some(principal) = payload::principal(options.principal)? {
            trigger = trigger.principal(principal);
        }
        if let Some(timeout) = payload::millis("timeoutMs", options.timeout_ms)? {
            trigger = trigger.timeout(timeout);
        }
        if let Some(traceparent) = options.traceparent {
            trigger = trigger.traceparent(traceparent);
        }
        Ok(trigger.into_future())
    }

    fn begin<F>(&self, call: u32, work: F)
    where
        F: Future<Output = Result<Value>> + Send + 'static,
    {
        let Some(host) = self.host.get() else { return };
        match host.handle() {
            Ok(runtime) => self.calls.begin(call, &runtime, work),
            Err(error) => self.calls.settle(call, Err(error)),
        }
    }

    /// Puts every question that waits to JavaScript.
    fn ask_all(&self, ask: &Function<FnArgs<(u32, String)>, UnknownReturnValue>) -> napi::Result<()> {
        while let Some(Letter::Question { id, text }) = self.mailbox.next_question() {
            ask.call((id, text).into())?;
        }
        Ok(())
    }
}
