use super::*;
use crate::feed::model::{Link, Payment};

fn profile_name(change: impl FnOnce(&mut Profile)) -> &'static str {
    let mut changed = Profile::default();
    change(&mut changed);
    profile(&changed).err().map_or("ok", |error| error.name())
}

#[test]
fn a_profile() {
    assert_eq!(profile_name(|_| ()), "ok");
    assert_eq!(
        profile_name(|p| p.display_name.value = "a\nb".into()),
        "not_one_line"
    );
    assert_eq!(
        profile_name(|p| p.display_name.written = MAX_MILLIS + 1),
        "date"
    );
    assert_eq!(
        profile_name(|p| p.bio.value = "x".repeat(limits::BIO_BYTES + 1)),
        "too_long"
    );
    let sound = File {
        mime: "audio/mpeg".into(),
        path: samples::path(1, "mp3"),
        ..webp()
    };
    let svg = File {
        mime: "image/svg+xml".into(),
        path: samples::path(1, "bin"),
        ..webp()
    };
    for wrong in [sound, svg] {
        let picture = Some(Attachment::new(wrong, ""));
        assert_eq!(
            profile_name(|p| p.avatar.value = picture.clone()),
            "not_picture"
        );
        assert_eq!(profile_name(|p| p.banner.value = picture), "not_picture");
    }
}

#[test]
fn named_texts() {
    let one = |name: &str, value: &str, written| {
        let value = Stamped {
            value: value.to_owned(),
            written,
        };
        profile_name(|p| p.more = [(name.to_owned(), value)].into())
    };
    assert_eq!(one("a-z.0_9", "x\n\ty", 1), "ok");
    assert_eq!(one("gone", "", 1), "ok");
    assert_eq!(one("a", "x", MAX_MILLIS + 1), "date");
    assert_eq!(one("a", &"x".repeat(limits::MORE_BYTES), 1), "ok");
    assert_eq!(one("a", &"x".repeat(limits::MORE_BYTES + 1), 1), "too_long");
    for name in ["", "A", "a b", "é", &"a".repeat(65)] {
        assert_eq!(one(name, "x", 1), "more_name", "{name}");
    }
    let many = |count: usize| {
        let texts = (0..count).map(|n| (n.to_string(), Stamped::default()));
        profile_name(|p| p.more = texts.collect())
    };
    assert_eq!(many(limits::MORE_ENTRIES), "ok");
    assert_eq!(many(limits::MORE_ENTRIES + 1), "too_many");
}

#[test]
fn avatar_and_banner_are_described_each_by_itself() {
    let picture = |size| Some(Attachment::new(File { size, ..webp() }, ""));
    let both = |p: &mut Profile| {
        p.avatar.value = picture(1);
        p.banner.value = picture(2);
    };
    assert_eq!(profile_name(both), "ok");
    let one = |p: &mut Profile| {
        p.avatar.value = picture(1);
        if let Some(avatar) = &mut p.avatar.value {
            avatar.variants = vec![File { size: 2, ..webp() }];
        }
    };
    assert_eq!(profile_name(one), "file_conflict");
}

#[test]
fn lists_of_a_profile() {
    let link = |label: &str, url: &str| {
        vec![Link {
            label: label.into(),
            url: url.into(),
        }]
    };
    assert_eq!(
        profile_name(|p| p.links.value = link("a", "https://a.example/")),
        "ok"
    );
    assert_eq!(
        profile_name(|p| p.links.value = link("", "https://a.example/")),
        "empty"
    );
    assert_eq!(
        profile_name(|p| p.links.value = link("a", "javascript:alert(1)")),
        "url"
    );
    assert_eq!(
        profile_name(
            |p| p.links.value = [link("a", "https://a/"), link("a", "https://a/")].concat()
        ),
        "duplicate"
    );
    assert_eq!(
        profile_name(|p| p.language.value = Some("x".into())),
        "language"
    );
    let pay = |kind: &str, address: &str| {
        vec![Payment {
            kind: kind.into(),
            address: address.into(),
        }]
    };
    assert_eq!(
        profile_name(|p| p.payments.value = pay("bitcoin", "bc1qxyz")),
        "ok"
    );
    assert_eq!(
        profile_name(|p| p.payments.value = pay("Bitcoin", "bc1qxyz")),
        "payment_kind"
    );
    assert_eq!(
        profile_name(|p| p.payments.value = pay("bitcoin", "a b")),
        "payment_address"
    );
}

#[test]
fn names_of_a_profile() {
    for (claimed, expected) in [
        ("ada.eth", "ok"),
        ("ada.example.org", "ok"),
        ("münchen.example", "ok"),
        ("🦄.eth", "ok"),
        ("ada", "name"),
        ("Ada.eth", "name"),
        // Which letters beyond ASCII are upper case differs between versions of Unicode.
        ("Ünï.eth", "ok"),
        (".eth", "name"),
        ("a..eth", "name"),
        ("a b.eth", "name"),
        ("a/b.eth", "name"),
        ("a@b.example", "name"),
        ("<b>.eth", "name"),
    ] {
        assert_eq!(
            profile_name(|p| p.names.value = vec![claimed.into()]),
            expected,
            "{claimed}"
        );
    }
    assert_eq!(
        profile_name(|p| p.names.value = (0..33).map(|n| format!("{n}.eth")).collect()),
        "too_many"
    );
}

