//! The handlers of every loaded capsule, found by topic.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::RwLock;

use crate::bus::{Admission, Listener, Message};
use crate::capsule::Loaded;
use crate::topic::{Index, Pattern, Topic};

/// A hook action that a manifest binds to a topic.
#[derive(Debug)]
pub(super) struct Handler {
    capsule: Weak<Loaded>,
    pub(super) listener: Listener,
    pub(super) action: String,
    pattern: Pattern,
    pub(super) priority: u32,
}

/// All handlers, of one generation of each capsule.
#[derive(Debug, Default)]
pub(super) struct Handlers(RwLock<Table>);

#[derive(Debug, Default)]
struct Table {
    index: Index<Arc<Handler>>,
    /// By capsule: the generation whose handlers are in the index, and where.
    entered: HashMap<Arc<str>, Entered>,
    next: u64,
}

#[derive(Debug)]
struct Entered {
    capsule: Weak<Loaded>,
    keys: Vec<(Pattern, u64)>,
}

/// Who wants a message.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// In the order in which they are called.
    pub(super) handlers: Vec<Arc<Handler>>,
    /// Capsules that want it and that it may not reach.
    pub(super) withheld: Vec<Arc<str>>,
}

impl Handlers {
    /// Enters the handlers of a capsule in place of those of the generation before it: a message finds either all of the
    /// old ones or all of the new ones.
    /// Says whether there was one.
    pub(super) fn replace(&self, capsule: &Arc<Loaded>) -> bool {
        let Some(context) = capsule.context() else { return false };
        let listener = Listener { capsule: Arc::clone(capsule.id()), owner: context.owner.clone() };
        let mut table = self.0.write();
        let replaced = table.leave(capsule.id());
        let mut keys = Vec::new();
        for rule in &capsule.manifest().subscribe {
            let Some(action) = &rule.handler else { continue };
            let handler = Handler {
                capsule: Arc::downgrade(capsule),
                listener: listener.clone(),
                action: action.clone(),
                pattern: rule.pattern.clone(),
                priority: rule.priority,
            };
            let id = table.next;
            table.next += 1;
            table.index.insert(&rule.pattern, id, Arc::new(handler));
            keys.push((rule.pattern.clone(), id));
        }
        table.entered.insert(listener.capsule, Entered { capsule: Arc::downgrade(capsule), keys });
        replaced
    }

    /// Removes the handlers of a capsule; false if it had none to remove.
    pub(super) fn leave(&self, id: &str) -> bool {
        self.0.write().leave(id)
    }

    /// Who wants the message: by priority, then by capsule, then by action.
    pub(super) fn wanting(&self, message: &Message) -> Wanted {
        let mut handlers = Vec::new();
        self.0.read().index.fired(&message.topic, &mut |_, handler| handlers.push(Arc::clone(handler)));
        let mut withheld = Vec::new();
        handlers.retain(|handler: &Arc<Handler>| {
            if handler.hears_itself(message) {
                return false;
            }
            let reached = message.reach.admits(&handler.listener);
            if !reached {
                withheld.push(Arc::clone(&handler.listener.capsule));
            }
            reached
        });
        handlers.sort_by(|a, b| a.order().cmp(&b.order()));
        Wanted { handlers, withheld }
    }

    /// The capsule that answers for a handler now: the generation it was entered for, or the one that took its place
    /// while the message waited and still binds the action to the same pattern. None when there is none any more.
    pub(super) fn answering(&self, handler: &Handler) -> Option<Arc<Loaded>> {
        let current = self.0.read().entered.get(&handler.listener.capsule)?.capsule.upgrade()?;
        let binds = |current: &Loaded| {
            let mut rules = current.manifest().subscribe.iter();
            rules
                .any(|rule| rule.handler.as_ref() == Some(&handler.action) && rule.pattern == handler.pattern)
        };
        (std::ptr::eq(handler.capsule.as_ptr(), Arc::as_ptr(&current)) || binds(&current)).then_some(current)
    }
}

impl Table {
    fn leave(&mut self, id: &str) -> bool {
        let Some(entered) = self.entered.remove(id) else { return false };
        for (pattern, key) in entered.keys {
            self.index.remove(&pattern, key);
        }
        true
    }
}

impl Handler {
    fn order(&self) -> (u32, &str, &str) {
        (self.priority, &self.listener.capsule, &self.action)
    }

    /// A run loop that holds a subscription which takes the message hears it there, not in a handler as well.
    fn hears_itself(&self, message: &Message) -> bool {
        let Some(context) = self.capsule.upgrade().and_then(|capsule| capsule.context()) else {
            return false;
        };
        let takes = |topic: &Topic| context.run_interest.hears(topic);
        let admitted =
            || context.shared || Admission::Principal(context.owner.clone()).admits(&message.attribution);
        takes(&message.topic) && admitted()
    }
}
