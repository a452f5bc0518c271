//! Search finds what people mean, newest first, page by page.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use ourspace_protocol::{
    account::Account,
    feed::{
        model::{Item, ItemId},
        state::FeedState,
    },
};
use ourspace_store::{Hit, Search, Store, StoreError};

const US: Account = Account([1; 20]);
const THEM: Account = Account([2; 20]);

fn id(n: u32) -> ItemId {
    let mut id = [3; 10];
    id[..4].copy_from_slice(&n.to_be_bytes());
    ItemId(id)
}

fn put(store: &Store, account: Account, items: &[Item]) {
    let put = |w: &ourspace_store::Writer<'_>| {
        let mut feed = w.feed(account)?;
        for item in items {
            feed.put_versions(item.id, std::slice::from_ref(item))
                .unwrap();
        }
        Ok::<_, StoreError>(())
    };
    store.write(put).unwrap();
}

fn search<'q>(query: &'q str) -> Search<'q> {
    Search {
        query,
        account: None,
        from: None,
        limit: 100,
    }
}

fn find(store: &Store, query: &str) -> Vec<String> {
    let found = store.read().unwrap().search(&search(query)).unwrap();
    found.hits.into_iter().map(|hit| hit.item.text).collect()
}

fn store(texts: &[&str]) -> (tempfile::TempDir, Store) {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let items: Vec<Item> = (0u32..)
        .zip(texts)
        .map(|(n, text)| Item::new(id(n), 1_700_000_000_000 + u64::from(n) * 60_000, *text))
        .collect();
    put(&store, US, &items);
    (home, store)
}

#[test]
fn words_are_found_whatever_their_case_and_accents() {
    let texts = [
        "Ein schönes Café",
        "the CAFE closed",
        "don't panic",
        "नमस्ते दुनिया",
        "a-b_c",
    ];
    let (_home, store) = store(&texts);
    assert_eq!(
        find(&store, "cafe "),
        ["the CAFE closed", "Ein schönes Café"]
    );
    assert_eq!(find(&store, "Café schon"), ["Ein schönes Café"]);
    assert_eq!(find(&store, "don't"), ["don't panic"]);
    assert_eq!(find(&store, "नमस्ते "), ["नमस्ते दुनिया"]);
    assert_eq!(find(&store, "b_c"), ["a-b_c"]);
    assert_eq!(find(&store, "cafe AND closed"), Vec::<String>::new());
    for nothing in [
        "", "  ", "\"", "*", "()", "\" \"", "#", "@", "\0", "- + ^", "NEAR(",
    ] {
        assert_eq!(find(&store, nothing), Vec::<String>::new(), "{nothing:?}");
    }
}

#[test]
fn the_last_word_may_be_unfinished() {
    let (_home, store) = store(&["internet", "international", "in the net", "intern"]);
    assert_eq!(
        find(&store, "inte"),
        ["intern", "international", "internet"]
    );
    // Where posts have the word itself, it was finished.
    assert_eq!(find(&store, "intern"), ["intern"]);
    assert_eq!(find(&store, "inter "), Vec::<String>::new());
    assert_eq!(find(&store, "inte net"), Vec::<String>::new());
    assert_eq!(find(&store, "in"), ["in the net"]);
    assert_eq!(find(&store, "\"in the\" net"), ["in the net"]);
}

#[test]
fn phrases_must_follow_each_other() {
    let texts = [
        "the quick brown fox",
        "brown the quick fox",
        "the, QUICK-brown",
        "quickbrown",
    ];
    let (_home, store) = store(&texts);
    assert_eq!(
        find(&store, "\"quick brown\""),
        ["the, QUICK-brown", "the quick brown fox"]
    );
    assert_eq!(find(&store, "\"quick brown\" fox"), ["the quick brown fox"]);
    assert_eq!(
        find(&store, "quick-bro"),
        ["the, QUICK-brown", "the quick brown fox"]
    );
    assert_eq!(
        find(&store, "\"quick \"\"brown"),
        [
            "the, QUICK-brown",
            "brown the quick fox",
            "the quick brown fox"
        ]
    );
}

#[test]
fn tags_and_mentions_are_words_of_their_own() {
    let (_home, store) = store(&["no tag: rust \u{e000}rust", "x"]);
    let mut tagged = Item::new(id(7), 1_800_000_000_000, "tagged");
    tagged.labels.tags = vec!["Rust".to_owned(), "größe-1".to_owned()];
    tagged.labels.mentions = vec![THEM];
    put(&store, US, &[tagged]);
    assert_eq!(find(&store, "#rust"), ["tagged"]);
    assert_eq!(find(&store, "#r"), Vec::<String>::new());
    assert_eq!(find(&store, "#rus"), ["tagged"]);
    assert_eq!(find(&store, "#Größe-1 "), ["tagged"]);
    assert_eq!(
        find(&store, "rust "),
        ["tagged", "no tag: rust \u{e000}rust"]
    );
    assert_eq!(
        find(&store, "\u{e000}rust "),
        ["tagged", "no tag: rust \u{e000}rust"]
    );
    assert_eq!(find(&store, &format!("@{THEM}")), ["tagged"]);
    assert_eq!(find(&store, &THEM.to_string().to_lowercase()), ["tagged"]);
    assert_eq!(find(&store, &format!("@{US}")), Vec::<String>::new());
}

