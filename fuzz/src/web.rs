//! Answers of web hosts, and their pages.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures_io::{AsyncRead, AsyncWrite};
use ourspace_http::client::{Ask, Client, Limits};
use ourspace_node::webfeeds;
use ourspace_protocol::seams::{BoxFuture, Dial, Net, Stream};
use url::Url;

/// Bytes that an answer may have, unpacked.
const LIMIT: u64 = 64 * 1024;

/// A host that hears a question and says these bytes, whatever it was.
struct Host {
    says: Vec<u8>,
    said: usize,
    heard: Vec<u8>,
    waiting: Option<Waker>,
}

impl AsyncRead for Host {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if !self.heard.ends_with(b"\r\n\r\n") {
            self.waiting = Some(context.waker().clone());
            return Poll::Pending;
        }
        let rest = self.says.get(self.said..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        let (Some(from), Some(to)) = (rest.get(..count), buffer.get_mut(..count)) else {
            return Poll::Ready(Ok(0));
        };
        to.copy_from_slice(from);
        self.said += count;
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Host {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.heard.extend_from_slice(bytes);
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A network in which there is only that host.
struct Nowhere(Vec<u8>);

impl Net for Nowhere {
    fn dial<'a>(&'a self, _: Dial<'a>) -> BoxFuture<'a, io::Result<Box<dyn Stream>>> {
        let host = Host {
            says: self.0.clone(),
            said: 0,
            heard: Vec::new(),
            waiting: None,
        };
        Box::pin(async move { Ok(Box::new(host) as Box<dyn Stream>) })
    }
}

/// An answer of a web host.
pub fn answer(bytes: &[u8]) {
    if let Some(body) = body_of(bytes) {
        assert!(body.len() as u64 <= LIMIT, "more than was allowed");
    }
}

/// The body of an answer, if it is one.
fn body_of(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().build().ok()?;
    runtime.block_on(async {
        let url = Url::parse("http://a.example/").ok()?;
        let client = Client::new(Arc::new(Nowhere(bytes.to_vec())), &[]).ok()?;
        let answer = client
            .get(Ask::new(&url, Limits::bytes(LIMIT)))
            .await
            .ok()?;
        answer.body.whole().await.ok()
    })
}

/// A page, which may name feeds.
pub fn page(bytes: &[u8]) {
    let Ok(base) = Url::parse("https://a.example/b/") else {
        return;
    };
    for feed in webfeeds::discover(bytes, &base) {
        assert!(matches!(feed.scheme(), "http" | "https"));
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Some(address) = webfeeds::canonical(text)
    {
        let again = webfeeds::canonical(&address);
        assert_eq!(again.as_ref(), Some(&address), "one feed, two addresses");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_get_as_far_as_their_bodies() {
        let plain = include_bytes!("../corpus/answer/plain");
        assert_eq!(body_of(plain).as_deref(), Some(&b"hello"[..]));
        let packed = include_bytes!("../corpus/answer/gzip");
        assert_eq!(body_of(packed).as_deref(), Some(&b"<rss/>".repeat(50)[..]));
    }
}
