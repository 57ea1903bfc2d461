//! W3C trace context: which larger piece of work a trigger is part of.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// A `traceparent`: the trace, the span that caused the work, and whether it is recorded somewhere.
///
/// The host carries it from a trigger into the messages published meanwhile, and from a message into what hears it. Guests
/// never see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace: u128,
    span: u64,
    flags: u8,
}

impl TraceParent {
    /// Reads the header's text, such as `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`. A version that is newer
    /// than this program is read as far as it is known, as the standard asks.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        read(text).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                "`traceparent` is not a W3C trace context of the form 00-…-…-01",
            )
        })
    }

    /// The same trace, seen from another span of it.
    #[must_use]
    pub fn from_span(self, span: u64) -> Self {
        Self { span, ..self }
    }

    /// A new trace whose first span is `span`; both numbers are made up and not 0.
    #[must_use]
    pub fn begin(trace: u128, span: u64) -> Self {
        Self { trace: trace.max(1), span: span.max(1), flags: 1 }
    }

    /// The trace, as 32 digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }

    /// The span, as 16 digits.
    #[must_use]
    pub fn span_id(&self) -> String {
        format!("{:016x}", self.span)
    }

    /// Whether whoever began the trace records it.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }
}

fn read(text: &str) -> Option<TraceParent> {
    let mut parts = text.split('-');
    let version = hex(parts.next()?, 2)?;
    let trace = hex(parts.next()?, 32)?;
    let span = u64::try_from(hex(parts.next()?, 16)?).ok()?;
    let flags = u8::try_from(hex(parts.next()?, 2)?).ok()?;
    let more = parts.next().is_some();
    let known = match version {
        0 => !more,
        0xff => false,
        _ => text.len() <= LONGEST,
    };
    (known && trace != 0 && span != 0).then_some(TraceParent { trace, span, flags })
}

/// What a newer version may be long at most, in bytes.
const LONGEST: usize = 256;

/// A number of exactly so many lower-case digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let plain = text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    plain.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_good_one_comes_back_as_it_was() {
        let parent = TraceParent::parse(GOOD).unwrap();
        assert_eq!(parent.to_string(), GOOD);
        assert_eq!(parent.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert!(parent.is_sampled());
        let newer = TraceParent::parse(&format!("{}-more", GOOD.replacen("00", "01", 1))).unwrap();
        assert_eq!(newer, parent);
        assert_eq!(parent.from_span(5).span_id(), "0000000000000005");
    }

    #[test]
    fn everything_else_is_refused() {
        let zero_trace = format!("00-{}-b7ad6b7169203331-01", "0".repeat(32));
        let zero_span = format!("00-0af7651916cd43dd8448eb211c80319c-{}-01", "0".repeat(16));
        let (upper, more) = (GOOD.to_uppercase(), format!("{GOOD}-more"));
        let version = GOOD.replacen("00", "ff", 1);
        let long = format!("{}-{}", GOOD.replacen("00", "01", 1), "x".repeat(LONGEST));
        for bad in [
            "",
            "00",
            &GOOD[..54],
            &zero_trace,
            &zero_span,
            &upper,
            &more,
            &version,
            &long,
            " 00-",
            "+0-1-1-1",
        ] {
            assert_eq!(TraceParent::parse(bad).unwrap_err().kind(), ErrorKind::InvalidArgument, "{bad}");
        }
    }
}
