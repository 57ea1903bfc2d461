//! Connections with real sockets, and with peers that mean no good.

use std::net::Shutdown;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use socket2::SockRef;
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::runtime::Handle;

use super::socket::Counted;
use super::*;
use crate::limits;
use crate::stream::{Awaited as _, Ended, Reader, Writer};

struct Pair {
    near: Arc<Stream>,
    far: TcpStream,
    account: Weak<[AtomicUsize; 2]>,
}

async fn pair_at(host: &str) -> Pair {
    let listener = TcpListener::bind((host, 0)).await.unwrap();
    let (near, accepted) =
        tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    let counted = Counted::default();
    let account = Arc::downgrade(&counted.0);
    Pair { near: Stream::tcp(near.unwrap(), counted, Handle::current()), far: accepted.unwrap().0, account }
}

async fn pair() -> Pair {
    pair_at("127.0.0.1").await
}

impl Pair {
    /// Writes until the other side's window, the system and what waits here are full.
    async fn fill(&self) -> usize {
        let writer = Writer::new(self.near.sink());
        let mut written = 0;
        let mut full = 0;
        // What waits goes on by a task of its own, so it is full only when it stays full.
        while full < 100 {
            let room = writer.check().unwrap();
            full = if room == 0 { full + 1 } else { 0 };
            written += writer.permit(room as u64).unwrap();
            writer.write_zeroes(room).unwrap();
            tokio::task::yield_now().await;
        }
        written
    }
}

async fn rest_of(far: &mut TcpStream) -> Result<Vec<u8>, ErrorKind> {
    let mut rest = Vec::new();
    far.read_to_end(&mut rest).await.map_err(|error| error.kind())?;
    Ok(rest)
}

fn kind(error: WriteError) -> Option<ErrorKind> {
    match error {
        WriteError::TimedOut => None,
        WriteError::Failed(error) => Some(error.kind()),
    }
}

#[tokio::test]
async fn messages_go_both_ways_whole() {
    for host in ["127.0.0.1", "::1"] {
        let Pair { near, far, .. } = pair_at(host).await;
        let far = Stream::tcp(far, Counted::default(), Handle::current());
        for length in [0, 1, 70_000, limits::FRAME_BYTES] {
            let sent = Bytes::from((0..=250).cycle().take(length).collect::<Vec<u8>>());
            let write = tokio::spawn({
                let (near, sent) = (Arc::clone(&near), sent.clone());
                async move { near.write_frame(sent).await.unwrap() }
            });
            let got = loop {
                match far.read_frame().await.unwrap() {
                    Framed::Data(bytes) => break bytes,
                    Framed::Pending => {}
                    Framed::Closed => panic!("closed"),
                }
            };
            assert!(got == sent);
            write.await.unwrap();
        }
        let long = Bytes::from(vec![0; limits::FRAME_BYTES + 1]);
        assert_eq!(kind(near.write_frame(long).await.unwrap_err()), Some(ErrorKind::InvalidInput));
        near.write_frame(Bytes::from_static(b"still in frame")).await.unwrap();
        assert_eq!(far.read_frame().await.unwrap(), Framed::Data(Bytes::from_static(b"still in frame")));
    }
}

#[tokio::test]
async fn bytes_are_counted_as_they_come_and_go() {
    let Pair { near, mut far, account } = pair().await;
    let account = account.upgrade().unwrap();
    let read = || account.each_ref().map(|count| count.load(Ordering::SeqCst));
    near.write_frame(Bytes::from_static(b"four")).await.unwrap();
    assert_eq!(near.write_bytes(b"xy").await.unwrap(), 2);
    assert_eq!(read(), [0, 10]);
    far.write_all(b"\0\0\0\x01z!").await.unwrap();
    assert_eq!(&near.peek(9).await.unwrap()[..], b"\0\0\0\x01z!");
    assert_eq!(read(), [0, 10]);
    assert_eq!(near.read_frame().await.unwrap(), Framed::Data(Bytes::from_static(b"z")));
    assert_eq!(read(), [5, 10]);
    assert_eq!(&Reader::new(near.source()).read_waiting(9).await.unwrap()[..], b"!");
    assert_eq!(read(), [6, 10]);
}

