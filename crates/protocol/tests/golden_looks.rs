//! What words say badly, by examples: excerpts, sizes, durations, labels of links, colours
//! of thumbhashes, faces, banners and codes of addresses. As the golden feed, these bytes
//! stay as long as renderer 1 does (`OURSPACE_GOLDEN=write` writes them anew).

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use std::{env, fs, path::Path};

use ourspace_protocol::{
    account::Account,
    dag::cid::{Cid, Codec},
    feed::{
        all, check,
        error::{Budget, TreeError},
        model::{About, Attachment, File, Item, ItemId, Kind, Target},
        set::Changes,
        state::MemoryState,
        tree::merge,
    },
    hash::sha256,
};
use serde_json::{Value, json};

const ACCOUNT: Account = Account([7; 20]);

fn post(n: u8, text: &str) -> Item {
    Item::new(ItemId([n; 10]), 1_764_000_000_000, text)
}

fn file(size: u64, mime: &str, extension: &str, pixels: Option<(u32, u32)>) -> File {
    let codec = if size <= 1_048_576 {
        Codec::Raw
    } else {
        Codec::DagPb
    };
    let cid = Cid::of(codec, &size.to_be_bytes());
    File {
        path: format!("media/2026/11/{cid}.{extension}"),
        size,
        mime: mime.to_owned(),
        pixels,
    }
}

fn excerpts() -> Vec<Item> {
    let words = "word ".repeat(80);
    let texts = [
        "",
        "one",
        words.as_str(),
        &"x".repeat(400),
        &format!("{} end", "y".repeat(299)),
        &format!("{} end", "y".repeat(300)),
        "two\n\nparagraphs  with\u{a0}spaces\tand *marks* & <b>",
        "雨が止みました。散歩に行きます。".repeat(30).as_str(),
        "- a list\n- of two\n\n| a | b |\n|---|---|\n| c | d |",
        "```\ncode here\n```",
        "> quoted\n\n# Heading",
    ]
    .map(str::to_owned);
    texts.iter().map(|text| post(1, text)).collect()
}

fn attachments() -> Vec<Item> {
    let sizes = [
        0,
        1,
        999,
        1_000,
        1_023,
        1_024,
        1_048_576,
        1_500_000,
        999_949,
        999_950,
        999_999_999,
        1_500_000_000,
        9_007_199_254_740_991,
    ];
    let files = sizes.map(|size| Attachment::new(file(size, "application/pdf", "bin", None), ""));
    let sounds = [
        1, 499, 500, 999, 1_499, 59_999, 60_000, 3_599_500, 36_000_000,
    ]
    .map(|ms| Attachment {
        duration: Some(ms),
        ..Attachment::new(file(ms, "audio/mpeg", "mp3", None), "rain")
    });
    let with = |attachments: Vec<Attachment>| Item {
        attachments,
        ..post(2, "")
    };
    vec![with(files.to_vec()), with(sounds.to_vec())]
}

/// Pictures with thumbhashes of every lightness and colour.
fn colours() -> Vec<Item> {
    let pictures = (0..24_u8).map(|n| {
        let hash = sha256(&[n]);
        Attachment {
            thumbhash: Some(data_encoding::BASE64.encode(&hash[..21])),
            ..Attachment::new(file(u64::from(n), "image/webp", "webp", Some((4, 3))), "")
        }
    });
    let pictures: Vec<Attachment> = pictures.collect();
    let with = |pictures: &[Attachment]| Item {
        attachments: pictures.to_vec(),
        ..post(3, "")
    };
    pictures.chunks(4).map(with).collect()
}

fn relations() -> Vec<Item> {
    let targets = [
        "https://example.org",
        "https://www.example.org/",
        "http://example.org/a/b/?q=1#x",
        "https://example.org/2026/11/on-wood-and-its-many-ways-to-bend-and-break/index.html",
        "ourspace:0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf/abcdefgh23456722",
        "ourspace:0x0707070707070707070707070707070707070707/abcdefgh23456722",
    ];
    let kinds = [Kind::Reply, Kind::Repost, Kind::Quote];
    targets
        .iter()
        .flat_map(|target| {
            kinds.map(|kind| Item {
                kind,
                about: Some(About {
                    target: target.parse::<Target>().unwrap(),
                    thread: None,
                    value: None,
                }),
                ..post(4, "")
            })
        })
        .collect()
}

/// The file of an item's page and of its feed, alone in a feed.
fn files(account: Account, items: Vec<Item>) -> Vec<(String, String)> {
    let mut state = MemoryState::new();
    items.iter().for_each(|item| check::item(item).unwrap());
    let changes = Changes {
        items,
        ..Changes::default()
    };
    merge(&mut state, account, &changes, Budget::OWN).unwrap();
    let mut files = all::live(&state, account).unwrap();
    all::each_file::<TreeError>(&state, account, &mut |more| {
        files.extend(more);
        Ok(())
    })
    .unwrap();
    let text = |(path, bytes)| (path, String::from_utf8(bytes).unwrap());
    files.into_iter().map(text).collect()
}

fn within<'t>(files: &'t [(String, String)], ending: &str, from: &str, to: &str) -> &'t str {
    let (_, text) = files
        .iter()
        .find(|(path, _)| path.ends_with(ending))
        .unwrap();
    let start = text.find(from).unwrap();
    &text[start..start + text[start..].find(to).unwrap() + to.len()]
}

fn look(item: &Item) -> Value {
    let files = files(ACCOUNT, vec![item.clone()]);
    json!({
        "item": item,
        "head": within(&files, &format!("{}/index.html", item.id), "<title>", "</head>"),
        "html": within(&files, "index.html", "<article", "</article>"),
        "rss": within(&files, "feed.xml", "<item>", "</item>"),
    })
}

fn face(n: u8) -> Value {
    let hash = sha256(&[n]);
    let account = Account(hash[..20].try_into().unwrap());
    let files = files(account, Vec::new());
    let (_, page) = files.iter().find(|(path, _)| path == "index.html").unwrap();
    let pictures: Vec<String> = page
        .split("<svg")
        .skip(1)
        .map(|part| format!("<svg{}</svg>", part.split("</svg>").next().unwrap()))
        .collect();
    assert!(pictures.len() >= 3, "face, banner and code");
    json!({ "account": account, "pictures": pictures })
}

#[test]
fn looks_are_what_they_were() {
    let items = [excerpts(), attachments(), colours(), relations()];
    let looks: Vec<Value> = items
        .into_iter()
        .flatten()
        .map(|item| look(&item))
        .collect();
    let made = json!({
        "items": looks,
        "accounts": (0..12).map(face).collect::<Vec<_>>(),
    });
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1/looks.json");
    if env::var_os("OURSPACE_GOLDEN").is_some_and(|value| value == "write") {
        let text = serde_json::to_string_pretty(&made).unwrap();
        fs::write(&path, format!("{text}\n")).unwrap();
    }
    let golden: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for part in ["items", "accounts"] {
        let (new, old) = (&made[part], &golden[part]);
        let pairs = new.as_array().unwrap().iter().zip(old.as_array().unwrap());
        pairs.for_each(|(new, old)| assert_eq!(new, old));
    }
    assert_eq!(made, golden);
}
