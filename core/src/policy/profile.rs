//! What the host knows about a principal beyond its name.

use std::collections::BTreeMap;

use super::device_key::DeviceKey;
use super::grant::{Grant, Group};
use super::standing::StandingCommand;
use super::{Endpoint, Quotas};

/// A principal's profile. It is kept outside everything a capsule can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// False refuses every new call.
    pub enabled: bool,
    /// The groups it belongs to: names of 1 to 64 letters, digits, `_` and `-`.
    pub groups: Vec<String>,
    /// What it is given besides its groups.
    pub grants: Vec<Grant>,
    /// What it is denied, whatever gives it.
    pub revokes: Vec<Grant>,
    /// How much it may use.
    pub quotas: Quotas,
    /// How it may authenticate: `keypair`, `passkey`, `system`.
    pub auth_methods: Vec<String>,
    /// The keys of its devices.
    pub public_keys: Vec<DeviceKey>,
    /// `host:port` patterns a restricted principal may reach.
    pub egress: Vec<String>,
    /// `host:port` patterns a restricted principal may reach through one capsule besides, by the capsule's id.
    pub capsule_egress: BTreeMap<String, Vec<String>>,
    /// Commands a restricted principal may run.
    pub process_allow: Vec<String>,
    /// Ids of the capsules whose tools and commands it may call, each of at most 128 characters.
    pub capsules: Vec<String>,
    /// Commands it has approved for good.
    pub command_always: Vec<StandingCommand>,
}

impl Default for Profile {
    /// Enabled, in no group, with the default quotas.
    fn default() -> Self {
        Self {
            enabled: true,
            groups: Vec::new(),
            grants: Vec::new(),
            revokes: Vec::new(),
            quotas: Quotas::default(),
            auth_methods: Vec::new(),
            public_keys: Vec::new(),
            egress: Vec::new(),
            capsule_egress: BTreeMap::new(),
            process_allow: Vec::new(),
            capsules: Vec::new(),
            command_always: Vec::new(),
        }
    }
}

impl Profile {
    /// Whether the principal holds a capability such as `audit:read_all`. A revoke beats a grant, a grant beats a group.
    /// What a capsule's manifest declares never counts here.
    pub fn holds(&self, capability: &str) -> bool {
        let covers = |list: &[Grant]| list.iter().any(|grant| grant.covers(capability));
        if covers(&self.revokes) {
            return false;
        }
        covers(&self.grants)
            || self.groups.iter().filter_map(|name| Group::named(name)).any(|group| group.gives(capability))
    }

    /// Whether the bounds on the processor's time do not apply to the principal.
    pub fn is_exempt_from_cpu_bounds(&self) -> bool {
        ["system:resources:unbounded", "net_bind", "uplink"].iter().any(|capability| self.holds(capability))
    }

    /// Whether the principal may reach only what its profile lists.
    pub fn is_restricted(&self) -> bool {
        self.groups.iter().any(|name| Group::named(name) == Some(Group::Restricted))
    }

    /// Whether the principal may reach this host and port through the capsule, or, without a port, look the host up. Only a
    /// restricted principal is limited; what a capsule may reach is its manifest's matter.
    pub fn may_reach(&self, capsule: &str, host: &str, port: Option<u16>) -> bool {
        let covers = |own: &Endpoint| match port {
            Some(port) => own.covers(host, port),
            None => own.covers_host(host),
        };
        let through = self.capsule_egress.get(capsule).into_iter().flatten();
        let mut listed = self.egress.iter().chain(through);
        !self.is_restricted() || listed.any(|text| Endpoint::parse(text).is_ok_and(|own| covers(&own)))
    }

    /// Whether the principal may call the tools and commands of a capsule by name: it is granted the capsule, or holds
    /// `capsule:access:any`. A capability that is revoked counts for nothing; a grant of the one capsule stands.
    pub fn may_call(&self, capsule: &str) -> bool {
        self.capsules.iter().any(|own| own == capsule) || self.holds("capsule:access:any")
    }

    /// Whether the principal may run this command. Only a restricted principal is limited: to commands its profile lists,
    /// or whose file name it lists.
    pub fn may_run(&self, command: &str) -> bool {
        let file_name = command.rsplit('/').next().unwrap_or(command);
        !self.is_restricted()
            || self.process_allow.iter().any(|own| own == command || (!own.contains('/') && own == file_name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Profile {
        Profile::parse_toml(text).unwrap().profile
    }

    #[test]
    fn the_default_holds_nothing() {
        let profile = Profile::default();
        assert!(!profile.holds("self:quota:get") && !profile.is_exempt_from_cpu_bounds());
        assert!(!profile.may_call("mail"));
    }

    #[test]
    fn a_revoke_beats_a_grant_and_a_grant_beats_a_group() {
        let profile =
            parse("groups = [\"agent\"]\ngrants = [\"audit:read_all\"]\nrevokes = [\"self:quota:*\"]");
        assert!(profile.holds("audit:read_all") && profile.holds("self:agent:list"));
        assert!(!profile.holds("self:quota:get") && !profile.holds("audit:write"));
        let locked = parse("groups = [\"admin\"]\ngrants = [\"*\"]\nrevokes = [\"*\"]");
        assert!(!locked.holds("self:quota:get") && !locked.is_exempt_from_cpu_bounds());
        assert!(parse("groups = [\"admin\"]").is_exempt_from_cpu_bounds());
        assert!(!parse("groups = [\"root\"]").holds("a"));
    }

    #[test]
    fn only_a_restricted_principal_is_held_to_its_lists() {
        let free = Profile::default();
        assert!(free.may_reach("mail", "a.b", Some(443)) && free.may_run("rm"));
        let text = "groups = [\"restricted\"]\n[network]\negress = [\"a.b:443\"]\n[process]\nallow = [\"git\", \"/x/y\"]";
        let held = parse(text);
        assert!(held.may_reach("mail", "A.b", Some(443)) && held.may_reach("mail", "a.b", None));
        assert!(!held.may_reach("mail", "a.b", Some(80)) && !held.may_reach("mail", "c.d", None));
        assert!(held.may_run("git") && held.may_run("/usr/bin/git") && held.may_run("/x/y"));
        assert!(!held.may_run("y") && !held.may_run("/z/y") && !held.may_run("rm"));
    }

    #[test]
    fn an_egress_list_of_a_capsule_counts_for_that_capsule() {
        let held = parse("groups = [\"restricted\"]\n[network.capsule_egress]\nmail = [\"a.b:25\"]");
        assert!(held.may_reach("mail", "a.b", Some(25)) && !held.may_reach("web", "a.b", Some(25)));
    }

    #[test]
    fn a_capsule_is_called_by_those_who_are_granted_it() {
        let granted = parse("capsules = [\"mail\"]");
        assert!(granted.may_call("mail") && !granted.may_call("web"));
        assert!(parse("grants = [\"capsule:access:any\"]").may_call("web"));
        assert!(parse("groups = [\"admin\"]").may_call("web"));
        let revoked = parse("groups = [\"admin\"]\nrevokes = [\"capsule:*\"]\ncapsules = [\"mail\"]");
        assert!(revoked.may_call("mail") && !revoked.may_call("web"));
    }
}
