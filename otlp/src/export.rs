//! Where finished spans go: into a bounded queue, and from there to the collector in batches.

use std::fmt;
use std::sync::Arc;

use opentelemetry_http::HttpClient;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanProcessor};

use crate::post::Post;
use crate::spans::Spans;

/// An exporter with its thread. Spans wait in a queue of 2,048 and leave in batches of up to 512, every five seconds or when
/// a batch is full; what comes while the queue is full is lost. Nobody who ends a span ever waits.
#[derive(Clone, Debug)]
pub struct Export {
    processor: Arc<BatchSpanProcessor>,
}

/// Why spans cannot be exported.
#[derive(Debug)]
pub struct ExportError(Box<dyn std::error::Error + Send + Sync>);

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spans cannot be exported: {}", self.0)
    }
}

impl std::error::Error for ExportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

impl Export {
    /// Exports to the collector at `endpoint`, the whole address of its traces such as `http://127.0.0.1:4318/v1/traces`, in
    /// the name of a service. The connection is plain HTTP, for a collector on this machine or in this network.
    ///
    /// # Errors
    /// When `endpoint` is not an `http` address.
    pub fn to(endpoint: &str, service: &str) -> Result<Self, ExportError> {
        Post::check(endpoint).map_err(ExportError)?;
        Self::through(endpoint, service, Post)
    }

    /// As [`Self::to`], by a client of your own: one that speaks TLS, or that signs its requests.
    ///
    /// # Errors
    /// When the exporter refuses `endpoint`.
    pub fn through(
        endpoint: &str,
        service: &str,
        client: impl HttpClient + 'static,
    ) -> Result<Self, ExportError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(endpoint)
            .build()
            .map_err(|error| ExportError(error.into()))?;
        let mut processor = BatchSpanProcessor::new(exporter, BatchConfigBuilder::default().build());
        processor.set_resource(&Resource::builder_empty().with_service_name(service.to_owned()).build());
        Ok(Self { processor: Arc::new(processor) })
    }

    /// The layer that listens, for a `tracing` subscriber.
    #[must_use]
    pub fn layer(&self) -> Spans {
        Spans::new(Arc::clone(&self.processor))
    }

    /// Sends what waits, and returns when the collector has it.
    ///
    /// # Errors
    /// When the collector does not take it.
    pub fn flush(&self) -> Result<(), ExportError> {
        self.processor.force_flush().map_err(|error| ExportError(error.into()))
    }

    /// Sends what waits and ends the thread; later spans are lost.
    ///
    /// # Errors
    /// When the collector does not take it within five seconds.
    pub fn shutdown(&self) -> Result<(), ExportError> {
        self.processor.shutdown().map_err(|error| ExportError(error.into()))
    }
}
