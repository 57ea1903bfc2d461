//! The client: one hop after another, each asked about, recorded and sent.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::{Either, select};
use http::header::{ACCEPT_ENCODING, HeaderValue};
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use super::body::{Leaving, Streamed};
use super::connection::{Connection, whole};
use super::pool::{Key, Pool};
use super::request::{authority, check_scheme};
use super::tls::Tls;
use super::{Answer, Body, Ceilings, HttpError, Options, Redirects, Request, coding, redirect};
use crate::error::Result;
use crate::net::{Connector, Network, Target};
use crate::principal::Principal;

/// For whom a request is made.
#[derive(Clone, Debug)]
pub struct Whose {
    /// The principal.
    pub principal: Principal,
    /// The capsule's id.
    pub capsule: Arc<str>,
}

/// One request to one server, as it is recorded.
#[derive(Debug)]
pub struct Hop<'a> {
    /// The method and the origin.
    pub subject: &'a str,
    /// The path and the query.
    pub path: &'a str,
    /// How many redirects led here.
    pub redirects: u32,
}

/// Who is asked about every hop, and records it.
pub trait Gate: Send + Sync {
    /// Whether the request may go there, and whether the airlock stands open for it.
    ///
    /// # Errors
    /// [`HttpError::Denied`].
    fn admit(&self, url: &Url) -> std::result::Result<bool, HttpError>;

    /// Records that a request is about to be sent.
    ///
    /// # Errors
    /// [`HttpError::Fault`] when it cannot be recorded; then nothing is sent.
    fn sending(&self, hop: &Hop<'_>) -> std::result::Result<(), HttpError>;

    /// Records what came of it: a status, or why there is none.
    ///
    /// # Errors
    /// [`HttpError::Fault`] when it cannot be recorded; then nobody sees the response.
    fn answered(
        &self,
        hop: &Hop<'_>,
        outcome: std::result::Result<u16, HttpError>,
    ) -> std::result::Result<(), HttpError>;
}

/// Sends requests. One for each host.
pub struct Client {
    connector: Arc<Connector>,
    tls: Tls,
    ceilings: Ceilings,
    pool: Pool,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    /// A client over `connector`, as the embedding program chose.
    ///
    /// # Errors
    /// `invalid_argument` for roots that are none.
    pub fn new(connector: Arc<Connector>, network: &Network) -> Result<Arc<Self>> {
        let (tls, ceilings) = (Tls::new(&network.tls_roots)?, Ceilings::of(network));
        Ok(Arc::new(Self { connector, tls, ceilings, pool: Pool::default() }))
    }

    /// The runtime on which requests are made.
    #[must_use]
    pub fn runtime(&self) -> &tokio::runtime::Handle {
        self.connector.runtime()
    }

    /// The longest times of the host.
    #[must_use]
    pub fn ceilings(&self) -> &Ceilings {
        &self.ceilings
    }

    /// Closes the connections that are kept for a principal.
    pub fn forget(&self, principal: &Principal) {
        self.pool.forget(principal);
    }

    /// Sends a request and waits for the headers of the response, through redirects. The work is done on the host's runtime
    /// and given up when the future is dropped.
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn send(
        self: Arc<Self>,
        request: Request,
        options: Options,
        whose: Whose,
        gate: Arc<dyn Gate>,
    ) -> std::result::Result<Answer, HttpError> {
        let runtime = self.runtime().clone();
        let exchange = Exchange { client: self, options, whose, gate, began: Instant::now() };
        let sending = AbortOnDropHandle::new(runtime.spawn(exchange.follow(request)));
        sending.await.unwrap_or(Err(HttpError::Fault("the request stopped")))
    }

    /// Sends the head of a request and then what comes out of the pipe, and waits for the headers of the response, which may be
    /// a redirect: what was streamed cannot be sent again.
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn upload(
        self: Arc<Self>,
        request: Request,
        streamed: Streamed,
        options: Options,
        whose: Whose,
        gate: Arc<dyn Gate>,
    ) -> std::result::Result<Answer, HttpError> {
        let runtime = self.runtime().clone();
        let exchange = Exchange { client: self, options, whose, gate, began: Instant::now() };
        let sending = runtime.spawn(async move {
            let deadline = exchange.deadline();
            let hop = exchange.hop(&request, Some(streamed), 0);
            let response = within(deadline, hop).await?;
            exchange.answer(response, request.url, 0, deadline)
        });
        AbortOnDropHandle::new(sending).await.unwrap_or(Err(HttpError::Fault("the request stopped")))
    }
}

/// One request with everything that follows from it.
struct Exchange {
    client: Arc<Client>,
    options: Options,
    whose: Whose,
    gate: Arc<dyn Gate>,
    began: Instant,
}

type Response = http::Response<hyper::body::Incoming>;
type Deadline = Option<tokio::time::Instant>;

impl Exchange {
    fn deadline(&self) -> Deadline {
        self.options.total.map(|total| tokio::time::Instant::from_std(self.began) + total)
    }