#[tokio::test(start_paused = true)]
async fn what_came_of_a_message_outlives_every_wait_for_the_rest() {
    let Pair { near, mut far, .. } = pair().await;
    for piece in [&[0, 0][..], &[0], &[5]] {
        assert_eq!(near.read_frame().await.unwrap(), Framed::Pending);
        far.write_all(piece).await.unwrap();
        near.readable().ready().await;
    }
    far.write_all(b"he").await.unwrap();
    // A wait that is dropped, and one that takes too long.
    assert!(near.read_frame().now_or_never().is_none());
    assert_eq!(near.read_frame().await.unwrap_err().kind(), ErrorKind::TimedOut);
    far.write_all(b"llo").await.unwrap();
    assert_eq!(near.read_frame().await.unwrap(), Framed::Data(Bytes::from_static(b"hello")));
    assert_eq!(near.read_frame().await.unwrap(), Framed::Pending);
}

#[tokio::test]
async fn a_length_that_lies_is_an_error_again_and_again() {
    let Pair { near, mut far, .. } = pair().await;
    far.write_all(&u32::try_from(limits::FRAME_BYTES + 1).unwrap().to_be_bytes()).await.unwrap();
    far.write_all(b"and more").await.unwrap();
    near.readable().ready().await;
    for _ in 0..2 {
        assert_eq!(near.read_frame().await.unwrap_err().kind(), ErrorKind::InvalidData);
    }
    // Whoever would rather have the bytes gets all of them.
    assert_eq!(near.read_bytes(100).await.unwrap().len(), 4);
    assert_eq!(&near.read_bytes(100).await.unwrap()[..], b"and more");
}

