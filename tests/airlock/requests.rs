//! URLs that a guest asks for, and redirects that a server on the public side sends.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use astrid_host::Principal;
use astrid_host::abi::arms::Arm as _;
use astrid_host::http::{Client, Gate, Hop, HttpError, Options, Request, Whose};
use astrid_host::net::{Connector, Network};
use serde::Deserialize;
use url::Url;

use crate::dns::{Dns, Reply};
use crate::{Cases, Tally};

/// A URL and the arm it ends in.
#[derive(Deserialize)]
pub struct Address {
    url: String,
    is: String,
    why: String,
}

/// Where a server redirects to, and the arm or the status it ends in. `{own}` is the server itself, `{host}` its address and port.
#[derive(Deserialize)]
pub struct Redirect {
    location: String,
    is: String,
    why: String,
}

/// Lets everything through that the airlock does, and the server of the test, which stands for one on the public side.
struct Outside(SocketAddr);

impl Gate for Outside {
    fn admit(&self, url: &Url) -> Result<bool, HttpError> {
        Ok(url.host_str() == Some("127.0.0.1") && url.port() == Some(self.0.port()))
    }

    fn sending(&self, _: &Hop<'_>) -> Result<(), HttpError> {
        Ok(())
    }

    fn answered(&self, _: &Hop<'_>, _: Result<u16, HttpError>) -> Result<(), HttpError> {
        Ok(())
    }
}

/// Tries them all.
pub async fn check(
    connector: &Arc<Connector>,
    network: &Network,
    dns: &Dns,
    cases: &Cases,
    tally: &mut Tally,
) {
    let loopback = Ipv4Addr::LOCALHOST.into();
    dns.set("loop.airlock.test", vec![Reply::Addresses(vec![loopback])]);
    dns.set("both.airlock.test", vec![Reply::Addresses(vec![Ipv4Addr::new(8, 8, 8, 8).into(), loopback])]);
    dns.set("localhost", vec![Reply::Addresses(vec![loopback])]);
    let client = Client::new(Arc::clone(connector), network).unwrap();
    let server = serve();
    for case in &cases.urls {
        tally.check(&case.url, &case.why, &case.is, &Ok(fate(&client, server, &case.url).await));
    }
    let own = format!("http://{server}");
    for case in &cases.redirects {
        let location = case.location.replace("{own}", &own).replace("{host}", &server.to_string());
        let found = fate(&client, server, &format!("{own}/to?{location}")).await;
        tally.check(&format!("a redirect to {location}"), &case.why, &case.is, &Ok(found));
    }
}

async fn fate(client: &Arc<Client>, server: SocketAddr, url: &str) -> String {
    let options = Options::whole(client.ceilings());
    let request = match Request::read(url, "GET", &[], None, &options, &mut |_| Ok(None)) {
        Ok(request) => request,
        Err(error) => return error.name().to_owned(),
    };
    let whose = Whose { principal: Principal::parse("alice").unwrap(), capsule: Arc::from("main") };
    match Arc::clone(client).send(request, options, whose, Arc::new(Outside(server))).await {
        Ok(answer) => answer.status.to_string(),
        Err(error) => error.name().to_owned(),
    }
}

/// A server that redirects to what stands in the query, as it stands there.
fn serve() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for peer in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut peer = BufReader::new(peer);
                let mut line = String::new();
                while peer.read_line(&mut line).is_ok_and(|length| length > 0) {
                    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
                    while line.trim_end() != "" {
                        line.clear();
                        peer.read_line(&mut line).unwrap();
                    }
                    line.clear();
                    let answer = match path.split_once('?') {
                        Some((_, to)) => {
                            format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
                        }
                        None => "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned(),
                    };
                    peer.get_mut().write_all(answer.as_bytes()).unwrap();
                }
            });
        }
    });
    address
}
