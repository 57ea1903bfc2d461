//! Bytes from one socket to another through a guest that never sees them, beside a copy without a guest.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use astrid_host::HostOptions;
use tokio::net::TcpStream;

use crate::measure::Figure;
use crate::worker::{Work, Worker};

/// Bytes of one round.
const BYTES: usize = 512 << 20;
/// Rounds of each of the two, by turns.
const ROUNDS: usize = 7;

/// Measures what `blocking-splice` moves in a second, and `tokio::io::copy`.
pub async fn measure() -> Vec<Figure> {
    let worker = Worker::start(HostOptions::default(), None).await;
    let (mut spliced, mut copied) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let ends = Ends::open();
        spliced.push(ends.time(|from, to| worker.work(Work::Move, 1, [from.into(), to.into()])).await);
        copied.push(Ends::open().time(copy).await);
    }
    worker.stage.close().await;
    let includes = "an entry for each piece; wall clock";
    vec![
        Figure::of("blocking-splice, socket to socket", "MiB/s", includes, spliced),
        Figure::of("tokio::io::copy, socket to socket", "MiB/s", "wall clock", copied),
    ]
}

async fn copy(from: u16, to: u16) {
    let reach = |port: u16| TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    let (mut from, mut to) =
        (reach(from).await.expect("a connection"), reach(to).await.expect("a connection"));
    tokio::io::copy(&mut from, &mut to).await.expect("everything is copied");
}

/// One that sends and one that receives, each on a thread of its own.
struct Ends {
    ports: [u16; 2],
    sends: JoinHandle<()>,
    receives: JoinHandle<usize>,
}

impl Ends {
    fn open() -> Self {
        let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let (from, to) = (listen(), listen());
        let ports = [&from, &to].map(|listener| listener.local_addr().expect("bound").port());
        let sends = thread::spawn(move || {
            let (mut peer, piece) = (from.accept().expect("a peer").0, vec![7; 256 << 10]);
            for _ in 0..BYTES / piece.len() {
                peer.write_all(&piece).expect("everything is taken");
            }
        });
        let receives = thread::spawn(move || {
            let (mut peer, mut piece, mut all) = (to.accept().expect("a peer").0, vec![0; 256 << 10], 0);
            loop {
                match peer.read(&mut piece).expect("nothing breaks") {
                    0 => return all,
                    some => all += some,
                }
            }
        });
        Self { ports, sends, receives }
    }

    /// MiB in a second, from the first byte to the end of the last.
    async fn time<F: Future<Output = ()>>(self, moving: impl FnOnce(u16, u16) -> F) -> f64 {
        let began = Instant::now();
        moving(self.ports[0], self.ports[1]).await;
        self.sends.join().expect("it has sent everything");
        let received = self.receives.join().expect("it has received everything");
        assert_eq!(received, BYTES);
        (BYTES >> 20) as f64 / began.elapsed().as_secs_f64()
    }
}
