//! Looking up names: one question, all its answers.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::system_conf::read_system_conf;
use parking_lot::Mutex;

use crate::limits;

/// Why a name has no addresses.
#[derive(Debug)]
pub(super) enum Unresolved {
    /// It does not exist, has no address, or has more than anybody would need.
    Nothing,
    /// No server answered in time.
    TimedOut,
    /// The machine's servers cannot be reached, or say that they failed.
    Failed(io::Error),
}

/// Looks up names with the system's servers and its file of hosts, or with servers of the embedding program's choice.
///
/// Nothing is remembered between two lookups: what one principal has looked up would show another by its speed.
pub(super) struct Resolver {
    servers: Vec<SocketAddr>,
    /// Made when a name is looked up, since it reads the system's files; made anew when what was read is old, since a
    /// machine changes its network.
    made: Mutex<Option<(Instant, TokioResolver)>>,
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
        if let Some((since, resolver)) = &*made
            && (!self.servers.is_empty() || since.elapsed() < limits::DNS_SETTINGS_KEPT)
        {
            return Ok(resolver.clone());
        }
        let resolver = self.make().map_err(|error| Unresolved::Failed(io::Error::other(error)))?;
        *made = Some((Instant::now(), resolver.clone()));
        Ok(resolver)
    }

    fn make(&self) -> Result<TokioResolver, hickory_resolver::net::NetError> {
        let (servers, mut options) = if self.servers.is_empty() {
            // A machine that names no servers still has its file of hosts.
            let (config, options) = read_system_conf().unwrap_or_default();
            (config.into_parts().2, options)
        } else {
            (self.servers.iter().map(server).collect(), ResolverOpts::default())
        };
        options.cache_size = 0;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.timeout = limits::DNS_ATTEMPT;
        options.attempts = limits::DNS_ATTEMPTS;
        options.max_active_requests = limits::DNS_LOOKUPS;
        // Whoever guesses at an answer has to guess the case of every letter as well.
        options.case_randomization = true;
        options.use_hosts_file =
            if self.servers.is_empty() { ResolveHosts::Always } else { ResolveHosts::Never };
        let config = ResolverConfig::from_name_servers(servers);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        *builder.options_mut() = options;
        builder.build()
    }
}

fn server(address: &SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}
