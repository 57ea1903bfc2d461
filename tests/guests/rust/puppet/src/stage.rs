//! What a script holds while it plays: resources by name, and values that later calls refer to.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::answer::{Miss, fault};
use crate::bindings::astrid::fs::host::FileHandle;
use crate::bindings::astrid::io::poll::Pollable;
use crate::bindings::astrid::ipc::host::Subscription;

/// A handle that a script gave a name.
pub enum Resource {
    Subscription(Subscription),
    Pollable(Pollable),
    File(FileHandle),
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

    pub fn subscription(&self, name: Option<&str>) -> Result<&Subscription, Miss> {
        match self.resource(name)? {
            Resource::Subscription(subscription) => Ok(subscription),
            _ => Err(fault("that name holds no subscription")),
        }
    }

    pub fn pollable(&self, name: Option<&str>) -> Result<&Pollable, Miss> {
        match self.resource(name)? {
            Resource::Pollable(pollable) => Ok(pollable),
            _ => Err(fault("that name holds no pollable")),
        }
    }

    pub fn file(&self, name: Option<&str>) -> Result<&FileHandle, Miss> {
        match self.resource(name)? {
            Resource::File(file) => Ok(file),
            _ => Err(fault("that name holds no file")),
        }
    }

    fn resource(&self, name: Option<&str>) -> Result<&Resource, Miss> {
        let name = name.ok_or_else(|| fault("the call needs `on`, the name of its receiver"))?;
        self.resources.get(name).ok_or_else(|| unknown(name))
    }
}

fn unknown(name: &str) -> Miss {
    fault(format!("no resource is called {name}"))
}
