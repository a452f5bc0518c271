//! Taking connections, within limits, until told to stop.

use std::{sync::Arc, time::Duration};

use axum::{Router, serve::Listener};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore},
};

/// Connections at once: a browser opens six.
const CONNECTIONS: usize = 128;
/// Headers of a request.
const HEADERS: usize = 64;
/// Bytes of a request's line and headers.
const HEADER_BYTES: usize = 32 * 1024;
/// How long a request's headers may take, and a connection may be idle.
const HEADER_TIME: Duration = Duration::from_secs(30);
/// How long answers under way may take when the server is told to stop.
const GRACE: Duration = Duration::from_secs(3);

/// Serves `router` on `listener` until `stop` comes to its end; answers under way are
/// finished, for some seconds at most.
pub async fn serve<L: Listener>(mut listener: L, router: Router, stop: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some((stream, place)) = next(&mut listener, &places) => {
                connection(stream, place, &router, &graceful);
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::debug!("connections were cut");
    }
}

/// The next connection, once there is a place for it.
async fn next<L: Listener>(
    listener: &mut L,
    places: &Arc<Semaphore>,
) -> Option<(L::Io, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    let (stream, _) = listener.accept().await;
    Some((stream, place))
}

fn connection<S>(
    stream: S,
    place: OwnedSemaphorePermit,
    router: &Router,
    graceful: &GracefulShutdown,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(router.clone());
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(HEADERS)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let watched = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = watched.await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(place);
    });
}
