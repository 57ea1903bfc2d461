//! The native half of `Messages`.

use std::sync::Arc;

use astrid_host::Messages;
use napi_derive::napi;
use tokio::runtime::Handle;

use crate::calls::Calls;
use crate::shapes;

/// A subscription of the embedding program.
#[napi]
pub struct NativeMessages {
    messages: Arc<Messages>,
    runtime: Handle,
    calls: Arc<Calls>,
}

#[napi]
impl NativeMessages {
    /// The next message, or `null` when the host closed the subscription.
    #[napi]
    pub fn next(&self, call: u32) {
        let messages = Arc::clone(&self.messages);
        self.calls.begin(call, &self.runtime, async move {
            let message = messages.next().await;
            Ok(shapes::settled(&shapes::message(message.as_ref())))
        });
    }

    /// The next message if one is there now, as JSON.
    #[napi]
    pub fn take(&self) -> Option<String> {
        self.messages.take().map(|message| shapes::message(Some(&message)).to_string())
    }

    /// Ends the subscription.
    #[napi]
    pub fn close(&self) {
        self.messages.close();
    }
}

impl NativeMessages {
    /// The messages of this subscription, read on the host's own threads.
    pub fn new(messages: Messages, runtime: Handle, calls: Arc<Calls>) -> Self {
        Self { messages: Arc::new(messages), runtime, calls }
    }
}
