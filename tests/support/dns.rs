//! A name server on loopback, over UDP and TCP, that answers what a test tells it to, and something else the next time.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;
/// The longest answer over UDP; a longer one sends the client to TCP.
const DATAGRAM: usize = 1232;

/// What a name leads to.
#[derive(Clone, Debug)]
pub enum Reply {
    /// To these addresses, or to none.
    Addresses(Vec<IpAddr>),
    /// To another name and, in the same answer, to what that one leads to.
    Alias(String, Vec<IpAddr>),
}

/// A running server; it stops when it is dropped.
pub struct Dns {
    address: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// What each name leads to, time after time; the last reply stays.
    zone: Mutex<HashMap<String, Vec<Reply>>>,
    /// How often each name was asked for each type.
    asked: Mutex<HashMap<(String, u16), usize>>,
    stopped: AtomicBool,
}

impl Dns {
    /// Starts a server that knows no name yet.
    pub fn start() -> Self {
        let shared = Arc::new(Shared::default());
        // The same port has to be free for both protocols.
        let (udp, tcp) = std::iter::repeat_with(|| {
            let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let tcp = TcpListener::bind(udp.local_addr().unwrap());
            (udp, tcp)
        })
        .find_map(|(udp, tcp)| tcp.ok().map(|tcp| (udp, tcp)))
        .unwrap();
        let address = udp.local_addr().unwrap();
        let (for_udp, for_tcp) = (Arc::clone(&shared), Arc::clone(&shared));
        let threads = vec![
            std::thread::spawn(move || for_udp.serve_datagrams(&udp)),
            std::thread::spawn(move || for_tcp.serve_streams(&tcp)),
        ];
        Self { address, shared, threads }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says what a name leads to, lookup after lookup; the last reply stays.
    pub fn set(&self, name: &str, replies: Vec<Reply>) {
        self.shared.zone.lock().unwrap().insert(name.to_ascii_lowercase(), replies);
    }

    /// How often the IPv4 addresses of a name were asked for.
    pub fn asked(&self, name: &str) -> usize {
        let asked = self.shared.asked.lock().unwrap();
        asked.get(&(name.to_ascii_lowercase(), A)).copied().unwrap_or_default()
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Both threads wait for somebody to come.
        if let Ok(socket) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) {
            let _ = socket.send_to(&[], self.address);
        }
        let _ = TcpStream::connect(self.address);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn serve_datagrams(&self, socket: &UdpSocket) {
        let mut query = [0; 4096];
        while let Ok((length, client)) = socket.recv_from(&mut query) {
            if self.stopped.load(Ordering::SeqCst) {
                return;
            }
            if let Some(mut answer) = self.answer(&query[..length]) {
                if answer.len() > DATAGRAM {
                    answer.truncate(question_end(&answer).unwrap_or(12));
                    answer[2] |= 0x02;
                    answer[6..12].fill(0);
                }
                let _ = socket.send_to(&answer, client);
            }
        }
    }

    fn serve_streams(&self, listener: &TcpListener) {
        while let Ok((mut stream, _)) = listener.accept() {
            if self.stopped.load(Ordering::SeqCst) {
                return;
            }
            let mut length = [0; 2];
            while stream.read_exact(&mut length).is_ok() {
                let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
                if stream.read_exact(&mut query).is_err() {
                    break;
                }
                let Some(answer) = self.answer(&query) else { break };
                let framed = u16::try_from(answer.len()).unwrap().to_be_bytes();
                if stream.write_all(&[&framed, answer.as_slice()].concat()).is_err() {
                    break;
                }
            }
        }
    }

    /// The answer to a query, or none for what is no query.
    fn answer(&self, query: &[u8]) -> Option<Vec<u8>> {
        let end = question_end(query)?;
        let kind = u16::from_be_bytes([query[end - 4], query[end - 3]]);
        let name = name_of(&query[12..end - 4])?;
        let turn = {
            let mut asked = self.asked.lock().unwrap();
            let turn = asked.entry((name.clone(), kind)).or_default();
            *turn += 1;
            *turn - 1
        };
        let reply =
            self.zone.lock().unwrap().get(&name).map(|replies| replies[turn.min(replies.len() - 1)].clone());
        let (code, records) = match reply {
            None => (3, Vec::new()),
            Some(Reply::Addresses(addresses)) => (0, records(&[0xc0, 12], kind, &addresses)),
            Some(Reply::Alias(other, addresses)) => {
                let other = labels(&other);
                let alias = record(&[0xc0, 12], CNAME, &other);
                (0, [vec![alias], records(&other, kind, &addresses)].concat())
            }
        };
        let mut answer = query[..end].to_vec();
        // A response to a query that wanted recursion, which is available.
        answer[2] = 0x80 | (query[2] & 0x01);
        answer[3] = 0x80 | code;
        answer[6..8].copy_from_slice(&u16::try_from(records.len()).unwrap().to_be_bytes());
        answer[8..12].fill(0);
        answer.extend(records.concat());
        Some(answer)
    }
}

/// Where the one question of a query ends.
fn question_end(query: &[u8]) -> Option<usize> {
    let name = query.get(12..)?.iter().position(|&byte| byte == 0)?;
    let end = 12 + name + 5;
    (query.len() >= end && query[4..6] == [0, 1]).then_some(end)
}

fn name_of(mut labels: &[u8]) -> Option<String> {
    let mut parts = Vec::new();
    while let Some((&length, rest)) = labels.split_first().filter(|(length, _)| **length > 0) {
        let (label, behind) = rest.split_at_checked(usize::from(length))?;
        parts.push(String::from_utf8(label.to_ascii_lowercase()).ok()?);
        labels = behind;
    }
    Some(parts.join("."))
}

fn labels(name: &str) -> Vec<u8> {
    let label = |label: &str| [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat();
    name.split('.').map(label).chain([vec![0]]).collect::<Vec<_>>().concat()
}

fn records(owner: &[u8], kind: u16, addresses: &[IpAddr]) -> Vec<Vec<u8>> {
    let fitting = addresses.iter().filter_map(|address| match (kind, address) {
        (A, IpAddr::V4(address)) => Some(address.octets().to_vec()),
        (AAAA, IpAddr::V6(address)) => Some(address.octets().to_vec()),
        _ => None,
    });
    fitting.map(|data| record(owner, kind, &data)).collect()
}

/// A record of the class of the internet that is good for a day: whoever remembers it will be found out.
fn record(owner: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    let mut record = owner.to_vec();
    record.extend(kind.to_be_bytes());
    record.extend(1_u16.to_be_bytes());
    record.extend(86_400_u32.to_be_bytes());
    record.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    record.extend(data);
    record
}