#[test]
fn tox_and_email_of_a_profile() {
    let tox = "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5";
    for (tox, expected) in [
        (tox.to_owned(), "ok"),
        (tox.to_lowercase(), "tox"),
        (tox.replace("7CB5", "7CB4"), "tox"),
        (tox[..74].to_owned(), "tox"),
        (tox.replacen('5', "G", 1), "tox"),
    ] {
        assert_eq!(
            profile_name(|p| p.tox.value = Some(tox.clone())),
            expected,
            "{tox}"
        );
    }
    for (email, expected) in [
        ("ada@proton.me", "ok"),
        ("a.b+c@x-y.example.org", "ok"),
        ("ada", "email"),
        ("ada@localhost", "email"),
        ("@proton.me", "email"),
        ("a b@proton.me", "email"),
        ("ada@proton.me?subject=x", "email"),
        ("ada?cc=bob@proton.me", "email"),
        ("ada&x@proton.me", "email"),
        ("ada%40x@proton.me", "email"),
        ("ada#x@proton.me", "email"),
        ("ada=x!y@proton.me", "ok"),
        ("ada@-a.me", "email"),
        ("ada@@proton.me", "email"),
        ("\"<script>\"@proton.me", "email"),
    ] {
        assert_eq!(
            profile_name(|p| p.email.value = Some(email.into())),
            expected,
            "{email}"
        );
    }
}

#[test]
fn public_follows() {
    let row = |title: Option<&str>| Stamped {
        value: Follow {
            following: true,
            title: title.map(Into::into),
        },
        written: 1,
    };
    let feed = |url: &str| Followee::Feed(url.to_owned());
    let verdict = |followee, row| {
        follow(&followee, &row)
            .err()
            .map_or("ok", |error| error.name())
    };
    assert_eq!(verdict(feed("https://a.example/"), row(Some("A"))), "ok");
    assert_eq!(verdict(feed("https://a b/"), row(None)), "url");
    assert_eq!(
        verdict(feed("https://a/"), row(Some("a\nb"))),
        "not_one_line"
    );
    assert_eq!(
        verdict(
            feed("https://a/"),
            Stamped {
                written: u64::MAX,
                ..row(None)
            }
        ),
        "date"
    );
    let many = |n: usize, title: &str| -> Follows {
        (0..n)
            .map(|n| (feed(&format!("https://a/{n}")), row(Some(title))))
            .collect()
    };
    assert_eq!(follows(&many(limits::FOLLOWS, "a")), Ok(()));
    assert_eq!(
        follows(&many(limits::FOLLOWS + 1, "a")).unwrap_err().name(),
        "too_many"
    );
    assert_eq!(
        follows(&many(limits::FOLLOWS, &"a".repeat(limits::LINE_BYTES))),
        Ok(())
    );
}

#[test]
fn nothing_is_ahead_of_its_record() {
    let at = 1_000;
    let id = ItemId([0; 10]);
    let item = |date, written| Changes {
        items: vec![Item {
            written,
            ..Item::new(id, date, "x")
        }],
        ..Changes::default()
    };
    let dead = |date| Changes {
        tombstones: vec![Tombstone { date, id }],
        ..Changes::default()
    };
    let named = |written| Changes {
        profile: Some(Profile {
            names: Stamped {
                value: Vec::new(),
                written,
            },
            ..Profile::default()
        }),
        ..Changes::default()
    };
    let followed = |written| {
        let value = Follow {
            following: true,
            title: None,
        };
        let who = Followee::Feed("https://a/".to_owned());
        Changes {
            follows: Follows::from([(who, Stamped { value, written })]),
            ..Changes::default()
        }
    };
    for changes in [
        item(at, None),
        item(at, Some(1)),
        item(1, Some(at)),
        dead(at),
        named(at),
        followed(at),
    ] {
        assert_eq!(bounded(&changes, at), Ok(()));
        assert_eq!(changes.newest(), at);
        let refused = bounded(&changes, at - 1).unwrap_err();
        assert_eq!(refused.name(), "ahead_of_record");
    }
    assert_eq!(bounded(&Changes::default(), 0), Ok(()));
}

#[test]
fn tombstones() {
    let id = ItemId([0; 10]);
    assert_eq!(
        tombstone(&Tombstone {
            date: MAX_MILLIS,
            id
        }),
        Ok(())
    );
    assert_eq!(
        tombstone(&Tombstone {
            date: MAX_MILLIS + 1,
            id
        })
        .unwrap_err()
        .name(),
        "date"
    );
}
