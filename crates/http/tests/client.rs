//! The client against web servers that behave.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Redirect},
    routing::get,
};
use ourspace_http::{
    HttpError,
    client::{Answer, Ask, Client, Limits, Validators},
};
use url::Url;

use support::{Authority, Village};

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

async fn ask(client: &Client, text: &str) -> Result<Answer, HttpError> {
    client.get(Ask::new(&url(text), Limits::bytes(1000))).await
}

async fn text(client: &Client, address: &str) -> String {
    let answer = ask(client, address).await.unwrap();
    String::from_utf8(answer.body.whole().await.unwrap()).unwrap()
}

#[tokio::test]
async fn nothing_is_told_about_whoever_asks() {
    let village = Village::new();
    let echo = async |request: Request| {
        let mut names: Vec<String> = request.headers().keys().map(ToString::to_string).collect();
        names.sort();
        let agent = request.headers()[header::USER_AGENT].to_str().unwrap();
        let said = format!("{} {agent} {}", request.uri(), names.join(" "));
        ([(header::SET_COOKIE, "id=7")], said)
    };
    let start = async || Redirect::to("/echo?a=b");
    let router = Router::new()
        .route("/", get(start))
        .route("/echo", get(echo));
    village.serve("a.example", router).await;
    let client = village.client();
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!("/echo?a=b OurSpace/{version} accept accept-encoding host user-agent");
    assert_eq!(text(&client, "http://a.example/#part").await, expected);
    assert_eq!(text(&client, "http://a.example/").await, expected);
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let village = Village::new();
    let page = async |headers: HeaderMap| {
        let same = headers
            .get(header::IF_NONE_MATCH)
            .is_some_and(|tag| tag == "\"v1\"");
        let tag = [(header::ETAG, "\"v1\""), (header::LAST_MODIFIED, "then")];
        match same && headers[header::IF_MODIFIED_SINCE] == "then" {
            true => (StatusCode::NOT_MODIFIED, tag, ""),
            false => (StatusCode::OK, tag, "page"),
        }
    };
    village
        .serve("a.example", Router::new().route("/", get(page)))
        .await;
    let client = village.client();
    let address = url("http://a.example/");
    let first = ask(&client, "http://a.example/").await.unwrap();
    let known = first.head.validators.clone();
    let wanted = Validators {
        etag: Some("\"v1\"".to_owned()),
        last_modified: Some("then".to_owned()),
    };
    assert_eq!(known, wanted);
    assert_eq!(first.body.whole().await.unwrap(), b"page");
    let again = Ask {
        known,
        ..Ask::new(&address, Limits::bytes(0))
    };
    let again = client.get(again).await.unwrap();
    assert_eq!(again.head.status, 304);
    assert!(again.body.whole().await.unwrap().is_empty());
    assert_eq!(village.dialled(), 1, "the connection was kept");
}

#[tokio::test]
async fn a_host_gets_four_connections_and_keeps_them() {
    let village = Village::new();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&most);
    let slow = async move || {
        counted.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
        now.fetch_sub(1, Ordering::SeqCst);
        "done"
    };
    village
        .serve("a.example", Router::new().route("/", get(slow)))
        .await;
    let client = village.client();
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..24 {
        let client = client.clone();
        asked.spawn(async move { text(&client, "http://a.example/").await });
    }
    while let Some(said) = asked.join_next().await {
        assert_eq!(said.unwrap(), "done");
    }
    assert_eq!(most.load(Ordering::SeqCst), 4);
    assert_eq!(village.dialled(), 4);
}

#[tokio::test]
async fn a_host_that_hangs_up_between_questions_is_called_again() {
    let village = Village::new();
    village
        .say(
            "a.example",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        )
        .await;
    let client = village.client();
    for _ in 0..5 {
        assert_eq!(text(&client, "http://a.example/").await, "hi");
    }
    assert_eq!(village.dialled(), 5);
}

