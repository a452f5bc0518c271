//! A feed is followed: fetched once, kept up by deltas, served on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod filled;
mod peer;
mod place;

use filled::{change, filled, id};
use ourspace_node::{
    compose::{self, Draft},
    follows::{Wish, follow},
    mirror::{Applied, Fetched, Quotas, fetch, index_pages, media, merge, wanted},
    read,
};
use ourspace_protocol::dag::BlockSource as _;
use ourspace_testkit::signing::NOW;
use peer::{Line, all_blocks, announce, fetch_one, newest, pull, pull_media, root, served, tell};
use place::Place;

/// A home that follows the one with everything in it.
fn follower(of: &Place, quiet: bool) -> Place {
    let place = Place::of("follower");
    let wish = Wish {
        quiet,
        ..Wish::default()
    };
    follow(&place.home, NOW, of.account(), wish).unwrap();
    place
}

fn post(place: &Place, now: u64, words: &str) {
    let draft = Draft {
        text: words.to_owned(),
        ..Draft::default()
    };
    compose::post(&place.home, now, draft, None).unwrap();
}

#[test]
fn a_feed_is_fetched_and_served_on() {
    let author = filled();
    let reader = follower(&author, false);
    let account = author.account();
    assert!(tell(&author.home, &reader.home, account)[0].is_new());
    assert_eq!(wanted(&reader.home, account).unwrap().len(), 1);
    let source = served(&author.home);
    let came = pull(&source, &reader.home, account).unwrap();
    let signed = root(&author.home, account).unwrap();
    assert_eq!(root(&reader.home, account), Some(signed));
    assert!(wanted(&reader.home, account).unwrap().is_empty());
    // No page of a post, no RSS, no HTML was fetched.
    assert!(came.len() < 30, "{} blocks", came.len());
    let (posts, _) = read::home_timeline(&reader.home, None, 500).unwrap();
    assert_eq!(posts.len(), 78);
    let done = pull_media(&source, &reader.home, account, Quotas::default());
    assert_eq!((done.files, done.missing, done.left_out), (2, 0, 0));
    // The whole tree, byte for byte, out of the mirror alone.
    let here = all_blocks(&served(&reader.home), signed);
    assert_eq!(here, all_blocks(&source, signed));
    // Nothing is fetched twice.
    let mut line = Line::new(&source);
    let again = fetch_one(&reader.home, &newest(&author.home, account), &mut line).unwrap();
    assert_eq!((again, line.came.len()), (Fetched::Here, 0));
}

/// A root that somebody has begun with stays whole while the author goes on, until something is
/// deleted; what nobody has asked for does not.
#[test]
fn what_others_have_begun_with_can_be_fetched_to_its_end() {
    let author = filled();
    let account = author.account();
    let source = served(&author.home);
    let before = root(&author.home, account).unwrap();
    let whole = all_blocks(&served(&author.home), before);
    assert!(source.get(&before).unwrap().is_some());
    for n in 1..4 {
        post(&author, NOW + 100 + n, "meanwhile");
    }
    let now = root(&author.home, account).unwrap();
    assert_ne!(now, before);
    assert_eq!(all_blocks(&source, before), whole);
    assert!(served(&author.home).get(&before).unwrap().is_none());
    source.tidy();
    assert_eq!(
        all_blocks(&source, now).len(),
        all_blocks(&served(&author.home), now).len()
    );
    // What was taken back is not given from before.
    compose::delete(&author.home, NOW + 200, &[id(7)]).unwrap();
    assert!(source.get(&before).unwrap().is_none());
}

/// Whoever runs a fetch may do so in a task that moves between threads.
#[test]
fn what_waits_can_be_moved() {
    fn moved<T: Send>(_: T) {}
    let author = filled();
    let reader = follower(&author, false);
    let account = author.account();
    tell(&author.home, &reader.home, account);
    let source = served(&author.home);
    let (record, mut line) = (newest(&author.home, account), Line::new(&source));
    moved(fetch(&reader.home, &record, &mut line, &mut |_| {}));
    moved(merge(&reader.home, &record, NOW, &mut line, &mut |_| {}));
    let quotas = Quotas::default();
    moved(media(&reader.home, account, quotas, &mut line, &mut |_| {}));
    moved(source);
}

#[test]
fn a_delta_makes_the_new_tree_without_a_fetch() {
    let author = filled();
    let reader = follower(&author, false);
    let account = author.account();
    tell(&author.home, &reader.home, account);
    pull(&served(&author.home), &reader.home, account).unwrap();
    change(&author);
    post(&author, NOW + 30, "One more");
    // The last one alone has a gap before it: shown, but fetched.
    let applied = announce(&author.home, &reader.home).unwrap();
    let Applied::Fetch { early } = applied else {
        panic!("{applied:?}");
    };
    assert_eq!(early.len(), 1);
    let shown = || {
        let (posts, _) = read::home_timeline(&reader.home, None, 1).unwrap();
        posts[0].content.content_text.clone()
    };
    assert_eq!(shown(), "One more");
    let source = served(&author.home);
    let came = pull(&source, &reader.home, account).unwrap();
    assert_eq!(root(&reader.home, account), root(&author.home, account));
    assert_eq!(shown(), "One more");
    // What is in the tree before it was not asked for again.
    assert!(came.len() < 20, "{} blocks", came.len());
    for n in 0..5 {
        post(&author, NOW + 40 + n, &format!("Delta {n}"));
        let applied = announce(&author.home, &reader.home).unwrap();
        let signed = root(&author.home, account).unwrap();
        assert_eq!(applied, Applied::Whole { root: signed });
        assert_eq!(root(&reader.home, account), Some(signed));
    }
    assert!(matches!(
        announce(&author.home, &reader.home).unwrap(),
        Applied::Nothing(_)
    ));
    pull_media(&source, &reader.home, account, Quotas::default());
    let signed = root(&author.home, account).unwrap();
    let all = all_blocks(&served(&author.home), signed);
    assert_eq!(all_blocks(&served(&reader.home), signed), all);
}

#[test]
fn what_is_followed_quietly_is_served_to_nobody() {
    let author = filled();
    let reader = follower(&author, true);
    let account = author.account();
    assert_eq!(
        root(&reader.home, reader.account()),
        None,
        "nothing is told"
    );
    tell(&author.home, &reader.home, account);
    let source = served(&author.home);
    pull(&source, &reader.home, account).unwrap();
    pull_media(&source, &reader.home, account, Quotas::default());
    let all = all_blocks(&source, root(&author.home, account).unwrap());
    let given = |place: &Place| {
        let served = served(&place.home);
        all.keys()
            .filter(|cid| served.get(cid).unwrap().is_some())
            .count()
    };
    // Style and script are the same in every feed.
    assert_eq!(given(&reader), 3);
    let (posts, _) = read::home_timeline(&reader.home, None, 500).unwrap();
    assert_eq!(posts.len(), 78);
    // Made public, all of it is; made quiet again, nothing.
    while index_pages(&reader.home, 50).unwrap() {}
    follow(&reader.home, NOW, account, Wish::default()).unwrap();
    assert_eq!(given(&reader), all.len());
    let listed = read::profile(&reader.home).unwrap().follows;
    assert_eq!(listed.len(), 1);
    let quiet = Wish {
        quiet: true,
        ..Wish::default()
    };
    follow(&reader.home, NOW + 1, account, quiet).unwrap();
    assert_eq!(given(&reader), 3);
    assert!(read::profile(&reader.home).unwrap().follows.is_empty());
}
