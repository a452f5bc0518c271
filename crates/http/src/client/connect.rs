//! A connection: dialled, perhaps under TLS, ready to be asked.

use std::{io, sync::Arc};

use http_body_util::Empty;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use ourspace_protocol::seams::{Dial, Net};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore, crypto,
        pki_types::{CertificateDer, ServerName},
    },
};
use tokio_util::compat::FuturesAsyncReadCompatExt as _;

use super::origin::Origin;
use crate::error::HttpError;

/// Headers of an answer.
const HEADERS: usize = 100;
/// Bytes of an answer's line and headers, and of what is read ahead of a body.
const BUFFER: usize = 64 * 1024;

/// A question as it is sent: it never has a body.
pub(super) type Question = Request<Empty<Bytes>>;

/// A connection that can be asked one thing at a time. It ends when this is dropped,
/// whatever the other side does.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    task: JoinHandle<()>,
}

impl Connection {
    /// Asks. The body that comes is read through this connection, so it has to be kept.
    pub(super) async fn ask(&mut self, question: Question) -> hyper::Result<Response<Incoming>> {
        self.sender.ready().await?;
        self.sender.send_request(question).await
    }

    /// Whether it can be asked once more.
    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What connections are made with.
#[derive(Clone)]
pub(super) struct Connector {
    net: Arc<dyn Net>,
    tls: TlsConnector,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector")
    }
}

impl Connector {
    /// Believes certificates of the authorities that Mozilla's programs believe, and of
    /// `more`.
    pub(super) fn new(net: Arc<dyn Net>, more: &[CertificateDer<'_>]) -> io::Result<Self> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        for certificate in more {
            let added = roots.add(certificate.clone().into_owned());
            added.map_err(io::Error::other)?;
        }
        let provider = Arc::new(crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            net,
            tls: TlsConnector::from(Arc::new(config)),
        })
    }

    /// Connects.
    pub(super) async fn connect(&self, to: &Origin) -> Result<Connection, HttpError> {
        let host = to.bare_host();
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::PermissionDenied => HttpError::Private(host.to_owned()),
            _ => HttpError::Connect {
                host: host.to_owned(),
                source,
            },
        };
        let dial = Dial {
            host,
            port: to.port,
            private: to.private,
        };
        let stream = self.net.dial(dial).await.map_err(failed)?.compat();
        if !to.secure {
            return greet(to, stream).await;
        }
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|error| failed(io::Error::other(error)))?;
        let stream = self.tls.connect(name, stream).await.map_err(failed)?;
        greet(to, stream).await
    }
}

async fn greet<S>(to: &Origin, stream: S) -> Result<Connection, HttpError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let shaken = http1::Builder::new()
        .max_headers(HEADERS)
        .max_header_size(BUFFER)
        .max_buf_size(BUFFER)
        .handshake(TokioIo::new(stream))
        .await;
    let (sender, connection) = shaken.map_err(|source| HttpError::Http {
        host: to.host.clone(),
        source,
    })?;
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::trace!(%error, "a connection to a web host ended");
        }
    });
    Ok(Connection { sender, task })
}
