//! Which hosts and addresses a capsule may reach or bind.

use std::net::IpAddr;

/// One entry of `net`: the hosts that HTTP requests may go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// `*`: every host the airlock lets through.
    Any,
    /// A name, lower-case: this host and every host below it.
    Name(Box<str>),
    /// An address: this one only, never a suffix of anything.
    Address(IpAddr),
}

impl HostPattern {
    /// Reads an entry: `*`, a host name or an address, without scheme, port and path.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "" => Err("is empty"),
            "*" => Ok(Self::Any),
            _ => host(text).map(|host| match host {
                Host::Name(name) => Self::Name(name),
                Host::Address(address) => Self::Address(address),
            }),
        }
    }

    /// Whether the entry covers the host of a parsed address. An address covers itself only; a name covers no address.
    pub fn covers(&self, host: &str) -> bool {
        match (self, host_of(host)) {
            (Self::Any, _) => true,
            (Self::Address(own), Host::Address(asked)) => *own == asked,
            (Self::Name(own), Host::Name(asked)) => {
                asked.strip_suffix(&**own).is_some_and(|head| head.is_empty() || head.ends_with('.'))
            }
            (Self::Address(_), Host::Name(_)) | (Self::Name(_), Host::Address(_)) => false,
        }
    }
}

/// One entry of `net_connect`, or a TCP entry of `net_bind`: a host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    host: Option<Host>,
    port: Option<u16>,
}

impl Endpoint {
    /// Reads `host:port`, split at the last colon. `*` stands for any host or any port; a name is compared whole.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let Some((name, port)) = text.rsplit_once(':') else { return Err("is not `host:port`") };
        if name.is_empty() {
            return Err("has no host");
        }
        let port = match port {
            "*" => None,
            _ if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) => {
                return Err("has a port that is neither a number nor `*`");
            }
            _ => Some(port.parse().map_err(|_| "has a port above 65535")?),
        };
        Ok(Self { host: if name == "*" { None } else { Some(host(name)?) }, port })
    }

    /// Whether the entry covers this host and port.
    pub fn covers(&self, host: &str, port: u16) -> bool {
        self.covers_host(host) && self.port.is_none_or(|own| own == port)
    }

    /// Whether the entry covers this host at some port, which is what a lookup of its name needs.
    pub fn covers_host(&self, host: &str) -> bool {
        self.host.as_ref().is_none_or(|own| *own == host_of(host))
    }
}

/// One entry of `net_bind`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BindAddress {
    /// `unix:…`: the socket the host has bound for the capsule.
    Unix(Box<str>),
    /// `host:port`: a TCP address.
    Tcp(Endpoint),
}

impl BindAddress {
    /// Reads an entry.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text.strip_prefix("unix:") {
            _ if text.is_empty() => Err("is empty"),
            Some("") => Err("names no socket"),
            Some(name) if name.split('/').any(|component| component == "..") => Err("has a `..`"),
            Some(name) => Ok(Self::Unix(name.into())),
            None => Endpoint::parse(text).map(Self::Tcp),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Name(Box<str>),
    Address(IpAddr),
}

/// Reads the host of a pattern.
fn host(text: &str) -> Result<Host, &'static str> {
    if text.contains("://") {
        return Err("has a scheme: give the host alone");
    }
    if text.contains('*') {
        return Err("has a `*` inside: a name covers the hosts below it, and `*` alone covers every host");
    }
    let host = host_of(text);
    if let Host::Name(name) = &host {
        let label = |label: &str| {
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        if !name.split('.').all(label) {
            return Err("is no host name: letters, digits, `-` and `_` in labels joined by dots");
        }
        // A name whose last label is a number is read as an IPv4 address by others, in one of its odd spellings.
        let last = name.rsplit('.').next().unwrap_or_default();
        let hexadecimal =
            last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()));
        if hexadecimal || last.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("ends in a number but is no address in its plain spelling");
        }
    }
    Ok(host)
}

/// A host as it is compared: an address by its value, brackets or not, a name in lower case without a last dot.
fn host_of(text: &str) -> Host {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    match bare.parse::<IpAddr>() {
        Ok(address) => Host::Address(address.to_canonical()),
        Err(_) => Host::Name(text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_covers_itself_and_what_is_below() {
        let own = HostPattern::parse("Example.com").unwrap();
        for yes in ["example.com", "EXAMPLE.COM", "a.example.com", "a.b.example.com", "example.com."] {
            assert!(own.covers(yes), "{yes}");
        }
        for no in
            ["com", "badexample.com", "example.com.evil", "example.org", "", ".", "example.com:80", "1.2.3.4"]
        {
            assert!(!own.covers(no), "{no}");
        }
        assert!(HostPattern::parse("*").unwrap().covers("anything.at.all"));
    }

    #[test]
    fn an_address_covers_itself_only() {
        let own = HostPattern::parse("10.0.0.1").unwrap();
        assert!(own.covers("10.0.0.1") && own.covers("::ffff:10.0.0.1"));
        assert!(!own.covers("1.10.0.0.1") && !own.covers("x.10.0.0.1") && !own.covers("10.0.0.2"));
        let six = HostPattern::parse("[2001:DB8::1]").unwrap();
        assert!(six.covers("2001:db8::1") && six.covers("[2001:db8:0::1]") && !six.covers("2001:db8::2"));
    }

    #[test]
    fn odd_host_entries_are_refused() {
        for bad in [
            "",
            ".",
            "a..b",
            "https://a.b",
            "*.example.com",
            "exa*mple.com",
            "a b",
            "a/b",
            "a:80",
            "1",
            "127.1",
            "0x7f.1",
            "x.0x1",
            "256.0.0.1",
            "a\n",
            "user@host",
            "..",
            "é.com",
        ] {
            assert!(HostPattern::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn endpoints_compare_host_and_port() {
        let cases = [
            ("db.local:5432", "DB.local", 5432, true),
            ("db.local:5432", "db.local", 5433, false),
            ("db.local:5432", "x.db.local", 5432, false),
            ("db.local:*", "db.local", 1, true),
            ("*:443", "anything", 443, true),
            ("*:443", "anything", 80, false),
            ("[::1]:80", "::1", 80, true),
            ("::1:80", "[0::1]", 80, true),
            ("127.0.0.1:80", "127.0.0.1", 80, true),
            ("127.0.0.1:80", "localhost", 80, false),
        ];
        for (own, host, port, expected) in cases {
            assert_eq!(
                Endpoint::parse(own).unwrap().covers(host, port),
                expected,
                "{own} covers {host}:{port}"
            );
        }
        assert!(Endpoint::parse("a.b:80").unwrap().covers_host("A.b"));
        for bad in [
            "",
            "*",
            "host",
            "host:",
            ":80",
            "host:x",
            "host:70000",
            "host:+1",
            "*.a:80",
            "http://a:80",
            "a:-1",
        ] {
            assert!(Endpoint::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn bind_entries_are_sockets_or_addresses() {
        assert_eq!(BindAddress::parse("unix:*"), Ok(BindAddress::Unix("*".into())));
        assert!(matches!(BindAddress::parse("127.0.0.1:0"), Ok(BindAddress::Tcp(_))));
        for bad in ["", "unix:", "unix:/a/../b", "8080", "tcp"] {
            assert!(BindAddress::parse(bad).is_err(), "{bad:?}");
        }
    }
}
