use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

use super::*;
use crate::limits;

fn piped(capacity: usize) -> (Arc<PipeWriter>, Reader) {
    let (writer, reader) = pipe(capacity);
    (writer, Reader::new(reader))
}

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
async fn no_read_gives_more_than_the_ceiling() {
    let (writer, reader) = piped(4 * limits::STREAM_READ_BYTES);
    writer.write(Bytes::from(vec![7; 3 * limits::STREAM_READ_BYTES])).unwrap();
    assert_eq!(reader.read(u64::MAX).unwrap().len(), limits::STREAM_READ_BYTES);
    assert_eq!(reader.read_waiting(u64::MAX).await.unwrap().len(), limits::STREAM_READ_BYTES);
    assert_eq!(reader.read(10).unwrap().len(), 10);
}

#[tokio::test]
async fn a_full_pipe_holds_its_writer_back_and_every_waiter_is_woken() {
    let (writer, reader) = piped(8);
    writer.write(Bytes::from_static(b"12345678")).unwrap();
    assert_eq!(writer.room().unwrap(), 0);
    let waits = [Arc::clone(&writer).ready(), Arc::clone(&writer).ready()];
    let waits = tokio::spawn(futures_util::future::join_all(waits));
    tokio::task::yield_now().await;
    assert!(!waits.is_finished());
    assert_eq!(&reader.read(3).unwrap()[..], b"123");
    waits.await.unwrap();
    assert_eq!(writer.room().unwrap(), 3);
}

#[tokio::test]
async fn many_small_pieces_keep_their_order_and_take_the_room_of_their_bytes() {
    let (writer, reader) = piped(10_000);
    let mut expected = Vec::new();
    for n in 0..2_000_u32 {
        let piece = vec![u8::try_from(n % 251).unwrap(); if n % 500 == 0 { 1500 } else { 1 }];
        expected.extend_from_slice(&piece);
        writer.write(Bytes::from(piece)).unwrap();
    }
    writer.end();
    let mut got = Vec::new();
    while let Ok(bytes) = reader.read(777) {
        got.extend_from_slice(&bytes);
    }
    assert!(got == expected && writer.room().is_err());
}

#[tokio::test]
async fn a_failure_comes_after_the_bytes_and_is_told_once() {
    let (writer, reader) = piped(8);
    writer.write(Bytes::from_static(b"ab")).unwrap();
    writer.fail(io::ErrorKind::ConnectionReset.into());
    writer.fail(io::ErrorKind::Other.into());
    assert_eq!(&reader.read(8).unwrap()[..], b"ab");
    match reader.read(8) {
        Err(Ended::Failed(error)) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        other => panic!("{other:?}"),
    }
    assert!(matches!(reader.read(8), Err(Ended::Closed)) && reader.is_ready());
}

#[tokio::test]
async fn a_pipe_whose_reader_left_takes_nothing() {
    let (writer, reader) = pipe(8);
    writer.write(Bytes::from_static(b"x")).unwrap();
    let unread = Arc::clone(&writer);
    let unread = tokio::spawn(async move { unread.unread().await });
    drop(reader);
    unread.await.unwrap();
    assert!(matches!(writer.room(), Err(Ended::Closed)));
    assert!(matches!(writer.send(Bytes::from_static(b"y")).await, Err(Ended::Closed)));
}

#[tokio::test]
async fn a_flush_permits_nothing_until_it_is_done() {
    let (writer, reader) = pipe(8);
    let writer = Writer::new(writer);
    assert_eq!(writer.check().unwrap(), 8);
    assert_eq!(writer.permit(3), Ok(3));
    writer.write(Bytes::from_static(b"abc")).unwrap();
    writer.flush().unwrap();
    assert_eq!(writer.check().unwrap(), 0);
    assert!(!writer.is_ready());
    assert_eq!(&reader.read(8).unwrap()[..], b"abc");
    assert_eq!(writer.check().unwrap(), 8);
}

#[test]
fn more_than_was_permitted_is_a_mistake_and_a_permit_is_used_up() {
    let (sink, _reader) = pipe(8);
    let writer = Writer::new(sink);
    assert!(writer.permit(1).is_err(), "nothing was permitted yet");
    writer.check().unwrap();
    assert_eq!(writer.permit(5), Ok(5));
    assert!(writer.permit(4).is_err() && writer.permit(u64::MAX).is_err());
    assert_eq!(writer.permit(3), Ok(3));
}

#[tokio::test]
async fn what_is_larger_than_the_pipe_is_written_in_pieces() {
    let (sink, reader) = pipe(1000);
    let writer = Writer::new(sink);
    let bytes = Bytes::from((0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect::<Vec<_>>());
    let write = tokio::spawn({
        let (writer, bytes) = (writer.clone(), bytes.clone());
        async move {
            writer.write_waiting(bytes).await.unwrap();
            writer.write_zeroes_waiting(70_000).await.unwrap();
        }
    });
    let mut got = Vec::new();
    while got.len() < 170_000 {
        got.extend_from_slice(&reader.next(usize::MAX).await.unwrap().unwrap());
    }
    write.await.unwrap();
    assert!(got[..100_000] == bytes[..] && got[100_000..].iter().all(|byte| *byte == 0));
}

#[tokio::test]
async fn a_long_transfer_can_be_stopped_though_nobody_holds_it_up() {
    #[derive(Debug)]
    struct Everything;
    impl Sink for Everything {
        fn room(&self) -> Result<usize, Ended> {
            Ok(usize::MAX)
        }
        fn write(&self, _: Bytes) -> Result<(), Ended> {
            Ok(())
        }
        fn flush(&self) -> Result<(), Ended> {
            Ok(())
        }
        fn ready(self: Arc<Self>) -> Ready {
            Box::pin(std::future::ready(()))
        }
    }
    let writer = Writer::new(Arc::new(Everything));
    assert!(writer.write_zeroes_waiting(u64::MAX).now_or_never().is_none());
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
