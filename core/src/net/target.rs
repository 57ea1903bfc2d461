//! A host as a guest names it: an address in one of its many spellings, or a name to look up.

use std::net::IpAddr;

use crate::limits;

/// What a host's text means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// An address; it is judged as it is and never looked up.
    Address(IpAddr),
    /// A name in lower-case ASCII, without a last dot.
    Name(Box<str>),
}

impl Target {
    /// Reads a host. Every spelling of an address that a browser takes for one is an address here: decimal, hexadecimal,
    /// octal, short, percent-encoded, with full-width digits, an IPv6 address with brackets or without. An address with a
    /// zone is none.
    ///
    /// None for a text that is empty, longer than 255 bytes, has a NUL, or is no host.
    #[must_use]
    pub fn read(host: &str) -> Option<Self> {
        if host.is_empty() || host.len() > limits::HOST_NAME_BYTES || host.contains('\0') {
            return None;
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            return Some(Self::Address(address.to_canonical()));
        }
        match url::Host::parse(host).ok()? {
            url::Host::Ipv4(address) => Some(Self::Address(address.into())),
            url::Host::Ipv6(address) => Some(Self::Address(IpAddr::V6(address).to_canonical())),
            url::Host::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(&name);
                // An empty part is no part of a name, and a second last dot would hide an address from the parser.
                (!name.split('.').any(str::is_empty)).then(|| Self::Name(name.into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_in_every_spelling() {
        for text in [
            "127.0.0.1",
            "2130706433",
            "0x7f000001",
            "0x7F.1",
            "0177.0.0.1",
            "127.1",
            "127.0.1",
            "127.0.0.1.",
            "%31%32%37.0.0.1",
            "１２７.0.0.1",
            "127。0。0。1",
            "::ffff:127.0.0.1",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "0:0:0:0:0:ffff:7f00:1",
        ] {
            assert_eq!(Target::read(text), Some(Target::Address([127, 0, 0, 1].into())), "{text}");
        }
        assert_eq!(Target::read("[::1]"), Target::read("0:0::1"));
    }

    #[test]
    fn a_name_is_compared_in_one_spelling() {
        for text in ["Example.COM", "example.com.", "ｅxample.com", "ex%61mple.com"] {
            assert_eq!(Target::read(text), Some(Target::Name("example.com".into())), "{text}");
        }
        assert_eq!(Target::read("bücher.de"), Some(Target::Name("xn--bcher-kva.de".into())));
    }

    #[test]
    fn what_is_no_host_is_none() {
        let long = "a".repeat(256);
        for text in [
            "",
            ".",
            "..",
            "a..b",
            "127.0.0.1..",
            "a\0b",
            "a b",
            "a/b",
            "a:80",
            "user@host",
            "[::1",
            "::1]",
            "fe80::1%eth0",
            "[fe80::1%25eth0]",
            "256.0.0.1",
            "1.2.3.4.5",
            "0x1g.1.1.1",
            "a#b",
            "a?b",
            "a\\b",
            &long,
        ] {
            assert_eq!(Target::read(text), None, "{text}");
        }
    }
}
