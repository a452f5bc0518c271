//! `post`, `edit`, `delete` and `profile`, as programs and people use them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    collections::BTreeSet,
    fs,
    io::Cursor,
    path::Path,
    process::Stdio,
    time::{SystemTime, UNIX_EPOCH},
};

use image::{ImageFormat, Rgb, RgbImage};
use rexpect::session::spawn_command;
use serde_json::{Value, json};
use support::Place;

/// A small picture.
fn picture(format: ImageFormat) -> Vec<u8> {
    let image = RgbImage::from_fn(320, 200, |x, y| Rgb([(x % 256) as u8, y as u8, 99]));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn id(answer: &Value) -> &str {
    answer["id"].as_str().unwrap()
}

fn shown(place: &Place, id: &str) -> Value {
    place.json(&["show", id])[0].clone()
}

/// What there is to lose: root, counts, outbox, and every file but the database's.
fn state(place: &Place) -> (Value, BTreeSet<String>) {
    let mut status = place.json(&["status"]);
    status["database_bytes"] = json!(null);
    let mut files = BTreeSet::new();
    list(&place.home(), &mut files);
    (status, files)
}

fn list(folder: &Path, files: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        if path.is_dir() {
            list(&path, files);
        } else if !name.contains("store.db") {
            let length = fs::metadata(&path).unwrap().len();
            files.insert(format!("{name} {length}"));
        }
    }
}

#[test]
fn what_is_posted_is_edited_and_deleted() {
    let place = Place::new();
    let posted = place.json(&["post", "--title", "A title", "Hello", "#world"]);
    insta::assert_json_snapshot!(posted, {
        ".account" => "[account]", ".id" => "[id]", ".uri" => "[uri]", ".url" => "[url]",
        ".root" => "[root]", ".timestamp" => "[timestamp]",
    });
    assert_eq!(posted["url"], format!("posts/{}/", id(&posted)));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let age = now.as_millis() - u128::from(posted["timestamp"].as_u64().unwrap());
    assert!(age < 120_000, "{age}");

    // By standard input, with and without saying so.
    for arguments in [&["post", "--json"][..], &["post", "-", "--json"]] {
        let piped = place.run_with(arguments, "One\r\n\r\n*two*\n").json();
        let item = shown(&place, id(&piped));
        assert_eq!(item["content_text"], "One\n\n*two*");
        assert_eq!(item["content_html"], "<p>One</p>\n<p><em>two</em></p>");
    }

    let begin = &id(&posted)[..8];
    let edited = place.json(&["edit", begin, "--tag", "#new", "--lang", "en", "Bye"]);
    assert_eq!(edited["changed"], true);
    let again = place.json(&["edit", begin, "Bye"]);
    assert_eq!(
        (&again["changed"], &again["root"]),
        (&json!(false), &edited["root"])
    );
    let item = shown(&place, begin);
    assert_eq!(item["title"], "A title");
    assert_eq!(item["tags"], json!(["new"]));
    assert_eq!(item["language"], "en");
    assert!(item["edited"].as_str().unwrap() > item["date"].as_str().unwrap());
    place.run_with(&["edit", begin], "from a pipe").ok();
    assert_eq!(shown(&place, begin)["content_text"], "from a pipe");

    let unsure = place.run(&["delete", begin]);
    assert!(unsure.refused(2).contains("--yes"));
    let deleted = place.json(&["delete", begin, id(&posted), "--yes"]);
    insta::assert_json_snapshot!(deleted, {
        ".account" => "[account]", ".ids" => "[ids]", ".root" => "[root]",
        ".timestamp" => "[timestamp]",
    });
    assert_eq!(deleted["ids"], json!([id(&posted)]));
    let gone = place.run(&["show", id(&posted)]);
    assert!(gone.refused(1).contains("was deleted on"), "{}", gone.err);
    let human = place.run(&["delete", id(&place.json(&["post", "x"])), "--yes"]);
    assert!(human.ok().contains("copies"));
}

