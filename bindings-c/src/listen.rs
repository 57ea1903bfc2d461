//! What comes one after the other, heard by callback or by asking: messages, and changes of watched folders.

use std::ffi::c_void;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ::astrid_host::{BusMessage, CapsuleChange, CapsuleChanges, Error, ErrorKind, Messages, Result};
use parking_lot::Mutex;

use crate::closure::Closure;
use crate::dispatch::{Callbacks, Job};
use crate::options::ASTRID_NO_TIMEOUT;
use crate::stop::Stop;
use crate::text::invalid;
use crate::wait::Shared;

/// Where something comes from until it ends.
pub(crate) trait Source: Send + Sync + 'static {
    /// What comes.
    type Item: Send + 'static;
    /// The next one; none at the end.
    fn next(&self) -> impl Future<Output = Option<Self::Item>> + Send;
    /// Ends it at once, where letting go of it would come later.
    fn end(&self) {}
}

impl Source for Messages {
    type Item = BusMessage;

    fn next(&self) -> impl Future<Output = Option<BusMessage>> + Send {
        Messages::next(self)
    }

    fn end(&self) {
        self.close();
    }
}

impl Source for CapsuleChanges {
    type Item = CapsuleChange;

    fn next(&self) -> impl Future<Output = Option<CapsuleChange>> + Send {
        CapsuleChanges::next(self)
    }
}

/// A callback that is given what comes, as C sees it.
pub(crate) type Hear<V> = unsafe extern "C" fn(*mut c_void, *const V);

/// Hears one source. Any thread may use it.
pub(crate) struct Listener<S: Source> {
    shared: Arc<Shared>,
    stop: Arc<Stop>,
    /// Gone once nothing is to come any more.
    source: Mutex<Option<Arc<S>>>,
    /// Whether a callback gets what comes.
    called: bool,
}

impl<S: Source> Listener<S> {
    /// Hears the source: by the callback, if there is one, from now on.
    ///
    /// # Errors
    /// `closed`.
    pub(crate) fn begin<V>(shared: &Arc<Shared>, source: S, closure: Option<Closure<Hear<V>>>) -> Result<Self>
    where
        V: From<S::Item> + 'static,
    {
        let (source, stop) = (Arc::new(source), Arc::<Stop>::default());
        let called = closure.is_some();
        if let Some(closure) = closure {
            let (heard, stopped) = (Arc::clone(&source), Arc::clone(&stop));
            let runtime = shared.host.handle()?;
            runtime.spawn(deliver(heard, Arc::new(closure), shared.callbacks.clone(), stopped));
        }
        Ok(Self { shared: Arc::clone(shared), stop, source: Mutex::new(Some(source)), called })
    }

    /// The next one, waited for at most so many milliseconds.
    ///
    /// # Errors
    /// `timeout` when nothing came, `closed` at the end, `invalid_argument` when a callback gets what comes.
    pub(crate) fn next(&self, timeout_ms: u64) -> Result<S::Item> {
        if self.called {
            return Err(invalid("a callback gets what comes here"));
        }
        let closed = || Error::new(ErrorKind::Closed, "nothing is to come here any more");
        let source = self.source.lock().clone().ok_or_else(closed)?;
        let timeout = (timeout_ms != ASTRID_NO_TIMEOUT).then(|| Duration::from_millis(timeout_ms));
        match self.shared.wait_at_most(timeout, self.stop.or(source.next())) {
            None => Err(Error::new(ErrorKind::Timeout, "nothing came")),
            Some(next) => next.flatten().ok_or_else(closed),
        }
    }

    /// Whoever waits gets `closed`, and no call of the callback begins any more.
    pub(crate) fn close(&self) {
        self.stop.give();
        let source = self.source.lock().take();
        if let Some(source) = source {
            source.end();
        }
    }
}

impl<S: Source> Drop for Listener<S> {
    fn drop(&mut self) {
        self.close();
    }
}

/// Gives what comes to the callback and waits until it has taken it, so that the source's own queue is the only one.
async fn deliver<S, V>(source: Arc<S>, hear: Arc<Closure<Hear<V>>>, callbacks: Callbacks, stop: Arc<Stop>)
where
    S: Source,
    V: From<S::Item> + 'static,
{
    while let Some(Some(item)) = stop.or(source.next()).await {
        let (taken, wait) = tokio::sync::oneshot::channel();
        let (hear, still) = (Arc::clone(&hear), Arc::clone(&stop));
        callbacks.post(Job::notice(move || {
            if !still.is_given() {
                let view = V::from(item);
                let (ctx, call) = hear.parts();
                // SAFETY: (callbacks) `call` goes with `ctx`; the view lives until `call` returns.
                unsafe { call(ctx, &raw const view) };
            }
            drop(hear);
            // Nobody waits when the runtime is going down.
            let _ = taken.send(());
        }));
        if wait.await.is_err() {
            break;
        }
    }
    callbacks.post(Job::notice(move || drop(hear)));
}
