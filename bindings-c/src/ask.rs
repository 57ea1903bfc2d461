//! Makes the core's callbacks of C's: a question is shown where callbacks run, and its answer comes back as a future.

use std::ffi::c_void;
use std::sync::{Arc, Weak};

use ::astrid_host::Result;
use ::astrid_host::audit::CheckpointSink;
use ::astrid_host::logs::LogSink;
use ::astrid_host::people::{
    ApprovalQuestion, Callback, CallbackError, CallbackFault, Decision, Delivery, ElicitAnswer,
    ElicitQuestion, UplinkEvent,
};

use crate::answer::{Slot, astrid_approval_answer, astrid_elicit_answer, astrid_uplink_answer, slot};
use crate::checkpoint::astrid_checkpoint;
use crate::choices::astrid_host_options;
use crate::closure::{Closure, DropContext};
use crate::dispatch::{Callbacks, Job, Turn};
use crate::log::astrid_log_line;
use crate::question::{Shown, astrid_approval_question, astrid_elicit_question, astrid_uplink_event};
use crate::tell::{LastTaken, Told, checkpoint_sink, log_sink};

type Call<V, S> = unsafe extern "C" fn(*mut c_void, *const V, *mut S);

/// The handler of one kind of question, owned by the binding's host; the core holds it weakly, so that letting go of
/// it at `close` is the binding's alone.
pub(crate) type Handler<V, S> = Closure<Call<V, S>>;

/// The callbacks of a host; each lives until `close` and the end of its last call.
#[derive(Default)]
pub(crate) struct Handlers {
    log: Option<Arc<Told<astrid_log_line>>>,
    checkpoint: Option<Arc<Told<astrid_checkpoint>>>,
    elicit: Option<Arc<Handler<astrid_elicit_question, astrid_elicit_answer>>>,
    approval: Option<Arc<Handler<astrid_approval_question, astrid_approval_answer>>>,
    uplink: Option<Arc<Handler<astrid_uplink_event, astrid_uplink_answer>>>,
}

impl Handlers {
    /// Takes them over, whatever becomes of the host.
    pub(crate) fn take(options: &astrid_host_options) -> Self {
        fn kept<F: Copy>(ctx: *mut c_void, call: Option<F>, drop: DropContext) -> Option<Arc<Closure<F>>> {
            Closure::take(ctx, call, drop).map(Arc::new)
        }
        let (elicit, approval, uplink) = (options.on_elicit, options.on_approval, options.on_uplink);
        let (log, checkpoint) = (options.on_log, options.on_checkpoint);
        Self {
            log: kept(log.ctx, log.call, log.drop),
            checkpoint: kept(checkpoint.ctx, checkpoint.call, checkpoint.drop),
            elicit: kept(elicit.ctx, elicit.call, elicit.drop),
            approval: kept(approval.ctx, approval.call, approval.drop),
            uplink: kept(uplink.ctx, uplink.call, uplink.drop),
        }
    }

    /// The core's view of the log callback.
    pub(crate) fn log(&self, callbacks: &Callbacks) -> Option<LogSink> {
        self.log.as_ref().map(|listener| log_sink(listener, callbacks))
    }

    /// The core's view of the checkpoint callback, and the news that it was told all.
    pub(crate) fn checkpoint(&self, callbacks: &Callbacks) -> Result<Option<(CheckpointSink, LastTaken)>> {
        self.checkpoint.as_ref().map(|listener| checkpoint_sink(listener, callbacks)).transpose()
    }

    /// The core's view of the elicit handler.
    pub(crate) fn elicit(&self, callbacks: &Callbacks) -> Option<Callback<ElicitQuestion, ElicitAnswer>> {
        self.elicit
            .as_ref()
            .map(|handler| callback(handler, callbacks, astrid_elicit_answer, |answer| &answer.0))
    }

    /// The core's view of the approval handler.
    pub(crate) fn approval(&self, callbacks: &Callbacks) -> Option<Callback<ApprovalQuestion, Decision>> {
        self.approval
            .as_ref()
            .map(|handler| callback(handler, callbacks, astrid_approval_answer, |answer| &answer.0))
    }

    /// The core's view of the uplink handler.
    pub(crate) fn uplink(&self, callbacks: &Callbacks) -> Option<Callback<UplinkEvent, Delivery>> {
        self.uplink
            .as_ref()
            .map(|handler| callback(handler, callbacks, astrid_uplink_answer, |answer| &answer.0))
    }
}

/// One callback for the core. `wrap` makes the answer object of a slot, `inside` finds the slot in it.
fn callback<Q, A, S>(
    handler: &Arc<Handler<Q::View, S>>,
    callbacks: &Callbacks,
    wrap: fn(Slot<A>) -> S,
    inside: fn(&S) -> &Slot<A>,
) -> Callback<Q, A>
where
    Q: Shown + Send + 'static,
    Q::View: 'static,
    A: Send + 'static,
    S: Send + 'static,
{
    let handler: Weak<_> = Arc::downgrade(handler);
    let callbacks = callbacks.clone();
    Arc::new(move |question: Q| {
        let (handler, callbacks) = (Weak::clone(&handler), callbacks.clone());
        Box::pin(async move {
            let (slot, answered) = slot();
            let answer = wrap(slot);
            let Some(handler) = handler.upgrade() else {
                return Err(CallbackError::new(CallbackFault::Closed, "the host is closed"));
            };
            callbacks.post(Job::question(move |turn| ask(&handler, &question, answer, inside, turn)));
            answered
                .await
                .unwrap_or_else(|_| Err(CallbackError::new(CallbackFault::Closed, "the host is closed")))
        })
    })
}

/// Calls the handler on the thread it was promised; the answer object goes to it.
fn ask<Q: Shown, A, S>(
    handler: &Handler<Q::View, S>,
    question: &Q,
    answer: S,
    inside: fn(&S) -> &Slot<A>,
    turn: Turn,
) {
    if turn == Turn::WouldBlock {
        let message = "the thread that would answer waits inside a callback";
        // Fails only when nobody waits for the answer.
        let _ = inside(&answer).settle(Err(CallbackError::new(CallbackFault::WouldBlockCaller, message)));
        return;
    }
    if inside(&answer).is_over() {
        return;
    }
    let (ctx, call) = handler.parts();
    let answer = Box::into_raw(Box::new(answer));
    question.show(|view| {
        // SAFETY: (callbacks) `call` goes with `ctx`, which is not dropped while `handler` is borrowed; the view lives
        // until `call` returns; the answer object is C's from here on.
        unsafe { call(ctx, view, answer) };
    });
}
