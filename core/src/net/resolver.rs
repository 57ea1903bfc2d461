//! Looking up names: one question, all its answers.

use std::io;
use std::net::{IpAddr, SocketAddr};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use parking_lot::Mutex;

use crate::limits;

/// Why a name has no addresses.
#[derive(Debug)]
pub(super) enum Unresolved {
    /// It does not exist, has no address, or has more than anybody would need.
    Nothing,
    /// No server answered in time.
    TimedOut,
    /// The machine says nothing about its servers, or they cannot be reached.
    Failed(io::Error),
}

/// Looks up names with the system's servers and its file of hosts, or with servers of the embedding program's choice.
///
/// Nothing is remembered between two lookups: what one principal has looked up would show another by its speed.
pub(super) struct Resolver {
    servers: Vec<SocketAddr>,
    /// Made when a name is first looked up, since it reads the system's files.
    made: Mutex<Option<TokioResolver>>,
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolver").field("servers", &self.servers).finish_non_exhaustive()
    }
}

impl Resolver {
    pub(super) fn new(servers: Vec<SocketAddr>) -> Self {
        Self { servers, made: Mutex::new(None) }
    }

    /// Every address of the name, of both families. Must be polled on the host's runtime.
    pub(super) async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, Unresolved> {
        let resolver = self.made()?;
        // The last dot keeps the machine's search domains away: a guest means what it says.
        let found = resolver.lookup_ip(format!("{name}.")).await.map_err(|error| {
            if error.is_nx_domain() || error.is_no_records_found() {
                Unresolved::Nothing
            } else if matches!(error, hickory_resolver::net::NetError::Timeout) {
                Unresolved::TimedOut
            } else {
                Unresolved::Failed(io::Error::other(error))
            }
        })?;
        let mut addresses: Vec<IpAddr> =
            found.iter().take(limits::DNS_ANSWERS + 1).map(|address| address.to_canonical()).collect();
        if addresses.len() > limits::DNS_ANSWERS {
            return Err(Unresolved::Nothing);
        }
        addresses.dedup();
        if addresses.is_empty() { Err(Unresolved::Nothing) } else { Ok(addresses) }
    }

    fn made(&self) -> Result<TokioResolver, Unresolved> {
        let mut made = self.made.lock();
        if let Some(resolver) = &*made {
            return Ok(resolver.clone());
        }
        let builder = if self.servers.is_empty() {
            TokioResolver::builder_tokio()
        } else {
            let config =
                ResolverConfig::from_parts(None, Vec::new(), self.servers.iter().map(server).collect());
            Ok(TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()))
        };
        let mut builder = builder.map_err(|error| Unresolved::Failed(io::Error::other(error)))?;
        let options = builder.options_mut();
        options.cache_size = 0;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.timeout = limits::DNS_ATTEMPT;
        options.attempts = limits::DNS_ATTEMPTS;
        options.use_hosts_file =
            if self.servers.is_empty() { ResolveHosts::Always } else { ResolveHosts::Never };
        let resolver = builder.build().map_err(|error| Unresolved::Failed(io::Error::other(error)))?;
        *made = Some(resolver.clone());
        Ok(resolver)
    }
}

fn server(address: &SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}
