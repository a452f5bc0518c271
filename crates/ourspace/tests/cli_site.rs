//! `export` and `verify` at a shell.

mod support;

use std::fs;

use serde_json::json;
use support::Place;

#[test]
fn a_feed_is_exported_and_verified() {
    let place = Place::new();
    place.json(&["post", "Hello there", "--title", "A beginning"]);
    let exported = place.json(&["export", "site", "--base-url", "https://example.org/blog"]);
    let who = place.json(&["whoami"]);
    assert_eq!(exported["account"], who["account"]);
    assert_eq!(exported["root"], who["root"]);
    assert_eq!(exported["timestamp"], who["timestamp"]);
    insta::assert_json_snapshot!(exported, {
        ".account" => "[account]", ".root" => "[root]", ".timestamp" => "[timestamp]",
        ".bytes" => "[bytes]",
    });
    let verified = place.json(&["verify", "site"]);
    assert_eq!(verified["account"], who["account"]);
    assert_eq!(verified["root"], who["root"]);
    assert_eq!(verified["signer"], who["device"]);
    insta::assert_json_snapshot!(verified, {
        ".account" => "[account]", ".root" => "[root]", ".timestamp" => "[timestamp]",
        ".signer" => "[signer]",
    });
    let home = place.json(&["verify"]);
    assert_eq!(home["valid"], true);
    assert_eq!(home["root"], who["root"]);
    let text = place.run(&["verify", "site"]);
    assert!(
        text.ok()
            .ends_with("valid: everything is as it was signed\n"),
        "{}",
        text.out
    );

    // With a home or without one, the answer about a folder is the same.
    let stranger = Place::empty();
    let site = place.folder().join("site");
    let path = site.to_str().unwrap();
    assert_eq!(stranger.json(&["verify", path]), verified);

    let page = site.join("index.html");
    fs::write(
        &page,
        fs::read_to_string(&page).unwrap().replace("Hello", "Hullo"),
    )
    .unwrap();
    let said = place.run(&["verify", "site", "--json"]);
    assert_eq!(said.code, 1);
    let said: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(said["valid"], false);
    assert_eq!(
        said["errors"],
        json!([{ "path": "index.html", "error": "it is not the file that was signed" }])
    );
    let text = place.run(&["verify", "site"]);
    assert!(
        text.out.contains("index.html: it is not the file") && text.out.ends_with("NOT VALID\n")
    );
    place.run(&["export", "site"]).ok();
    place.run(&["verify", "site"]).ok();
    assert!(!site.join("podcast.xml").exists());
}

#[test]
fn wrong_use_is_told() {
    let place = Place::new();
    fs::write(place.folder().join("notes.txt"), "mine").unwrap();
    let said = place.run(&["export", "."]);
    assert!(said.refused(1).contains("not empty"), "{}", said.err);
    let said = place.run(&["export", "site", "--base-url", "example.org"]);
    assert!(
        said.refused(2).contains("https://example.org/blog/"),
        "{}",
        said.err
    );
    assert!(!place.folder().join("site").exists());
    let said = place.run(&["verify", "nowhere"]);
    assert!(said.refused(1).contains("nowhere"), "{}", said.err);
    fs::create_dir(place.folder().join("empty")).unwrap();
    let said = place.run(&["verify", "empty"]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("no record"), "{}", said.out);
}
