//! What the embedding program says about the network, and what only it may say.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Deserialize;

use crate::error::{Error, ErrorKind, Result};
use crate::policy::Endpoint;

/// The embedding program's choices about the network. No manifest can make one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// What the airlock lets a capsule reach though it is not public, by the capsule's id: `host:port` or `host:*`. The
    /// manifest has to name the host as well.
    pub local_egress: BTreeMap<String, Vec<String>>,
    /// Addresses beyond loopback at which a capsule may listen or take datagrams, by the capsule's id: `host:port` or
    /// `host:*`. The manifest has to name the address as well.
    pub public_binds: BTreeMap<String, Vec<String>>,
    /// Servers that are asked for names in place of the system's; its file of hosts is left alone then.
    pub dns_servers: Vec<SocketAddr>,
    /// Lowers the longest lookup, connection and secure setup of a request, in milliseconds.
    pub http_connect_ms: Option<u64>,
    /// Lowers the longest wait for the headers of a response, in milliseconds.
    pub http_first_byte_ms: Option<u64>,
    /// Lowers the longest wait between two pieces of a body, in milliseconds.
    pub http_between_bytes_ms: Option<u64>,
    /// Lowers the longest time a request may ask for, in milliseconds.
    pub http_total_ms: Option<u64>,
    /// Roots that are trusted besides the platform's, in PEM.
    #[serde(deserialize_with = "pem")]
    pub tls_roots: Vec<u8>,
}

/// PEM is text wherever it is written.
fn pem<'de, D: serde::Deserializer<'de>>(given: D) -> std::result::Result<Vec<u8>, D::Error> {
    String::deserialize(given).map(String::into_bytes)
}

impl Network {
    /// Reads the address of a server of names.
    ///
    /// # Errors
    /// `invalid_argument` for one that is not `address:port`.
    pub fn dns_server(text: &str) -> Result<SocketAddr> {
        text.parse().map_err(|_| {
            let message = format!("`network.dns_servers` holds no `address:port`: {text:?}");
            Error::new(ErrorKind::InvalidArgument, message)
        })
    }
}

/// These choices, read once.
#[derive(Debug, Default)]
pub struct Rules {
    local_egress: BTreeMap<String, Vec<Endpoint>>,
    public_binds: BTreeMap<String, Vec<Endpoint>>,
}

impl Rules {
    /// Reads the choices.
    ///
    /// # Errors
    /// `invalid_argument` that names the entry, for one that is not `host:port` or stands for every host.
    pub fn read(network: &Network) -> Result<Self> {
        Ok(Self {
            local_egress: endpoints("network.local_egress", &network.local_egress)?,
            public_binds: endpoints("network.public_binds", &network.public_binds)?,
        })
    }

    /// Whether the airlock stands open for this capsule and this host, as the guest spells it.
    #[must_use]
    pub fn exempts(&self, capsule: &str, host: &str, port: u16) -> bool {
        covers(&self.local_egress, capsule, host, port)
    }

    /// Whether the airlock stands open for this capsule and this host at some port.
    #[must_use]
    pub fn exempts_some_port(&self, capsule: &str, host: &str) -> bool {
        let own = self.local_egress.get(capsule);
        own.is_some_and(|endpoints| endpoints.iter().any(|own| own.covers_host(host)))
    }

    /// Whether the capsule may bind this address beyond loopback.
    #[must_use]
    pub fn allows_bind(&self, capsule: &str, host: &str, port: u16) -> bool {
        covers(&self.public_binds, capsule, host, port)
    }
}

fn covers(rules: &BTreeMap<String, Vec<Endpoint>>, capsule: &str, host: &str, port: u16) -> bool {
    rules.get(capsule).is_some_and(|endpoints| endpoints.iter().any(|own| own.covers(host, port)))
}

fn endpoints(name: &str, texts: &BTreeMap<String, Vec<String>>) -> Result<BTreeMap<String, Vec<Endpoint>>> {
    let read = |capsule: &str, text: &str| {
        let endpoint = Endpoint::parse(text);
        let endpoint = match endpoint {
            // It would be no exemption but a switch that turns the airlock off.
            Ok(_) if text.starts_with("*:") => Err("stands for every host"),
            other => other,
        };
        endpoint.map_err(|rule| {
            let message = format!("`{name}` of `{capsule}` {rule}: {text:?}");
            Error::new(ErrorKind::InvalidArgument, message)
        })
    };
    let list = |(capsule, entries): (&String, &Vec<String>)| {
        let entries = entries.iter().map(|text| read(capsule, text)).collect::<Result<_>>()?;
        Ok((capsule.clone(), entries))
    };
    texts.iter().map(list).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(entries: &[&str]) -> Result<Rules> {
        let entries = entries.iter().map(|text| (*text).to_owned()).collect();
        let local_egress = BTreeMap::from([("one".to_owned(), entries)]);
        Rules::read(&Network { local_egress, ..Network::default() })
    }

    #[test]
    fn an_exemption_is_one_capsules_and_one_hosts() {
        let rules = rules(&["127.0.0.1:80", "db.local:*"]).unwrap();
        assert!(rules.exempts("one", "127.0.0.1", 80) && rules.exempts("one", "DB.local", 5432));
        assert!(!rules.exempts("one", "127.0.0.1", 81) && !rules.exempts("one", "localhost", 80));
        assert!(!rules.exempts("two", "127.0.0.1", 80) && !rules.allows_bind("one", "127.0.0.1", 80));
    }

    #[test]
    fn a_bad_entry_is_refused_by_name() {
        for bad in ["*:80", "*:*", "localhost", "a:b", ""] {
            let error = rules(&[bad]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.message().contains("`network.local_egress` of `one`"), "{error}");
        }
    }
}
