//! A network of real programs on loopback: following, news, mirrors, and what happens when
//! the author is gone.

mod nodes;
mod schema;
mod support;

use nodes::{Node, until};
use ourspace_testkit::web_host::WebHost;
use support::Place;

/// What is mirrored is shown, and set.
fn all_is_kept(follower: &Node, whom: &str) {
    let kept = follower.place.json(&["mirror", "--wait"]);
    schema::holds("mirror", &kept);
    let one = &kept["accounts"][0];
    assert_eq!(one["media_files_here"], one["media_files"]);
    let words = ["mirror", whom, "--pin", "--quota", "5000"];
    let pinned = follower.place.json(&words);
    assert_eq!(pinned["accounts"][0]["pinned"], true);
    assert_eq!(pinned["accounts"][0]["quota"], 5000);
    follower.place.run(&["mirror", whom, "--unpin"]).ok();
}

#[test]
fn a_feed_is_followed_kept_and_served_on_when_its_author_is_gone() {
    let mut author = Node::new();
    author.post(&["before anybody followed"]);
    let mut follower = Node::new();
    follower.follow(&author.account, &author);
    let old = ["before anybody followed"];
    until("the old post", || follower.texts(&author.account) == old);
    // News comes by itself, with its picture.
    let picture = author.place.folder().join("dot.png");
    std::fs::write(&picture, DOT).unwrap();
    author.post(&[
        "news",
        "--media",
        picture.to_str().unwrap(),
        "--alt",
        "a dot",
    ]);
    let both = ["news", "before anybody followed"];
    until("the news", || follower.texts(&author.account) == both);
    until("the picture", || {
        let followed = follower.followed(&author.account);
        followed["media_bytes"].as_u64().unwrap() > 0 && followed["mirrored"] == true
    });
    all_is_kept(&follower, &author.account);
    let resolved = follower.place.json(&["resolve", &author.account]);
    let root = resolved["root"].clone();
    let status = author.place.json(&["status"]);
    assert_eq!(root, status["root"]);
    schema::holds("resolve", &resolved);
    schema::holds("status", &status);
    for verb in ["follows", "peers", "publish", "doctor"] {
        schema::holds(verb, &follower.place.json(&[verb]));
    }
    // The author is gone for good, and the follower was killed once.
    author.kill();
    follower.kill();
    follower.start();
    assert_eq!(follower.texts(&author.account), both);
    let late = Node::new();
    late.follow(&author.account, &follower);
    until("the feed from a mirror", || {
        late.texts(&author.account) == both
    });
    until("the picture from a mirror", || {
        late.followed(&author.account)["media_bytes"]
            == follower.followed(&author.account)["media_bytes"]
    });
    let found = late.place.json(&["resolve", &author.account, "--trace"]);
    assert_eq!(found["root"], root);
    assert!(found["trace"].as_array().unwrap().len() >= 2, "{found}");
    schema::holds("resolve", &found);
    let purged = late.place.json(&["purge", &author.account]);
    schema::holds("purge", &purged);
    assert!(late.texts(&author.account).is_empty());
}

#[test]
fn what_is_edited_deleted_and_forgotten_is_so_everywhere() {
    let author = Node::new();
    let follower = Node::new();
    follower.follow(&author.account, &author);
    let first = author.post(&["a first thought"]);
    let second = author.post(&["a second thought"]);
    until("both", || follower.texts(&author.account).len() == 2);
    author.place.run(&["edit", &first, "a better thought"]).ok();
    author.place.run(&["delete", "--yes", &second]).ok();
    let left = ["a better thought"];
    until("the edit and the deletion", || {
        follower.texts(&author.account) == left
    });
    let found = follower.place.json(&["search", "second"]);
    assert_eq!(
        found["items"].as_array().or(found.as_array()).map(Vec::len),
        Some(0),
        "{found}"
    );
    follower.place.run(&["unfollow", &author.account]).ok();
    assert!(follower.texts(&author.account).is_empty());
    assert_eq!(
        follower.place.json(&["follows"])["accounts"],
        serde_json::json!([])
    );
}

#[test]
fn a_feed_on_any_web_host_is_found_kept_and_served_on() {
    // Published by somebody whose node never runs, on a host that knows nothing of it.
    let author = Place::new();
    let account = author.json(&["whoami"])["account"]
        .as_str()
        .unwrap()
        .to_owned();
    author.run(&["post", "from a plain web site"]).ok();
    author.run(&["export", "site"]).ok();
    let host = WebHost::start(&author.folder().join("site")).unwrap();
    let reader = Node::new();
    reader
        .place
        .run(&["follow", &account, "--at", &host.url])
        .ok();
    let there = ["from a plain web site"];
    until("the feed of the site", || reader.texts(&account) == there);
    until("the whole feed", || {
        reader.followed(&account)["mirrored"] == true
    });
    // Then it is had from the mirror alone.
    drop(host);
    let late = Node::new();
    late.follow(&account, &reader);
    until("the feed from a mirror", || late.texts(&account) == there);
    // An ordinary feed goes into the same timeline.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("feed.xml"), RSS).unwrap();
    let host = WebHost::start(folder.path()).unwrap();
    let url = format!("{}feed.xml", host.url);
    let followed = reader.place.json(&["follow", &url, "--private"]);
    let feed = followed["account"].as_str().unwrap().to_owned();
    until("the ordinary feed", || reader.texts(&feed).len() == 1);
    assert!(reader.texts(&feed)[0].contains("An ordinary post"));
}

