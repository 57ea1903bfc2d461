//! The airlock: which addresses of the network a guest may reach. One table, one decision.
//!
//! It judges addresses and never names. Whoever connects asks about every answer of a lookup and connects to what was
//! judged, so no second lookup can put another address in its place.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What the airlock says about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It belongs to the public network.
    Allow,
    /// It does not, or may not; the text says what it is, for the audit and never for the guest.
    Deny(&'static str),
}

impl Verdict {
    /// Whether the address may be reached.
    #[must_use]
    pub fn is_allowed(self) -> bool {
        self == Self::Allow
    }
}

/// A block of addresses and what it is for. The bits beyond the prefix are zero.
struct Block<A> {
    base: A,
    prefix: u32,
    what: &'static str,
}

const fn four(a: u8, b: u8, c: u8, d: u8, prefix: u32, what: &'static str) -> Block<Ipv4Addr> {
    Block { base: Ipv4Addr::new(a, b, c, d), prefix, what }
}

const fn six(a: u16, b: u16, prefix: u32, what: &'static str) -> Block<Ipv6Addr> {
    Block { base: Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), prefix, what }
}

/// What of IPv4 is not the public network (RFC 6890 and its successors, and one address that clouds answer on).
const FORBIDDEN_V4: &[Block<Ipv4Addr>] = &[
    four(0, 0, 0, 0, 8, "this host or network"),
    four(10, 0, 0, 0, 8, "a private network"),
    four(100, 64, 0, 0, 10, "shared by a carrier"),
    four(127, 0, 0, 0, 8, "loopback"),
    four(168, 63, 129, 16, 32, "a cloud's own service"),
    four(169, 254, 0, 0, 16, "link-local"),
    four(172, 16, 0, 0, 12, "a private network"),
    four(192, 0, 0, 0, 24, "kept for protocols"),
    four(192, 0, 2, 0, 24, "kept for documentation"),
    four(192, 88, 99, 0, 24, "a relay of 6to4"),
    four(192, 168, 0, 0, 16, "a private network"),
    four(198, 18, 0, 0, 15, "kept for benchmarks"),
    four(198, 51, 100, 0, 24, "kept for documentation"),
    four(203, 0, 113, 0, 24, "kept for documentation"),
    four(224, 0, 0, 0, 4, "multicast"),
    four(240, 0, 0, 0, 4, "reserved or broadcast"),
];

/// The only part of IPv6 that is the public network.
const GLOBAL_V6: Block<Ipv6Addr> = six(0x2000, 0, 3, "global");

/// What of it is not: addresses that lead elsewhere, or nowhere.
const FORBIDDEN_V6: &[Block<Ipv6Addr>] = &[
    six(0x2001, 0, 23, "kept for protocols, Teredo among them"),
    six(0x2001, 0x0db8, 32, "kept for documentation"),
    six(0x2002, 0, 16, "6to4, which hides an IPv4 address"),
    six(0x3fff, 0, 20, "kept for documentation"),
];

/// The airlock of one machine: the table, and the addresses the machine itself answers on.
#[derive(Clone, Debug, Default)]
pub struct Airlock {
    own: HashSet<IpAddr>,
}

impl Airlock {
    /// The airlock of a machine with these addresses.
    #[must_use]
    pub fn of(own: impl IntoIterator<Item = IpAddr>) -> Self {
        Self { own: own.into_iter().map(|address| address.to_canonical()).collect() }
    }

    /// Whether a guest may reach the address. An IPv4 address written as an IPv6 one is judged as what it is.
    #[must_use]
    pub fn judge(&self, address: IpAddr) -> Verdict {
        let address = address.to_canonical();
        if self.own.contains(&address) {
            return Verdict::Deny("this machine's own");
        }
        match address {
            IpAddr::V4(address) => judge_v4(address),
            IpAddr::V6(address) => judge_v6(address),
        }
    }
}

fn judge_v4(address: Ipv4Addr) -> Verdict {
    let within =
        |block: &&Block<Ipv4Addr>| (address.to_bits() ^ block.base.to_bits()).leading_zeros() >= block.prefix;
    FORBIDDEN_V4.iter().find(within).map_or(Verdict::Allow, |block| Verdict::Deny(block.what))
}

fn judge_v6(address: Ipv6Addr) -> Verdict {
    let within =
        |block: &Block<Ipv6Addr>| (address.to_bits() ^ block.base.to_bits()).leading_zeros() >= block.prefix;
    if !within(&GLOBAL_V6) {
        return Verdict::Deny("outside the global part of IPv6");
    }
    FORBIDDEN_V6.iter().find(|block| within(block)).map_or(Verdict::Allow, |block| Verdict::Deny(block.what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(text: &str) -> Verdict {
        Airlock::default().judge(text.parse().unwrap())
    }

    #[test]
    fn every_forbidden_block_is_forbidden_from_its_first_to_its_last_address_and_no_further() {
        for block in FORBIDDEN_V4 {
            let base = block.base.to_bits();
            let last = base | u32::MAX.checked_shr(block.prefix).unwrap_or(0);
            for address in [base, last, base + (last - base) / 2] {
                let address = Ipv4Addr::from_bits(address);
                assert!(!judge_v4(address).is_allowed(), "{address} is {}", block.what);
                let mapped = IpAddr::V6(address.to_ipv6_mapped());
                assert!(!Airlock::default().judge(mapped).is_allowed(), "{mapped}");
            }
        }
    }

    #[test]
    fn the_neighbours_of_forbidden_blocks_are_public() {
        for text in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "2000::",
            "2001:200::1",
            "2001:db7:ffff::1",
            "2001:db9::",
            "2003::1",
            "2606:4700:4700::1111",
            "3ffe::1",
            "3fff:1000::",
            "::ffff:8.8.8.8",
        ] {
            assert_eq!(judge(text), Verdict::Allow, "{text}");
        }
    }

    #[test]
    fn what_hides_an_address_of_ipv4_is_forbidden_in_ipv6() {
        for text in [
            "::",
            "::1",
            "::7f00:1",
            "::808:808",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:7f00:1::",
            "2001:1ff:ffff::",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "3fff::1",
            "3fff:fff:ffff::",
            "4000::",
            "5f00::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "::ffff:0:127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
        ] {
            assert!(!judge(text).is_allowed(), "{text}");
        }
    }

    #[test]
    fn the_machines_own_addresses_are_forbidden_however_they_are_written() {
        let own = Airlock::of(["8.8.4.4".parse().unwrap(), "2606:4700::1".parse().unwrap()]);
        for text in ["8.8.4.4", "::ffff:8.8.4.4", "2606:4700::1"] {
            assert_eq!(own.judge(text.parse().unwrap()), Verdict::Deny("this machine's own"), "{text}");
        }
        assert!(own.judge("8.8.8.8".parse().unwrap()).is_allowed());
    }
}
