//! The client against servers that do what they can.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod support;

use std::{io::Write as _, time::Duration};

use flate2::{Compression, write::GzEncoder};
use ourspace_http::{
    HttpError,
    client::{Ask, Client, Limits},
};
use tokio::{
    io::AsyncWriteExt as _,
    time::{Instant, sleep},
};
use url::Url;

use support::{Village, hear};

const LIMIT: u64 = 100_000;

async fn fetch(client: &Client, name: &str) -> Result<Vec<u8>, HttpError> {
    let url = Url::parse(&format!("http://{name}/")).unwrap();
    let limits = Limits {
        head: Duration::from_secs(2),
        ..Limits::bytes(LIMIT)
    };
    let answer = client.get(Ask::new(&url, limits)).await?;
    answer.body.whole().await
}

/// What becomes of an answer.
async fn of(answer: impl Into<Vec<u8>>) -> Result<Vec<u8>, HttpError> {
    let village = Village::new();
    village.say("a.example", answer).await;
    fetch(&village.client(), "a.example").await
}

#[tokio::test]
async fn wrong_lengths_are_found() {
    let short = of("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive!").await;
    assert!(matches!(short, Err(HttpError::Http { .. })), "{short:?}");
    let long = of("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfourHTTP/1.1 200 no\r\n\r\n").await;
    assert_eq!(long.unwrap(), b"four");
    for length in ["-1", "1e3", "18446744073709551616", "3, 4", "five"] {
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nfive!");
        let wrong = of(answer).await;
        assert!(matches!(wrong, Err(HttpError::Http { .. })), "{length}");
    }
    let huge = of("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\nx").await;
    assert!(matches!(huge, Err(HttpError::Http { .. })), "{huge:?}");
    let chunks =
        of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx").await;
    assert!(matches!(chunks, Err(HttpError::Http { .. })), "{chunks:?}");
}

#[tokio::test]
async fn floods_of_headers_are_cut() {
    let many = "X-A: b\r\n".repeat(10_000);
    let long = format!("X-A: {}\r\n", "b".repeat(1_000_000));
    let chunk = format!(
        "Transfer-Encoding: chunked\r\n\r\n1;{}\r\n",
        "x".repeat(1_000_000)
    );
    for flood in [many, long, chunk] {
        let answer = format!("HTTP/1.1 200 OK\r\n{flood}\r\n");
        let cut = of(answer).await;
        assert!(matches!(cut, Err(HttpError::Http { .. })), "{cut:?}");
    }
    let line = of(format!("HTTP/1.1 200 {}\r\n\r\n", "x".repeat(1_000_000))).await;
    assert!(matches!(line, Err(HttpError::Http { .. })), "{line:?}");
}

#[tokio::test]
async fn what_is_not_http_is_no_answer() {
    for answer in [
        &b""[..],
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"220 mail.example ESMTP\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"<html>no head</html>",
        b"HTTP/1.1 200 OK\r\nX: \x00\r\n\r\n",
        b"\xff\xfe\xfd\xfc",
    ] {
        let refused = of(answer).await;
        assert!(matches!(refused, Err(HttpError::Http { .. })), "{answer:?}");
    }
}

#[tokio::test]
async fn endless_bodies_end() {
    let village = Village::new();
    village
        .act("a.example", async |mut stream| {
            hear(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
        })
        .await;
    let endless = fetch(&village.client(), "a.example").await;
    assert!(matches!(
        endless,
        Err(HttpError::TooLarge { limit: LIMIT, .. })
    ));
}

#[tokio::test]
async fn bombs_do_not_go_off() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![0; 50 << 20]).unwrap();
    let bomb = bomb.finish().unwrap();
    let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";
    let large = of([head.as_bytes(), &bomb].concat()).await;
    assert!(
        matches!(large, Err(HttpError::TooLarge { .. })),
        "{large:?}"
    );
    // Members with nothing in them, for ever.
    let nothing = GzEncoder::new(Vec::new(), Compression::best())
        .finish()
        .unwrap();
    let endless = of([head.as_bytes(), &nothing.repeat(20_000)].concat()).await;
    assert!(
        matches!(endless, Err(HttpError::TooLarge { .. })),
        "{endless:?}"
    );
    for packing in ["br", "gzip, gzip", "zstd"] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {packing}\r\n\r\nx");
        let packed = of(head).await;
        assert!(matches!(packed, Err(HttpError::Packed(_))), "{packing}");
    }
}

#[tokio::test(start_paused = true)]
async fn heads_that_never_end_are_not_waited_for() {
    let village = Village::new();
    village
        .act("a.example", async |mut stream| {
            hear(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
            loop {
                sleep(Duration::from_millis(500)).await;
                if stream.write_all(b"X-A: b\r\n").await.is_err() {
                    return;
                }
            }
        })
        .await;
    // Neither one that says "wait" for ever.
    village
        .act("b.example", async |mut stream| {
            hear(&mut stream).await;
            while stream
                .write_all(b"HTTP/1.1 102 Processing\r\n\r\n")
                .await
                .is_ok()
            {
                sleep(Duration::from_millis(500)).await;
            }
        })
        .await;
    for name in ["a.example", "b.example"] {
        let begun = Instant::now();
        let slow = fetch(&village.client(), name).await;
        assert!(matches!(slow, Err(HttpError::Slow(_))), "{slow:?}");
        assert!(begun.elapsed() <= Duration::from_secs(3), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_that_trickle_are_not_waited_for() {
    let village = Village::new();
    village
        .act("a.example", async |mut stream| {
            hear(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            while stream.write_all(b"x").await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        })
        .await;
    let begun = Instant::now();
    let slow = fetch(&village.client(), "a.example").await;
    assert!(matches!(slow, Err(HttpError::Slow(_))), "{slow:?}");
    assert!(begun.elapsed() <= Duration::from_secs(25));
}

#[tokio::test(start_paused = true)]
async fn who_keeps_failing_is_left_alone() {
    let village = Village::new();
    village.say("a.example", "rubbish\r\n\r\n").await;
    let client = village.client();
    let mut asked = 0;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(600) {
        match fetch(&client, "a.example").await {
            Err(HttpError::Http { .. }) => asked += 1,
            Err(HttpError::Later { .. }) => sleep(Duration::from_millis(100)).await,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(asked, village.dialled());
    assert!(
        (5..=12).contains(&asked),
        "asked {asked} times in ten minutes"
    );
}

/// The honest work beside all that is not held up.
#[tokio::test]
async fn others_are_served_meanwhile() {
    let village = Village::new();
    village
        .act("bad.example", async |mut stream| {
            hear(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nX: ").await.ok();
            std::future::pending::<()>().await;
        })
        .await;
    let page = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine";
    village.say("good.example", page).await;
    let client = village.client();
    let mut stuck = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let client = client.clone();
        stuck.spawn(async move { fetch(&client, "bad.example").await });
    }
    for _ in 0..50 {
        assert_eq!(fetch(&client, "good.example").await.unwrap(), b"fine");
    }
    assert_eq!(stuck.len(), 100);
    assert!(village.dialled() <= 54, "{}", village.dialled());
}
