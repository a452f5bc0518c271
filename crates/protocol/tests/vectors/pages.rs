//! Lists of entries and the pages that they are cut into.

use ourspace_protocol::feed::{
    error::Budget,
    model::{Item, ItemId},
    pages::{Entry as _, List},
    set::Changes,
    state::{FeedState as _, MemoryState, Span},
    tree::merge,
};
use ourspace_protocol::{account::Account, limits, time::Millis};
use serde_json::{Value as Json, json};

const ACCOUNT: Account = Account([7; 20]);

/// A date, an id and a weight for each entry; how many each page has, the oldest first,
/// and how many of the pages are closed.
struct Case {
    name: &'static str,
    about: &'static str,
    entries: Vec<(Millis, ItemId, usize)>,
    pages: Vec<usize>,
    closed: usize,
    live: usize,
}

/// Ids that end a page, or that do not.
fn ids(ends: bool) -> impl Iterator<Item = ItemId> {
    let all = (0_u32..).map(|n| {
        let mut id = [0; 10];
        id[..4].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_be_bytes());
        ItemId(id)
    });
    all.filter(move |id| id.ends_page() == ends)
}

/// Entries of the least weight at one date each; those at `ends` end a page.
fn run(count: usize, ends: &[usize]) -> Vec<(Millis, ItemId, usize)> {
    let (mut ending, mut plain) = (ids(true), ids(false));
    let entry = |at: usize| {
        let id = if ends.contains(&at) {
            ending.next()
        } else {
            plain.next()
        };
        (1_000 + at as Millis, id.unwrap(), 256)
    };
    (0..count).map(entry).collect()
}

fn heavy(weights: &[usize]) -> Vec<(Millis, ItemId, usize)> {
    let mut entries = run(weights.len(), &[]);
    for (entry, weight) in entries.iter_mut().zip(weights) {
        entry.2 = *weight;
    }
    entries
}

impl Case {
    /// As many entries on each page, the oldest first; so many pages closed, so many items
    /// in the live feed.
    fn is(mut self, pages: &[usize], closed: usize, live: usize) -> Self {
        self.pages = pages.to_vec();
        (self.closed, self.live) = (closed, live);
        self
    }
}

fn case(name: &'static str, about: &'static str, entries: Vec<(Millis, ItemId, usize)>) -> Case {
    Case {
        name,
        about,
        entries,
        pages: Vec::new(),
        closed: 0,
        live: 0,
    }
}

fn by_ends() -> Vec<Case> {
    let last = "The newest page is closed when its last id ends it.";
    let few = "49 items are too few, so the page before is there too.";
    let several = "ends one after the other";
    vec![
        case("none", "No entry, no page.", vec![]).is(&[], 0, 0),
        case("one", "One open page.", run(1, &[])).is(&[1], 0, 1),
        case("one that ends", last, run(1, &[0])).is(&[1], 1, 1),
        case("an end amid", "It ends a page.", run(5, &[1])).is(&[2, 3], 1, 5),
        case(several, "Pages of one.", run(4, &[0, 1, 3])).is(&[1, 1, 2], 3, 4),
        case("49 and more", few, run(149, &[99])).is(&[100, 49], 1, 149),
        case("50 and more", "50 are enough.", run(150, &[99])).is(&[100, 50], 1, 50),
        one_date(),
    ]
}

fn one_date() -> Case {
    let mut together = run(4, &[1]);
    together.iter_mut().for_each(|entry| entry.0 = 5);
    together.sort_by_key(|entry| entry.1);
    let end = together.iter().position(|entry| entry.1.ends_page());
    let first = end.unwrap() + 1;
    let about = "Of one date, the bytes of the id decide the order.";
    let sizes: Vec<usize> = [first, 4 - first].into_iter().filter(|n| *n > 0).collect();
    case("one date", about, together).is(&sizes, 1, 4)
}