#[test]
fn edits_and_deletions_are_seen() {
    let (_home, store) = store(&["first thought", "second thought"]);
    let edited = Item {
        edits: 1,
        ..Item::new(id(0), 1_700_000_000_000, "better idea")
    };
    put(&store, US, &[edited]);
    assert_eq!(find(&store, "thought"), ["second thought"]);
    assert_eq!(find(&store, "idea"), ["better idea"]);
    let moved = Item::new(id(0), 1_900_000_000_000, "moved idea");
    put(&store, US, &[moved]);
    assert_eq!(find(&store, "idea"), ["moved idea"]);
    let drop = |w: &ourspace_store::Writer<'_>| {
        w.feed(US)?.put_versions(id(0), &[]).unwrap();
        Ok::<_, StoreError>(())
    };
    store.write(drop).unwrap();
    assert_eq!(find(&store, "idea"), Vec::<String>::new());
}

/// Everything that is found, through small pages.
fn all(store: &Store, query: &str, account: Option<Account>) -> Vec<Hit> {
    let (mut hits, mut from) = (Vec::new(), None);
    loop {
        let search = Search {
            query,
            account,
            from,
            limit: 7,
        };
        let found = store.read().unwrap().search(&search).unwrap();
        assert!(found.hits.len() <= 7);
        hits.extend(found.hits);
        let Some(next) = found.next else { return hits };
        from = Some(next);
    }
}

#[test]
fn pages_go_through_everything_newest_first_also_after_a_back_dated_import() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let post = |n: u32, date: u64| {
        let word = if n.is_multiple_of(3) {
            "red green"
        } else {
            "green red"
        };
        Item::new(id(n), date, format!("{word} {n}"))
    };
    let base = 1_700_000_000_000;
    put(
        &store,
        US,
        &(0..200)
            .map(|n| post(n, base + u64::from(n) * 1000))
            .collect::<Vec<_>>(),
    );
    put(
        &store,
        THEM,
        &(200..300).map(|n| post(n, base + 500)).collect::<Vec<_>>(),
    );
    put(
        &store,
        US,
        &(300..400)
            .rev()
            .map(|n| post(n, u64::from(n)))
            .collect::<Vec<_>>(),
    );
    let hits = all(&store, "green red", None);
    assert_eq!(hits.len(), 400);
    // Those that crowd into one instant may stand a little later than it.
    assert!(hits.is_sorted_by(|a, b| a.item.date + 300_000 >= b.item.date));
    let mut ids: Vec<ItemId> = hits.iter().map(|hit| hit.item.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 400);
    assert_eq!(all(&store, "\"red green\"", None).len(), 134);
    assert_eq!(all(&store, "green", Some(THEM)).len(), 100);
    assert_eq!(all(&store, "\"green red\"", Some(THEM)).len(), 67);
    assert!(
        all(&store, "green", Some(THEM))
            .iter()
            .all(|hit| hit.account == THEM)
    );
}

#[test]
fn an_older_index_is_made_anew() {
    let (home, store) = store(&["one two", "two three"]);
    store.write(|w| w.put_setting("store.search", &0)).unwrap();
    drop(store);
    let store = Store::open(home.path()).unwrap();
    assert_eq!(find(&store, "two"), ["two three", "one two"]);
    assert_eq!(
        store
            .read()
            .unwrap()
            .setting::<i64>("store.search")
            .unwrap(),
        Some(1)
    );
}

#[test]
fn posts_come_back_from_behind_a_dictionary() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let words = [
        "river", "mountain", "letter", "window", "garden", "number", "winter",
    ];
    let text = |n: u32| {
        (0..20)
            .map(|at| words[((n >> (at % 7)) as usize + at) % 7])
            .collect::<Vec<_>>()
            .join(" ")
    };
    let items: Vec<Item> = (0..9000)
        .map(|n| Item::new(id(n), u64::from(n) * 1000, text(n) + &n.to_string()))
        .collect();
    for some in items.chunks(1500) {
        put(&store, US, some);
    }
    drop(store);
    let store = Store::open(home.path()).unwrap();
    let edited = Item::new(id(5), 5000, "edited");
    put(&store, US, &[edited]);
    let reader = store.read().unwrap();
    for item in items.iter().skip(6) {
        assert_eq!(reader.item(US, item.id).unwrap().as_ref(), Some(item));
    }
    assert_eq!(reader.item(US, id(5)).unwrap().unwrap().text, "edited");
}
