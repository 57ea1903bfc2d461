//! The two halves of a connection as streams of bytes, and its readiness. None of them keeps it.

use std::io;
use std::sync::{Arc, Weak};

use bytes::Bytes;

use super::Stream;
use crate::stream::{Awaited, Ended, Ready, Sink, Source};

impl Stream {
    /// Its receiving half.
    #[must_use]
    pub fn source(self: &Arc<Self>) -> Arc<dyn Source> {
        Arc::new(Half(Arc::downgrade(self)))
    }

    /// Its sending half.
    #[must_use]
    pub fn sink(self: &Arc<Self>) -> Arc<dyn Sink> {
        Arc::new(Half(Arc::downgrade(self)))
    }

    /// Follows whether it can be read, without keeping it.
    #[must_use]
    pub fn readable(self: &Arc<Self>) -> impl Awaited + use<> {
        Readable(Arc::downgrade(self))
    }
}

/// A half of a connection, as a stream of bytes. It does not keep the connection.
#[derive(Debug)]
struct Half(Weak<Stream>);

impl Half {
    fn stream(&self) -> Result<Arc<Stream>, Ended> {
        self.0.upgrade().ok_or(Ended::Closed)
    }

    /// The connection as long as it takes bytes.
    fn taking(&self) -> Result<Arc<Stream>, Ended> {
        self.stream().and_then(|stream| if stream.takes_no_more() { Err(Ended::Closed) } else { Ok(stream) })
    }
}

impl Source for Half {
    fn read(&self, most: usize) -> Result<Bytes, Ended> {
        match self.stream()?.take(most) {
            Ok(bytes) if bytes.is_empty() => Err(Ended::Closed),
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Bytes::new()),
            Err(error) => Err(Ended::Failed(error)),
        }
    }

    fn is_ready(&self) -> bool {
        self.0.upgrade().is_none_or(|stream| stream.is_readable())
    }

    fn ready(self: Arc<Self>) -> Ready {
        let stream = self.0.upgrade();
        Box::pin(async move {
            if let Some(stream) = stream {
                stream.until_readable().await;
            }
        })
    }
}

impl Sink for Half {
    fn room(&self) -> Result<usize, Ended> {
        self.taking()?.sink.room()
    }

    fn write(&self, bytes: Bytes) -> Result<(), Ended> {
        self.taking()?.sink.write(bytes)
    }

    fn flush(&self) -> Result<(), Ended> {
        self.taking()?.sink.flush()
    }

    fn is_ready(&self) -> bool {
        self.taking().is_ok_and(|stream| stream.sink.is_ready()) || self.taking().is_err()
    }

    fn ready(self: Arc<Self>) -> Ready {
        match self.taking() {
            Ok(stream) => Arc::new(stream.sink.clone()).ready(),
            Err(_) => Box::pin(std::future::ready(())),
        }
    }
}

#[derive(Debug)]
struct Readable(Weak<Stream>);

impl Awaited for Readable {
    fn is_ready(&self) -> bool {
        self.0.upgrade().is_some_and(|stream| stream.is_readable())
    }

    fn is_closed(&self) -> bool {
        self.0.strong_count() == 0
    }

    fn ready(&self) -> Ready {
        let stream = self.0.upgrade();
        Box::pin(async move {
            if let Some(stream) = stream {
                stream.until_readable().await;
            }
        })
    }
}
