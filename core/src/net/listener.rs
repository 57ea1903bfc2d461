//! A listening TCP socket.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::task::Poll;

use parking_lot::Mutex;
use rustix::net::SocketFlags;
use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

use crate::limits;
use crate::stream::{Awaited, Ready};

/// A listening TCP socket. Dropping it closes it, and with it every connection that nobody has accepted.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    runtime: Handle,
    /// What came when readiness was asked for: the system shows a connection only by handing it out. One at most, so a
    /// guest that looks and does not accept takes none of its places and leaves the others in the system's queue.
    came: Mutex<Option<io::Result<TcpStream>>>,
}

impl Listener {
    /// Listens at `address`; port 0 lets the system choose. The address may be used again as soon as a former listener is
    /// closed.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(address: SocketAddr, runtime: &Handle) -> io::Result<Arc<Self>> {
        let domain = if address.is_ipv6() { Domain::IPV6 } else { Domain::IPV4 };
        let socket = Socket::new(domain, Type::STREAM.nonblocking().cloexec(), None)?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            // An address of IPv6 stands for itself: what is bound is what was judged.
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        socket.listen(limits::LISTEN_BACKLOG.cast_signed())?;
        let _entered = runtime.enter();
        let socket = TcpListener::from_std(socket.into())?;
        Ok(Arc::new(Self { socket, runtime: runtime.clone(), came: Mutex::default() }))
    }

    /// The address it is bound to.
    ///
    /// # Errors
    /// What the system says.
    pub fn local(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Waits for the next connection. Dropping the wait loses none.
    ///
    /// # Errors
    /// What the system says about the listener; a connection that was given up again is passed over.
    pub async fn accept(&self) -> io::Result<TcpStream> {
        loop {
            // Taken in a step of its own: looking further takes the same lock.
            let came = self.came.lock().take();
            match came.or_else(|| self.next()) {
                Some(Err(error)) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Some(came) => return came,
                None => self.until_came().await,
            }
        }
    }

    /// The next connection, if one is there now. The system is asked, and not the runtime, for which nothing has come
    /// until it has seen the event: a guest's `ready` must not depend on that.
    fn next(&self) -> Option<io::Result<TcpStream>> {
        match rustix::net::accept_with(&self.socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
            Ok(socket) => {
                let _entered = self.runtime.enter();
                Some(TcpStream::from_std(socket.into()))
            }
            Err(rustix::io::Errno::AGAIN) => None,
            Err(error) => Some(Err(error.into())),
        }
    }

    /// Waits until something has come and keeps it.
    async fn until_came(&self) {
        let mut accept = Box::pin(self.socket.accept());
        poll_fn(|context| {
            // One at a time looks: of two who wait, neither takes what it would have to throw away.
            let mut came = self.came.lock();
            if came.is_none() {
                let _entered = self.runtime.enter();
                match accept.as_mut().poll(context) {
                    Poll::Ready(accepted) => *came = Some(accepted.map(|(socket, _)| socket)),
                    Poll::Pending => return Poll::Pending,
                }
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Follows whether a connection waits, without keeping the listener.
    #[must_use]
    pub fn readiness(self: &Arc<Self>) -> impl Awaited + use<> {
        Waiting(Arc::downgrade(self))
    }

    /// Whether a connection waits to be accepted, or a failure to be told.
    fn is_ready(&self) -> bool {
        let mut came = self.came.lock();
        if came.is_none() {
            *came = self.next();
        }
        came.is_some()
    }
}

#[derive(Debug)]
struct Waiting(Weak<Listener>);

impl Awaited for Waiting {
    fn is_ready(&self) -> bool {
        self.0.upgrade().is_some_and(|listener| listener.is_ready())
    }

    fn is_closed(&self) -> bool {
        self.0.strong_count() == 0
    }

    fn ready(&self) -> Ready {
        let listener = self.0.upgrade();
        Box::pin(async move {
            if let Some(listener) = listener {
                listener.until_came().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::future::join;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    fn listening(host: &str) -> (Arc<Listener>, SocketAddr) {
        let listener = Listener::bind(format!("{host}:0").parse().unwrap(), &Handle::current()).unwrap();
        let at = listener.local().unwrap();
        (listener, at)
    }

    async fn is_the_same(mut near: TcpStream, mut far: TcpStream) -> bool {
        near.write_all(b"it is me").await.unwrap();
        let mut said = [0; 8];
        far.read_exact(&mut said).await.unwrap();
        said == *b"it is me"
    }

    #[tokio::test]
    async fn a_connection_is_there_as_soon_as_it_is_made() {
        for host in ["127.0.0.1", "[::1]"] {
            let (listener, at) = listening(host);
            assert!(!listener.readiness().is_ready());
            // Nothing is awaited between: the runtime has seen no event.
            let far = std::net::TcpStream::connect(at).unwrap();
            assert!(listener.readiness().is_ready() && listener.readiness().is_ready());
            let near = listener.accept().now_or_never().unwrap().unwrap();
            assert_eq!(near.peer_addr().unwrap(), far.local_addr().unwrap());
            far.set_nonblocking(true).unwrap();
            assert!(is_the_same(near, TcpStream::from_std(far).unwrap()).await);
            assert!(!listener.readiness().is_ready() && listener.accept().now_or_never().is_none());
        }
    }

    #[tokio::test]
    async fn whoever_looks_twice_loses_nobody() {
        let (listener, at) = listening("127.0.0.1");
        let looks = tokio::spawn(join(listener.readiness().ready(), listener.readiness().ready()));
        tokio::task::yield_now().await;
        let first = TcpStream::connect(at).await.unwrap();
        let second = TcpStream::connect(at).await.unwrap();
        looks.await.unwrap();
        for far in [first, second] {
            let near = listener.accept().await.unwrap();
            assert_eq!(near.peer_addr().unwrap(), far.local_addr().unwrap());
            assert!(is_the_same(near, far).await);
        }
    }

    #[tokio::test]
    async fn a_wait_that_is_given_up_loses_nobody() {
        let (listener, at) = listening("127.0.0.1");
        assert!(listener.accept().now_or_never().is_none());
        let mut given_up = tokio::spawn({
            let listener = Arc::clone(&listener);
            async move { listener.accept().await.map(drop) }
        });
        assert!((&mut given_up).now_or_never().is_none());
        given_up.abort();
        assert!(given_up.await.unwrap_err().is_cancelled());
        let far = TcpStream::connect(at).await.unwrap();
        assert!(is_the_same(listener.accept().await.unwrap(), far).await);
    }

    #[tokio::test]
    async fn closing_ends_who_waits_to_be_accepted_and_frees_the_address() {
        let (listener, at) = listening("127.0.0.1");
        let readiness = listener.readiness();
        let mut looked_at = TcpStream::connect(at).await.unwrap();
        let mut queued = TcpStream::connect(at).await.unwrap();
        assert!(readiness.is_ready() && !readiness.is_closed());
        drop(listener);
        assert!(!readiness.is_ready() && readiness.is_closed());
        readiness.ready().await;
        for far in [&mut looked_at, &mut queued] {
            // It is reset or closed, and does not hang.
            assert!(!far.read(&mut [0]).await.is_ok_and(|read| read > 0));
        }
        Listener::bind(at, &Handle::current()).unwrap();
    }

    #[tokio::test]
    async fn an_address_is_bound_once() {
        let (_listener, at) = listening("127.0.0.1");
        let error = Listener::bind(at, &Handle::current()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn who_came_and_left_is_accepted_and_at_its_end() {
        let (listener, at) = listening("127.0.0.1");
        drop(std::net::TcpStream::connect(at).unwrap());
        let mut near = listener.accept().await.unwrap();
        assert_eq!(near.read(&mut [0]).await.unwrap(), 0);
    }
}
