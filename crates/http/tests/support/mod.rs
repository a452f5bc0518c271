//! Real servers on this machine, and a network in which they have names.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test binary uses a part of this; a test's helpers fail by panicking"
)]

pub(crate) mod site;

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::Router;
use ourspace_http::client::Client;
use ourspace_protocol::seams::{BoxFuture, Dial, Net, Stream, is_public};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig, crypto,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};
use tokio_util::compat::TokioAsyncReadCompatExt as _;

/// A network in which some names lead to servers of this machine, as if they stood in the
/// open internet. Everything else is dialled as it is, if that is allowed.
#[derive(Default)]
pub(crate) struct Village {
    houses: Mutex<HashMap<String, SocketAddr>>,
    pub(crate) dialled: AtomicUsize,
}

impl Village {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn settle(&self, name: &str, at: SocketAddr) {
        self.houses.lock().unwrap().insert(name.to_owned(), at);
    }

    pub(crate) fn client(self: &Arc<Self>) -> Client {
        Client::new(Arc::clone(self) as Arc<dyn Net>, &[]).unwrap()
    }

    pub(crate) fn dialled(&self) -> usize {
        self.dialled.load(Ordering::SeqCst)
    }

    /// Serves pages under a name.
    pub(crate) async fn serve(&self, name: &str, router: Router) -> SocketAddr {
        let listener = listener().await;
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        self.settle(name, at);
        at
    }

    /// A server that reads a question's head and then says these bytes, whatever was
    /// asked, and hangs up.
    pub(crate) async fn say(&self, name: &str, answer: impl Into<Vec<u8>>) -> SocketAddr {
        let answer = answer.into();
        self.act(name, move |mut stream| {
            let answer = answer.clone();
            async move {
                hear(&mut stream).await;
                stream.write_all(&answer).await.ok();
            }
        })
        .await
    }

    /// A server that does as it likes with each connection.
    pub(crate) async fn act<F, D>(&self, name: &str, deed: F) -> SocketAddr
    where
        F: Fn(TcpStream) -> D + Send + 'static,
        D: Future<Output = ()> + Send + 'static,
    {
        let listener = listener().await;
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(deed(stream));
            }
        });
        self.settle(name, at);
        at
    }
}

pub(crate) async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// Reads the head of a question.
pub(crate) async fn hear(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

impl Net for Village {
    fn dial<'a>(&'a self, to: Dial<'a>) -> BoxFuture<'a, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            self.dialled.fetch_add(1, Ordering::SeqCst);
            let house = self.houses.lock().unwrap().get(to.host).copied();
            let at = match house {
                Some(at) => at,
                None => {
                    let ip = to.host.parse().map_err(|_| io::ErrorKind::NotFound)?;
                    if !to.private && !is_public(ip) {
                        return Err(io::ErrorKind::PermissionDenied.into());
                    }
                    SocketAddr::new(ip, to.port)
                }
            };
            let stream = TcpStream::connect(at).await?;
            Ok(Box::new(stream.compat()) as Box<dyn Stream>)
        })
    }
}

/// An authority of our own, and a certificate of it for one name.
pub(crate) struct Authority {
    pub(crate) root: CertificateDer<'static>,
    acceptor: TlsAcceptor,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut root = rcgen::CertificateParams::new(Vec::new()).unwrap();
        root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = root.self_signed(&key).unwrap();
        let own = rcgen::KeyPair::generate().unwrap();
        let leaf = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let leaf = leaf.signed_by(&own, &root, &key).unwrap();
        let secret = PrivateKeyDer::try_from(own.serialize_der()).unwrap();
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], secret)
            .unwrap();
        Self {
            root: root.der().clone(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        }
    }

    /// Puts TLS before a server, under a name.
    pub(crate) async fn guard(&self, village: &Village, name: &str, server: SocketAddr) {
        let acceptor = self.acceptor.clone();
        village
            .act(name, move |outer| {
                let acceptor = acceptor.clone();
                async move {
                    let Ok(mut outer) = acceptor.accept(outer).await else {
                        return;
                    };
                    let mut inner = TcpStream::connect(server).await.unwrap();
                    tokio::io::copy_bidirectional(&mut outer, &mut inner)
                        .await
                        .ok();
                }
            })
            .await;
    }
}