fn by_count() -> Vec<Case> {
    let full = "As many as a page has room for; it stays open.";
    let ends = "It ends the page that is full.";
    let live = "The live feed has whole pages until there are 50 items.";
    vec![
        case("256", full, run(256, &[])).is(&[256], 0, 256),
        case("257", "The 257th begins a page.", run(257, &[])).is(&[256, 1], 1, 257),
        case("an end at the 256th", ends, run(257, &[255])).is(&[256, 1], 1, 257),
        case("600", live, run(600, &[])).is(&[256, 256, 88], 2, 88),
    ]
}

fn by_weight() -> Vec<Case> {
    let most = limits::PAGE_WEIGHT;
    let (right, more) = ([most / 2, most / 2, 256], [most / 2, most / 2 + 1, 256]);
    let several = [100_000, 100_000, 90_000, 7_000, 100_000];
    let most = "Exactly the greatest weight.";
    vec![
        case("just not too heavy", most, heavy(&right)).is(&[2, 1], 1, 3),
        case("just too heavy", "One unit more.", heavy(&more)).is(&[1, 2], 1, 3),
        case("heavy ones", "Every page begins anew.", heavy(&several)).is(&[1, 2, 2], 2, 5),
    ]
}

pub(crate) fn file(items: &Json) -> Json {
    let cases = [by_ends(), by_count(), by_weight()].into_iter().flatten();
    let cuts: Vec<Json> = cases.map(|case| cut(&case)).collect();
    let weights: Vec<Json> = items["valid"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| {
            let item: Item = serde_json::from_value(case["item"].clone()).unwrap();
            json!([case["name"], item.weight()])
        })
        .collect();
    json!({
        "about": "What an item weighs (the valid items of items.json by their names), and \
                  where lists are cut (chapter 04, 4.4). An entry is a date, an id and a \
                  weight; pages are named by their keys, the oldest first; `live` counts \
                  the items of feed.json.",
        "weights": weights,
        "cuts": cuts,
    })
}

fn cut(case: &Case) -> Json {
    let name = case.name;
    let items: Vec<Item> = case
        .entries
        .iter()
        .map(|(date, id, weight)| Item::new(*id, *date, "x".repeat(weight - 256)))
        .collect();
    let mut state = MemoryState::new();
    let mut closed = 0;
    let mut live = Vec::new();
    // A few at a time and from the middle: what comes out must not show it.
    let (older, newer) = items.split_at(items.len() / 2);
    for items in newer.chunks(40).chain(older.rchunks(40)) {
        let changes = Changes {
            items: items.to_vec(),
            ..Changes::default()
        };
        merge(&mut state, ACCOUNT, &changes, Budget::OWN).unwrap();
    }
    for (path, bytes) in files(&state) {
        closed += usize::from(path.starts_with("archive/") && path.ends_with(".json"));
        if path == "feed.json" {
            live = bytes;
        }
    }
    assert_eq!(closed, case.closed, "{name}");
    let feed: Json = serde_json::from_slice(&live).unwrap();
    assert_eq!(feed["items"].as_array().unwrap().len(), case.live, "{name}");
    let all = Span {
        after: None,
        until: None,
    };
    let pages = state.pages(List::Posts, all).unwrap();
    let mut at = 0;
    let keys = case.pages.iter().map(|size| {
        let key = items[at].key();
        at += size;
        key
    });
    assert_eq!(pages, keys.collect::<Vec<_>>(), "{name}");
    assert_eq!(at, items.len(), "{name}");
    let entries: Vec<Json> = case
        .entries
        .iter()
        .map(|(date, id, weight)| json!([date, id, weight]))
        .collect();
    let pages: Vec<String> = pages.iter().map(ToString::to_string).collect();
    json!({
        "name": name,
        "about": case.about,
        "entries": entries,
        "pages": pages,
        "closed": closed,
        "live": case.live,
    })
}

fn files(state: &MemoryState) -> Vec<(String, Vec<u8>)> {
    use ourspace_protocol::feed::{all, error::TreeError};
    let mut files = all::live(state, ACCOUNT).unwrap();
    all::each_file::<TreeError>(state, ACCOUNT, &mut |more| {
        files.extend(more);
        Ok(())
    })
    .unwrap();
    files
}
