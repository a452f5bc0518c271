//! `timeline`, `show`, `search`, `status` and `profile`, as programs and people use them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::{Value, json};
use support::Place;

const OTHER: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

fn ids(items: &Value) -> Vec<&str> {
    let items = items.as_array().unwrap();
    items
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect()
}

fn post(place: &Place, arguments: &[&str]) -> String {
    let posted = place.json(&[&["post"], arguments].concat());
    posted["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_feed_is_read_in_order() {
    let place = Place::new();
    assert_eq!(place.json(&["timeline"]), json!([]));
    assert!(place.run(&["timeline"]).ok().contains("ourspace post"));
    let old = post(&place, &["--date", "2020-02-29T12:00:00Z", "Leap #day"]);
    let one = post(&place, &["First", "things"]);
    let two = post(
        &place,
        &["--reply-to", &one, "--mention", OTHER, "Second things"],
    );
    let like = post(&place, &["--like", &two, "🎉"]);
    let timeline = place.json(&["timeline"]);
    assert_eq!(ids(&timeline), [&two, &one, &old]);
    insta::assert_json_snapshot!(timeline, {
        "[].account" => "[account]", "[].id" => "[id]", "[].uri" => "[uri]", "[].url" => "[url]",
        "[0].date" => "[date]", "[1].date" => "[date]", "[].about.target" => "[target]",
        "[].content_html" => insta::dynamic_redaction(|html, _| {
            let html = html.as_str().unwrap().to_owned();
            html.split_inclusive("posts/").next().unwrap().to_owned()
        }),
    });
    assert_eq!(
        timeline[0]["about"]["target"],
        format!(
            "ourspace:{}/{one}",
            timeline[0]["account"].as_str().unwrap()
        )
    );
    assert_eq!(timeline[0]["mentions"], json!([OTHER]));
    assert_eq!(ids(&place.json(&["timeline", "--limit", "1"])), [&two]);
    assert_eq!(
        ids(&place.json(&["timeline", "--before", &one[..6]])),
        [&old]
    );
    assert_eq!(
        ids(&place.json(&["timeline", "--before", "2021-01-01"])),
        [&old]
    );
    assert_eq!(place.json(&["timeline", "--account", OTHER]), json!([]));
    assert_eq!(ids(&place.json(&["show", &like, &old])), [&like, &old]);
    assert_eq!(place.json(&["show", &like])[0]["about"]["value"], "🎉");
    let text = place.run(&["timeline"]);
    assert!(text.ok().contains("reply to ourspace:"), "{}", text.out);
}

#[test]
fn posts_are_found_by_words() {
    let place = Place::new();
    let old = post(&place, &["--date", "2020-02-29T12:00:00Z", "Leap #day"]);
    let one = post(&place, &["First", "things"]);
    let two = post(&place, &["Second things"]);
    for (words, found) in [
        (&["things"][..], vec![&two, &one]),
        (&["FIRST thing"], vec![&one]),
        (&["\"second things\""], vec![&two]),
        (&["#day"], vec![&old]),
        (&["nowhere"], vec![]),
    ] {
        let search = place.json(&[&["search"], words].concat());
        assert_eq!(ids(&search), found, "{words:?}");
    }
    assert_eq!(
        ids(&place.json(&["search", "things", "--limit", "1"])),
        [&two]
    );
    assert!(
        place
            .run(&["search", "nowhere"])
            .ok()
            .contains("nothing found")
    );
}

#[test]
fn terminals_obey_no_text() {
    let place = Place::new();
    let evil = "\u{1b}]0;title\u{7}\u{1b}[31mred\u{9b}2J\u{202e}";
    let id = post(&place, &["--title", evil, evil]);
    let json = place.json(&["show", &id]).to_string();
    for text in [json, place.run(&["show", &id]).ok().to_owned()] {
        assert!(text.contains("red"));
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{9b}']), "{text:?}");
    }
    assert!(!place.run(&["show", &id]).ok().contains('\u{202e}'));
}

#[test]
fn a_place_says_how_it_is_doing() {
    let place = Place::new();
    let id = post(&place, &["gone"]);
    place.run(&["delete", &id, "--yes"]).ok();
    post(&place, &["--repost", "https://example.org/"]);
    let status = place.json(&["status"]);
    insta::assert_json_snapshot!(status, {
        ".account" => "[account]", ".home" => "[home]", ".root" => "[root]",
        ".timestamp" => "[timestamp]", ".grant.device" => "[device]",
        ".grant.expires" => "[date]", ".database_bytes" => "[bytes]", ".version" => "[version]",
    });
    assert_eq!(status["home"], place.home().display().to_string());
    let text = place.run(&["status"]);
    assert!(
        text.ok().contains("1 post, 0 reactions, 1 deleted"),
        "{}",
        text.out
    );
    std::fs::remove_file(place.home().join("keys/device.json")).unwrap();
    let status = place.json(&["status"]);
    assert_eq!(status["grant"]["state"], "missing");
    assert_eq!(status["warnings"].as_array().unwrap().len(), 1);
}

#[test]
fn a_profile_is_shown_and_changed() {
    let place = Place::new();
    place
        .run(&[
            "profile",
            "--name",
            "Ada",
            "--bio",
            "Writes *engines*.",
            "--lang",
            "en",
            "--claim-name",
            "ada.example.org",
            "--link",
            "Site=https://example.org/",
            "--link",
            "Code=https://example.org/code?a=b",
            "--pay",
            "Bitcoin=bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
            "--email",
            "ada@proton.me",
            "--follow",
            OTHER,
            "--title",
            "Eve",
        ])
        .ok();
    let profile = place.json(&["profile"]);
    insta::assert_json_snapshot!(profile, {
        ".account" => "[account]", ".root" => "[root]", ".follows[].date" => "[date]",
    });
    let less = place.json(&["profile", "--link", "", "--email", "", "--unfollow", OTHER]);
    assert_eq!((&less["links"], &less["follows"]), (&json!([]), &json!([])));
    assert_eq!(less["email"], Value::Null);
    assert_eq!(less["display_name"], "Ada");
    let same = place.json(&["profile", "--name", "Ada"]);
    assert_eq!(same["root"], less["root"]);
    let text = place.run(&["profile"]);
    assert!(text.ok().contains("name      Ada"), "{}", text.out);
}
