//! TLS: the platform's roots and those the embedding program adds.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::HttpError;
use crate::error::{Error, ErrorKind, Result};

/// Certificates that are trusted besides the platform's.
#[derive(Debug, Default)]
pub(super) struct Tls {
    added: Vec<CertificateDer<'static>>,
    /// Made when it is first needed: the platform's roots are read from its files.
    config: OnceCell<Arc<ClientConfig>>,
}

impl Tls {
    /// Trusts the certificates of this PEM as well.
    ///
    /// # Errors
    /// `invalid_argument` when it is none, or holds no certificate though it is not empty.
    pub(super) fn new(pem: &[u8]) -> Result<Self> {
        let added = CertificateDer::pem_slice_iter(pem).collect::<std::result::Result<Vec<_>, _>>();
        let added = added.ok().filter(|added| pem.is_empty() || !added.is_empty());
        let added = added.ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, "`network.tls_roots` holds no certificate in PEM")
        })?;
        let mut store = RootCertStore::empty();
        for root in &added {
            store.add(root.clone()).map_err(|error| {
                Error::new(ErrorKind::InvalidArgument, "`network.tls_roots` holds no root certificate")
                    .caused_by(error)
            })?;
        }
        Ok(Self { added, config: OnceCell::new() })
    }

    /// Sets up a secure connection to `host` over `socket`.
    pub(super) async fn connect(
        &self,
        host: &str,
        socket: TcpStream,
    ) -> std::result::Result<TlsStream<TcpStream>, HttpError> {
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|_| HttpError::Tls)?;
        let config = self.config.get_or_try_init(|| self.read()).await?;
        TlsConnector::from(Arc::clone(config)).connect(name, socket).await.map_err(|error| {
            // What rustls refuses it wraps; everything else is the connection.
            let refused =
                error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>);
            if refused || error.kind() == std::io::ErrorKind::UnexpectedEof {
                HttpError::Tls
            } else {
                HttpError::Connection
            }
        })
    }

    async fn read(&self) -> std::result::Result<Arc<ClientConfig>, HttpError> {
        let added = self.added.clone();
        let read = tokio::task::spawn_blocking(move || {
            let mut store = RootCertStore::empty();
            // A root that rustls cannot read is passed over, as browsers do; without any nothing is trusted.
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            store.add_parsable_certificates(added);
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let mut config =
                config.map_err(|_| HttpError::Tls)?.with_root_certificates(store).with_no_client_auth();
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            // A resumed session would tell the server that two principals share a host.
            config.resumption = rustls::client::Resumption::disabled();
            Ok(Arc::new(config))
        });
        read.await.unwrap_or(Err(HttpError::Fault("the roots could not be read")))
    }
}
