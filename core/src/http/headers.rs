//! Which headers a guest may send, what they may say, and which of a response it is shown.

use std::collections::HashSet;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::HttpError;
use crate::limits;

/// Looks up a secret that a header names: none when it is not set.
///
/// # Errors
/// [`HttpError::Denied`] for a name that is no declared secret.
pub type Secrets<'a> = &'a mut dyn FnMut(&str) -> Result<Option<Zeroizing<String>>, HttpError>;

/// Headers that say how a message is cut and carried, which is the host's business: two minds about that are how requests are
/// smuggled. They are refused; `content-length` and `host` may stand there if they say what is true.
const OWN: [HeaderName; 10] = [
    header::CONNECTION,
    header::EXPECT,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// The headers of a request, and which of them hold a secret.
#[derive(Clone, Debug, Default)]
pub(super) struct Headers {
    pub(super) map: HeaderMap,
    pub(super) secret: HashSet<HeaderName>,
}

impl Headers {
    /// Reads what a guest gave: names are tokens, values have no control characters, `{{secret:NAME}}` is replaced.
    ///
    /// # Errors
    /// [`HttpError::Invalid`] for a header that breaks a rule, and what `secrets` says.
    pub(super) fn read(
        given: &[(String, String)],
        host: &str,
        body: Option<usize>,
        secrets: Secrets<'_>,
    ) -> Result<Self, HttpError> {
        let bytes: usize = given.iter().map(|(name, value)| name.len() + value.len()).sum();
        if given.len() > limits::HTTP_HEADERS || bytes > limits::HTTP_HEADER_BYTES {
            return Err(HttpError::Invalid);
        }
        let mut headers = Self::default();
        for (name, value) in given {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HttpError::Invalid)?;
            if OWN.contains(&name) {
                return Err(HttpError::Invalid);
            }
            if name == header::HOST || name == header::CONTENT_LENGTH {
                let truth = if name == header::HOST {
                    value.eq_ignore_ascii_case(host)
                } else {
                    body.is_some_and(|length| value.parse() == Ok(length))
                };
                if truth {
                    continue;
                }
                return Err(HttpError::Invalid);
            }
            let Some((text, has_secret)) = fill(value, secrets)? else { continue };
            let mut value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| HttpError::Invalid)?;
            if has_secret {
                value.set_sensitive(true);
                headers.secret.insert(name.clone());
            }
            headers.map.append(name, value);
        }
        Ok(headers)
    }

    /// Drops what is meant for the origin alone.
    pub(super) fn leave_origin(&mut self) {
        for name in [header::AUTHORIZATION, header::COOKIE] {
            self.map.remove(name);
        }
        for name in self.secret.drain() {
            self.map.remove(name);
        }
    }

    /// Drops what describes a body.
    pub(super) fn drop_body(&mut self) {
        for name in [
            header::CONTENT_TYPE,
            header::CONTENT_LENGTH,
            header::CONTENT_ENCODING,
            header::CONTENT_LANGUAGE,
            header::CONTENT_LOCATION,
        ] {
            self.map.remove(name);
        }
    }
}

/// Replaces the placeholders of a value; none when one of them is not set, since half a credential helps nobody.
fn fill(value: &str, secrets: Secrets<'_>) -> Result<Option<(Zeroizing<String>, bool)>, HttpError> {
    let mut filled = Zeroizing::new(String::with_capacity(value.len()));
    let (mut rest, mut any) = (value, false);
    while let Some((before, after)) = rest.split_once("{{secret:") {
        let (name, after) = after.split_once("}}").ok_or(HttpError::Invalid)?;
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        if name.is_empty() || !name.bytes().all(legal) {
            return Err(HttpError::Invalid);
        }
        let Some(secret) = secrets(name)? else { return Ok(None) };
        let secret = secret.trim();
        if secret.is_empty() {
            return Ok(None);
        }
        filled.push_str(before);
        filled.push_str(secret);
        (rest, any) = (after, true);
    }
    filled.push_str(rest);
    Ok(Some((filled, any)))
}

/// Headers as a guest is shown them: those whose value is plain text.
#[must_use]
pub fn readable(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = |(name, value): (&HeaderName, &HeaderValue)| {
        value.to_str().ok().map(|value| (name.as_str().to_owned(), value.to_owned()))
    };
    headers.iter().filter_map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> Result<Headers, HttpError> {
        let mut secrets = |name: &str| match name {
            "key" => Ok(Some(Zeroizing::new(" s3cret\n".to_owned()))),
            "unset" => Ok(None),
            _ => Err(HttpError::Denied),
        };
        Headers::read(&[(name.to_owned(), value.to_owned())], "a.test", Some(3), &mut secrets)
    }

    #[test]
    fn what_carries_the_message_is_the_hosts() {
        for name in OWN {
            assert_eq!(read(name.as_str(), "x").unwrap_err(), HttpError::Invalid, "{name}");
        }
        assert!(read("Host", "A.test").unwrap().map.is_empty() && read("host", "b.test").is_err());
        assert!(read("content-length", "3").unwrap().map.is_empty() && read("content-length", "4").is_err());
        for (name, value) in
            [("a b", "x"), ("", "x"), ("a", "x\r\ny: z"), ("a", "x\0"), ("a:", "x"), ("é", "x")]
        {
            assert_eq!(read(name, value).unwrap_err(), HttpError::Invalid, "{name:?} {value:?}");
        }
        assert_eq!(read("a", "grün").unwrap().map["a"].as_bytes(), "grün".as_bytes());
    }

    #[test]
    fn a_secret_is_put_in_its_place_and_never_shown() {
        let headers = read("authorization", "Bearer {{secret:key}}!").unwrap();
        assert_eq!(headers.map["authorization"].as_bytes(), b"Bearer s3cret!");
        assert!(headers.map["authorization"].is_sensitive() && !format!("{headers:?}").contains("s3cret"));
        assert!(read("x", "{{secret:unset}}").unwrap().map.is_empty());
        assert_eq!(read("x", "{{secret:other}}").unwrap_err(), HttpError::Denied);
        for bad in ["{{secret:}}", "{{secret:key", "{{secret:a b}}"] {
            assert_eq!(read("x", bad).unwrap_err(), HttpError::Invalid, "{bad}");
        }
        let mut leaving = headers;
        leaving.map.insert("x-plain", HeaderValue::from_static("1"));
        leaving.leave_origin();
        assert_eq!(leaving.map.len(), 1);
    }
}
