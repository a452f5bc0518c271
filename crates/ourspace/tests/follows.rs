//! How somebody is followed, and what is said of them while no node runs: real programs.

mod nodes;
mod schema;
mod support;

use nodes::{Node, sound, until};
use ourspace_testkit::web_host::WebHost;
use support::Place;

const WHOM: &str = "0x52908400098527886E0F7030069857D2E4169EE7";

#[test]
fn what_is_not_named_stays_as_it_is() {
    let place = Place::new();
    let follow = |more: &[&str]| place.json(&[&["follow", WHOM], more].concat());
    let kept = || place.json(&["mirror", WHOM])["accounts"][0].clone();
    assert_eq!(
        follow(&["--quiet", "--pin", "--quota", "5000"])["quiet"],
        true
    );
    assert_eq!(follow(&["--text-only"])["quiet"], true);
    let one = kept();
    assert_eq!(one["pinned"], true);
    assert_eq!(
        (&one["quota"], &one["text_only"]),
        (&5000.into(), &true.into())
    );
    assert_eq!(follow(&["--with-media", "--public"])["quiet"], false);
    assert_eq!(kept()["text_only"], false);
    // A feed in a private network is nothing for a public list.
    let url = "http://127.0.0.1:9/feed.xml";
    assert_eq!(place.json(&["follow", url, "--private"])["quiet"], true);
    assert_eq!(place.json(&["follow", url])["quiet"], true);
    for wrong in [
        &["--at", "garbage"][..],
        &["--at", "ftp://example.org/"],
        &["--peer", "garbage"],
        &["--peer", ""],
        &["--private"],
    ] {
        place.run(&[&["follow", WHOM], wrong].concat()).refused(2);
    }
    let said = place.run(&["follow", "example.org"]);
    assert!(
        said.refused(2).contains("https://example.org"),
        "{}",
        said.err
    );
}

#[test]
fn a_web_host_that_is_named_is_asked_at_every_start() {
    let author = Place::new();
    let whoami = author.json(&["whoami"]);
    let account = whoami["account"].as_str().unwrap();
    author.run(&["post", "one"]).ok();
    author.run(&["export", "site"]).ok();
    let site = author.folder().join("site");
    let host = WebHost::start(&site).unwrap();
    // No node runs yet.
    let reader = Place::new();
    reader.run(&["follow", account, "--at", &host.url]).ok();
    let mut reader = Node::of(reader);
    until("the first version", || reader.texts(account) == ["one"]);
    reader.kill();
    author.run(&["post", "two"]).ok();
    author.run(&["export", "site"]).ok();
    reader.start();
    until("the second version", || {
        reader.texts(account) == ["two", "one"]
    });
    // Where it has nothing any more, that is said.
    reader.kill();
    let empty = tempfile::tempdir().unwrap();
    let nothing = WebHost::start(empty.path()).unwrap();
    let place = Place::new();
    place.run(&["follow", account, "--at", &nothing.url]).ok();
    let lost = Node::of(place);
    until("the reason", || {
        let kept = lost.place.json(&["mirror"]);
        schema::holds("mirror", &kept);
        let said = kept["accounts"][0]["trouble"].as_str().unwrap_or_default();
        said.contains("404") && said.contains(&nothing.url)
    });
}

#[test]
fn one_altered_file_keeps_no_other_away() {
    let author = Place::new();
    let whoami = author.json(&["whoami"]);
    let account = whoami["account"].as_str().unwrap();
    for (number, name) in (1..).zip(["one", "two", "three"]) {
        let file = author.folder().join(format!("{name}.wav"));
        std::fs::write(&file, sound(number)).unwrap();
        author
            .run(&["post", name, "--media", file.to_str().unwrap()])
            .ok();
    }
    author.run(&["export", "site"]).ok();
    let site = author.folder().join("site");
    let newest = author.json(&["timeline"])[0]["attachments"][0]["url"].clone();
    let newest = site.join(newest.as_str().unwrap());
    let mut bytes = std::fs::read(&newest).unwrap();
    bytes[1_000] ^= 1;
    std::fs::write(&newest, bytes).unwrap();
    let host = WebHost::start(&site).unwrap();
    let reader = Node::new();
    reader
        .place
        .run(&["follow", account, "--at", &host.url])
        .ok();
    until("the other two", || {
        let kept = reader.place.json(&["mirror"])["accounts"][0].clone();
        kept["media_files_here"] == 2 && kept["media_files"] == 3
    });
}

#[test]
fn items_of_others_are_named_as_the_timeline_shows_them() {
    let author = Node::new();
    let id = author.post(&["--title", "A title", "to be found"]);
    let reader = Node::new();
    reader.follow(&author.account, &author);
    until("the post", || reader.texts(&author.account).len() == 1);
    let shown = reader.place.run(&["timeline"]).ok().to_owned();
    assert!(
        shown.contains(&id) && shown.contains(&author.account),
        "{shown}"
    );
    for name in [&id[..], &id[..6]] {
        assert_eq!(
            reader.place.json(&["show", name])[0]["account"],
            author.account
        );
        assert_eq!(reader.answers(name), [""; 0]);
        assert_eq!(
            reader.place.json(&["timeline", "--before", name]),
            serde_json::json!([])
        );
    }
    reader
        .place
        .run(&["post", "--reply-to", &id[..6], "an answer"])
        .ok();
    until("the answer at its author", || {
        author.answers(&id) == ["an answer"]
    });
    let edit = reader.place.run(&["edit", &id, "not mine"]);
    assert!(edit.refused(1).contains("only its author"), "{}", edit.err);
    // The own home is the first to be asked.
    let found = reader.place.json(&["resolve", &author.account]);
    assert_eq!(found["source"], "local");
}
