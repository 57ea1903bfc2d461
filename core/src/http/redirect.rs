//! Where a redirect leads and what is left of the request there.

use http::header::LOCATION;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::HttpError;

/// Whether a response asks to go elsewhere.
pub(super) fn is_redirect(status: StatusCode, headers: &HeaderMap) -> bool {
    status.is_redirection() && headers.contains_key(LOCATION)
}

/// Where it leads, without fragment.
///
/// # Errors
/// [`HttpError::Protocol`] for a `Location` that is no address.
pub(super) fn target(from: &Url, headers: &HeaderMap) -> Result<Url, HttpError> {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let target = location.and_then(|location| from.join(location).ok());
    let mut target = target.ok_or(HttpError::Protocol("the redirect leads nowhere"))?;
    target.set_fragment(None);
    Ok(target)
}

/// The method of the next request; the body goes with it unless the method changes.
pub(super) fn method(status: StatusCode, method: &Method) -> Method {
    match status {
        StatusCode::SEE_OTHER if *method != Method::HEAD => Method::GET,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND
            if *method != Method::GET && *method != Method::HEAD =>
        {
            Method::GET
        }
        _ => method.clone(),
    }
}

/// Whether two addresses have scheme, host and port in common.
pub(super) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_change_as_browsers_change_them() {
        let cases = [
            (301, Method::POST, Method::GET),
            (302, Method::PUT, Method::GET),
            (302, Method::HEAD, Method::HEAD),
            (303, Method::DELETE, Method::GET),
            (303, Method::HEAD, Method::HEAD),
            (307, Method::POST, Method::POST),
            (308, Method::PATCH, Method::PATCH),
        ];
        for (status, before, after) in cases {
            assert_eq!(method(StatusCode::from_u16(status).unwrap(), &before), after, "{status} {before}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let url = |text: &str| Url::parse(text).unwrap();
        assert!(same_origin(&url("http://A.test/x"), &url("http://a.test:80/y")));
        for other in ["https://a.test/", "http://b.test/", "http://a.test:81/", "http://x.a.test/"] {
            assert!(!same_origin(&url("http://a.test/"), &url(other)), "{other}");
        }
    }
}
