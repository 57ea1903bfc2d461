//! Undoing the compression of a body.

use std::io;
use std::pin::Pin;

use async_compression::tokio::bufread::{
    BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder,
};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, BufReader};

use super::HttpError;
use crate::limits;

/// A way to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// What is asked for where a guest does not say.
pub(super) const ACCEPTED: &str = "gzip, br, zstd, deflate";

/// How a body was compressed, in the order in which that has to be undone; none when one of the ways is not known, and the
/// guest gets the body as it is. The headers no longer say so, nor how long the body was.
///
/// # Errors
/// [`HttpError::Protocol`] for more layers than anybody needs.
pub(super) fn take(headers: &mut HeaderMap) -> Result<Vec<Coding>, HttpError> {
    let mut codings = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        for name in value.to_str().unwrap_or("?").split(',') {
            codings.push(match name.trim().to_ascii_lowercase().as_str() {
                "" | "identity" => continue,
                "gzip" | "x-gzip" => Coding::Gzip,
                "deflate" => Coding::Deflate,
                "br" => Coding::Brotli,
                "zstd" => Coding::Zstd,
                _ => return Ok(Vec::new()),
            });
        }
    }
    if codings.len() > limits::HTTP_CODINGS {
        return Err(HttpError::Protocol("the body is compressed too often"));
    }
    if !codings.is_empty() {
        headers.remove(CONTENT_ENCODING);
        headers.remove(CONTENT_LENGTH);
    }
    codings.reverse();
    Ok(codings)
}

type Bytes = Pin<Box<dyn AsyncBufRead + Send>>;

/// The body with its compression undone.
///
/// # Errors
/// What reading the first bytes says.
pub(super) async fn undo(
    body: impl AsyncBufRead + Send + 'static,
    codings: &[Coding],
) -> io::Result<Pin<Box<dyn AsyncRead + Send>>> {
    let mut bytes: Bytes = Box::pin(body);
    for coding in codings {
        // Nothing is as short as nothing: an empty body needs no frame around it.
        let first = bytes.fill_buf().await?;
        if first.is_empty() {
            break;
        }
        // The name stands for two formats; the one that was meant begins with a sum that holds.
        let zlib = first[0] & 0x0f == 8
            && first.get(1).is_none_or(|second| (u16::from(first[0]) << 8 | u16::from(*second)) % 31 == 0);
        bytes = match coding {
            Coding::Gzip => {
                let mut decoder = GzipDecoder::new(bytes);
                decoder.multiple_members(true);
                Box::pin(BufReader::new(decoder))
            }
            Coding::Deflate if zlib => Box::pin(BufReader::new(ZlibDecoder::new(bytes))),
            Coding::Deflate => Box::pin(BufReader::new(DeflateDecoder::new(bytes))),
            Coding::Brotli => Box::pin(BufReader::new(BrotliDecoder::new(bytes))),
            Coding::Zstd => Box::pin(BufReader::new(ZstdDecoder::new(bytes))),
        };
    }
    Ok(Box::pin(bytes))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn taken(values: &[&'static str]) -> Result<Vec<Coding>, HttpError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_ENCODING, HeaderValue::from_static(value));
        }
        take(&mut headers)
    }

    #[test]
    fn layers_are_undone_from_the_outermost() {
        assert_eq!(taken(&["gzip, br"]), Ok(vec![Coding::Brotli, Coding::Gzip]));
        assert_eq!(taken(&["gzip", "identity", "ZSTD"]), Ok(vec![Coding::Zstd, Coding::Gzip]));
        assert_eq!(taken(&["gzip", "compress"]), Ok(Vec::new()));
        assert!(taken(&["gzip,gzip,gzip,gzip"]).is_err());
    }
}