    async fn follow(self, mut request: Request) -> std::result::Result<Answer, HttpError> {
        let deadline = self.deadline();
        let mut redirects = 0;
        loop {
            let hop = within(deadline, self.hop(&request, None, redirects)).await;
            let response = hop.map_err(|error| match error {
                HttpError::Denied | HttpError::Airlock if redirects > 0 => HttpError::RedirectBlocked,
                other => other,
            })?;
            let given = self.options.redirects == Redirects::Give;
            if given || !redirect::is_redirect(response.status(), response.headers()) {
                return self.answer(response, request.url, redirects, deadline);
            }
            if self.options.redirects == Redirects::Refuse {
                return Err(HttpError::RedirectBlocked);
            }
            if redirects >= self.options.most_redirects {
                return Err(HttpError::TooManyRedirects);
            }
            let target = redirect::target(&request.url, response.headers())?;
            check_scheme(&target, &self.options)?;
            let method = redirect::method(response.status(), &request.method);
            if method != request.method {
                request.body = bytes::Bytes::new();
                request.headers.drop_body();
            }
            if !redirect::same_origin(&request.url, &target) {
                request.headers.leave_origin();
            }
            request.method = method;
            request.url = target;
            request.strip_credentials()?;
            redirects += 1;
        }
    }

    /// Sends one request to one server. Every hop is judged for itself: an exemption of the last one widens nothing.
    async fn hop(
        &self,
        request: &Request,
        streamed: Option<Streamed>,
        redirects: u32,
    ) -> std::result::Result<Response, HttpError> {
        let subject = request.subject();
        let hop = Hop { subject: &subject, path: request.path(), redirects };
        let admitted = self.gate.admit(&request.url);
        let exempt = match admitted {
            Ok(exempt) => exempt,
            Err(error) => {
                self.gate.answered(&hop, Err(error))?;
                return Err(error);
            }
        };
        self.gate.sending(&hop)?;
        let sent = self.exchange(request, streamed, exempt).await;
        let outcome = sent.as_ref().map(|response| response.status().as_u16()).map_err(|error| *error);
        self.gate.answered(&hop, outcome)?;
        sent
    }

    async fn exchange(
        &self,
        request: &Request,
        streamed: Option<Streamed>,
        exempt: bool,
    ) -> std::result::Result<Response, HttpError> {
        let key = Key {
            principal: self.whose.principal.clone(),
            capsule: Arc::clone(&self.whose.capsule),
            origin: request.url.origin().ascii_serialization(),
            exempt,
        };
        let (left, mut all_left) = oneshot::channel();
        let is_streamed = streamed.is_some();
        let body = match streamed {
            Some(body) => Leaving::Piped(body, None, Some(left)),
            None => whole(request.body.clone()),
        };
        let mut message = http::Request::new(body);
        *message.method_mut() = request.method.clone();
        *message.headers_mut() = request.headers.map.clone();
        if self.options.decompress {
            let accepted = HeaderValue::from_static(coding::ACCEPTED);
            message.headers_mut().entry(ACCEPT_ENCODING).or_insert(accepted);
        }
        let mut kept = self.client.pool.take(&key);
        loop {
            let fresh = kept.is_none();
            let mut connection = match kept.take() {
                Some(connection) => connection,
                None => self.connect(&request.url, exempt).await?,
            };
            connection.dress(&mut message, &authority(&request.url), request.path(), request.url.as_str())?;
            let late = async {
                if is_streamed {
                    // The clock starts when the body has gone, or will not go any further.
                    drop((&mut all_left).await);
                }
                tokio::time::sleep(self.options.first_byte).await;
            };
            let sent = match select(pin!(connection.send(message)), pin!(late)).await {
                Either::Left((sent, _)) => sent,
                Either::Right(_) => return Err(HttpError::Timeout),
            };
            match sent {
                Ok(response) => {
                    self.give_back(key, connection);
                    return Ok(response);
                }
                // The server had closed a connection that was kept, and nothing of the request was sent.
                Err((_, Some(unsent))) if !fresh => message = unsent,
                Err((error, _)) => return Err(error),
            }
            kept = self.client.pool.take(&key);
        }
    }

    async fn connect(&self, url: &Url, exempt: bool) -> std::result::Result<Connection, HttpError> {
        let host = url.host_str().unwrap_or_default();
        let target = Target::read(host).ok_or(HttpError::Invalid)?;
        let port = url.port_or_known_default().ok_or(HttpError::Invalid)?;
        let secure = (url.scheme() == "https").then_some((&self.client.tls, host));
        let connecting = async {
            let socket = self.client.connector.connect(&target, port, exempt).await?;
            Connection::open(socket, secure).await
        };
        tokio::time::timeout(self.options.connect, connecting).await.unwrap_or(Err(HttpError::Timeout))
    }

    /// Keeps the connection once the response has been read; one that can carry more at once, from now on.
    fn give_back(&self, key: Key, mut connection: Connection) {
        let client = Arc::clone(&self.client);
        if connection.share().is_some() {
            client.pool.keep(key, connection);
            return;
        }
        tokio::spawn(async move {
            if connection.free().await {
                client.pool.keep(key, connection);
            }
        });
    }

    fn answer(
        &self,
        response: Response,
        url: Url,
        redirects: u32,
        deadline: Deadline,
    ) -> std::result::Result<Answer, HttpError> {
        let (mut head, body) = response.into_parts();
        let codings = if self.options.decompress { coding::take(&mut head.headers)? } else { Vec::new() };
        let body = Body::begin(body, codings, &self.options, self.client.runtime(), deadline);
        Ok(Answer {
            status: head.status.as_u16(),
            headers: super::readable(&head.headers),
            url,
            redirects,
            began: self.began,
            body,
        })
    }
}

async fn within<T>(
    deadline: Deadline,
    work: impl Future<Output = std::result::Result<T, HttpError>>,
) -> std::result::Result<T, HttpError> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline, work).await.unwrap_or(Err(HttpError::Timeout)),
        None => work.await,
    }
}
