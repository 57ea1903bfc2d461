//! `[capabilities]` as it is written: lists and flags, not yet scopes.

use serde::{Deserialize, Serialize};

use super::reader::Fields;
use crate::error::Result;

/// What a capsule asks for. Everything is empty or off unless the manifest says so; the policy compiles it into scopes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Acts for platforms: publishes on behalf of others and registers uplinks.
    pub uplink: bool,
    /// Hosts that HTTP requests may go to.
    pub net: Vec<String>,
    /// Declared use of the key-value store; opens nothing.
    pub kv: Vec<String>,
    /// Paths that may be read.
    pub fs_read: Vec<String>,
    /// Paths that may be written.
    pub fs_write: Vec<String>,
    /// Commands that may be run.
    pub host_process: Vec<String>,
    /// Whether processes may outlive the call, on top of `host_process`.
    pub allow_persistent: bool,
    /// Addresses that may be bound.
    pub net_bind: Vec<String>,
    /// TCP addresses that may be bound, beside those of `net_bind`.
    pub net_tcp_bind: Vec<String>,
    /// `bind:host:port` addresses at which datagrams may be taken, and from which they may be sent.
    pub net_udp: Vec<String>,
    /// `host:port` pairs that TCP may connect to.
    pub net_connect: Vec<String>,
    /// What may be done with identities: `resolve`, `link`, `admin`.
    pub identity: Vec<String>,
    /// Whether answers of hooks may set the fields of a system prompt.
    pub allow_prompt_injection: bool,
    /// How many run-loop instances share a bound TCP socket; a wish, not a capability.
    pub bind_workers: Option<u32>,
}

impl Capabilities {
    pub(super) fn read(mut fields: Fields<'_>, warnings: &mut Vec<String>) -> Result<Self> {
        let capabilities = Self {
            uplink: fields.flag("uplink")?.unwrap_or(false),
            net: fields.texts("net")?,
            kv: fields.texts("kv")?,
            fs_read: fields.texts("fs_read")?,
            fs_write: fields.texts("fs_write")?,
            host_process: fields.texts("host_process")?,
            allow_persistent: fields.flag("allow_persistent")?.unwrap_or(false),
            net_bind: fields.texts("net_bind")?,
            net_tcp_bind: fields.texts("net_tcp_bind")?,
            net_udp: fields.texts("net_udp")?,
            net_connect: fields.texts("net_connect")?,
            identity: fields.texts("identity")?,
            allow_prompt_injection: fields.flag("allow_prompt_injection")?.unwrap_or(false),
            bind_workers: match fields.take("bind_workers") {
                Some(field) => Some(field.number32()?),
                None => None,
            },
        };
        fields.finish(warnings);
        Ok(capabilities)
    }

    /// Why `bind_workers` would have no effect, if it is there.
    pub(super) fn idle_workers(&self, has_handlers: bool) -> Option<&'static str> {
        self.bind_workers?;
        if !self.net_bind.iter().any(|entry| !entry.starts_with("unix:")) {
            Some("`capabilities.bind_workers` is ignored: no `net_bind` entry is a TCP address")
        } else if !self.host_process.is_empty() {
            Some("`capabilities.bind_workers` is ignored: a capsule with `host_process` has one instance")
        } else if has_handlers {
            Some("`capabilities.bind_workers` is ignored: a capsule with handlers has one run loop")
        } else {
            None
        }
    }

    /// Adds what `other` asks for: lists are joined without repeats, flags are or-ed, a number replaces the old one.
    pub(super) fn merge(&mut self, other: &Self) {
        self.uplink |= other.uplink;
        self.allow_persistent |= other.allow_persistent;
        self.allow_prompt_injection |= other.allow_prompt_injection;
        self.bind_workers = other.bind_workers.or(self.bind_workers);
        for (own, more) in [
            (&mut self.net, &other.net),
            (&mut self.kv, &other.kv),
            (&mut self.fs_read, &other.fs_read),
            (&mut self.fs_write, &other.fs_write),
            (&mut self.host_process, &other.host_process),
            (&mut self.net_bind, &other.net_bind),
            (&mut self.net_tcp_bind, &other.net_tcp_bind),
            (&mut self.net_udp, &other.net_udp),
            (&mut self.net_connect, &other.net_connect),
            (&mut self.identity, &other.identity),
        ] {
            for entry in more {
                if !own.contains(entry) {
                    own.push(entry.clone());
                }
            }
        }
    }
}
