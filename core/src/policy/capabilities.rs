//! What a manifest grants to its capsule.

use std::collections::BTreeSet;
use std::path::Path;

use super::{BindAddress, CommandPattern, Endpoint, HostPattern, PathPattern, Roots};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{self, Manifest};

/// A list whose entries are kept as they were written, beside what they mean.
type Scopes<T> = Vec<(Box<str>, T)>;

/// The capabilities of a loaded capsule: fixed when it is loaded, typed, and only ever narrowed.
///
/// A capability is *held* when its list is not empty or its flag is on; its name is the field's name in the manifest.
#[derive(Clone, Debug, Default)]
pub struct Capabilities {
    fs_read: Scopes<PathPattern>,
    fs_write: Scopes<PathPattern>,
    net: Scopes<HostPattern>,
    net_connect: Scopes<Endpoint>,
    net_bind: Scopes<BindAddress>,
    net_tcp_bind: Scopes<Endpoint>,
    net_udp: Scopes<Endpoint>,
    host_process: Scopes<CommandPattern>,
    identity: Scopes<IdentityLevel>,
    kv: Scopes<()>,
    uplink: bool,
    allow_persistent: bool,
    allow_prompt_injection: bool,
    bind_workers: Option<u32>,
}

/// What may be done with identities; a higher level includes the lower ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdentityLevel {
    /// Look up whom a platform user stands for.
    Resolve,
    /// Link platform users to principals.
    Link,
    /// Create and remove principals' links at will.
    Admin,
}

impl IdentityLevel {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "resolve" => Ok(Self::Resolve),
            "link" => Ok(Self::Link),
            "admin" => Ok(Self::Admin),
            _ => Err("is none of `resolve`, `link` and `admin`"),
        }
    }
}

/// What a newer manifest asks for beyond what was approved before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expansion {
    /// The capability's name.
    pub capability: &'static str,
    /// The entries that are new, as they are written; empty for a flag that is now on.
    pub entries: Vec<String>,
}

impl Capabilities {
    /// Every capability's name, sorted.
    pub const NAMES: [&'static str; 13] = [
        "allow_persistent",
        "allow_prompt_injection",
        "fs_read",
        "fs_write",
        "host_process",
        "identity",
        "kv",
        "net",
        "net_bind",
        "net_connect",
        "net_tcp_bind",
        "net_udp",
        "uplink",
    ];

    /// Types what a manifest asks for. An entry that means nothing, or could mean more than it says, is a
    /// `manifest_invalid` that names the field.
    pub fn compile(manifest: &Manifest) -> Result<Self> {
        Self::from_declared(&manifest.capabilities)
    }

    /// Types capabilities that were kept as they were written, for example those approved at an earlier install.
    pub fn from_declared(declared: &manifest::Capabilities) -> Result<Self> {
        Ok(Self {
            fs_read: scopes("fs_read", &declared.fs_read, PathPattern::parse)?,
            fs_write: scopes("fs_write", &declared.fs_write, PathPattern::parse)?,
            net: scopes("net", &declared.net, HostPattern::parse)?,
            net_connect: scopes("net_connect", &declared.net_connect, Endpoint::parse)?,
            net_bind: scopes("net_bind", &declared.net_bind, BindAddress::parse)?,
            net_tcp_bind: scopes("net_tcp_bind", &declared.net_tcp_bind, Endpoint::parse)?,
            net_udp: scopes("net_udp", &declared.net_udp, udp_address)?,
            host_process: scopes("host_process", &declared.host_process, CommandPattern::parse)?,
            identity: scopes("identity", &declared.identity, IdentityLevel::parse)?,
            kv: scopes("kv", &declared.kv, |text| if text.is_empty() { Err("is empty") } else { Ok(()) })?,
            uplink: declared.uplink,
            allow_persistent: declared.allow_persistent,
            allow_prompt_injection: declared.allow_prompt_injection,
            bind_workers: declared.bind_workers,
        })
    }

