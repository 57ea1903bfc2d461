//! The calls that are under way, so that an `AbortSignal` can end one.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use astrid_host::Result;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::letter::{Letter, Value};
use crate::mailbox::Mailbox;

/// The calls of one host, by the numbers JavaScript gave them.
pub struct Calls {
    tasks: Mutex<HashMap<u32, AbortHandle>>,
    mailbox: Arc<Mailbox>,
}

impl Calls {
    /// No calls yet; outcomes go to this mailbox.
    pub fn new(mailbox: Arc<Mailbox>) -> Arc<Self> {
        Arc::new(Self { tasks: Mutex::new(HashMap::new()), mailbox })
    }

    /// Runs a call on the host's own threads.
    pub fn begin<F>(self: &Arc<Self>, call: u32, runtime: &Handle, work: F)
    where
        F: Future<Output = Result<Value>> + Send + 'static,
    {
        // The lock is held until the task is in the table, for the task takes itself out.
        let mut tasks = self.tasks.lock();
        let calls = Arc::clone(self);
        let task = runtime.spawn(async move {
            let outcome = work.await;
            calls.tasks.lock().remove(&call);
            calls.settle(call, outcome);
        });
        tasks.insert(call, task.abort_handle());
    }

    /// Runs a call that reads or writes files, and cannot be cancelled, on a thread for such work.
    pub fn begin_blocking<F>(self: &Arc<Self>, call: u32, runtime: &Handle, work: F)
    where
        F: FnOnce() -> Result<Value> + Send + 'static,
    {
        let calls = Arc::clone(self);
        runtime.spawn_blocking(move || calls.settle(call, work()));
    }

    /// Tells JavaScript how a call ended.
    pub fn settle(&self, call: u32, outcome: Result<Value>) {
        self.mailbox.post(Letter::Settled { call, outcome });
    }

    /// Drops the future of a call, which stops its guest; nothing is told about it.
    pub fn cancel(&self, call: u32) {
        let task = self.tasks.lock().remove(&call);
        if let Some(task) = task {
            task.abort();
        }
    }

    /// Drops the futures of all calls.
    pub fn cancel_all(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock());
        for task in tasks.into_values() {
            task.abort();
        }
    }
}
