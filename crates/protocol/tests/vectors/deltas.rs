//! Deltas.

use ourspace_protocol::{
    dag::cid::{Cid, Codec},
    delta::Delta,
    feed::{
        model::{
            About, Attachment, File, Follow, Followee, Follows, Item, ItemId, Kind, Labels, Link,
            Payment, Profile, Stamped, Target, Tombstone, canonical,
        },
        set::Changes,
    },
    hash::sha256,
    limits,
};
use ourspace_testkit::{
    signing::NOW,
    tree::{Tree, head},
    vectors::{Hex, Input},
};

use crate::{
    Case,
    people::{stranger, wallet},
};

pub(crate) fn cases() -> Vec<Case> {
    [
        valid(),
        sizes(),
        malformed(),
        items(),
        numbers(),
        strings(),
        parts(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn id(name: &str) -> ItemId {
    ItemId::of_import(name)
}

fn base() -> Cid {
    Cid::of(Codec::DagPb, b"the feed before")
}

fn encoded(changes: Changes) -> Vec<u8> {
    Delta {
        base: Some(base()),
        changes,
    }
    .to_bytes()
    .unwrap()
}

fn post(text: &str) -> Item {
    Item::new(id("a post"), NOW, text)
}

/// The tree of a delta with these texts as items.
fn tree(items: &[&str]) -> Tree {
    let link = [&[0], base().to_bytes().as_slice()].concat();
    Tree::List(vec![
        Tree::Uint(1),
        Tree::Link(link),
        Tree::List(items.iter().map(|item| Tree::text(item)).collect()),
        Tree::List(Vec::new()),
        Tree::Null,
        Tree::Null,
    ])
}

fn file(name: &str, pixels: Option<(u32, u32)>) -> File {
    File {
        path: format!(
            "media/2025/11/{}.webp",
            Cid::of(Codec::Raw, name.as_bytes())
        ),
        size: 123_456,
        mime: "image/webp".to_owned(),
        pixels,
    }
}

/// An item that uses every field.
fn rich() -> Item {
    let mut item = post("*All* that <an> item \"can\" hold:\n\ttabs, \u{1f}\u{7f} \\ and 😀");
    item.kind = Kind::Quote;
    item.written = Some(NOW + 1);
    item.edits = 2;
    item.title = Some("Ein Titel".to_owned());
    item.labels = Labels {
        language: Some("de".to_owned()),
        tags: vec!["eins".to_owned(), "zwei".to_owned()],
        warning: Some("Katzen".to_owned()),
        mentions: vec![stranger().address()],
    };
    item.about = Some(About {
        target: Target::Item(stranger().address(), id("theirs")),
        thread: Some(Target::Url("https://example.org/thread?x=ü".to_owned())),
        value: Some("❤".to_owned()),
    });
    item.attachments = vec![Attachment {
        title: Some("Katze".to_owned()),
        duration: Some(1),
        thumbhash: Some("AQID".to_owned()),
        variants: vec![file("small", Some((480, 320)))],
        original: Some(file("original", None)),
        poster: Some(file("poster", Some((1, 1)))),
        ..Attachment::new(file("large", Some((1600, 1067))), "Eine Katze")
    }];
    item.origin = Some("https://old.example/1".to_owned());
    item.more = [("org.example.mood".to_owned(), "dry".to_owned())].into();
    item
}

fn profile() -> Profile {
    let stamped = |value: &str| Stamped {
        value: value.to_owned(),
        written: NOW,
    };
    Profile {
        display_name: stamped("Alice 🐈"),
        bio: stamped("I am\u{2028}here"),
        avatar: Stamped {
            value: Some(Attachment::new(file("avatar", Some((256, 256))), "")),
            written: NOW,
        },
        links: Stamped {
            value: vec![Link {
                label: "Home".to_owned(),
                url: "https://a.example/".to_owned(),
            }],
            written: NOW,
        },
        payments: Stamped {
            value: vec![Payment {
                kind: "bitcoin".to_owned(),
                address: "bc1q".to_owned(),
            }],
            written: NOW,
        },
        names: Stamped {
            value: vec!["alice.example".to_owned()],
            written: NOW,
        },
        more: [("org.example.status".to_owned(), stamped("away"))].into(),
        ..Profile::default()
    }
}

fn follows() -> Follows {
    let row = |following, title: Option<&str>| Stamped {
        value: Follow {
            following,
            title: title.map(str::to_owned),
        },
        written: NOW,
    };
    Follows::from([
        (
            Followee::Account(stranger().address()),
            row(true, Some("Bob")),
        ),
        (Followee::Account(wallet().address()), row(false, None)),
        (
            Followee::Feed("https://example.org/feed.xml".to_owned()),
            row(true, None),
        ),
    ])
}

fn valid() -> Vec<Case> {
    let dead = Tombstone {
        date: NOW,
        id: id("dead"),
    };
    let first = Delta {
        base: None,
        changes: Changes {
            items: vec![post("Hello")],
            ..Changes::default()
        },
    };
    vec![
        Case::delta(
            "first",
            "The first version of a feed has no base.",
            first.to_bytes().unwrap(),
        ),
        Case::delta("nothing_changed", "", encoded(Changes::default())),
        Case::delta("one_post", "", {
            encoded(Changes {
                items: vec![post("Hello")],
                ..Changes::default()
            })
        }),
        Case::delta("rich", "Every part, every field.", {
            let changes = Changes {
                items: vec![rich(), post("and another version")],
                tombstones: vec![dead],
                profile: Some(profile()),
                follows: follows(),
            };
            encoded(changes)
        }),
        Case::delta("empty_profile", "", {
            encoded(Changes {
                profile: Some(Profile::default()),
                ..Changes::default()
            })
        }),
    ]
}

fn of_size(bytes: usize) -> Vec<u8> {
    let made = |len: usize| tree(&[&canonical(&post(&"x".repeat(len)))]).encode();
    let room = bytes - made(16_000).len();
    made(16_000 + room)
}

fn sizes() -> Vec<Case> {
    let good = encoded(Changes::default());
    let other = Hex(sha256(b"another delta").to_vec());
    let mismatch = |bytes: Vec<u8>, hash| Input::Delta {
        bytes: Hex(bytes),
        hash,
    };
    vec![
        Case::delta("largest", "16 KiB.", of_size(limits::DELTA_BYTES)),
        Case::delta("one_byte_too_large", "", of_size(limits::DELTA_BYTES + 1)).is("too_large"),
        Case::new(
            "of_another_record",
            "",
            mismatch(good.clone(), other.clone()),
        )
        .is("hash_mismatch"),
        Case::new(
            "record_without_a_delta",
            "",
            mismatch(good, Hex(vec![0; 32])),
        )
        .is("hash_mismatch"),
        Case::new(
            "too_large_before_hash_mismatch",
            "",
            mismatch(vec![0; limits::DELTA_BYTES + 1], other.clone()),
        )
        .is("too_large"),
        Case::new(
            "hash_mismatch_before_malformed",
            "",
            mismatch(vec![0xff], other),
        )
        .is("hash_mismatch"),
    ]
}

fn malformed() -> Vec<Case> {
    let good = encoded(Changes::default());
    let broken = |at: &[usize], value: Tree| tree(&[]).with(at, value).encode();
    let tombstone = |fields: Vec<Tree>| broken(&[3], Tree::List(vec![Tree::List(fields)]));
    let bad = |name: &str, bytes| Case::delta(name, "", bytes).is("malformed");
    vec![
        bad("nothing", Vec::new()),
        bad("one_byte_more", [good.clone(), vec![0]].concat()),
        bad("cut", good[..good.len() - 1].to_vec()),
        bad("base_as_text", broken(&[1], Tree::text("bafy"))),
        bad(
            "base_without_the_zero",
            broken(&[1], Tree::Link(base().to_bytes().to_vec())),
        ),
        bad("items_null", broken(&[2], Tree::Null)),
        bad(
            "items_without_end",
            broken(&[2], Tree::Raw(head(4, 1 << 40))),
        ),
        bad("items_more_than_bytes", {
            // 20 values in 6 bytes: malformed before the first one is looked at.
            let items = [head(4, 20), Tree::text("{}").encode()].concat();
            broken(&[2], Tree::Raw(items))
        }),
        bad(
            "item_as_bytes",
            broken(&[2], Tree::List(vec![Tree::Bytes(vec![b'{', b'}'])])),
        ),
        bad("tombstone_of_1_field", tombstone(vec![Tree::Uint(1)])),
        bad(
            "tombstone_of_9_bytes",
            tombstone(vec![Tree::Uint(1), Tree::Bytes(vec![7; 9])]),
        ),
        bad("profile_undefined", broken(&[4], Tree::Raw(vec![0xf7]))),
        bad("a_field_more", {
            let Tree::List(mut fields) = tree(&[]) else {
                unreachable!("it is a list")
            };
            fields.push(Tree::Null);
            Tree::List(fields).encode()
        }),
        Case::delta("version_2", "", broken(&[0], Tree::Uint(2))).is("unknown_version"),
    ]
}

/// A delta with this text as its only item, which is not the canonical JSON of one.
fn item(name: &str, text: &str) -> Case {
    let about = "The text is not the canonical JSON of an item.";
    Case::delta(name, about, tree(&[text]).encode()).is("malformed_source")
}

/// A good item with something replaced in its text.
fn changed(name: &str, from: &str, to: &str) -> Case {
    let good = canonical(&post("x"));
    assert!(good.contains(from), "{good}");
    item(name, &good.replacen(from, to, 1))
}

/// A delta with this text as its profile (4) or follows (5).
fn part(name: &str, at: usize, text: &str) -> Case {
    let bytes = tree(&[]).with(&[at], Tree::text(text)).encode();
    Case::delta(name, "", bytes).is("malformed_source")
}

fn items() -> Vec<Case> {
    vec![
        item("item_empty", ""),
        item("item_null", "null"),
        item("item_object_empty", "{}"),
        item("item_nested", &"[".repeat(10_000)),
    ]
}

fn numbers() -> Vec<Case> {
    vec![
        changed("item_with_a_space", "{", "{ "),
        changed("item_with_a_line_at_the_end", "}", "}\n"),
        changed(
            "item_keys_unsorted",
            r#""kind":"post","renderer":1"#,
            r#""renderer":1,"kind":"post""#,
        ),
        changed(
            "item_key_twice",
            r#""kind":"post","#,
            r#""kind":"post","kind":"post","#,
        ),
        changed("item_key_unknown", r#""kind""#, r#""jazz":1,"kind""#),
        changed("item_kind_unknown", r#""post""#, r#""poll""#),
        changed("item_kind_missing", r#""kind":"post","#, ""),
        changed("item_date_missing", &format!(r#""date":{NOW},"#), ""),
        changed("item_date_as_text", &NOW.to_string(), &format!("\"{NOW}\"")),
        changed("item_date_negative", &NOW.to_string(), "-1"),
        changed(
            "item_date_with_a_fraction",
            &NOW.to_string(),
            &format!("{NOW}.0"),
        ),
        changed("item_date_in_powers", &NOW.to_string(), "1e3"),
        changed(
            "item_date_of_65_bits",
            &NOW.to_string(),
            "18446744073709551616",
        ),
        changed("item_date_after_a_zero", &NOW.to_string(), "01"),
        changed(
            "item_renderer_of_33_bits",
            r#""renderer":1"#,
            r#""renderer":4294967296"#,
        ),
    ]
}

fn strings() -> Vec<Case> {
    vec![
        changed(
            "item_id_of_15_characters",
            &id("a post").to_string()[..1],
            "",
        ),
        changed(
            "item_id_in_capitals",
            &id("a post").to_string(),
            &id("a post").to_string().to_uppercase(),
        ),
        changed("item_text_null", r#""text":"x""#, r#""text":null"#),
        changed("item_text_empty", r#""text":"x""#, r#""text":"""#),
        changed("item_title_null", r#","text""#, r#","title":null,"text""#),
        changed("item_letter_escaped", r#""x""#, "\"\\u0078\""),
        changed("item_slash_escaped", r#""x""#, "\"\\/\""),
        changed("item_half_a_surrogate", r#""x""#, "\"\\ud800\""),
        changed("item_control_character", r#""x""#, "\"\u{1f}\""),
        changed("item_escape_in_capitals", r#""x""#, "\"\\u001F\""),
        changed("item_edits_zero", r#""id""#, r#""edits":0,"id""#),
        changed(
            "item_more_empty",
            r#""renderer""#,
            r#""more":{},"renderer""#,
        ),
        changed(
            "item_more_null",
            r#""renderer""#,
            r#""more":null,"renderer""#,
        ),
        changed(
            "item_more_number",
            r#""renderer""#,
            r#""more":{"a":1},"renderer""#,
        ),
        changed(
            "item_more_twice",
            r#""renderer""#,
            r#""more":{"a":"x","a":"x"},"renderer""#,
        ),
        changed(
            "item_more_unsorted",
            r#""renderer""#,
            r#""more":{"b":"x","a":"x"},"renderer""#,
        ),
    ]
}

fn parts() -> Vec<Case> {
    let stamped = canonical(&Profile::default());
    vec![
        part("profile_empty_object", 4, "{}"),
        part(
            "profile_field_missing",
            4,
            &stamped.replacen(r#""language":{"value":null,"written":0},"#, "", 1),
        ),
        part(
            "profile_field_unknown",
            4,
            &stamped.replacen('{', r#"{"age":{"value":1,"written":0},"#, 1),
        ),
        part(
            "profile_more_empty",
            4,
            &stamped.replacen(r#""names""#, r#""more":{},"names""#, 1),
        ),
        part(
            "profile_more_without_a_time",
            4,
            &stamped.replacen(r#""names""#, r#""more":{"a":"x"},"names""#, 1),
        ),
        part("follows_empty", 5, "{}"),
        part(
            "follows_of_a_lower_case_address",
            5,
            &canonical(&follows()).to_lowercase(),
        ),
        part(
            "follows_of_a_name",
            5,
            r#"{"alice":{"value":{"following":true},"written":1}}"#,
        ),
        part(
            "follows_without_a_time",
            5,
            r#"{"https://a.example/":{"value":{"following":true}}}"#,
        ),
        part(
            "follows_title_null",
            5,
            r#"{"https://a.example/":{"value":{"following":true,"title":null},"written":1}}"#,
        ),
    ]
}
