use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;

use super::*;
use crate::limits;

fn piped(capacity: usize) -> (Arc<PipeWriter>, Reader) {
    let (writer, reader) = pipe(capacity);
    (writer, Reader::new(reader))
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
        fn is_ready(&self) -> bool {
            true
        }
        fn ready(self: Arc<Self>) -> Ready {
            Box::pin(std::future::ready(()))
        }
    }
    let writer = Writer::new(Arc::new(Everything));
    assert!(writer.write_zeroes_waiting(u64::MAX).now_or_never().is_none());
}

#[tokio::test]
async fn a_writer_that_leaves_without_an_end_has_not_said_everything() {
    let (writer, reader) = piped(8);
    writer.write(Bytes::from_static(b"ab")).unwrap();
    drop(writer);
    assert_eq!(&reader.read(8).unwrap()[..], b"ab");
    match reader.read_waiting(8).await {
        Err(Ended::Failed(error)) => assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof),
        other => panic!("{other:?}"),
    }
    let (writer, reader) = piped(8);
    writer.end();
    drop(writer);
    assert!(matches!(reader.read_waiting(8).await, Err(Ended::Closed)));
}

#[test]
fn permits_of_several_writers_hold_no_more_than_the_sink_has_room_for() {
    let (sink, reader) = pipe(8);
    let (one, other) = (Writer::new(Arc::clone(&sink) as _), Writer::new(sink));
    assert_eq!((one.check().unwrap(), other.check().unwrap()), (8, 8));
    assert_eq!((one.permit(8), other.permit(8)), (Ok(8), Ok(8)));
    one.write(Bytes::from_static(b"12345678")).unwrap();
    match other.write(Bytes::from_static(b"12345678")) {
        Err(Ended::Failed(error)) => assert_eq!(error.kind(), io::ErrorKind::ResourceBusy),
        more => panic!("{more:?}"),
    }
    assert!(matches!(other.check(), Err(Ended::Closed)));
    assert_eq!(reader.read(100).unwrap().len(), 8);
    assert_eq!(one.check().unwrap(), 8);
}

#[tokio::test]
async fn a_read_of_nothing_waits_like_any_other() {
    let (writer, reader) = piped(8);
    assert!(reader.read_waiting(0).now_or_never().is_none());
    writer.write(Bytes::from_static(b"x")).unwrap();
    assert!(reader.read_waiting(0).await.unwrap().is_empty());
    assert_eq!(&reader.read(1).unwrap()[..], b"x");
}

#[tokio::test]
async fn a_splice_moves_what_there_is_room_for_and_a_wait_that_is_dropped_loses_nothing() {
    let ((feed, from), (sink, to)) = (piped(100), pipe(4));
    let writer = Writer::new(sink);
    assert!(writer.splice_waiting(&from, 10).now_or_never().is_none());
    feed.write(Bytes::from_static(b"123456")).unwrap();
    assert_eq!(writer.check().unwrap(), 4);
    assert_eq!(writer.splice(&from, 10).unwrap(), 4);
    assert!(writer.permit(1).is_err(), "what was moved has used the permit up");
    assert_eq!(writer.splice(&from, 10).unwrap(), 0);
    assert!(writer.splice_waiting(&from, 10).now_or_never().is_none());
    assert_eq!(&to.read(10).unwrap()[..], b"1234");
    assert_eq!(writer.splice_waiting(&from, 1).await.unwrap(), 1);
    feed.end();
    assert_eq!(writer.splice_waiting(&from, 10).await.unwrap(), 1);
    assert!(matches!(writer.splice_waiting(&from, 10).await, Err(Ended::Closed)));
    assert_eq!(&to.read(10).unwrap()[..], b"56");
}
