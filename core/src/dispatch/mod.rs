//! Which handlers hear a message, in which order, and what they decide together.
//!
//! A publish finds the handlers that want its topic (`Handlers`), takes a place for each of them (`Lanes`) and becomes a
//! [`Delivery`], which calls them. The embedding program runs its own deliveries and hears what was decided; those of guests
//! run as tasks of the host's runtime.

mod delivery;
mod handlers;
mod intake;
mod lanes;
mod notices;

use std::future::ready;
use std::sync::{Arc, Weak};

use futures_util::future::{Either, FutureExt, select};

pub use delivery::{Chain, Delivery, Verdict};

use crate::abi::context::{HostContext, Placed, Placing, Relay, Unplaced};
use crate::bus::Message;
use crate::capsule::Loaded;
use crate::limits;
use crate::timer;
use delivery::Stop;
use handlers::{Handlers, Wanted};
use intake::{Admitted, Intake};
use lanes::{Key, Lanes, Place, Ring, Step};

/// Knows every handler of every loaded capsule.
#[derive(Debug)]
pub struct Dispatcher {
    host: Weak<HostContext>,
    runtime: tokio::runtime::Handle,
    handlers: Handlers,
    lanes: Lanes,
    intake: Intake,
    myself: Weak<Dispatcher>,
}

impl Dispatcher {
    /// A dispatcher that runs the deliveries of guests on the host's runtime.
    #[must_use]
    pub fn new(host: &Arc<HostContext>) -> Arc<Self> {
        Arc::new_cyclic(|myself| Self {
            host: Arc::downgrade(host),
            runtime: host.runtime.clone(),
            handlers: Handlers::default(),
            lanes: Lanes::default(),
            intake: Intake::default(),
            myself: myself.clone(),
        })
    }

    /// Enters the handlers of a capsule in place of those of the generation before it, if there is one, in one step: a
    /// message finds either all of the old ones or all of the new ones. What waits for the old generation goes to the new
    /// one where that binds the same action to the same pattern, and is dropped otherwise.
    pub fn replace(&self, capsule: &Arc<Loaded>) {
        let replaced = self.handlers.replace(capsule);
        self.lifecycle(if replaced { "capsule_replaced" } else { "capsule_loaded" }, capsule.id());
    }

    /// Removes the handlers of a capsule; what waits for them is dropped.
    pub fn leave(&self, id: &str) {
        if self.handlers.leave(id) {
            self.lifecycle("capsule_unloaded", id);
        }
    }

    /// Waits until a message of the embedding program has a place with every handler that wants it. If these are more than
    /// `most` it gets none and will be denied: a chain without all of its handlers decides nothing.
    pub async fn place(self: &Arc<Self>, message: &Arc<Message>, most: Option<usize>) -> Delivery {
        let mut wanted = self.handlers.wanting(message);
        let overflows = most.is_some_and(|most| wanted.handlers.len() > most);
        if overflows {
            wanted.handlers.clear();
        }
        let steps = steps(&wanted, message);
        // No guest is served at a place here, so no ring can be found.
        let places = self.lanes.enter(&steps, None).await.unwrap_or_default();
        Delivery { overflows, ..self.delivery(message, wanted, places, None) }
    }

    /// Tells the embedding program of capsules that a message called and that were not granted to its caller.
    pub fn withheld(&self, message: &Message, capsules: Vec<Arc<str>>) {
        if !capsules.is_empty() {
            self.withhold(message, capsules);
        }
    }

    fn delivery(
        self: &Arc<Self>,
        message: &Arc<Message>,
        wanted: Wanted,
        places: Vec<Place>,
        admitted: Option<Admitted>,
    ) -> Delivery {
        let stops = wanted.handlers.into_iter().zip(places).map(|(handler, place)| Stop { handler, place });
        Delivery {
            dispatcher: Arc::clone(self),
            message: Arc::clone(message),
            stops: stops.collect(),
            withheld: wanted.withheld,
            overflows: false,
            admitted,
        }
    }
}

impl Relay for Dispatcher {
    fn place(&self, message: &Arc<Message>, turn: Option<u64>) -> Option<Placing> {
        let mut wanted = self.handlers.wanting(message);
        if wanted.handlers.is_empty() && wanted.withheld.is_empty() {
            return None;
        }
        let myself = self.myself.upgrade()?;
        let message = Arc::clone(message);
        if wanted.handlers.is_empty() {
            // Nothing will be on its way. Were it counted, a lack of room would tell the guest of those it was not granted.
            let delivery = myself.delivery(&message, wanted, Vec::new(), None);
            return Some(Box::pin(ready(Ok(Box::new(delivery) as Box<dyn Placed>))));
        }
        // The first so many by their order decide; nothing that a guest publishes may cost more than this.
        let overflows = wanted.handlers.len() > limits::FAN_OUT;
        wanted.handlers.truncate(limits::FAN_OUT);
        Some(Box::pin(async move {
            let admitted = myself.intake.admit(message.sender.as_ref(), message.size());
            let admitted = admitted.ok_or(Unplaced::Full)?;
            let steps = steps(&wanted, &message);
            let late = std::pin::pin!(timer::sleep(&myself.runtime, limits::PUBLISH_WAIT));
            let entering = std::pin::pin!(myself.lanes.enter(&steps, turn));
            let places = match select(entering, late).await {
                Either::Left((Ok(places), _)) => places,
                Either::Left((Err(Ring), _)) => return Err(Unplaced::Ring),
                Either::Right(_) => return Err(Unplaced::Full),
            };
            let delivery = myself.delivery(&message, wanted, places, Some(admitted));
            Ok(Box::new(Delivery { overflows, ..delivery }) as Box<dyn Placed>)
        }))
    }

    fn announce(&self, message: &Arc<Message>) {
        let wanted = self.handlers.wanting(message);
        let Some(myself) = self.myself.upgrade().filter(|_| !wanted.handlers.is_empty()) else { return };
        let Some(admitted) = self.intake.admit(None, message.size()) else {
            tracing::warn!(target: "astrid::dispatch", topic = message.topic.as_str(), "an event was dropped");
            return;
        };
        let steps = steps(&wanted, message);
        // Events that find room stand in the order in which they happened.
        if let Some(places) = self.lanes.enter(&steps, None).now_or_never() {
            myself.delivery(message, wanted, places.unwrap_or_default(), Some(admitted)).start(0);
            return;
        }
        let message = Arc::clone(message);
        self.runtime.spawn(async move {
            let places = myself.lanes.enter(&steps, None).await.unwrap_or_default();
            myself.delivery(&message, wanted, places, Some(admitted)).run(0).await
        });
    }

    fn withheld(&self, message: &Message, capsules: Vec<Arc<str>>) {
        Dispatcher::withheld(self, message, capsules);
    }
}

/// The places a message needs: one for each handler, in the lane of its capsule and of whom the message acts for.
fn steps(wanted: &Wanted, message: &Message) -> Vec<Step> {
    let step = |handler: &Arc<handlers::Handler>| Step {
        key: Key { capsule: Arc::clone(&handler.listener.capsule), principal: message.acts_for().cloned() },
        stage: handler.priority,
    };
    wanted.handlers.iter().map(step).collect()
}
