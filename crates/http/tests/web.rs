//! The seam to the ordinary web, against real servers.

mod support;

use std::{io, time::Duration};

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Redirect},
    routing::get,
};
use ourspace_protocol::seams::{Web as _, WebAsk};

use support::Village;

fn ask(url: &str) -> WebAsk<'_> {
    WebAsk {
        url,
        accept: "application/rss+xml",
        etag: None,
        last_modified: None,
        limit: 1000,
        private: false,
    }
}

#[tokio::test]
async fn a_feed_is_fetched_once_and_then_only_when_it_is_new() {
    let village = Village::new();
    let feed = async |headers: HeaderMap| {
        let known = headers
            .get(header::IF_NONE_MATCH)
            .is_some_and(|tag| tag == "W/\"1\"");
        let head = [
            (header::ETAG, "W/\"1\""),
            (header::CACHE_CONTROL, "max-age=3600"),
        ];
        assert_eq!(headers[header::ACCEPT], "application/rss+xml");
        match known {
            true => (StatusCode::NOT_MODIFIED, head).into_response(),
            false => (head, "<rss/>").into_response(),
        }
    };
    let router = Router::new()
        .route("/old", get(async || Redirect::permanent("/feed")))
        .route("/feed", get(feed))
        .route("/gone", get(async || (StatusCode::GONE, "this is no feed")))
        .route("/long", get(async || "x".repeat(1001)));
    village.serve("a.example", router).await;
    let client = village.client();
    let mut body = Vec::new();
    let first = client
        .fetch(ask("http://a.example/old"), &mut body)
        .await
        .unwrap();
    assert_eq!((first.status, body.as_slice()), (200, &b"<rss/>"[..]));
    assert_eq!(first.moved.as_deref(), Some("http://a.example/feed"));
    assert_eq!(first.fresh_for, Some(Duration::from_secs(3600)));
    body.clear();
    let again = WebAsk {
        etag: first.etag.as_deref(),
        ..ask("http://a.example/feed")
    };
    let again = client.fetch(again, &mut body).await.unwrap();
    assert_eq!((again.status, again.moved), (304, None));
    let gone = client
        .fetch(ask("http://a.example/gone"), &mut body)
        .await
        .unwrap();
    assert_eq!(gone.status, 410);
    assert!(
        body.is_empty(),
        "what is said with other statuses is nobody's feed"
    );
    let long = client
        .fetch(ask("http://a.example/long"), &mut body)
        .await
        .unwrap_err();
    assert!(long.text.contains("longer than 1000 bytes"), "{long}");
    for url in ["nonsense", "ftp://a.example/", "http://127.0.0.1:1/"] {
        assert!(client.fetch(ask(url), &mut body).await.is_err(), "{url}");
    }
}

#[tokio::test]
async fn a_full_disk_is_said() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let village = Village::new();
    village
        .serve("a.example", Router::new().route("/", get(async || "x")))
        .await;
    let error = village
        .client()
        .fetch(ask("http://a.example/"), &mut Full)
        .await;
    assert!(error.unwrap_err().text.contains("could not keep"));
}
