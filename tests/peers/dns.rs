//! A server of names that says what a scenario needs, and of one name something else each time.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU32, Ordering};

const A: u16 = 1;
const AAAA: u16 = 28;
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8));

/// What is said about a name.
enum Said {
    Addresses(Vec<IpAddr>),
    Unknown,
    Nothing,
}

/// How often each of the names that change was asked for.
static REBOUND: AtomicU32 = AtomicU32::new(0);

fn say(name: &str, kind: u16) -> Said {
    let v6 = kind == AAAA;
    let own = |addresses: &[IpAddr]| {
        Said::Addresses(addresses.iter().copied().filter(|address| address.is_ipv6() == v6).collect())
    };
    match name {
        "local.test" => own(&[LOOPBACK]),
        "local6.test" => own(&[Ipv6Addr::LOCALHOST.into()]),
        "public.test" => own(&[PUBLIC, IpAddr::V4(Ipv4Addr::new(9, 9, 9, 9))]),
        "mixed.test" => own(&[PUBLIC, LOOPBACK]),
        "mapped.test" => own(&[Ipv4Addr::LOCALHOST.to_ipv6_mapped().into()]),
        "metadata.test" => own(&[Ipv4Addr::new(169, 254, 169, 254).into()]),
        // Public at first, and loopback ever after.
        "rebind.test" if v6 => own(&[]),
        "rebind.test" => match REBOUND.fetch_add(1, Ordering::Relaxed) {
            0 => own(&[PUBLIC]),
            _ => own(&[LOOPBACK]),
        },
        "many.test" => own(&(1..=70).map(|n| Ipv4Addr::new(8, 8, 4, n).into()).collect::<Vec<_>>()),
        "empty.test" => own(&[]),
        "slow.test" => Said::Nothing,
        _ => Said::Unknown,
    }
}

/// The answer to a question, or none.
pub fn answer(question: &[u8]) -> Option<Vec<u8>> {
    let (name, end) = name(question, 12)?;
    let kind = u16::from_be_bytes(question.get(end..end + 2)?.try_into().ok()?);
    let (addresses, code) = match say(&name.to_ascii_lowercase(), kind) {
        Said::Addresses(addresses) if kind == A || kind == AAAA => (addresses, 0),
        Said::Addresses(_) => (Vec::new(), 0),
        Said::Unknown => (Vec::new(), 3),
        Said::Nothing => return None,
    };
    let mut answer = question.get(..2)?.to_vec();
    answer.extend([0x85, 0x80 | code, 0, 1]);
    answer.extend(u16::try_from(addresses.len()).ok()?.to_be_bytes());
    answer.extend([0, 0, 0, 0]);
    answer.extend(question.get(12..end + 4)?);
    for address in addresses {
        // The name is the question's; the address may be kept for no time at all.
        answer.extend([0xc0, 12]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 0]);
        let bytes = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        answer.extend(u16::try_from(bytes.len()).ok()?.to_be_bytes());
        answer.extend(bytes);
    }
    Some(answer)
}

/// The name that begins at `at`, and where it ends.
fn name(question: &[u8], mut at: usize) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*question.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join("."), at));
        }
        labels.push(String::from_utf8_lossy(question.get(at..at + length)?).into_owned());
        at += length;
    }
}