    /// What is held, as it is written in a manifest: to be kept with a receipt and compared at an upgrade.
    pub fn declared(&self) -> manifest::Capabilities {
        let texts = |name| self.entries(name).into_iter().map(str::to_owned).collect();
        manifest::Capabilities {
            uplink: self.uplink,
            net: texts("net"),
            kv: texts("kv"),
            fs_read: texts("fs_read"),
            fs_write: texts("fs_write"),
            host_process: texts("host_process"),
            allow_persistent: self.allow_persistent,
            net_bind: texts("net_bind"),
            net_tcp_bind: texts("net_tcp_bind"),
            net_udp: texts("net_udp"),
            net_connect: texts("net_connect"),
            identity: texts("identity"),
            allow_prompt_injection: self.allow_prompt_injection,
            bind_workers: self.bind_workers,
        }
    }

    /// The names of what is held, sorted.
    pub fn held(&self) -> Vec<&'static str> {
        Self::NAMES.into_iter().filter(|name| self.holds(name)).collect()
    }

    /// Whether this capability is held; false for a name that does not exist.
    pub fn holds(&self, name: &str) -> bool {
        match name {
            "uplink" => self.uplink,
            "allow_persistent" => self.allow_persistent,
            "allow_prompt_injection" => self.allow_prompt_injection,
            list => !self.entries(list).is_empty(),
        }
    }

    /// The entries of a list, as they are written; empty for a flag and for a name that does not exist.
    pub fn entries(&self, name: &str) -> Vec<&str> {
        fn texts<T>(scopes: &Scopes<T>) -> Vec<&str> {
            scopes.iter().map(|(text, _)| &**text).collect()
        }
        match name {
            "fs_read" => texts(&self.fs_read),
            "fs_write" => texts(&self.fs_write),
            "net" => texts(&self.net),
            "net_connect" => texts(&self.net_connect),
            "net_bind" => texts(&self.net_bind),
            "net_tcp_bind" => texts(&self.net_tcp_bind),
            "net_udp" => texts(&self.net_udp),
            "host_process" => texts(&self.host_process),
            "identity" => texts(&self.identity),
            "kv" => texts(&self.kv),
            _ => Vec::new(),
        }
    }

    /// Keeps the named capabilities with their scopes and drops all others. A name that is unknown or not held is an
    /// `invalid_argument`: whoever narrows is told when there is nothing to keep, and nobody can widen.
    pub fn attenuate(&self, keep: &[String]) -> Result<Self> {
        for name in keep {
            if !Self::NAMES.contains(&name.as_str()) {
                let message = format!("`{name}` is no capability");
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
            if !self.holds(name) {
                let message = format!("`{name}` cannot be kept: the manifest does not ask for it");
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
        }
        let kept = |name: &str| keep.iter().any(|other| other == name);
        let mut narrowed = self.clone();
        for name in Self::NAMES.into_iter().filter(|name| !kept(name)) {
            narrowed.drop_one(name);
        }
        Ok(narrowed)
    }

    fn drop_one(&mut self, name: &str) {
        match name {
            "fs_read" => self.fs_read.clear(),
            "fs_write" => self.fs_write.clear(),
            "net" => self.net.clear(),
            "net_connect" => self.net_connect.clear(),
            "net_tcp_bind" => self.net_tcp_bind.clear(),
            "net_udp" => self.net_udp.clear(),
            "net_bind" => {
                self.net_bind.clear();
                self.bind_workers = None;
            }
            "host_process" => self.host_process.clear(),
            "identity" => self.identity.clear(),
            "kv" => self.kv.clear(),
            "uplink" => self.uplink = false,
            "allow_persistent" => self.allow_persistent = false,
            "allow_prompt_injection" => self.allow_prompt_injection = false,
            _ => {}
        }
    }

    /// What `new` asks for beyond `old`, sorted by name: entries that are not written in `old` and flags that are newly
    /// on. Empty means an upgrade needs no new approval.
    pub fn diff(old: &Self, new: &Self) -> Vec<Expansion> {
        let expansion = |capability: &'static str| {
            let known: BTreeSet<&str> = old.entries(capability).into_iter().collect();
            let more = new.entries(capability).into_iter().filter(|entry| !known.contains(entry));
            let entries: Vec<String> = more.map(str::to_owned).collect();
            let newly_held = new.holds(capability) && !old.holds(capability);
            (newly_held || !entries.is_empty()).then_some(Expansion { capability, entries })
        };
        Self::NAMES.into_iter().filter_map(expansion).collect()
    }

    /// Whether this physical, canonical path may be read.
    pub fn may_read(&self, path: &Path, roots: &Roots<'_>) -> bool {
        self.fs_read.iter().any(|(_, scope)| scope.covers(path, roots))
    }

    /// Whether this physical, canonical path may be written.
    pub fn may_write(&self, path: &Path, roots: &Roots<'_>) -> bool {
        self.fs_write.iter().any(|(_, scope)| scope.covers(path, roots))
    }

    /// Whether an HTTP request may go to this host; the airlock judges its addresses besides.
    pub fn may_request(&self, host: &str) -> bool {
        self.net.iter().any(|(_, scope)| scope.covers(host))
    }

    /// Whether TCP may connect to this host and port; the airlock judges the addresses besides.
    pub fn may_connect(&self, host: &str, port: u16) -> bool {
        self.net_connect.iter().any(|(_, scope)| scope.covers(host, port))
    }

    /// Whether this host's name may be looked up: some port of it may be connected to.
    pub fn may_look_up(&self, host: &str) -> bool {
        self.net_connect.iter().any(|(_, scope)| scope.covers_host(host))
    }

    /// Whether the socket the host has bound for the capsule may be used.
    pub fn may_bind_unix(&self) -> bool {
        self.net_bind.iter().any(|(_, scope)| matches!(scope, BindAddress::Unix(_)))
    }

    /// Whether this TCP address may be bound, by either of the two lists.
    pub fn may_bind_tcp(&self, host: &str, port: u16) -> bool {
        let by_bind = self.net_bind.iter().any(|(_, scope)| match scope {
            BindAddress::Tcp(own) => own.covers(host, port),
            BindAddress::Unix(_) => false,
        });
        by_bind || self.net_tcp_bind.iter().any(|(_, own)| own.covers(host, port))
    }

    /// Whether datagrams may be taken at this address.
    pub fn may_bind_udp(&self, host: &str, port: u16) -> bool {
        self.net_udp.iter().any(|(_, own)| own.covers(host, port))
    }

    /// Whether this command may be run.
    pub fn may_run(&self, command: &str) -> bool {
        self.host_process.iter().any(|(_, scope)| scope.covers(command))
    }

    /// Whether processes may outlive the call that starts them.
    pub fn may_persist(&self) -> bool {
        self.allow_persistent && !self.host_process.is_empty()
    }

    /// Whether identities may be handled at this level.
    pub fn may_identify(&self, level: IdentityLevel) -> bool {
        self.identity.iter().any(|(_, held)| *held >= level)
    }

    /// How many run-loop instances the capsule would like to share a bound TCP socket; a wish, not a capability.
    pub fn bind_workers(&self) -> Option<u32> {
        self.bind_workers
    }
}

