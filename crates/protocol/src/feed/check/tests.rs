mod looks;
mod profile;

use proptest::prelude::*;

use super::*;
use crate::{
    account::Account,
    feed::{
        model::{Item, ItemId},
        samples,
    },
};

fn post() -> Item {
    Item::new(ItemId([1; 10]), 1_700_000_000_000, "Hello")
}

fn webp() -> File {
    File {
        path: samples::path(1, "webp"),
        size: 10,
        mime: "image/webp".into(),
        pixels: Some((4, 3)),
    }
}

fn large(size: u64) -> File {
    File {
        path: samples::large(1, "webp"),
        size,
        ..webp()
    }
}

fn about_kind(kind: Kind) -> Item {
    let target = Target::Item(Account([2; 20]), ItemId([3; 10]));
    let about = About {
        target,
        thread: None,
        value: None,
    };
    let text = if matches!(kind, Kind::Reply | Kind::Quote) {
        "Hi"
    } else {
        ""
    };
    Item {
        kind,
        about: Some(about),
        text: text.into(),
        ..post()
    }
}

/// The name of the refusal of a post after a change; `ok` for none.
fn name(change: impl FnOnce(&mut Item)) -> &'static str {
    let mut changed = post();
    changed.attachments.push(Attachment::new(webp(), "A lake"));
    change(&mut changed);
    item(&changed).err().map_or("ok", |error| error.name())
}

proptest! {
    #[test]
    fn what_tests_make_is_allowed(
        item_ in samples::item(), profile_ in samples::profile(), follows_ in samples::follows()
    ) {
        prop_assert_eq!(item(&item_), Ok(()));
        prop_assert_eq!(profile(&profile_), Ok(()));
        prop_assert_eq!(follows(&follows_), Ok(()));
    }
}

#[test]
fn strings_of_an_item() {
    let long = |n: usize| "x".repeat(n);
    assert_eq!(name(|_| ()), "ok");
    assert_eq!(name(|i| i.text = long(limits::TEXT_BYTES)), "ok");
    assert_eq!(name(|i| i.text = long(limits::TEXT_BYTES + 1)), "too_long");
    assert_eq!(name(|i| i.text = "a\n\tb😀é".into()), "ok");
    for wrong in ["\r", "\0", "\u{7f}", "\u{85}", "\u{fffe}", "\u{1b}[31m"] {
        assert_eq!(name(|i| i.text = wrong.into()), "character", "{wrong:?}");
        assert_eq!(
            name(|i| i.title = Some(format!("a{wrong}"))),
            "character",
            "{wrong:?}"
        );
        assert_eq!(
            name(|i| i.attachments[0].alt = wrong.into()),
            "character",
            "{wrong:?}"
        );
    }
    assert_eq!(name(|i| i.title = Some(long(limits::LINE_BYTES))), "ok");
    assert_eq!(
        name(|i| i.title = Some(long(limits::LINE_BYTES + 1))),
        "too_long"
    );
    assert_eq!(name(|i| i.title = Some(" ".into())), "empty");
    for wrong in ["a\nb", "a\tb", "a\u{2028}b"] {
        assert_eq!(name(|i| i.title = Some(wrong.into())), "not_one_line");
        assert_eq!(
            name(|i| i.labels.warning = Some(wrong.into())),
            "not_one_line"
        );
        assert_eq!(
            name(|i| i.attachments[0].title = Some(wrong.into())),
            "not_one_line"
        );
    }
    assert_eq!(
        name(|i| i.attachments[0].alt = long(limits::ALT_BYTES)),
        "ok"
    );
    assert_eq!(
        name(|i| i.attachments[0].alt = long(limits::ALT_BYTES + 1)),
        "too_long"
    );
}

#[test]
fn numbers_of_an_item() {
    assert_eq!(name(|i| i.date = MAX_MILLIS), "ok");
    assert_eq!(name(|i| i.date = MAX_MILLIS + 1), "date");
    assert_eq!(name(|i| i.written = Some(MAX_MILLIS + 1)), "date");
    assert_eq!(name(|i| i.written = Some(i.date)), "redundant");
    assert_eq!(name(|i| i.renderer = 0), "renderer");
    assert_eq!(name(|i| i.renderer = RENDERER + 1), "renderer");
    assert_eq!(
        name(|i| i.attachments[0].file = large(limits::EXACT_NUMBER)),
        "ok"
    );
    let piece = limits::CHUNK_BYTES as u64;
    for (file, expected) in [
        (large(piece + 1), "ok"),
        (large(piece), "codec"),
        (
            File {
                size: piece,
                ..webp()
            },
            "ok",
        ),
        (File { size: 0, ..webp() }, "ok"),
        (
            File {
                size: piece + 1,
                ..webp()
            },
            "codec",
        ),
    ] {
        assert_eq!(name(|i| i.attachments[0].file = file), expected);
    }
    assert_eq!(
        name(|i| i.attachments[0].file.size = limits::EXACT_NUMBER + 1),
        "number"
    );
    assert_eq!(name(|i| i.attachments[0].duration = Some(0)), "number");
    for wrong in [(0, 1), (1, 0), (limits::PIXELS + 1, 1)] {
        assert_eq!(
            name(|i| i.attachments[0].file.pixels = Some(wrong)),
            "number"
        );
    }
}

