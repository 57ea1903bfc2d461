//! The layer: turns the host's spans into OpenTelemetry's, with the ids the host gave them.

use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, IdGenerator, RandomIdGenerator, SpanData, SpanEvents, SpanLinks, SpanProcessor,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// The targets of the host's spans.
const TARGETS: [&str; 2] = ["astrid::trigger", "astrid::call"];

/// A layer that exports the host's spans and looks at nothing else.
#[derive(Debug)]
pub struct Spans {
    processor: Arc<BatchSpanProcessor>,
    scope: InstrumentationScope,
}

/// What is known of a span while it is open.
#[derive(Debug)]
struct Open {
    started: SystemTime,
    trace: Option<TraceId>,
    span: SpanId,
    parent: SpanId,
    remote: bool,
    sampled: bool,
    outcome: Option<String>,
    attributes: Vec<KeyValue>,
}

impl Spans {
    pub(crate) fn new(processor: Arc<BatchSpanProcessor>) -> Self {
        let scope =
            InstrumentationScope::builder("astrid-host").with_version(env!("CARGO_PKG_VERSION")).build();
        Self { processor, scope }
    }

    fn is_ours(metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && TARGETS.contains(&metadata.target())
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id).filter(|span| Self::is_ours(span.metadata())) else { return };
        let mut open = Open {
            started: SystemTime::now(),
            trace: None,
            span: RandomIdGenerator::default().new_span_id(),
            parent: SpanId::INVALID,
            remote: false,
            sampled: true,
            outcome: None,
            attributes: Vec::new(),
        };
        attributes.record(&mut open);
        span.extensions_mut().insert(open);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(open) = span.extensions_mut().get_mut::<Open>() {
            values.record(open);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(mut open) = span.extensions_mut().remove::<Open>() else { return };
        if open.trace.is_none() {
            // A host call is part of the trigger around it; one of a run loop stands alone.
            for above in span.scope().skip(1) {
                if let Some(trigger) = above.extensions().get::<Open>() {
                    open.trace = trigger.trace;
                    open.parent = trigger.span;
                    open.sampled = trigger.sampled;
                    break;
                }
            }
        }
        if open.sampled {
            self.processor.on_end(open.finished(span.name(), &self.scope));
        }
    }
}

impl Open {
    fn finished(self, name: &'static str, scope: &InstrumentationScope) -> SpanData {
        let trace = self.trace.unwrap_or_else(|| RandomIdGenerator::default().new_trace_id());
        let status = match self.outcome {
            Some(outcome) if outcome != "allowed" => Status::error(outcome),
            Some(_) => Status::Ok,
            None => Status::Unset,
        };
        SpanData {
            span_context: SpanContext::new(
                trace,
                self.span,
                TraceFlags::SAMPLED,
                false,
                TraceState::default(),
            ),
            parent_span_id: self.parent,
            parent_span_is_remote: self.remote,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time: self.started,
            end_time: SystemTime::now(),
            attributes: self.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status,
            instrumentation_scope: scope.clone(),
        }
    }

    fn attribute(&mut self, field: &Field, value: impl Into<Value>) {
        self.attributes.push(KeyValue::new(format!("astrid.{}", field.name()), value.into()));
    }
}

impl Visit for Open {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "trace_id" => self.trace = TraceId::from_hex(value).ok(),
            "span_id" => self.span = SpanId::from_hex(value).unwrap_or(self.span),
            "parent_id" => {
                self.parent = SpanId::from_hex(value).unwrap_or(SpanId::INVALID);
                self.remote = true;
            }
            "outcome" => {
                self.outcome = Some(value.to_owned());
                self.attribute(field, value.to_owned());
            }
            _ => self.attribute(field, value.to_owned()),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "sampled" {
            self.sampled = value;
        } else {
            self.attribute(field, value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        // The protocol has signed numbers only.
        self.attribute(field, i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.attribute(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.attribute(field, format!("{value:?}"));
    }
}
