//! The servers, each on a port of loopback that the system chose, each connection on a thread.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use crate::tls::{Authority, Shown};
use crate::{dns, h2, http, tls};

/// What is filled into scenarios.
pub struct Peers {
    /// The port of every server by its name.
    pub ports: BTreeMap<&'static str, u16>,
    /// The certificate of the test authority, in PEM.
    pub ca: String,
}

/// What a server does with a connection. When it ends, for whatever reason, the connection is closed.
type Serve = fn(TcpStream) -> io::Result<()>;

/// The servers of TCP, as `FORMAT.md` describes them.
const TCP: [(&str, Serve); 9] = [
    ("echo", |mut peer| {
        let mut from = peer.try_clone()?;
        io::copy(&mut from, &mut peer).map(drop)
    }),
    ("http", |peer| http::serve(peer)),
    ("hello", |mut peer| peer.write_all(b"hello")),
    ("quiet", keep),
    ("pieces", |mut peer| {
        for piece in [&[0, 0][..], &[0, 5], b"he", b"llo", &[0, 0, 0, 2], b"yo"] {
            peer.read_exact(&mut [0])?;
            peer.write_all(piece)?;
        }
        peer.read_exact(&mut [0])
    }),
    // Closing a connection of which something is unread resets it.
    ("reset", |peer| peer.peek(&mut [0]).map(drop)),
    ("fickle", |mut peer| {
        static LAST: Mutex<Option<TcpStream>> = Mutex::new(None);
        let mut last = LAST.lock().map_err(|_| io::ErrorKind::Other)?;
        // Now it is the last, and whoever has read this may count on it.
        peer.write_all(b"!")?;
        let former = last.replace(peer);
        drop(last);
        former.map_or(Ok(()), |former| former.peek(&mut [0]).map(drop))
    }),
    ("liar", |mut peer| {
        peer.write_all(&[0xff; 4])?;
        keep(peer)
    }),
    ("short", |mut peer| {
        peer.write_all(&[0, 0, 0, 5, b'h', b'e'])?;
        keep(peer)
    }),
];

/// Keeps a connection for ever without a word, and without reading.
#[allow(clippy::unnecessary_wraps)] // It is one of the ways to serve, and those can fail.
fn keep(peer: TcpStream) -> io::Result<()> {
    static KEPT: OnceLock<Mutex<Vec<TcpStream>>> = OnceLock::new();
    if let Ok(mut kept) = KEPT.get_or_init(Mutex::default).lock() {
        kept.push(peer);
    }
    Ok(())
}

/// Starts them all.
pub fn start() -> io::Result<Peers> {
    let mut ports = BTreeMap::new();
    for (name, serve) in TCP {
        ports.insert(name, serve_tcp(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, serve)?);
    }
    let echo = TCP[0].1;
    ports.insert("echo-v6", serve_tcp(TcpListener::bind((Ipv6Addr::LOCALHOST, 0))?, echo)?);
    ports.insert(
        "udp-echo",
        serve_udp(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?, |bytes| Some(bytes.to_vec()))?,
    );
    ports.insert(
        "udp-echo-v6",
        serve_udp(UdpSocket::bind((Ipv6Addr::LOCALHOST, 0))?, |bytes| Some(bytes.to_vec()))?,
    );
    ports.insert("dns", serve_udp(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?, dns::answer)?);
    // Ports that nobody listens at: one to be refused at, the others to be bound by scenarios.
    let names = ["nobody", "free-1", "free-2", "free-3", "free-4", "free-5", "free-6"];
    ports.extend(names.into_iter().zip(free_ports()));
    let authority = Authority::make()?;
    for (name, shown) in [
        ("https", Shown::Good),
        ("https-wrong-name", Shown::WrongName),
        ("https-expired", Shown::Expired),
        ("https-unknown", Shown::Unknown),
    ] {
        let config = authority.config(shown);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        ports.insert(name, serve_tcp(listener, move |peer| tls::serve(Arc::clone(&config), peer))?);
    }
    ports.insert("h2", h2::start(authority.config(Shown::GoodH2))?);
    Ok(Peers { ports, ca: authority.pem })
}

/// Ports that are free, and stay so: below those that the system gives to whoever asks for any, and each process looks from a
/// place of its own.
fn free_ports() -> impl Iterator<Item = u16> {
    let first = 20_000 + u16::try_from(std::process::id() % 750).unwrap_or_default() * 16;
    let bindable = |port: &u16| {
        let at = (Ipv4Addr::LOCALHOST, *port);
        TcpListener::bind(at).is_ok() && UdpSocket::bind(at).is_ok()
    };
    (first..32_000).filter(bindable)
}

fn serve_tcp(
    listener: TcpListener,
    serve: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static,
) -> io::Result<u16> {
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for peer in listener.incoming().flatten() {
            // However a connection ends, it is the scenario that judges.
            let serve = serve.clone();
            thread::spawn(move || serve(peer));
        }
    });
    Ok(port)
}

fn serve_udp(socket: UdpSocket, answer: fn(&[u8]) -> Option<Vec<u8>>) -> io::Result<u16> {
    let port = socket.local_addr()?.port();
    thread::spawn(move || {
        let mut room = vec![0; 65_536];
        while let Ok((length, from)) = socket.recv_from(&mut room) {
            if let Some(answer) = answer(&room[..length]) {
                drop(socket.send_to(&answer, from));
            }
        }
    });
    Ok(port)
}