#[test]
fn files_are_attached_with_their_own_descriptions() {
    let place = Place::new();
    fs::write(place.folder().join("a.png"), picture(ImageFormat::Png)).unwrap();
    // What a file is called says nothing.
    fs::write(place.folder().join("b.txt"), picture(ImageFormat::Jpeg)).unwrap();
    let files = ["--media", "a.png", "--media", "b.txt", "--alt", "Jpeg"];
    let dated = [
        "--date",
        "2019-05-17T23:30:00-02:00",
        "--warning",
        "Colours",
    ];
    let posted = place.json(&[&["post"][..], &files, &dated].concat());
    let item = shown(&place, id(&posted));
    assert_eq!(item["date"], "2019-05-18T01:30:00.000Z");
    let files = item["attachments"].as_array().unwrap();
    assert_eq!(
        (&files[0]["alt"], &files[1]["alt"]),
        (&json!(""), &json!("Jpeg"))
    );
    for file in files {
        assert!(
            file["url"]
                .as_str()
                .unwrap()
                .starts_with("media/2019/05/baf")
        );
        assert_eq!(
            (&file["width"], &file["height"]),
            (&json!(320), &json!(200))
        );
        assert_eq!(file["mime_type"], "image/webp");
    }
    assert_eq!(place.json(&["status"])["media_files"], 2);
    let text = place.run(&["show", id(&posted)]);
    let (warning, file) = (text.ok().find("Colours"), text.out.find("image/webp"));
    assert!(warning.is_some() && warning < file, "{}", text.out);
    place.run(&["edit", id(&posted), "--alt", "1=Png"]).ok();
    assert_eq!(shown(&place, id(&posted))["attachments"][0]["alt"], "Png");
}

