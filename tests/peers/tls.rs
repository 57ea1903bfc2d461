//! A test authority, and servers with certificates of it: good ones, and ones with every fault.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::http;

/// The authority and what it has signed.
pub struct Authority {
    /// Its certificate, in PEM.
    pub pem: String,
    good: Arc<ServerConfig>,
    good_h2: Arc<ServerConfig>,
    wrong_name: Arc<ServerConfig>,
    expired: Arc<ServerConfig>,
    unknown: Arc<ServerConfig>,
}

/// Which certificate a server shows.
#[derive(Clone, Copy)]
pub enum Shown {
    Good,
    GoodH2,
    WrongName,
    Expired,
    Unknown,
}

fn other<E: std::error::Error + Send + Sync + 'static>(error: E) -> io::Error {
    io::Error::other(error)
}

impl Authority {
    /// Makes one that nobody has known before.
    pub fn make() -> io::Result<Self> {
        let (pem, issuer) = authority()?;
        let (_, stranger) = authority()?;
        let names = ["127.0.0.1", "::1", "localhost", "local.test"];
        Ok(Self {
            pem,
            good: signed(&issuer, &names, false, b"http/1.1")?,
            good_h2: signed(&issuer, &names, false, b"h2")?,
            wrong_name: signed(&issuer, &["other.test"], false, b"http/1.1")?,
            expired: signed(&issuer, &names, true, b"http/1.1")?,
            unknown: signed(&stranger, &names, false, b"http/1.1")?,
        })
    }

    /// The configuration that shows a certificate.
    pub fn config(&self, shown: Shown) -> Arc<ServerConfig> {
        Arc::clone(match shown {
            Shown::Good => &self.good,
            Shown::GoodH2 => &self.good_h2,
            Shown::WrongName => &self.wrong_name,
            Shown::Expired => &self.expired,
            Shown::Unknown => &self.unknown,
        })
    }
}

/// Serves HTTP/1.1 over a secure connection.
pub fn serve(config: Arc<ServerConfig>, peer: TcpStream) -> io::Result<()> {
    let connection = ServerConnection::new(config).map_err(other)?;
    http::serve(StreamOwned::new(connection, peer))
}

fn authority() -> io::Result<(String, Issuer<'static, KeyPair>)> {
    let key = KeyPair::generate().map_err(other)?;
    let mut params = CertificateParams::new(Vec::new()).map_err(other)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).map_err(other)?;
    Ok((certificate.pem(), Issuer::new(params, key)))
}

fn signed(
    issuer: &Issuer<'static, KeyPair>,
    names: &[&str],
    expired: bool,
    protocol: &[u8],
) -> io::Result<Arc<ServerConfig>> {
    let key = KeyPair::generate().map_err(other)?;
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).map_err(other)?;
    if expired {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    }
    let certificate = params.signed_by(&key, issuer).map_err(other)?;
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(other)?.with_no_client_auth();
    let mut config = config.with_single_cert(vec![certificate.into()], private).map_err(other)?;
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(Arc::new(config))
}