#[test]
fn two_devices_publish_while_parted_and_nothing_is_lost() {
    let mut laptop = Node::new();
    let account = laptop.account.clone();
    let first = laptop.post(&["edited here, deleted there"]);
    let phone = Place::empty();
    let code = phone.json(&["device", "join"])["code"]
        .as_str()
        .unwrap()
        .to_owned();
    let added = laptop.place.json(&["device", "add", &code, "--yes"]);
    let answer = added["answer"].as_str().unwrap();
    phone.run(&["device", "join", "--answer", answer]).ok();
    let mut phone = Node::of(phone);
    phone.dial(&laptop);
    until("the laptop's post on the phone", || {
        phone.texts(&account).len() == 1
    });
    let follower = Node::new();
    follower.follow(&account, &laptop);
    until("the post at a follower", || {
        follower.texts(&account).len() == 1
    });
    // Each publishes while the other is not there.
    laptop.kill();
    phone.post(&["from the phone"]);
    phone.place.run(&["delete", "--yes", &first]).ok();
    phone.kill();
    laptop.start();
    laptop
        .place
        .run(&["edit", &first, "an edit that comes to nothing"])
        .ok();
    laptop.post(&["from the laptop"]);
    // They meet, and a follower meets both.
    phone.start();
    phone.dial(&laptop);
    follower.dial(&laptop);
    follower.dial(&phone);
    let all = ["from the laptop", "from the phone"];
    for node in [&laptop, &phone, &follower] {
        until("the same feed everywhere", || node.texts(&account) == all);
    }
    until("one root", || {
        let root = |node: &Node| node.place.json(&["status"])["root"].clone();
        root(&laptop) == root(&phone)
            && follower.place.json(&["resolve", &account])["root"] == root(&laptop)
    });
}

const RSS: &str = r#"<?xml version="1.0"?><rss version="2.0"><channel><title>Ordinary</title>
<link>http://example.org/</link><description>d</description>
<item><title>One</title><description>An ordinary post</description><guid>1</guid>
<pubDate>Fri, 02 Jan 2026 03:04:05 GMT</pubDate></item></channel></rss>"#;

#[test]
fn a_link_is_all_that_a_follower_needs() {
    let author = Node::new();
    author.post(&["found by a link"]);
    let code = author.place.folder().join("link.svg");
    let whoami = ["whoami", "--link-qr", code.to_str().unwrap()];
    let whoami = author.place.json(&whoami);
    schema::holds("whoami", &whoami);
    assert!(std::fs::metadata(&code).unwrap().len() > 500);
    let link = whoami["link"].as_str().unwrap();
    assert!(link.starts_with(&format!("ourspace:{}?peer=/ip4/127.0.0.1/", author.account)));
    let follower = Node::new();
    follower.place.run(&["follow", link]).ok();
    let there = ["found by a link"];
    until("the post", || follower.texts(&author.account) == there);
    // Read before the node runs, it is dialled when it starts, for it listens here alone.
    let later = Place::new();
    later.run(&["follow", link]).ok();
    let later = Node::of(later);
    until("the post", || later.texts(&author.account) == there);
    // What leads elsewhere is refused as a whole.
    for more in ["&peer=/dns4/example.org/tcp/1", "&at=x", "&peer="] {
        let said = follower.place.run(&["follow", &format!("{link}{more}")]);
        assert!(said.refused(2).contains("link"), "{more}: {}", said.err);
    }
}

#[test]
fn without_a_node_it_is_said_what_to_do() {
    let place = Place::new();
    for words in [&["peers"][..], &["publish"]] {
        let said = place.run(words);
        assert!(
            said.refused(1).contains("start it with `ourspace`"),
            "{}",
            said.err
        );
    }
    // Looking somebody up needs none of one's own.
    let author = Node::new();
    author.post(&["hello"]);
    author.place.run(&["publish"]).ok();
    let words = [
        "resolve",
        &author.account,
        "--local",
        "--peer",
        &author.listen,
    ];
    let found = place.json(&words);
    assert_eq!(found["account"], author.account);
    assert_eq!(found["root"], author.place.json(&["status"])["root"]);
    let doctor = place.run(&["doctor"]);
    assert_eq!(doctor.code, 1);
    assert!(doctor.out.contains("no node runs"), "{}", doctor.out);
    let status = place.json(&["status"]);
    assert_eq!(status["listen"].as_array().unwrap().len(), 0);
    assert!(
        place
            .run(&["follow", "nobody"])
            .refused(2)
            .contains("address")
    );
    let own = place.json(&["whoami"])["account"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        place
            .run(&["follow", &own])
            .refused(1)
            .contains("your own account")
    );
}

/// A PNG of one red pixel.
const DOT: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0,
    1, 0, 0, 0, 1, 8, 2, 0, 0, 0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 0x0c, 0x49, 0x44, 0x41, 0x54,
    0x08, 0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 3, 1, 1, 0, 0x18, 0xdd, 0x8d, 0xb0, 0, 0, 0, 0, 0x49,
    0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];