/// Arguments, standard input, the exit code and a part of what is said.
type Case<'c> = (&'c [&'c str], &'c str, i32, &'c str);

/// Each is refused, and the home stays as it is.
fn refused(place: &Place, cases: &[Case<'_>]) {
    let before = state(place);
    for (arguments, input, code, words) in cases {
        let done = place.run_with(arguments, input);
        let err = done.refused(*code);
        assert!(err.contains(words), "{words}: {err}");
        assert_eq!(state(place), before, "{words}");
    }
}

#[test]
fn what_is_no_media_is_refused() {
    let place = Place::new();
    let png = picture(ImageFormat::Png);
    let svg = &b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"[..];
    let heic = &b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..];
    for (name, bytes) in [
        ("a.png", &png[..]),
        ("cut.png", &png[..900]),
        ("a.svg", svg),
        ("a.jpg", heic),
    ] {
        fs::write(place.folder().join(name), bytes).unwrap();
    }
    refused(
        &place,
        &[
            (
                &["post", "--media", "none.jpg"],
                "",
                1,
                "there is no file none.jpg",
            ),
            (&["post", "--media", "."], "", 1, "is a folder"),
            (
                &["post", "--media", "a.svg"],
                "",
                1,
                "a.svg: an SVG drawing is not taken: export it as PNG",
            ),
            (&["post", "--media", "a.jpg"], "", 1, "export it as JPEG"),
            (
                &["post", "--media", "a.png", "--media", "cut.png"],
                "",
                1,
                "cut.png: ",
            ),
            (
                &["post", "--media", "home/keys/device.json"],
                "",
                1,
                "not taken",
            ),
            (
                &["post", "--alt", "x", "--media", "a.png"],
                "",
                2,
                "--media FILE --alt TEXT",
            ),
            (&["post", "--original", "x"], "", 2, "--media"),
            (&["profile", "--avatar", "a.svg"], "", 1, "a.svg: an SVG"),
        ],
    );
}

#[test]
fn what_is_no_post_is_refused() {
    let place = Place::new();
    place.run(&["post", "kept"]).ok();
    let giant = "x".repeat(3 << 20);
    let long = "\u{f6}".repeat(33 * 1024);
    let (one, two) = ("https://a.org/", "https://b.org/");
    refused(
        &place,
        &[
            (&["post"], "", 2, "nothing to publish"),
            (&["post", "  "], "", 2, "nothing to publish"),
            (&["post"], &giant, 1, "131072 bytes"),
            (&["post", &long, &long], "", 1, "has 135169 bytes"),
            (&["post", "--lang", "not one", "x"], "", 2, "BCP 47"),
            (&["post", "--tag", "##", "x"], "", 2, "not a tag"),
            (&["post", "--date", "yesterday", "x"], "", 2, "not a date"),
            (
                &["post", "--date", "2999-01-01", "x"],
                "",
                2,
                "in the future",
            ),
            (&["post", "--mention", "0x12", "x"], "", 2, "not an address"),
            (&["post", "--reply-to", "zz", "x"], "", 2, "names no item"),
            (&["post", "--reply-to", "zzzz", "x"], "", 1, "no item zzzz"),
            (
                &["post", "--reply-to", "ftp://a/", "x"],
                "",
                2,
                "names no item",
            ),
            (
                &["post", "--repost", one, "--like", two],
                "",
                2,
                "cannot be used",
            ),
        ],
    );
    let nowhere = Place::empty().run(&["post", "x"]);
    assert!(nowhere.refused(1).contains("ourspace init"));
}

#[test]
fn what_does_not_go_together_is_refused() {
    let place = Place::new();
    let one = "https://a.org/";
    refused(
        &place,
        &[
            (
                &["post", "--repost", one, "x"],
                "",
                2,
                "a repost has no text",
            ),
            (
                &["post", "--repost", one, "--title", "x"],
                "",
                2,
                "a repost has no --title",
            ),
            (
                &["post", "--repost", one, "--media", "none.jpg"],
                "",
                2,
                "a repost has no --media",
            ),
            (
                &["post", "--like", one, "--media", "none.jpg"],
                "",
                2,
                "a like has no --media",
            ),
            (
                &["post", "--like", one, "--warning", "x"],
                "",
                2,
                "a like has no --warning",
            ),
            (&["post", "--tag", "", "x"], "", 2, "not a tag"),
            (
                &["post", "--reply-to", "javascript:alert(1)", "x"],
                "",
                2,
                "names no item",
            ),
        ],
    );
}

#[test]
fn what_is_no_change_is_refused() {
    let place = Place::new();
    let kept = place.json(&["post", "kept"]);
    let kept = id(&kept);
    let long = "x".repeat(8193);
    refused(
        &place,
        &[
            (&["edit", "zzzz", "x"], "", 1, "no item zzzz"),
            (&["edit", kept, "--alt", "1=x"], "", 1, "no attachment"),
            (&["edit", kept], "  ", 2, "ourspace delete"),
            (&["delete", "zzzz", "--yes"], "", 1, "no item zzzz"),
            (&["profile", "--tox", "12"], "", 2, "Tox"),
            (&["profile", "--email", "me"], "", 2, "e-mail"),
            (&["profile", "--link", "nowhere"], "", 2, "="),
            (&["profile", "--link", "a=ftp://b"], "", 2, "web address"),
            (
                &["profile", "--unfollow", "https://a.org/feed"],
                "",
                1,
                "do not follow",
            ),
            (&["timeline", "--before", "nonsense"], "", 2, "is no date"),
            (&["edit", kept, "--alt", "0=x"], "", 2, "from 1"),
            (&["profile", "--claim-name", "a b"], "", 2, "--claim-name"),
            (&["profile", "--bio", &long], "", 2, "shorten it"),
        ],
    );
    let error = place.run(&["edit", "zzzz", "x", "--json"]);
    let error: Value = serde_json::from_str(error.refused(1)).unwrap();
    assert_eq!(error["code"], 1);
}

#[test]
fn an_editor_is_a_way_to_write() {
    let place = Place::new();
    let written = place.folder().join("words.md");
    fs::write(&written, "# Written\n\nby hand\n").unwrap();
    let edit = |arguments: &[&str], editor: &str| {
        let mut command = place.command(arguments);
        command
            .env("EDITOR", editor)
            .env("TERM", "dumb")
            .env("TMPDIR", place.folder())
            .stdin(Stdio::inherit());
        let mut session = spawn_command(command, Some(60_000)).unwrap();
        session.exp_eof().unwrap()
    };
    let said = edit(&["post"], "cp words.md");
    assert!(said.contains("published"), "{said}");
    let item = &place.json(&["timeline"])[0];
    assert_eq!(item["content_text"], "# Written\n\nby hand");
    let id = item["id"].as_str().unwrap();
    // The editor is given the old text, and what explains it is not published.
    let said = edit(&["edit", id], "sed -i -e s/hand/heart/");
    assert!(said.contains("edited"), "{said}");
    assert_eq!(shown(&place, id)["content_text"], "# Written\n\nby heart");
    for (editor, words) in [
        ("true", "nothing was published"),
        ("false", "ended with an error"),
    ] {
        let said = edit(&["post"], editor);
        assert!(said.contains(words), "{said}");
    }
    let drafts = || {
        let names = fs::read_dir(place.folder()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("ourspace-")).count()
    };
    assert_eq!(drafts(), 0);
    // What cannot be published is not lost.
    fs::write(&written, "#a ".repeat(30) + &"x".repeat(131_072)).unwrap();
    let said = edit(&["post"], "cp words.md");
    assert!(said.contains("131072"), "{said}");
    assert!(said.contains("what you wrote is in"), "{said}");
    fs::write(&written, "@0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAeD").unwrap();
    let said = edit(&["post"], "cp words.md");
    assert!(said.contains("typing error"), "{said}");
    assert_eq!(drafts(), 2);
    assert_eq!(place.json(&["timeline"]).as_array().unwrap().len(), 1);
}

#[test]
fn posts_at_once_are_all_there() {
    let place = Place::new();
    let children: Vec<_> = (0..8)
        .map(|n| {
            let mut command = place.command(&["post", &format!("number {n}")]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{err}");
    }
    let timeline = place.json(&["timeline"]);
    let texts: BTreeSet<&str> = timeline
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["content_text"].as_str().unwrap())
        .collect();
    assert_eq!(texts.len(), 8, "{texts:?}");
    assert_eq!(place.json(&["status"])["outbox"], 9);
}
