//! How a request is made: its time limits, its redirects, its sizes.

use std::time::Duration;

use super::{HttpError, Integrity};
use crate::limits;
use crate::net::Network;

/// What becomes of a redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirects {
    /// It is followed, each hop checked as if it were asked for.
    Follow,
    /// It is refused.
    Refuse,
    /// It is the response.
    Give,
}

/// The longest times of the host, which no request may exceed.
#[derive(Clone, Copy, Debug)]
pub struct Ceilings {
    /// For lookup, connection and secure setup.
    pub connect: Duration,
    /// From sending to the end of the headers.
    pub first_byte: Duration,
    /// Between two pieces of the body.
    pub between_bytes: Duration,
    /// For all of it.
    pub total: Duration,
}

impl Ceilings {
    /// The contract's own, lowered where the embedding program says so.
    #[must_use]
    pub fn of(network: &Network) -> Self {
        Self {
            connect: lowered(network.http_connect_ms, limits::HTTP_CONNECT),
            first_byte: lowered(network.http_first_byte_ms, limits::HTTP_FIRST_BYTE),
            between_bytes: lowered(network.http_between_bytes_ms, limits::HTTP_BETWEEN_BYTES),
            total: lowered(network.http_total_ms, limits::HTTP_TOTAL_MOST),
        }
    }
}

fn lowered(asked: Option<u64>, most: Duration) -> Duration {
    asked.map_or(most, |asked| Duration::from_millis(asked).min(most))
}

/// How a request is made. Every number is at most the host's own.
#[derive(Clone, Debug)]
pub struct Options {
    /// For lookup, connection and secure setup.
    pub connect: Duration,
    /// From sending to the end of the headers.
    pub first_byte: Duration,
    /// Between two pieces of the body.
    pub between_bytes: Duration,
    /// For all of it; none for a stream that does not say.
    pub total: Option<Duration>,
    /// What becomes of redirects.
    pub redirects: Redirects,
    /// How many are followed.
    pub most_redirects: u32,
    /// The longest body; none for a stream that does not say.
    pub most_bytes: Option<u64>,
    /// The longest body after decompression; none is the limit of the body.
    pub most_decompressed: Option<u64>,
    /// Whether compressed bodies are decoded.
    pub decompress: bool,
    /// Whether `http` is refused.
    pub https_only: bool,
    /// The digest that is expected of the body.
    pub integrity: Option<Integrity>,
}

impl Options {
    /// For a response that is given whole.
    #[must_use]
    pub fn whole(ceilings: &Ceilings) -> Self {
        Self {
            total: Some(limits::HTTP_TOTAL.min(ceilings.total)),
            most_bytes: Some(limits::HTTP_BODY_BYTES),
            ..Self::streamed(ceilings)
        }
    }

    /// For a response that is read in pieces.
    #[must_use]
    pub fn streamed(ceilings: &Ceilings) -> Self {
        Self {
            connect: ceilings.connect,
            first_byte: ceilings.first_byte,
            between_bytes: ceilings.between_bytes,
            total: None,
            redirects: Redirects::Follow,
            most_redirects: limits::HTTP_REDIRECTS,
            most_bytes: None,
            most_decompressed: None,
            decompress: true,
            https_only: false,
            integrity: None,
        }
    }

    /// Takes the time limits that a guest asks for, in milliseconds; none of them gets longer than the host permits.
    pub fn limit(&mut self, ceilings: &Ceilings, times: [Option<u64>; 4]) {
        let [connect, first_byte, between_bytes, total] = times;
        self.connect = lowered(connect, ceilings.connect);
        self.first_byte = lowered(first_byte, ceilings.first_byte);
        self.between_bytes = lowered(between_bytes, ceilings.between_bytes);
        if total.is_some() {
            self.total = Some(lowered(total, ceilings.total));
        }
    }

    /// The most bytes after decompression, and what it means to have more.
    pub(super) fn decoded_limit(&self, decoded: bool) -> Option<(u64, HttpError)> {
        let body =
            self.most_bytes.map(|most| (most, if decoded { HttpError::Bomb } else { HttpError::TooLarge }));
        match (self.most_decompressed.filter(|_| decoded), body) {
            (Some(most), Some((body, _))) if body < most => Some((body, HttpError::TooLarge)),
            (Some(most), _) => Some((most, HttpError::Bomb)),
            (None, body) => body,
        }
    }
}
