//! The airlock against everything we know that leads past one: spellings, forms of addresses, answers of a server of names,
//! other answers the second time, exemptions that say less than somebody wishes, URLs, and redirects that lead inside.
//!
//! `cases.json` says of each case what becomes of it and why. The resolver and the connector are the host's own, the server of
//! names and the peer are real. What is public is judged and not connected: no test leaves the machine.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../support/dns.rs"]
mod dns;
mod requests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;

use astrid_host::net::{ConnectError, Connector, Network, Rules, Target};
use dns::{Dns, Reply};
use serde::Deserialize;

/// A port that nobody needs to listen at.
const PORT: u16 = 80;

#[derive(Deserialize)]
struct Cases {
    hosts: Vec<Spelling>,
    names: Vec<Answered>,
    rebinding: Vec<Rebinding>,
    exemptions: Vec<Exemption>,
    urls: Vec<requests::Address>,
    redirects: Vec<requests::Redirect>,
}

/// A host as a guest spells it.
#[derive(Deserialize)]
struct Spelling {
    host: String,
    is: Fate,
    why: String,
}

/// A name and the answer to it.
#[derive(Deserialize)]
struct Answered {
    name: String,
    answers: Vec<IpAddr>,
    /// Whether the answer is that of an alias.
    alias: Option<String>,
    /// What the server is asked for, where that is spelled otherwise.
    asked: Option<String>,
    is: Fate,
    why: String,
}

/// A name whose answers change from one lookup to the next.
#[derive(Deserialize)]
struct Rebinding {
    name: String,
    turns: Vec<Turn>,
    why: String,
}

#[derive(Deserialize)]
struct Turn {
    answers: Vec<IpAddr>,
    is: Fate,
}

/// What the embedding program lets the capsule `own` reach, and where another or the same capsule wants to go. The peer
/// listens at `{port}` of 127.0.0.1.
#[derive(Deserialize)]
struct Exemption {
    local_egress: Vec<String>,
    host: String,
    answers: Vec<IpAddr>,
    capsule: String,
    is: Fate,
    why: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Fate {
    /// The text is no host.
    #[serde(rename = "no host")]
    NoHost,
    /// It has no address.
    Unresolved,
    /// The airlock forbids it.
    Airlock,
    /// It may be reached.
    Public,
    /// It was reached.
    Connected,
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    fn check<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        why: &str,
        expected: &T,
        found: &Result<T, String>,
    ) {
        if found.as_ref() == Ok(expected) {
            self.passed += 1;
        } else {
            self.failed += 1;
            println!("FAILED {what:?} ({why}): expected {expected:?}, found {found:?}");
        }
    }
}

fn main() -> ExitCode {
    let cases: Cases = serde_json::from_str(include_str!("cases.json")).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let dns = Dns::start();
    let network = Network { dns_servers: vec![dns.address()], ..Network::default() };
    let connector = Connector::new(runtime.handle().clone(), &network);
    let mut tally = Tally::default();
    runtime.block_on(async {
        for case in &cases.hosts {
            let found = match Target::read(&case.host) {
                None => Ok(Fate::NoHost),
                Some(Target::Name(name)) => Err(format!("it is looked up as {name}")),
                Some(target) => fate(&connector, &target).await.map(|(fate, _)| fate),
            };
            tally.check(&case.host, &case.why, &case.is, &found);
        }
        for case in &cases.names {
            let found = by_name(&connector, &dns, case).await;
            tally.check(&case.name, &case.why, &case.is, &found);
        }
        for case in &cases.rebinding {
            dns.set(
                &case.name,
                case.turns.iter().map(|turn| Reply::Addresses(turn.answers.clone())).collect(),
            );
            let target = Target::read(&case.name).unwrap();
            for (n, turn) in case.turns.iter().enumerate() {
                let found = fate(&connector, &target).await.map(|(fate, _)| fate);
                tally.check(&format!("{}, time {}", case.name, n + 1), &case.why, &turn.is, &found);
            }
            assert_eq!(dns.asked(&case.name), case.turns.len(), "{}: one lookup each time", case.name);
        }
        for case in &cases.exemptions {
            let found = exempted(&connector, &dns, case).await;
            tally.check(&format!("{} with {:?}", case.host, case.local_egress), &case.why, &case.is, &found);
        }
        requests::check(&connector, &network, &dns, &cases, &mut tally).await;
    });
    println!("{} passed, {} failed", tally.passed, tally.failed);
    if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What becomes of a target, and its addresses where it may be reached. Whatever may not is connected to, so that the
/// connector refuses it itself and not only the question before.
async fn fate(connector: &Arc<Connector>, target: &Target) -> Result<(Fate, BTreeSet<IpAddr>), String> {
    // A second look would be a second lookup, which may say something else.
    let refused = match connector.admit(target, false).await {
        Ok(addresses) => return Ok((Fate::Public, addresses.into_iter().collect())),
        Err(ConnectError::Unresolved) => return Ok((Fate::Unresolved, BTreeSet::new())),
        Err(error @ ConnectError::Airlock(_)) => error,
        Err(error) => return Err(format!("{error:?}")),
    };
    if let Target::Address(address) = target
        && !matches!(connector.connect(target, PORT, false).await, Err(ConnectError::Airlock(_)))
    {
        return Err(format!("{refused:?}, but {address} is connected to"));
    }
    Ok((Fate::Airlock, BTreeSet::new()))
}

async fn by_name(connector: &Arc<Connector>, dns: &Dns, case: &Answered) -> Result<Fate, String> {
    let asked = case.asked.as_deref().unwrap_or(case.name.trim_end_matches('.'));
    let reply = match &case.alias {
        Some(other) => Reply::Alias(other.clone(), case.answers.clone()),
        None => Reply::Addresses(case.answers.clone()),
    };
    dns.set(asked, vec![reply]);
    let target = Target::read(&case.name).ok_or("it is no host")?;
    let (found, addresses) = fate(connector, &target).await?;
    let canonical: BTreeSet<_> = case.answers.iter().map(IpAddr::to_canonical).collect();
    if found == Fate::Public && addresses != canonical {
        return Err(format!("it leads to {addresses:?}"));
    }
    // The connector asks anew, and finds the same.
    if found == Fate::Airlock
        && !matches!(connector.connect(&target, PORT, false).await, Err(ConnectError::Airlock(_)))
    {
        return Err("it is connected to".to_owned());
    }
    Ok(found)
}

async fn exempted(connector: &Arc<Connector>, dns: &Dns, case: &Exemption) -> Result<Fate, String> {
    let peer = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = peer.local_addr().unwrap().port();
    let entries = case.local_egress.iter().map(|entry| entry.replace("{port}", &port.to_string())).collect();
    let local_egress = BTreeMap::from([("own".to_owned(), entries)]);
    let rules = Rules::read(&Network { local_egress, ..Network::default() }).unwrap();
    dns.set(case.host.trim_end_matches('.'), vec![Reply::Addresses(case.answers.clone())]);
    let target = Target::read(&case.host).ok_or("it is no host")?;
    let exempt = rules.exempts(&case.capsule, &case.host, port);
    let connected = connector.connect(&target, port, exempt).await;
    // Whoever comes first is the one that was let through, or else the test itself.
    let own = TcpStream::connect(peer.local_addr().unwrap()).unwrap();
    let (_, first) = peer.accept().unwrap();
    match connected {
        Ok(stream) if stream.local_addr().unwrap() == first => Ok(Fate::Connected),
        Err(ConnectError::Airlock(_)) if own.local_addr().unwrap() == first => Ok(Fate::Airlock),
        other => Err(format!("{other:?}, and {first} came first")),
    }
}
