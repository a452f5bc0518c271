//! In whatever order news come, and wherever a fetch is stopped, a mirror ends with the tree
//! that its author signed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod filled;
mod peer;
mod place;

use std::collections::HashSet;

use filled::{change, date, filled, id, item, like};
use ourspace_node::{
    follows::{Wish, follow},
    mirror::{Fetched, MirrorError, Quotas, apply, index_pages, wanted},
    publish::publish,
};
use ourspace_protocol::{
    dag::{Codec, load},
    feed::{
        model::{Item, Stamped, Tombstone},
        set::Changes,
        state::FeedState as _,
    },
    time::Millis,
};
use ourspace_store::Outgoing;
use ourspace_testkit::{random::Random, signing::NOW};
use peer::{Line, all_blocks, fetch_one, newest, pull, pull_media, root, served, tell};
use place::Place;

fn follower(of: &Place) -> Place {
    let place = Place::of("follower");
    follow(&place.home, NOW, of.account(), Wish::default()).unwrap();
    place
}

/// A post with an old date.
fn at_some_time(n: u32) -> Item {
    Item {
        date: date(n % 300) + u64::from(n),
        ..item(n)
    }
}

#[test]
fn a_fetch_goes_on_where_it_was_stopped() {
    let author = filled();
    let account = author.account();
    // More than one batch.
    let many = Changes {
        items: (1_000..1_900).map(at_some_time).collect(),
        ..Changes::default()
    };
    publish(&author.home, NOW + 15, |_| Ok(many)).unwrap();
    change(&author);
    let reader = follower(&author);
    tell(&author.home, &reader.home, account);
    let source = served(&author.home);
    let record = newest(&author.home, account);
    let mut came = Vec::new();
    let mut shown = 0;
    for most in 1.. {
        let mut line = Line::new(&source);
        line.left = most;
        let fetched = fetch_one(&reader.home, &record, &mut line);
        came.extend(line.came);
        let posts = reader
            .home
            .store()
            .read()
            .unwrap()
            .counts(account)
            .unwrap()
            .posts;
        assert!(posts >= shown, "what was taken was lost");
        shown = posts;
        match fetched {
            Ok(Fetched::Whole(_)) => break,
            Err(MirrorError::Missing(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(root(&reader.home, account), root(&author.home, account));
    let different: HashSet<_> = came.iter().collect();
    assert!(different.len() > 30, "{}", different.len());
    // Directories came once, and pages only for the batch that was stopped.
    let nodes = came.iter().filter(|cid| cid.codec() == Codec::DagPb);
    let different = different.iter().filter(|cid| cid.codec() == Codec::DagPb);
    assert_eq!(nodes.count(), different.count());
    while index_pages(&reader.home, 500).unwrap() {}
    pull_media(&source, &reader.home, account, Quotas::default());
    let signed = root(&author.home, account).unwrap();
    assert_eq!(
        all_blocks(&served(&reader.home), signed),
        all_blocks(&source, signed)
    );
}

/// Something that an author does.
fn deed(author: &Place, random: &mut Random, n: u32, now: Millis) {
    let feed = |id: u32| {
        let reader = author.home.store().read().unwrap();
        let feed = reader.feed(author.account()).unwrap();
        feed.versions(filled::id(id)).unwrap()
    };
    let old = 1 + u32::try_from(random.below(79)).unwrap();
    let mut changes = Changes::default();
    match random.below(6) {
        0 => changes.items.push(Item {
            date: date(n),
            ..like(author, 2_000 + n)
        }),
        1 => changes.tombstones.push(Tombstone {
            date: now,
            id: id(old),
        }),
        2 => {
            if let Some(mut edited) = feed(old).into_iter().next() {
                edited.text = format!("Edited {n}");
                edited.edits += 1;
                edited.written = Some(now);
                changes.items.push(edited);
            }
        }
        3 => {
            let reader = author.home.store().read().unwrap();
            let mut profile = reader.feed(author.account()).unwrap().profile().unwrap();
            profile.bio = Stamped {
                value: format!("Bio {n}"),
                written: now,
            };
            changes.profile = Some(profile);
        }
        // An old one, as an import brings it.
        4 => changes.items.push(Item {
            date: date(old) + 7,
            ..item(3_000 + n)
        }),
        _ => changes.items.push(Item {
            date: now,
            ..item(4_000 + n)
        }),
    }
    publish(&author.home, now, |_| Ok(changes)).unwrap();
}

/// The follower hears one of the news, or fetches a part, or nothing; says whether a delta
/// was enough.
fn hear(author: &Place, reader: &Place, news: &[Outgoing], random: &mut Random) -> bool {
    let account = author.account();
    let source = served(&author.home);
    match random.below(4) {
        // The newest, or one that is late.
        0 | 1 => {
            let at = match random.below(3) {
                0 => random.below(news.len()),
                _ => news.len() - 1,
            };
            let (record, delta) = (&news[at].record, news[at].delta.clone().unwrap());
            let applied = apply(&reader.home, record, &delta).unwrap();
            let is = matches!(applied, ourspace_node::mirror::Applied::Whole { .. });
            if is {
                assert_eq!(root(&reader.home, account), Some(record.record().root));
            }
            return is;
        }
        2 => {
            tell(&author.home, &reader.home, account);
            for record in wanted(&reader.home, account).unwrap() {
                let mut line = Line::new(&source);
                line.left = random.below(40);
                let fetched = fetch_one(&reader.home, &record, &mut line);
                let stopped = matches!(fetched, Ok(_) | Err(MirrorError::Missing(_)));
                assert!(stopped, "{fetched:?}");
            }
        }
        _ => {}
    }
    false
}

#[test]
fn any_order_of_news_ends_in_the_authors_tree() {
    let mut by_delta = 0;
    for seed in 0..12 {
        let mut random = Random::new(seed);
        let author = filled();
        let account = author.account();
        let reader = follower(&author);
        let mut news = Vec::new();
        for n in 0..25 {
            deed(&author, &mut random, n, NOW + 1_000 + u64::from(n));
            let outbox = author.home.store().read().unwrap().outbox(1_000).unwrap();
            news.push(outbox.last().unwrap().clone());
            by_delta += usize::from(hear(&author, &reader, &news, &mut random));
        }
        tell(&author.home, &reader.home, account);
        let source = served(&author.home);
        pull(&source, &reader.home, account).unwrap();
        let signed = root(&author.home, account).unwrap();
        assert_eq!(root(&reader.home, account), Some(signed), "seed {seed}");
        pull_media(&source, &reader.home, account, Quotas::default());
        while index_pages(&reader.home, 500).unwrap() {}
        let (all, here) = (all_blocks(&source, signed), served(&reader.home));
        assert_eq!(all_blocks(&here, signed), all, "seed {seed}");
        // Every block by itself, in no useful order, by somebody who asks for nothing else.
        let here = served(&reader.home);
        let mut alone: Vec<_> = all.into_keys().collect();
        random.shuffle(&mut alone);
        for cid in alone {
            load(&here, cid).unwrap();
        }
        let (ours, theirs) = (&reader.home, &author.home);
        let items = |home: &ourspace_node::Home| {
            let reader = home.store().read().unwrap();
            (
                reader.counts(account).unwrap(),
                reader.timeline(account, None, 500).unwrap(),
            )
        };
        assert_eq!(items(ours), items(theirs), "seed {seed}");
    }
    assert!(by_delta > 20, "{by_delta} deltas were enough");
}