#[test]
fn labels_of_an_item() {
    for (language, expected) in [
        ("en", "ok"),
        ("zh-Hant-TW", "ok"),
        ("de-1996", "ok"),
        ("e", "language"),
        ("", "language"),
        ("en_US", "language"),
        ("12", "language"),
        ("en--us", "language"),
        ("abcdefghi", "language"),
        ("aa-bbbbbbbb-cccccccc-dddddddd-eeeeeeee", "language"),
    ] {
        assert_eq!(
            name(|i| i.labels.language = Some(language.into())),
            expected,
            "{language}"
        );
    }
    for (tag, expected) in [
        ("deep-sea", "ok"),
        ("סגול", "ok"),
        ("#a", "tag"),
        ("a b", "tag"),
        ("a\u{a0}b", "tag"),
        ("", "empty"),
        ("a\u{7f}", "character"),
    ] {
        assert_eq!(
            name(|i| i.labels.tags = vec![tag.into()]),
            expected,
            "{tag}"
        );
    }
    assert_eq!(
        name(|i| i.labels.tags = vec!["x".repeat(limits::TAG_BYTES + 1)]),
        "too_long"
    );
    assert_eq!(
        name(|i| i.labels.tags = vec!["a".into(), "a".into()]),
        "duplicate"
    );
    let tags = |n: usize| (0..n).map(|n| n.to_string()).collect::<Vec<_>>();
    assert_eq!(name(|i| i.labels.tags = tags(limits::TAGS)), "ok");
    assert_eq!(name(|i| i.labels.tags = tags(limits::TAGS + 1)), "too_many");
    let people = |n: u8| (0..n).map(|n| Account([n; 20])).collect::<Vec<_>>();
    assert_eq!(name(|i| i.labels.mentions = people(64)), "ok");
    assert_eq!(name(|i| i.labels.mentions = people(65)), "too_many");
    assert_eq!(
        name(|i| i.labels.mentions = vec![Account([1; 20]); 2]),
        "duplicate"
    );
}

fn verdict(item: &Item) -> &'static str {
    super::item(item).err().map_or("ok", |error| error.name())
}

#[test]
fn what_an_item_is_about() {
    for kind in [Kind::Reply, Kind::Repost, Kind::Quote, Kind::Like] {
        assert_eq!(verdict(&about_kind(kind)), "ok", "{kind:?}");
        assert_eq!(
            verdict(&Item {
                about: None,
                ..about_kind(kind)
            }),
            "about_missing"
        );
    }
    assert_eq!(
        verdict(&Item {
            kind: Kind::Post,
            ..about_kind(Kind::Reply)
        }),
        "about_unexpected"
    );
    let with = |kind, change: fn(&mut About)| {
        let mut item = about_kind(kind);
        item.about.as_mut().map(change);
        verdict(&item)
    };
    assert_eq!(with(Kind::Vote, |_| ()), "value_missing");
    assert_eq!(with(Kind::Vote, |a| a.value = Some("oak".into())), "ok");
    assert_eq!(with(Kind::Like, |a| a.value = Some("❤".into())), "ok");
    assert_eq!(
        with(Kind::Like, |a| a.value =
            Some("x".repeat(limits::VALUE_BYTES + 1))),
        "too_long"
    );
    assert_eq!(
        with(Kind::Reply, |a| a.value = Some("x".into())),
        "value_unexpected"
    );
    assert_eq!(
        with(Kind::Reply, |a| a.thread = Some(a.target.clone())),
        "redundant"
    );
    assert_eq!(
        with(Kind::Reply, |a| a.target =
            Target::Url("https://a b".into())),
        "url"
    );
    assert_eq!(
        with(Kind::Reply, |a| a.thread =
            Some(Target::Url("http://".into()))),
        "url"
    );
}

#[test]
fn reposts_and_reactions_are_without_words() {
    for kind in [Kind::Repost, Kind::Like] {
        assert_eq!(
            verdict(&Item {
                text: "x".into(),
                ..about_kind(kind)
            }),
            "content"
        );
        assert_eq!(
            verdict(&Item {
                title: Some("x".into()),
                ..about_kind(kind)
            }),
            "content"
        );
        let attachments = vec![Attachment::new(webp(), "")];
        assert_eq!(
            verdict(&Item {
                attachments,
                ..about_kind(kind)
            }),
            "content"
        );
    }
    let mut tagged = about_kind(Kind::Repost);
    tagged.labels.tags = vec!["a".into()];
    assert_eq!(verdict(&tagged), "ok");
    assert_eq!(
        verdict(&Item {
            kind: Kind::Like,
            ..tagged
        }),
        "content"
    );
}

