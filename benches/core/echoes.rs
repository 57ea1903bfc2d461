//! Round trips over TCP to one who gives back what comes, by a guest and without one.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use astrid_host::HostOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::measure::{Figure, repeated};
use crate::worker::{CALLS, Work, Worker};

/// Measures `write-bytes` with the `read-bytes` that follows, and the same with tokio alone. The other side is of the same process,
/// so its time is in both.
pub async fn measure() -> Vec<Figure> {
    let port = serve();
    let worker = Worker::start(HostOptions::default(), None).await;
    let mut figures = Vec::new();
    for (size, said) in [(64, "64 B"), (64 << 10, "64 KiB")] {
        let by_guest = repeated(format!("TCP round trip, {said}, by a guest"), "both ends", || {
            worker.work(Work::Echo, CALLS, [port.into(), size])
        });
        figures.push(by_guest.await.divided_by(f64::from(CALLS)));
        let plain =
            repeated(format!("TCP round trip, {said}, tokio alone"), "both ends", || echo(port, size));
        figures.push(plain.await.divided_by(f64::from(CALLS)));
    }
    let connect = || worker.work(Work::Echo, 1, [port.into(), 1]);
    figures
        .push(repeated("trigger, connect-tcp and one round trip", "two entries, both ends", connect).await);
    worker.stage.close().await;
    figures
}

async fn echo(port: u16, size: u32) {
    let mut peer = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.expect("a connection");
    let mut piece = vec![7; size as usize];
    for _ in 0..CALLS {
        peer.write_all(&piece).await.expect("everything is taken");
        peer.read_exact(&mut piece).await.expect("everything comes back");
    }
}

/// Gives back what comes, one connection after another on one thread: threads that end take their time with them.
fn serve() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        let mut piece = vec![0; 64 << 10];
        for peer in listener.incoming() {
            let mut peer = peer.expect("a peer");
            while let Ok(some) = peer.read(&mut piece)
                && some > 0
            {
                peer.write_all(&piece[..some]).expect("the peer takes it");
            }
        }
    });
    port
}
