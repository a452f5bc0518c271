//! Taking connections, within limits, until told to stop.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request, serve::Listener};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::timeout,
};

use crate::seats::{Answered, Seat, Seats};

/// Connections at once: a browser opens six.
const CONNECTIONS: usize = 128;
/// Headers of a request.
const HEADERS: usize = 64;
/// Bytes of a request's line and headers.
const HEADER_BYTES: usize = 32 * 1024;
/// How long a request's headers may take, and a connection may be idle.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// How long answers under way may take when the server is told to stop.
const GRACE: Duration = Duration::from_secs(3);
/// How long a connection that has to make room may take to send what it was answered.
const LEAVING: Duration = Duration::from_secs(1);

/// Serves `router` on `listener` until `stop` comes to its end; answers under way are
/// finished, for some seconds at most.
///
/// There is always room for one more: where too many connections are open, the one that
/// has been idle for longest is closed. Only while all of them are being answered is the
/// next one waited with.
pub async fn serve<L: Listener>(mut listener: L, router: Router, stop: impl Future<Output = ()>) {
    let seats = Arc::new(Seats::new(CONNECTIONS));
    let (stopping, stopped) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let (stream, _) = listener.accept().await;
            (stream, seats.take().await)
        };
        tokio::select! {
            () = &mut stop => break,
            (stream, seat) = next => {
                tokio::spawn(connection(stream, seat, router.clone(), stopped.clone()));
            }
        }
    }
    drop(listener);
    stopping.send_replace(());
    if timeout(GRACE, seats.empty()).await.is_err() {
        tracing::debug!("connections were cut");
    }
}

/// Answers one connection until it ends, has to make room, or the server stops.
async fn connection<S>(stream: S, seat: Seat, router: Router, mut stopped: watch::Receiver<()>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let router = TowerToHyperService::new(router);
    let service = service_fn(|request: Request<Incoming>| {
        let turn = seat.turn();
        let answer = hyper::service::Service::call(&router, request);
        async move {
            let response = answer.await?;
            let body = |body| Body::new(Answered::new(body, turn));
            Ok::<_, std::convert::Infallible>(response.map(body))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(HEADERS)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(seat.stream(stream)), service);
    let mut connection = pin!(connection);
    let rest = tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
            return;
        }
        () = seat.asked_to_leave() => LEAVING,
        _ = stopped.changed() => GRACE,
    };
    // Who has not asked anything yet gets no answer either.
    if seat.has_asked() {
        connection.as_mut().graceful_shutdown();
        if timeout(rest, connection).await.is_err() {
            tracing::debug!("a connection was cut");
        }
    }
}
