use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};

use super::*;

/// Remembers the fields of the one span it is told of.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<BTreeMap<&'static str, String>>>);

struct Fields<'a>(&'a mut BTreeMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl Subscriber for Listener {
    /// Asked each time: otherwise the spans of other tests, on threads where nobody listens, would be taken for wanted.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        attributes.record(&mut Fields(&mut self.0.lock()));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Fields(&mut self.0.lock()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn heard(caller: &mut Caller) -> BTreeMap<&'static str, String> {
    let listener = Listener::default();
    tracing::subscriber::with_default(listener.clone(), || of_trigger("notes", "save", caller));
    std::mem::take(&mut *listener.0.lock())
}

#[test]
fn a_trigger_goes_on_with_the_trace_of_its_caller() {
    let parent = TraceParent::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
    let mut caller = Caller { trace: Some(parent), ..Caller::embedder(None) };
    let fields = heard(&mut caller);
    assert_eq!(fields["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(fields["parent_id"], "b7ad6b7169203331");
    assert_eq!((&*fields["capsule"], &*fields["action"]), ("notes", "save"));
    let handed_on = caller.trace.unwrap();
    assert_eq!(handed_on.trace_id(), fields["trace_id"]);
    assert_eq!(handed_on.span_id(), fields["span_id"]);
    assert_ne!(handed_on.span_id(), parent.span_id());
}

#[test]
fn a_trigger_without_a_trace_begins_one() {
    let mut caller = Caller::embedder(None);
    let fields = heard(&mut caller);
    assert_eq!(fields["trace_id"], caller.trace.unwrap().trace_id());
    assert!(!fields.contains_key("parent_id"));
}

#[test]
fn without_a_listener_the_callers_word_is_handed_on() {
    let mut caller = Caller::embedder(None);
    assert!(of_trigger("notes", "save", &mut caller).is_disabled());
    assert!(caller.trace.is_none());
    let parent = TraceParent::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00").unwrap();
    caller.trace = Some(parent);
    of_trigger("notes", "save", &mut caller);
    assert_eq!(caller.trace, Some(parent));
}
