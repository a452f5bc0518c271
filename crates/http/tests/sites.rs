//! Feeds at web hosts that know nothing of us, and at some that cheat.

mod support;

use std::{sync::atomic::Ordering, time::Duration};

use axum::{
    Router,
    extract::{Path, Query},
    http::StatusCode,
    response::IntoResponse as _,
    routing::get,
};
use ourspace_http::site::Sites;
use ourspace_protocol::{
    account::Account,
    dag::{Cid, Codec},
    limits::RECORD_BYTES,
    seams::{Arrival, Resolver as _, Transport as _, Want},
};
use ourspace_testkit::signing::{TestKey, record, sign_record};

use support::{
    Village,
    site::{Blocks, Site, feed, server, take},
};

fn at(names: &[&str]) -> Vec<String> {
    let location = |name: &&str| format!("http://{name}/feed");
    names.iter().map(location).collect()
}

const MANY: &str = "/feed/media/2025/11/many.bin";

#[tokio::test]
async fn a_tree_comes_whole_with_ranges_and_without() {
    for ranges in [true, false] {
        let (village, site) = (Village::new(), feed());
        let (router, seen) = server(&site, ranges);
        village.serve("a.example", router).await;
        let sites = Sites::new(village.client(), &[]);
        let mut session = sites.open(None, &at(&["a.example"]));
        let (blocks, missing) = take(session.as_mut(), site.root()).await;
        assert_eq!(missing, []);
        assert!(blocks == site.blocks);
        let counts = sites.counts();
        assert_eq!(counts.blocks, site.blocks.len() as u64);
        assert_eq!((counts.altered, counts.missing), (0, 0));
        // A large file is read in one go, and nothing twice.
        assert_eq!(seen.times(MANY), 1);
        assert_eq!(seen.asked.lock().unwrap().len() as u64, counts.blocks - 5);
        assert!(village.dialled() <= 6, "{}", village.dialled());
    }
}

#[tokio::test]
async fn a_piece_in_the_middle_is_asked_for_by_its_place() {
    for ranges in [true, false] {
        let (village, site) = (Village::new(), feed());
        let (router, seen) = server(&site, ranges);
        village.serve("a.example", router).await;
        let sites = Sites::new(village.client(), &[]);
        let mut session = sites.open(None, &at(&["a.example"]));
        let bytes = &site.files["media/2025/11/many.bin"];
        for n in [3, 1, 4, 5, 0] {
            let begin = n << 20;
            let piece = &bytes[begin..bytes.len().min(begin + (1 << 20))];
            let cid = Cid::of(Codec::Raw, piece);
            let place = Some(("media/2025/11/many.bin".into(), begin as u64));
            session.want(vec![Want { cid, place }]);
            let Arrival::Block(block) = session.next().await else {
                panic!("piece {n} is missing");
            };
            assert!(block.bytes() == piece);
        }
        // 3; 1, with 4 and 5 behind it in the same answer; 0.
        assert_eq!(seen.times(MANY), 3);
        let asked = seen.ranges.load(Ordering::SeqCst);
        assert_eq!(asked, if ranges { 2 } else { 0 });
    }
}

#[tokio::test]
async fn what_a_host_alters_is_refused_and_counted() {
    let (village, site) = (Village::new(), feed());
    let mut altered = site.clone();
    for (path, bytes) in &mut altered.files {
        if path.starts_with("posts/") {
            bytes.extend_from_slice(b"<script src=//ads.example></script>");
        }
    }
    village.serve("bad.example", server(&altered, true).0).await;
    village.serve("good.example", server(&site, true).0).await;
    let sites = Sites::new(village.client(), &[]);
    let mut alone = sites.open(None, &at(&["bad.example"]));
    let (blocks, missing) = take(alone.as_mut(), site.root()).await;
    let altered = sites.counts().altered;
    assert!(!missing.is_empty() && altered >= 1);
    assert!(blocks.iter().all(|(cid, bytes)| site.blocks[cid] == *bytes));
    let mut both = sites.open(None, &at(&["bad.example", "good.example"]));
    let (blocks, missing) = take(both.as_mut(), site.root()).await;
    assert_eq!(missing, []);
    assert!(blocks == site.blocks && sites.counts().altered > altered);
}

#[tokio::test]
async fn hosts_that_answer_everything_with_a_page_have_nothing() {
    let (village, site) = (Village::new(), feed());
    let page = Router::new().fallback(async || "<!doctype html>welcome");
    village.serve("a.example", page).await;
    let sites = Sites::new(village.client(), &[]);
    let mut session = sites.open(None, &at(&["a.example"]));
    let (blocks, missing) = take(session.as_mut(), site.root()).await;
    assert_eq!((blocks, missing), (Blocks::new(), vec![site.root().cid]));
    assert_eq!(sites.counts().altered, 1);
}

#[tokio::test]
async fn a_site_in_the_middle_of_a_change_is_read() {
    let (village, mut site) = (Village::new(), feed());
    // Chapter 7.4, step 2: the old blocks are there by name before the file is replaced.
    for path in ["posts/7/index.html", "media/2025/11/many.bin"] {
        let old = site.files[path].clone();
        for piece in old.chunks(1 << 20) {
            site.put_block(Cid::of(Codec::Raw, piece), piece.to_vec());
        }
        site.files
            .insert(path.to_owned(), b"another version".to_vec());
    }
    village.serve("a.example", server(&site, true).0).await;
    let sites = Sites::new(village.client(), &[]);
    let mut session = sites.open(None, &at(&["a.example"]));
    let (blocks, missing) = take(session.as_mut(), site.root()).await;
    assert_eq!(missing, []);
    assert!(blocks == site.blocks && sites.counts().altered == 0);
}

