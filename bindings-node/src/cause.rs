//! The exception of a handler, which stays on the JavaScript side under the number of its question.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Weak};

use crate::letter::Letter;
use crate::mailbox::Mailbox;

/// Stands for a JavaScript exception inside the host's errors; JavaScript forgets the exception when this is dropped.
pub struct JsCause {
    id: u32,
    message: String,
    mailbox: Weak<Mailbox>,
}

impl JsCause {
    /// The exception that the handler of question `id` threw.
    pub fn new(id: u32, message: String, mailbox: &Arc<Mailbox>) -> Self {
        Self { id, message, mailbox: Arc::downgrade(mailbox) }
    }

    /// The number under which JavaScript keeps the exception.
    pub fn id(&self) -> u32 {
        self.id
    }
}

impl Drop for JsCause {
    fn drop(&mut self) {
        if let Some(mailbox) = self.mailbox.upgrade() {
            mailbox.post(Letter::Forgotten { id: self.id });
        }
    }
}

impl fmt::Display for JsCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for JsCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exception {}: {}", self.id, self.message)
    }
}

impl Error for JsCause {}
