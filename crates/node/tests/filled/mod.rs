//! A home with a feed in which there is everything, and folders that it is exported to.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test binary uses a part of this; a test's helpers fail by panicking"
)]

use std::{collections::BTreeMap, fs, ops::ControlFlow, path::Path, time::SystemTime};

use ourspace_node::{
    publish::publish_with,
    site::{Exported, export},
    verify::{self, Report, State},
};
use ourspace_protocol::{
    dag::FileDag,
    feed::{
        model::{
            About, Attachment, File, Item, ItemId, Kind as ItemKind, Stamped, Target, Tombstone,
        },
        set::Changes,
        state::FeedState as _,
    },
    time::Millis,
};
use ourspace_testkit::signing::NOW;

use crate::place::Place;

/// An id for each number; the fortieth ends a page.
pub(crate) fn id(n: u32) -> ItemId {
    let mut id = [7; 10];
    id[..4].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_be_bytes());
    while n == 40 && !ItemId(id).ends_page() {
        id[9] = id[9].wrapping_add(1);
        id[8] = id[8].wrapping_add(u8::from(id[9] == 7));
    }
    ItemId(id)
}

pub(crate) fn date(n: u32) -> Millis {
    NOW - 20_000_000 + u64::from(n) * 60_000
}

pub(crate) fn item(n: u32) -> Item {
    Item::new(
        id(n),
        date(n),
        format!("Post *number* {n} about [a thing](https://a.example/{n})"),
    )
}

pub(crate) fn like(place: &Place, n: u32) -> Item {
    let mut like = Item::new(id(n), date(n), String::new());
    like.kind = ItemKind::Like;
    like.about = Some(About {
        target: Target::Item(place.account(), id(1)),
        thread: None,
        value: None,
    });
    like
}

/// Publishes changes with files, which become attachments of the second item.
pub(crate) fn publish(place: &Place, now: Millis, mut changes: Changes, files: &[Vec<u8>]) {
    let store = place.home.store();
    let mut stage = store.stage().unwrap();
    for bytes in files {
        let FileDag { cid, size, .. } = stage.add(&mut bytes.as_slice()).unwrap();
        changes.items[1].attachments.push(Attachment {
            file: File {
                path: format!("media/2026/11/{cid}.mp3"),
                size,
                mime: "audio/mpeg".to_owned(),
                pixels: None,
            },
            alt: String::new(),
            title: None,
            duration: None,
            thumbhash: None,
            variants: Vec::new(),
            original: None,
            poster: None,
        });
    }
    publish_with(&place.home, now, Some(stage), |_| Ok(changes)).unwrap();
}

pub(crate) fn sound(length: usize, salt: u8) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8 ^ salt).collect()
}

/// A feed with archive pages, likes, tombstones, an edited post, small and large media.
pub(crate) fn filled() -> Place {
    let place = Place::new();
    let mut items: Vec<Item> = (1..80).map(item).collect();
    items.extend((300..310).map(|n| like(&place, n)));
    let first = Changes {
        items,
        ..Changes::default()
    };
    publish(&place, NOW, first, &[sound(3_000, 1), sound(1_100_000, 2)]);
    let mut edited = item(5);
    edited.text = "Better words".to_owned();
    edited.written = Some(NOW + 10);
    edited.edits = 1;
    let second = Changes {
        items: vec![edited],
        tombstones: vec![Tombstone {
            date: NOW + 10,
            id: id(9),
        }],
        ..Changes::default()
    };
    publish(&place, NOW + 10, second, &[]);
    place
}

/// A new post with media, an edit of an old one, a deletion, a new name: everything that
/// can happen to a file of a site happens.
pub(crate) fn change(place: &Place) {
    let mut edited = item(20);
    edited.text = "Other words".to_owned();
    edited.written = Some(NOW + 20);
    edited.edits = 1;
    let tombstone = |n| Tombstone {
        date: NOW + 20,
        id: id(n),
    };
    let mut profile = {
        let reader = place.home.store().read().unwrap();
        reader.feed(place.account()).unwrap().profile().unwrap()
    };
    profile.display_name = Stamped {
        value: "Ada".to_owned(),
        written: NOW + 20,
    };
    let changes = Changes {
        items: vec![item(330), edited],
        tombstones: vec![tombstone(2), tombstone(30)],
        profile: Some(profile),
        ..Changes::default()
    };
    publish(place, NOW + 20, changes, &[sound(1_200_000, 3)]);
}

pub(crate) fn exported(place: &Place, to: &Path) -> Exported {
    export(&place.home, to, None, &mut |_| ControlFlow::Continue(())).unwrap()
}

pub(crate) fn verified(folder: &Path) -> Report {
    verify::site(folder, None, NOW + 100, &mut || {}).unwrap()
}

pub(crate) fn assert_complete(folder: &Path) {
    let report = verified(folder);
    assert_eq!(report.errors, [], "{:?}", report.notes);
    assert_eq!(report.notes, [""; 0]);
    assert!(report.valid && report.state == State::Complete);
}

pub(crate) fn files(folder: &Path) -> BTreeMap<String, SystemTime> {
    fn visit(folder: &Path, base: &Path, all: &mut BTreeMap<String, SystemTime>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, base, all);
            } else {
                let name = path
                    .strip_prefix(base)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                all.insert(name, fs::metadata(&path).unwrap().modified().unwrap());
            }
        }
    }
    let mut all = BTreeMap::new();
    visit(folder, folder, &mut all);
    all
}
