//! The native half of `CapsuleChanges`.

use std::sync::Arc;

use astrid_host::{CapsuleChanges, Watch};
use napi_derive::napi;
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::calls::Calls;
use crate::letter::Value;
use crate::shapes;

/// A watch over folders of capsules.
#[napi]
pub struct NativeChanges {
    /// Nothing once it is closed; the watch ends when the last who waits lets go of it.
    changes: Mutex<Option<Arc<CapsuleChanges>>>,
    runtime: Handle,
    calls: Arc<Calls>,
}

#[napi]
impl NativeChanges {
    /// The next change, or `null` when the host or the watch was closed.
    #[napi]
    pub fn next(&self, call: u32) {
        let changes = self.changes.lock().clone();
        self.calls.begin(call, &self.runtime, async move {
            let change = match changes {
                Some(changes) => changes.next().await,
                None => None,
            };
            Ok(shapes::settled(&shapes::change(change)))
        });
    }

    /// Ends the watch.
    #[napi]
    pub fn close(&self) {
        let changes = self.changes.lock().take();
        drop(changes);
    }
}

/// Begins a watch whose changes are read on the host's own threads.
pub async fn begin(watch: Watch, runtime: Handle, calls: Arc<Calls>) -> astrid_host::Result<Value> {
    let changes = watch.await?;
    Ok(Value::Changes(NativeChanges { changes: Mutex::new(Some(Arc::new(changes))), runtime, calls }))
}
