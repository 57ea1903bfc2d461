use std::net::Shutdown;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::runtime::Handle;

use super::*;
use crate::limits;

async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (near, accepted) =
        tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    (near.unwrap(), accepted.unwrap().0)
}

fn source(socket: &Arc<TcpStream>) -> Reader {
    Reader::new(Arc::new(SocketSource::new(Arc::clone(socket) as _)))
}

fn sink(socket: &Arc<TcpStream>) -> Writer {
    Writer::new(Arc::new(SocketSink::new(Arc::clone(socket) as _, Handle::current())))
}

#[tokio::test]
async fn bytes_are_spliced_from_socket_to_socket_until_the_end() {
    let ((mut far_in, near_in), (near_out, mut far_out)) = (sockets().await, sockets().await);
    let (near_in, near_out) = (Arc::new(near_in), Arc::new(near_out));
    let (reader, writer) = (source(&near_in), sink(&near_out));
    let sent: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let feed = tokio::spawn({
        let sent = sent.clone();
        async move {
            far_in.write_all(&sent).await.unwrap();
        }
    });
    let drain = tokio::spawn(async move {
        let mut got = Vec::new();
        far_out.read_to_end(&mut got).await.unwrap();
        got
    });
    let mut moved = 0;
    let ended = loop {
        match writer.splice_waiting(&reader, u64::MAX).await {
            Ok(more) => moved += more,
            Err(ended) => break ended,
        }
    };
    assert!(matches!(ended, Ended::Closed) && moved == 3_000_000);
    feed.await.unwrap();
    drop((reader, writer, near_in, near_out));
    assert_eq!(drain.await.unwrap(), sent);
}

#[tokio::test]
async fn a_peer_that_reads_nothing_fills_the_sink_and_no_more() {
    let (far, near) = sockets().await;
    let near = Arc::new(near);
    let writer = sink(&near);
    let mut written = 0;
    while let Ok(room) = writer.check() {
        if room == 0 {
            break;
        }
        written += writer.permit(room as u64).unwrap();
        writer.write_zeroes(room).unwrap();
        tokio::task::yield_now().await;
    }
    assert!(written >= limits::SOCKET_WAITING_BYTES && !writer.is_ready());
    let waits = tokio::spawn({
        let writer = writer.clone();
        async move { writer.flush_waiting().await }
    });
    let mut far = far;
    let mut got = vec![0; written];
    far.read_exact(&mut got).await.unwrap();
    waits.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_reset_is_a_failure_and_then_the_end() {
    let (far, near) = sockets().await;
    let near = Arc::new(near);
    let reader = source(&near);
    assert!(reader.read(1).unwrap().is_empty());
    far.set_zero_linger().unwrap();
    drop(far);
    reader.ready().await;
    assert!(matches!(reader.read_waiting(1).await, Err(Ended::Failed(_))));
    assert!(matches!(reader.read(1), Err(Ended::Closed)));
}

#[tokio::test]
async fn looking_whether_a_failed_socket_is_ready_leaves_the_failure_to_be_told() {
    let (far, near) = sockets().await;
    let near = Arc::new(near);
    let (reader, writer) = (source(&near), sink(&near));
    far.set_zero_linger().unwrap();
    drop(far);
    for _ in 0..3 {
        reader.ready().await;
        assert!(reader.is_ready());
    }
    assert!(matches!(reader.read_waiting(1).await, Err(Ended::Failed(_))));
    assert_eq!(writer.check().unwrap(), limits::SOCKET_WAITING_BYTES);
    assert!(matches!(writer.write(Bytes::from_static(b"x")), Err(Ended::Failed(_))));
    assert!(writer.is_ready() && matches!(writer.check(), Err(Ended::Closed)));
}

#[tokio::test]
async fn a_failure_of_the_task_that_sends_on_is_told_by_the_next_call() {
    let (far, near) = sockets().await;
    let near = Arc::new(near);
    let writer = sink(&near);
    while writer.check().unwrap() > 0 {
        let room = writer.check().unwrap();
        writer.write_zeroes(room).unwrap();
        tokio::task::yield_now().await;
    }
    far.set_zero_linger().unwrap();
    drop(far);
    writer.ready().await;
    assert!(writer.is_ready() && writer.is_ready());
    assert!(matches!(writer.check(), Err(Ended::Failed(_))));
    assert!(matches!(writer.check(), Err(Ended::Closed)));
}

#[tokio::test]
async fn a_half_that_is_closed_leaves_the_other_open() {
    let (far, near) = UnixStream::pair().unwrap();
    let near = Arc::new(near);
    let reader = Reader::new(Arc::new(SocketSource::new(Arc::clone(&near) as _)));
    let writer = Writer::new(Arc::new(SocketSink::new(Arc::clone(&near) as _, Handle::current())));
    let mut far = far;
    far.write_all(b"last words").await.unwrap();
    far.shutdown().await.unwrap();
    assert_eq!(&reader.read_waiting(100).await.unwrap()[..], b"last words");
    assert!(matches!(reader.read_waiting(100).await, Err(Ended::Closed)));
    writer.write_waiting(Bytes::from_static(b"heard")).await.unwrap();
    socket2::SockRef::from(&*near).shutdown(Shutdown::Write).unwrap();
    let mut heard = String::new();
    far.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "heard");
}

#[tokio::test]
async fn all_who_wait_for_a_socket_are_woken_and_none_takes_anything() {
    let (mut far, near) = sockets().await;
    let near = Arc::new(near);
    let reader = source(&near);
    let waiting = tokio::spawn(join_all((0..100).map(|_| reader.ready())));
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished() && reader.read_waiting(1).now_or_never().is_none());
    far.write_all(b"x").await.unwrap();
    waiting.await.unwrap();
    assert_eq!(&reader.read(9).unwrap()[..], b"x");
    assert!(!reader.is_ready());
}

#[tokio::test]
async fn a_piece_keeps_no_more_memory_than_its_bytes() {
    let (mut far, near) = sockets().await;
    let near = Arc::new(near);
    let reader = source(&near);
    far.write_all(b"little").await.unwrap();
    let piece = Vec::from(reader.read_waiting(u64::MAX).await.unwrap());
    assert!(piece == b"little" && piece.capacity() < 64);
}