#[tokio::test]
async fn only_known_authorities_are_believed() {
    let village = Village::new();
    let router = Router::new().route("/", get(async || "secret"));
    let server = village.serve("plain.example", router).await;
    let authority = Authority::new("safe.example");
    authority.guard(&village, "safe.example", server).await;
    authority.guard(&village, "other.example", server).await;
    let net = Arc::clone(&village) as Arc<dyn ourspace_protocol::seams::Net>;
    let client = Client::new(net, std::slice::from_ref(&authority.root)).unwrap();
    assert_eq!(text(&client, "https://safe.example/").await, "secret");
    // Not the name in the certificate; not an authority that is known.
    for (client, address) in [
        (&client, "https://other.example/"),
        (&village.client(), "https://safe.example/"),
    ] {
        let error = ask(client, address).await.unwrap_err();
        assert!(matches!(error, HttpError::Connect { .. }), "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
}

#[tokio::test]
async fn redirects_are_followed_and_told_of() {
    let village = Village::new();
    let router = Router::new()
        .route(
            "/for-ever",
            get(async || Redirect::permanent("http://b.example/x/old")),
        )
        .route("/for-now", get(async || Redirect::temporary("/for-ever")));
    village.serve("a.example", router).await;
    let moved = (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, "new")]);
    let router = Router::new()
        .route("/x/old", get(async move || moved.into_response()))
        .route("/x/new", get(async || "here"));
    village.serve("b.example", router).await;
    let client = village.client();
    let new = url("http://b.example/x/new");
    let answer = ask(&client, "http://a.example/for-ever").await.unwrap();
    assert_eq!(
        (answer.head.url, answer.head.moved),
        (new.clone(), Some(new.clone()))
    );
    let answer = ask(&client, "http://a.example/for-now").await.unwrap();
    assert_eq!((answer.head.url, answer.head.moved), (new, None));
}

#[tokio::test]
async fn redirects_that_lead_nowhere_good_are_not_followed() {
    let village = Village::new();
    let inside = village
        .serve(
            "x.example",
            Router::new().route("/", get(async || "private")),
        )
        .await;
    let inside = format!("http://{inside}/");
    let to_inside = inside.clone();
    let router = Router::new()
        .route("/loop", get(async || Redirect::to("/loop")))
        .route("/none", get(async || StatusCode::FOUND))
        .route("/mail", get(async || Redirect::to("http://b.example:25/")))
        .route("/file", get(async || Redirect::to("file:///etc/passwd")))
        .route("/inside", get(async move || Redirect::to(&to_inside)));
    let plain = village.serve("a.example", router).await;
    let client = village.client();
    for (path, what) in [
        ("loop", "too many times"),
        ("none", "it does not say where"),
        ("mail", "no web server"),
        ("file", "only http and https"),
        ("inside", "private network"),
    ] {
        let error = ask(&client, &format!("http://a.example/{path}"))
            .await
            .unwrap_err();
        assert!(error.to_string().contains(what), "{path}: {error}");
    }
    // What a person allowed for one host is not allowed for the one it sends them to.
    let direct = url(&inside);
    let allowed = |url| Ask {
        private: true,
        ..Ask::new(url, Limits::bytes(99))
    };
    let answer = client.get(allowed(&direct)).await.unwrap();
    assert_eq!(answer.body.whole().await.unwrap(), b"private");
    let sent = client.get(allowed(&url("http://a.example/inside"))).await;
    assert!(matches!(sent, Err(HttpError::Private(_))));
    let strange = ask(&client, &inside).await;
    assert!(
        matches!(strange, Err(HttpError::Private(_))),
        "an idle connection was used"
    );
    // From https to http.
    let authority = Authority::new("safe.example");
    authority.guard(&village, "safe.example", plain).await;
    let net = Arc::clone(&village) as Arc<dyn ourspace_protocol::seams::Net>;
    let client = Client::new(net, std::slice::from_ref(&authority.root)).unwrap();
    let error = ask(&client, "https://safe.example/mail").await.unwrap_err();
    assert!(error.to_string().contains("safe connection"), "{error}");
}

#[tokio::test]
async fn who_asks_to_be_left_alone_is() {
    let village = Village::new();
    let busy = async || (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "90")]);
    village
        .serve("a.example", Router::new().route("/", get(busy)))
        .await;
    village
        .serve("b.example", Router::new().route("/", get(async || "fine")))
        .await;
    let client = village.client();
    let first = ask(&client, "http://a.example/").await.unwrap();
    assert_eq!(first.head.status, 429);
    assert_eq!(first.head.retry_after, Some(Duration::from_secs(90)));
    let Err(HttpError::Later { wait, .. }) = ask(&client, "http://a.example/x").await else {
        panic!("it was asked again");
    };
    assert!(wait > Duration::from_secs(80) && wait <= Duration::from_secs(90));
    assert_eq!(text(&client, "http://b.example/").await, "fine");
    assert_eq!(village.dialled(), 2);
}