#[tokio::test]
async fn a_peer_that_ends_or_resets_in_a_message_is_gone() {
    for reset in [false, true] {
        let Pair { near, mut far, .. } = pair().await;
        far.write_all(&[0, 0, 0, 9, b'x']).await.unwrap();
        near.readable().ready().await;
        if reset {
            far.set_zero_linger().unwrap();
        }
        drop(far);
        assert_eq!(near.read_frame().await.unwrap(), Framed::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_cut_off_ends_the_connection() {
    for given_up in [false, true] {
        let Pair { near, mut far, .. } = pair().await;
        let long = Bytes::from(vec![1; limits::FRAME_BYTES]);
        if given_up {
            assert!(near.write_frame(long).now_or_never().is_none());
        } else {
            assert_eq!(kind(near.write_frame(long).await.unwrap_err()), None);
        }
        let more = near.write_frame(Bytes::from_static(b"x")).await.unwrap_err();
        assert_eq!(kind(more), Some(ErrorKind::BrokenPipe));
        assert_eq!(kind(near.write_bytes(b"x").await.unwrap_err()), Some(ErrorKind::BrokenPipe));
        assert!(matches!(Writer::new(near.sink()).check(), Err(Ended::Closed)));
        // The other side sees the end inside the message, and nothing that it could take for the rest.
        let got = rest_of(&mut far).await.unwrap_or_default();
        assert!(got.len() < limits::FRAME_BYTES && got.iter().skip(4).all(|byte| *byte == 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_never_began_cuts_nothing_off() {
    let mut pair = pair().await;
    let before = pair.fill().await;
    pair.near.set_write_timeout(Some(Duration::from_millis(10)));
    assert_eq!(kind(pair.near.write_frame(Bytes::from_static(b"lost")).await.unwrap_err()), None);
    assert_eq!(kind(pair.near.write_bytes(b"lost").await.unwrap_err()), None);
    pair.near.set_write_timeout(None);
    let written = tokio::spawn({
        let near = Arc::clone(&pair.near);
        async move { near.write_frame(Bytes::from_static(b"told")).await.unwrap() }
    });
    let mut got = vec![0; before + 8];
    pair.far.read_exact(&mut got).await.unwrap();
    written.await.unwrap();
    assert_eq!(&got[before..], b"\0\0\0\x04told");
}

#[tokio::test]
async fn the_shortest_timeout_still_writes_what_can_be_written() {
    let Pair { near, mut far, .. } = pair().await;
    near.set_write_timeout(Some(Duration::ZERO));
    near.write_frame(Bytes::from_static(b"ab")).await.unwrap();
    assert_eq!(near.write_bytes(b"cd").await.unwrap(), 2);
    let mut got = [0; 8];
    far.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"\0\0\0\x02abcd");
}

#[tokio::test(start_paused = true)]
async fn reading_waits_as_long_as_it_was_told() {
    let Pair { near, mut far, .. } = pair().await;
    assert!(near.read_bytes(1).now_or_never().is_none());
    for timeout in [Duration::ZERO, Duration::from_millis(20)] {
        near.set_read_timeout(Some(timeout));
        assert_eq!(near.read_bytes(1).await.unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(near.peek(1).await.unwrap_err().kind(), ErrorKind::TimedOut);
    }
    near.set_read_timeout(None);
    far.write_all(b"abc").await.unwrap();
    assert_eq!(&near.peek(2).await.unwrap()[..], b"ab");
    assert_eq!(&near.read_bytes(9).await.unwrap()[..], b"abc");
    assert!(near.read_bytes(0).await.unwrap().is_empty());
    drop(far);
    assert!(near.peek(9).await.unwrap().is_empty() && near.read_bytes(9).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_look_ahead_sees_the_message_that_has_begun_and_what_follows() {
    let Pair { near, mut far, .. } = pair().await;
    far.write_all(&[0, 0]).await.unwrap();
    assert_eq!(near.read_frame().await.unwrap(), Framed::Pending);
    assert_eq!(&near.peek(9).await.unwrap()[..], &[0, 0]);
    far.write_all(&[0, 1, b'x']).await.unwrap();
    assert_eq!(&near.peek(4).await.unwrap()[..], &[0, 0, 0, 1]);
    assert_eq!(&near.peek(9).await.unwrap()[..], &[0, 0, 0, 1, b'x']);
    assert_eq!(near.read_frame().await.unwrap(), Framed::Data(Bytes::from_static(b"x")));
}

#[tokio::test]
async fn half_a_connection_goes_on_without_the_other() {
    let Pair { near, mut far, .. } = pair().await;
    far.write_all(b"bye").await.unwrap();
    far.shutdown().await.unwrap();
    let reader = Reader::new(near.source());
    assert_eq!(&reader.read_waiting(9).await.unwrap()[..], b"bye");
    assert!(matches!(reader.read_waiting(9).await, Err(Ended::Closed)));
    near.write_frame(Bytes::from_static(b"heard")).await.unwrap();
    near.shut(Shutdown::Write).unwrap();
    assert_eq!(rest_of(&mut far).await.unwrap(), b"\0\0\0\x05heard");
    assert_eq!(
        kind(near.write_frame(Bytes::from_static(b"x")).await.unwrap_err()),
        Some(ErrorKind::BrokenPipe)
    );
}

#[tokio::test]
async fn what_was_taken_goes_before_the_half_is_shut() {
    for how in [Shutdown::Write, Shutdown::Both] {
        let mut pair = pair().await;
        let written = pair.fill().await;
        pair.near.shut(how).unwrap();
        assert!(matches!(Writer::new(pair.near.sink()).check(), Err(Ended::Closed)));
        assert_eq!(rest_of(&mut pair.far).await.unwrap().len(), written);
    }
}

#[tokio::test]
async fn closing_sends_what_was_taken_and_holds_its_place_until_then() {
    let mut pair = pair().await;
    let written = pair.fill().await;
    let (reader, writer) = (Reader::new(pair.near.source()), Writer::new(pair.near.sink()));
    let readable = pair.near.readable();
    drop(pair.near);
    assert!(matches!(reader.read(1), Err(Ended::Closed)) && reader.is_ready());
    assert!(matches!(writer.check(), Err(Ended::Closed)) && writer.is_ready());
    assert!(readable.is_closed() && !readable.is_ready());
    readable.ready().await;
    assert!(pair.account.upgrade().is_some());
    assert_eq!(rest_of(&mut pair.far).await.unwrap().len(), written);
    while pair.account.upgrade().is_some() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_does_not_keep_a_closed_connection() {
    for linger in [None, Some(Duration::ZERO), Some(Duration::from_millis(1))] {
        let mut pair = pair().await;
        let written = pair.fill().await;
        pair.near.set_linger(linger).unwrap();
        drop(pair.near);
        while pair.account.upgrade().is_some() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let rest = rest_of(&mut pair.far).await;
        match linger {
            Some(Duration::ZERO) => assert_eq!(rest, Err(ErrorKind::ConnectionReset)),
            _ => assert!(rest.unwrap().len() < written),
        }
    }
}

#[tokio::test]
async fn closing_frees_the_place_at_once_when_nothing_waits() {
    let Pair { near, mut far, account } = pair().await;
    let half = near.source();
    near.write_frame(Bytes::from_static(b"x")).await.unwrap();
    drop(near);
    assert!(account.upgrade().is_none());
    assert_eq!(rest_of(&mut far).await.unwrap(), b"\0\0\0\x01x");
    drop(half);
}

#[tokio::test]
async fn every_option_is_told_as_it_was_set() {
    for host in ["127.0.0.1", "::1"] {
        let Pair { near, far, .. } = pair_at(host).await;
        let tcp = near.options().unwrap();
        assert_eq!(tcp.peer().unwrap(), far.local_addr().unwrap());
        assert_eq!(tcp.local().unwrap(), far.peer_addr().unwrap());
        for on in [true, false] {
            tcp.set_nodelay(on).unwrap();
            assert_eq!(tcp.nodelay().unwrap(), on);
            tcp.set_reuse(on).unwrap();
            assert_eq!(tcp.reuse().unwrap(), on);
        }
        for hops in [1, 7, 255] {
            tcp.set_hop_limit(hops).unwrap();
            assert_eq!(tcp.hop_limit().unwrap(), hops);
        }
        for hops in [0, 256, u32::MAX] {
            assert_eq!(tcp.set_hop_limit(hops).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        assert_eq!(tcp.hop_limit().unwrap(), 255);
        for (set, told) in
            [(Some(90), Some(90)), (Some(0), Some(1)), (None, None), (Some(u64::MAX), Some(32_767))]
        {
            tcp.set_keepalive(set).unwrap();
            assert_eq!(tcp.keepalive().unwrap(), told);
        }
        for (set, told) in [(1, 1), (1200, 2), (2000, 2), (0, 0), (u64::MAX, limits::LINGER.as_secs())] {
            near.set_linger(Some(Duration::from_millis(set))).unwrap();
            assert_eq!(near.linger(), Some(Duration::from_secs(told)));
            // With a time of its own the system would hold the thread that closes the socket.
            let system = SockRef::from(near.as_tcp().unwrap()).linger().unwrap();
            assert_eq!(system, (told == 0).then_some(Duration::ZERO));
        }
        near.set_linger(None).unwrap();
        assert_eq!(near.linger(), None);
    }
}

#[tokio::test]
async fn a_client_of_the_local_socket_is_a_connection_without_options() {
    let (near, mut far) = UnixStream::pair().unwrap();
    let principal = crate::principal::Principal::parse("alice").unwrap();
    let gone = crate::cancel::Cancel::default();
    let ingress = Ingress { principal, key_id: "laptop".into(), owner: "one".into(), gone };
    let near = Stream::local(near, Some(ingress.clone()), Counted::default(), Handle::current());
    assert_eq!(near.ingress().map(|ingress| ingress.owner.as_str()), Some("one"));
    assert!(near.options().is_none() && near.peer().is_none());
    far.write_all(b"\0\0\0\x02hi").await.unwrap();
    assert_eq!(near.read_frame().await.unwrap(), Framed::Data(Bytes::from_static(b"hi")));
    assert_eq!(near.peek(1).await.unwrap_err().kind(), ErrorKind::Unsupported);
    near.write_frame(Bytes::from_static(b"yo")).await.unwrap();
    near.shut(Shutdown::Write).unwrap();
    let mut got = Vec::new();
    far.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"\0\0\0\x02yo");
    drop(far);
    assert_eq!(near.read_frame().await.unwrap(), Framed::Closed);
}