#[tokio::test]
async fn blocks_come_from_gateways() {
    let (village, site) = (Village::new(), feed());
    let blocks = site.blocks.clone();
    let answer = async move |Path(cid): Path<String>,
                             Query(query): Query<Vec<(String, String)>>| {
        let raw = query == [("format".to_owned(), "raw".to_owned())];
        match cid.parse::<Cid>().ok().and_then(|cid| blocks.get(&cid)) {
            Some(bytes) if raw => bytes.clone().into_response(),
            _ => StatusCode::GATEWAY_TIMEOUT.into_response(),
        }
    };
    village
        .serve("g.example", Router::new().route("/ipfs/{cid}", get(answer)))
        .await;
    let gateways = [
        "http://g.example/ipfs/".to_owned(),
        "http://no.example/".to_owned(),
    ];
    let sites = Sites::new(village.client(), &gateways);
    let mut session = sites.open(None, &[]);
    let stranger = Cid::of(Codec::Raw, b"nobody has this");
    session.want(vec![Want::block(stranger)]);
    assert_eq!(session.next().await, Arrival::Missing(stranger));
    let (taken, missing) = take(session.as_mut(), site.root()).await;
    assert_eq!(missing, []);
    assert!(taken == site.blocks);
}

#[tokio::test]
async fn hosts_that_are_not_there_are_soon_given_up() {
    let (village, site) = (Village::new(), feed());
    let sites = Sites::new(village.client(), &[]);
    for location in [
        "http://nowhere.example/",
        "http://127.0.0.1:9999/",
        "ipfs:x",
    ] {
        let mut session = sites.open(None, &[location.to_owned()]);
        let taken = take(session.as_mut(), site.root());
        let (blocks, missing) = tokio::time::timeout(Duration::from_secs(5), taken)
            .await
            .unwrap();
        assert_eq!((blocks, missing), (Blocks::new(), vec![site.root().cid]));
    }
}

#[tokio::test]
async fn what_is_cancelled_does_not_come() {
    let (village, site) = (Village::new(), feed());
    village.serve("a.example", server(&site, true).0).await;
    let sites = Sites::new(village.client(), &[]);
    let mut session = sites.open(None, &at(&["a.example"]));
    let want = |path: &str| Want {
        cid: Cid::of(Codec::Raw, &site.files[path]),
        place: Some((path.into(), 0)),
    };
    let (first, second) = (want("posts/3/index.html"), want("posts/4/index.html"));
    session.want(vec![first.clone(), second.clone()]);
    session.cancel(&[first.cid]);
    let Arrival::Block(block) = session.next().await else {
        panic!("the second is there");
    };
    assert_eq!(block.cid(), second.cid);
    let idle = tokio::time::timeout(Duration::from_millis(200), session.next()).await;
    assert!(idle.is_err(), "nothing is wanted");
    session.hurry(vec![first.clone()]);
    assert!(matches!(session.next().await, Arrival::Block(block) if block.cid() == first.cid));
}

#[tokio::test]
async fn records_are_found_beside_the_feed() {
    let village = Village::new();
    let key = TestKey::named("http");
    let signed = sign_record(record(&key), None, &key).to_bytes();
    let host = |record: Vec<u8>| {
        let mut site = Site::default();
        site.files
            .insert(".well-known/ourspace/record.cbor".to_owned(), record);
        server(&site, true).0
    };
    village.serve("a.example", host(signed.clone())).await;
    village
        .serve("b.example", host(vec![0; RECORD_BYTES + 1]))
        .await;
    village
        .serve("c.example", host(b"anything else".to_vec()))
        .await;
    village
        .serve("d.example", server(&Site::default(), true).0)
        .await;
    let sites = Sites::new(village.client(), &[]);
    let locations = at(&[
        "a.example",
        "b.example",
        "c.example",
        "d.example",
        "e.example",
    ]);
    let mut lookup = sites.resolve(Account([1; 20]), &locations);
    let mut found = Vec::new();
    while let Some(candidate) = lookup.next().await {
        found.push((candidate.from, candidate.bytes));
    }
    found.sort();
    let from = |name| format!("http://{name}/feed/.well-known/ourspace/record.cbor");
    let expected = [
        (from("a.example"), signed),
        (from("c.example"), b"anything else".to_vec()),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_place_that_never_answers_holds_nobody_up() {
    let (village, site) = (Village::new(), feed());
    village
        .act("slow.example", async |mut stream| {
            support::hear(&mut stream).await;
            std::future::pending::<()>().await;
        })
        .await;
    village.serve("good.example", server(&site, true).0).await;
    let sites = Sites::new(village.client(), &[]);
    let mut session = sites.open(None, &at(&["slow.example", "good.example"]));
    let taken = take(session.as_mut(), site.root());
    let (blocks, missing) = tokio::time::timeout(Duration::from_secs(15), taken)
        .await
        .unwrap();
    assert_eq!(missing, []);
    assert!(blocks == site.blocks);
}
