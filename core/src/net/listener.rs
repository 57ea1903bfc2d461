//! A listening TCP socket.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

use crate::limits;
use crate::stream::{Awaited, Ready};

/// A listening TCP socket. Dropping it closes it.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    runtime: Handle,
    /// A connection that came while readiness was waited for: the system has no other way to tell.
    came: Mutex<Option<(TcpStream, SocketAddr)>>,
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
        Ok(Arc::new(Self { socket, runtime: runtime.clone(), came: Mutex::new(None) }))
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
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        loop {
            if let Some(came) = self.came.lock().take() {
                return Ok(came);
            }
            match self.next().await {
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                other => return other,
            }
        }
    }

    /// The next connection, on the host's runtime whoever polls: that is where a new socket looks for its own.
    fn next(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send + '_ {
        let mut accept = Box::pin(self.socket.accept());
        poll_fn(move |context| {
            let _entered = self.runtime.enter();
            accept.as_mut().poll(context)
        })
    }

    /// Follows whether a connection waits, without keeping the listener.
    #[must_use]
    pub fn readiness(self: &Arc<Self>) -> impl Awaited + use<> {
        Waiting(Arc::downgrade(self))
    }

    /// Whether a connection waits to be accepted.
    fn is_ready(&self) -> bool {
        use futures_util::FutureExt as _;
        let mut came = self.came.lock();
        if came.is_none()
            && let Some(Ok(connection)) = self.next().now_or_never()
        {
            *came = Some(connection);
        }
        came.is_some()
    }

    async fn until_ready(&self) {
        while self.came.lock().is_none() {
            let accepted = self.next().await;
            let mut came = self.came.lock();
            match accepted {
                // Two may have waited; the one that comes second goes back to the end of nobody's queue.
                Ok(connection) if came.is_none() => *came = Some(connection),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                // The next accept tells.
                Err(_) => return,
            }
        }
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
                listener.until_ready().await;
            }
        })
    }
}
