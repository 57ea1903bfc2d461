//! A request as it is asked for, checked before anything is sent.

use base64::Engine as _;
use bytes::Bytes;
use http::Method;
use http::header::{AUTHORIZATION, HeaderValue};
use url::Url;

use super::headers::{Headers, Secrets};
use super::{HttpError, Options};
use crate::limits;

/// A request that keeps the rules.
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) url: Url,
    pub(super) method: Method,
    pub(super) headers: Headers,
    pub(super) body: Bytes,
}

impl Request {
    /// Reads what a guest gave.
    ///
    /// # Errors
    /// [`HttpError::Invalid`] for a URL, a method or a header that breaks a rule, [`HttpError::Scheme`] for a scheme that is
    /// not permitted, and what `secrets` says.
    pub fn read(
        url: &str,
        method: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
        options: &Options,
        secrets: Secrets<'_>,
    ) -> Result<Self, HttpError> {
        if url.len() > limits::URL_BYTES {
            return Err(HttpError::Invalid);
        }
        let mut url = Url::parse(url).map_err(|_| HttpError::Invalid)?;
        check_scheme(&url, options)?;
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| HttpError::Invalid)?;
        // A tunnel is no request: what goes through it is out of sight.
        if method == Method::CONNECT || url.host_str().is_none_or(str::is_empty) {
            return Err(HttpError::Invalid);
        }
        let length = body.as_ref().map(Vec::len);
        let mut headers = Headers::read(headers, &authority(&url), length, secrets)?;
        move_credentials(&mut url, &mut headers)?;
        url.set_fragment(None);
        Ok(Self { url, method, headers, body: Bytes::from(body.unwrap_or_default()) })
    }

    /// Where it goes.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Takes the name and password out of an address that a redirect gave; they are not sent.
    pub(super) fn strip_credentials(&mut self) -> Result<(), HttpError> {
        let stripped = self.url.set_username("").and_then(|()| self.url.set_password(None));
        stripped.map_err(|()| HttpError::Invalid)
    }

    /// How long its body is, in bytes.
    #[must_use]
    pub fn body_len(&self) -> usize {
        self.body.len()
    }

    /// How it is told in the audit: the method and the origin. Path and query may hold what nobody should read.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("{} {}", self.method, self.url.origin().ascii_serialization())
    }

    /// The path and the query, of which the audit keeps a commitment.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.url[url::Position::BeforePath..]
    }
}

/// Whether the scheme is permitted.
pub(super) fn check_scheme(url: &Url, options: &Options) -> Result<(), HttpError> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if !options.https_only => Ok(()),
        _ => Err(HttpError::Scheme),
    }
}

/// The host and, unless it is the scheme's own, the port.
pub(super) fn authority(url: &Url) -> String {
    url[url::Position::BeforeHost..url::Position::AfterPort].to_owned()
}

/// A name and a password in the URL become the header they stand for, and are gone from what is shown.
fn move_credentials(url: &mut Url, headers: &mut Headers) -> Result<(), HttpError> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(());
    }
    let decode = |text: &str| percent_decoded(text);
    let pair = [decode(url.username()), b":".to_vec(), decode(url.password().unwrap_or_default())].concat();
    let basic = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
    let mut value = HeaderValue::try_from(basic).map_err(|_| HttpError::Invalid)?;
    value.set_sensitive(true);
    headers.map.entry(AUTHORIZATION).or_insert(value);
    url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| HttpError::Invalid)
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if *first == b'%' => {
                decoded.push(byte);
                rest = &after[2..];
            }
            _ => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Ceilings;
    use crate::net::Network;

    fn read(url: &str, method: &str) -> Result<Request, HttpError> {
        let mut none = |_: &str| Ok(None);
        Request::read(url, method, &[], None, &Options::whole(&Ceilings::of(&Network::default())), &mut none)
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for (url, method) in [
            ("", "GET"),
            ("a.test", "GET"),
            ("http://", "GET"),
            ("http://a b/", "GET"),
            ("http://a.test:99999/", "GET"),
            ("http://a.test/", "CONNECT"),
            ("http://a.test/", "GE T"),
            ("http://a.test/", ""),
        ] {
            assert_eq!(read(url, method).unwrap_err(), HttpError::Invalid, "{method} {url}");
        }
        for url in ["ftp://a.test/", "file:///etc/passwd", "data:,x", "unix:/x"] {
            assert_eq!(read(url, "GET").unwrap_err(), HttpError::Scheme, "{url}");
        }
    }

    #[test]
    fn credentials_move_into_their_header() {
        let request = read("http://us%65r:p%40ss@a.test:8080/x?q=1#f", "get2").unwrap();
        assert_eq!(request.headers.map["authorization"], "Basic dXNlcjpwQHNz");
        assert_eq!(request.url.as_str(), "http://a.test:8080/x?q=1");
        assert_eq!((request.subject().as_str(), request.path()), ("get2 http://a.test:8080", "/x?q=1"));
    }
}