#[test]
fn files_of_an_item() {
    let cid = samples::CID;
    for (path, right) in [
        (format!("media/2026/11/{cid}.webp"), true),
        (format!("media/1970/01/{cid}.webp"), true),
        (format!("media/2026/13/{cid}.webp"), false),
        (format!("media/2026/00/{cid}.webp"), false),
        (format!("media/1969/01/{cid}.webp"), false),
        (format!("media/9999/01/{cid}.webp"), false),
        (format!("media/2026/1/{cid}.webp"), false),
        (format!("media/2026-11/{cid}.webp"), false),
        (format!("Media/2026/11/{cid}.webp"), false),
        (format!("media/2026/11/{cid}"), false),
        (format!("media/2026/11/{cid}."), false),
        (format!("media/2026/11/{cid}.WEBP"), false),
        (format!("media/2026/11/{cid}.tar.gz"), false),
        (format!("media/2026/11/{cid}.jpeg20"), false),
        (format!("media/2026/11/../{cid}.webp"), false),
        (format!("media/2026/11/{}.webp", cid.to_uppercase()), false),
        (format!("media/2026/11/{}.webp", &cid[..58]), false),
        (
            "media/2026/11/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG.webp".into(),
            false,
        ),
        ("media/2026/1é/x.webp".into(), false),
        (String::new(), false),
    ] {
        let expected = if right { "ok" } else { "media_path" };
        assert_eq!(
            name(|i| i.attachments[0].file.path = path.clone()),
            expected,
            "{path}"
        );
        assert_eq!(forms::media_cid(&path).is_some(), right);
    }
}

#[test]
fn types_and_thumbhashes() {
    for (mime, expected) in [
        ("image/svg+xml", "ending"),
        ("application/vnd.oasis.opendocument.text", "ending"),
        ("image", "media_type"),
        ("image/", "media_type"),
        ("Image/webp", "media_type"),
        ("text/html; charset=utf-8", "media_type"),
        ("a/b/c", "media_type"),
        ("image/\"><script>", "media_type"),
    ] {
        assert_eq!(
            name(|i| i.attachments[0].file.mime = mime.into()),
            expected,
            "{mime}"
        );
    }
    for (hash, expected) in [
        ("1QcSHQRnh493V4dIh4eXh1h4kJUI", "ok"),
        ("AAAA", "thumbhash"),
        ("1QcSHQRnh493V4dIh4eXh1h4kJU", "thumbhash"),
        ("!!!!", "thumbhash"),
        ("", "thumbhash"),
    ] {
        assert_eq!(
            name(|i| i.attachments[0].thumbhash = Some(hash.into())),
            expected,
            "{hash}"
        );
    }
    assert_eq!(
        name(|i| i.attachments[0].thumbhash = Some("A".repeat(68))),
        "thumbhash"
    );
}

#[test]
fn attachments_of_an_item() {
    assert_eq!(
        name(|i| i.attachments = vec![Attachment::new(webp(), ""); 32]),
        "ok"
    );
    assert_eq!(
        name(|i| i.attachments = vec![Attachment::new(webp(), ""); 33]),
        "too_many"
    );
    assert_eq!(
        name(|i| i.attachments[0].variants = vec![webp(); 9]),
        "too_many"
    );
    let other = || File { size: 11, ..webp() };
    assert_eq!(
        name(|i| i.attachments.push(Attachment::new(other(), ""))),
        "file_conflict"
    );
    let video = || File {
        mime: "video/mp4".into(),
        path: samples::path(2, "mp4"),
        ..webp()
    };
    assert_eq!(
        name(|i| i.attachments[0].poster = Some(video())),
        "not_picture"
    );
    assert_eq!(
        name(|i| i.attachments[0].variants = vec![video()]),
        "not_picture"
    );
    assert_eq!(
        name(|i| i.attachments[0].original = Some(video())),
        "not_picture"
    );
    assert_eq!(name(|i| i.attachments[0].file = video()), "ok");
}

#[test]
fn urls() {
    let long = format!("https://a/{}", "x".repeat(limits::URL_BYTES));
    for (url, expected) in [
        ("https://a.example/x?y=z#w", "ok"),
        ("http://[::1]:8080/", "ok"),
        ("ftp://a.example/", "url"),
        ("https://", "url"),
        ("https:///path", "url"),
        ("https://?x", "url"),
        ("https://bank.example@a.example/", "url"),
        ("https://bank.example:pw@a.example", "url"),
        ("https://a@b?c", "url"),
        ("https://a.example/@ada", "ok"),
        ("https://a.example?x=@", "ok"),
        ("https://a.example#@", "ok"),
        ("HTTPS://a.example/", "url"),
        ("https://a.example/ü", "url"),
        ("https://a.example/ ", "url"),
        ("https://a.example/\n", "url"),
        ("https://a.example/\"", "url"),
        ("https://a.example/<", "url"),
        ("javascript:alert(1)", "url"),
        (long.as_str(), "too_long"),
    ] {
        assert_eq!(name(|i| i.origin = Some(url.into())), expected, "{url}");
    }
}