/// Reads an entry of `net_udp`.
fn udp_address(text: &str) -> std::result::Result<Endpoint, &'static str> {
    text.strip_prefix("bind:").map_or(Err("is not `bind:host:port`"), Endpoint::parse)
}

fn scopes<T>(
    name: &str,
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, &'static str>,
) -> Result<Scopes<T>> {
    let scope = |(n, text): (usize, &String)| match parse(text) {
        Ok(scope) => Ok((text.as_str().into(), scope)),
        Err(rule) => Err(Error::new(
            ErrorKind::ManifestInvalid,
            format!("`capabilities.{name}[{n}]` {rule}: {text:?}"),
        )),
    };
    texts.iter().enumerate().map(scope).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[&str]) -> Vec<String> {
        items.iter().map(|&item| item.to_owned()).collect()
    }

    fn full() -> manifest::Capabilities {
        manifest::Capabilities {
            uplink: true,
            net: list(&["example.com"]),
            kv: list(&["notes"]),
            fs_read: list(&["*", "home://x"]),
            fs_write: list(&["home://x"]),
            host_process: list(&["git"]),
            allow_persistent: true,
            net_bind: list(&["unix:*", "127.0.0.1:0"]),
            net_tcp_bind: list(&["[::1]:*"]),
            net_udp: list(&["bind:127.0.0.1:*"]),
            net_connect: list(&["db.local:5432"]),
            identity: list(&["link"]),
            allow_prompt_injection: true,
            bind_workers: Some(2),
        }
    }

    #[test]
    fn nothing_declared_is_nothing_held() {
        let none = Capabilities::default();
        assert!(none.held().is_empty());
        for name in Capabilities::NAMES {
            assert!(!none.holds(name));
        }
        assert!(!none.may_request("a") && !none.may_run("ls") && !none.may_identify(IdentityLevel::Resolve));
    }

    #[test]
    fn held_names_are_the_fields_sorted() {
        let all = Capabilities::from_declared(&full()).unwrap();
        assert_eq!(all.held(), Capabilities::NAMES);
        assert!(Capabilities::NAMES.is_sorted());
        assert!(!all.holds("bind_workers") && !all.holds("") && !all.holds("*"));
        assert_eq!(all.declared(), full());
    }

    #[test]
    fn attenuation_keeps_what_is_named_and_never_widens() {
        let all = Capabilities::from_declared(&full()).unwrap();
        // Every subset of the names: exactly it is held afterwards, and narrowing again never brings anything back.
        for subset in 0..1_u32 << Capabilities::NAMES.len() {
            let names = Capabilities::NAMES.iter().enumerate();
            let keep: Vec<String> =
                names.filter(|(n, _)| subset & (1 << n) != 0).map(|(_, name)| (*name).to_owned()).collect();
            let narrowed = all.attenuate(&keep).unwrap();
            assert_eq!(narrowed.held(), keep);
            assert!(Capabilities::diff(&all, &narrowed).is_empty());
            if let Some(gone) = Capabilities::NAMES.into_iter().find(|name| !narrowed.holds(name)) {
                let error = narrowed.attenuate(&list(&[gone])).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            }
        }
        assert_eq!(all.attenuate(&list(&["everything"])).unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert!(all.attenuate(&list(&["uplink"])).unwrap().bind_workers().is_none());
    }

    #[test]
    fn an_upgrade_shows_what_is_new() {
        let old = Capabilities::from_declared(&full())
            .unwrap()
            .attenuate(&list(&["net", "kv", "fs_read"]))
            .unwrap();
        let mut wanted = old.declared();
        wanted.net.push("evil.com".into());
        wanted.fs_read = list(&["*"]);
        wanted.uplink = true;
        let new = Capabilities::from_declared(&wanted).unwrap();
        let expected = [
            Expansion { capability: "net", entries: list(&["evil.com"]) },
            Expansion { capability: "uplink", entries: vec![] },
        ];
        assert_eq!(Capabilities::diff(&old, &new), expected);
        assert!(Capabilities::diff(&old, &old).is_empty());
    }

    #[test]
    fn a_meaningless_entry_refuses_the_load_by_name() {
        type List = fn(&mut manifest::Capabilities) -> &mut Vec<String>;
        let cases: [(&str, List, &str); 9] = [
            ("fs_read", |c| &mut c.fs_read, "home:///etc"),
            ("fs_write", |c| &mut c.fs_write, ""),
            ("net", |c| &mut c.net, "https://example.com"),
            ("net_connect", |c| &mut c.net_connect, "example.com"),
            ("net_bind", |c| &mut c.net_bind, ""),
            ("net_tcp_bind", |c| &mut c.net_tcp_bind, "8080"),
            ("net_udp", |c| &mut c.net_udp, "127.0.0.1:0"),
            ("host_process", |c| &mut c.host_process, " "),
            ("identity", |c| &mut c.identity, "root"),
        ];
        for (name, field, bad) in cases {
            let mut declared = full();
            field(&mut declared).push(bad.to_owned());
            let error = Capabilities::from_declared(&declared).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ManifestInvalid);
            assert!(error.message().starts_with(&format!("`capabilities.{name}[")), "{error}");
        }
    }

    #[test]
    fn levels_include_the_lower_ones() {
        let all = Capabilities::from_declared(&full()).unwrap();
        assert!(all.may_identify(IdentityLevel::Resolve) && all.may_identify(IdentityLevel::Link));
        assert!(!all.may_identify(IdentityLevel::Admin));
        assert!(all.may_bind_unix() && all.may_bind_tcp("127.0.0.1", 0) && !all.may_bind_tcp("0.0.0.0", 0));
        assert!(
            all.may_bind_tcp("::1", 9) && all.may_bind_udp("127.0.0.1", 9) && !all.may_bind_udp("::1", 9)
        );
        assert!(all.may_persist() && !all.attenuate(&list(&["allow_persistent"])).unwrap().may_persist());
    }
}
