//! Many connections at once, through real sockets.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use axum::{Router, routing::get};
use tokio::{runtime::Runtime, sync::oneshot};

/// More than a socket holds on its way.
const LARGE: usize = 32 << 20;
static LARGE_BODY: &[u8] = &[7; LARGE];
/// More connections than are let in at once.
const MANY: usize = 300;

/// A server of its own runtime.
struct Server {
    runtime: Runtime,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<()>,
}

impl Server {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let router = Router::new()
            .route("/", get(|| async { "hello" }))
            .route("/large", get(|| async { LARGE_BODY }));
        let (stop, stopped) = oneshot::channel();
        let listening = tokio::net::TcpListener::bind("127.0.0.1:0");
        let listener = runtime.block_on(listening).unwrap();
        let address = listener.local_addr().unwrap();
        let stopped = async { stopped.await.unwrap() };
        let ended = runtime.spawn(ourspace_web::serve(listener, router, stopped));
        Self {
            runtime,
            address,
            stop,
            ended,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        let patience = Some(Duration::from_secs(30));
        stream.set_read_timeout(patience).unwrap();
        stream
    }

    /// Asks on a connection that stays open.
    fn ask(&self, path: &str) -> TcpStream {
        let mut stream = self.connect();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    fn answers(&self) -> Duration {
        let begin = Instant::now();
        let answer = head(&mut self.ask("/"));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        begin.elapsed()
    }
}

/// The headers of an answer.
fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 64]) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn idle_connections_make_room() {
    let server = Server::start();
    // Some say nothing, some have begun to ask, some were answered.
    let mut idle: Vec<TcpStream> = (0..MANY)
        .map(|n| match n % 3 {
            0 => server.connect(),
            1 => {
                let mut stream = server.connect();
                stream.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
                stream
            }
            _ => {
                let mut stream = server.ask("/");
                head(&mut stream);
                stream.read_exact(&mut [0; 5]).unwrap();
                stream
            }
        })
        .collect();
    let took = server.answers();
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert!(idle[..100].iter_mut().all(is_closed));
    // The newest are left alone.
    let newest = idle.last_mut().unwrap();
    newest
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    assert!(head(newest).starts_with("HTTP/1.1 200"));
}

#[test]
fn an_answer_under_way_is_not_cut() {
    let server = Server::start();
    let mut slow = server.ask("/large");
    assert!(head(&mut slow).contains(&format!("content-length: {LARGE}")));
    let idle: Vec<TcpStream> = (0..MANY).map(|_| server.connect()).collect();
    server.answers();
    let mut bytes = vec![0; LARGE];
    slow.read_exact(&mut bytes).unwrap();
    assert!(bytes.iter().all(|byte| *byte == 7));
    drop(idle);
}

#[test]
fn what_is_being_answered_is_waited_for() {
    let server = Server::start();
    let mut busy: Vec<TcpStream> = (0..128).map(|_| server.ask("/large")).collect();
    for stream in &mut busy {
        head(stream);
    }
    let mut next = server.ask("/");
    next.set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let early = next.read(&mut [0; 1]).unwrap_err();
    assert!(matches!(
        early.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut
    ));
    next.set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    busy.pop();
    assert!(head(&mut next).starts_with("HTTP/1.1 200"));
}

#[test]
fn who_says_nothing_is_not_waited_for_long() {
    let server = Server::start();
    let begin = Instant::now();
    let mut silent = server.connect();
    let mut slow = server.connect();
    slow.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    let mut kept = server.ask("/");
    head(&mut kept);
    kept.read_exact(&mut [0; 5]).unwrap();
    for stream in [&mut silent, &mut slow, &mut kept] {
        assert!(is_closed(stream));
        let took = begin.elapsed();
        assert!(took < Duration::from_secs(15), "{took:?}");
    }
}

#[test]
fn stopping_does_not_wait_for_the_idle() {
    let server = Server::start();
    let silent = server.connect();
    let mut kept = server.ask("/");
    head(&mut kept);
    // Both are let in before the server stops.
    server.answers();
    let begin = Instant::now();
    server.stop.send(()).unwrap();
    server.runtime.block_on(server.ended).unwrap();
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    drop(silent);
}
