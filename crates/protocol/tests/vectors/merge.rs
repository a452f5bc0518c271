//! Sets of items, tombstones, profiles and follows, and what they are together.

use std::collections::BTreeMap;

use ourspace_protocol::{
    account::Account,
    feed::{
        check,
        error::Budget,
        model::{
            About, Follow, Followee, Follows, Item, ItemId, Kind, Profile, Stamped, Target,
            Tombstone,
        },
        set::Changes,
        state::{FeedState as _, MemoryState, Span},
        tree::merge,
    },
    limits,
    time::Millis,
};
use serde_json::{Value as Json, json};

const ACCOUNT: Account = Account([7; 20]);

/// What is united; which texts the versions of the first item then have, newest first.
struct Case {
    name: &'static str,
    about: &'static str,
    sets: Vec<Changes>,
    versions: Vec<&'static str>,
}

fn id(n: u8) -> ItemId {
    ItemId([n; 10])
}

fn version(text: &str, written: Millis) -> Item {
    Item {
        written: Some(written).filter(|at| *at != 10),
        edits: u32::from(written != 10),
        ..Item::new(id(1), 10, text)
    }
}

fn reaction(kind: Kind, value: &str, written: Millis) -> Item {
    Item {
        kind,
        about: Some(About {
            target: Target::Item(ACCOUNT, id(9)),
            thread: None,
            value: Some(value.to_owned()),
        }),
        text: String::new(),
        ..version("", written)
    }
}

fn items(items: &[Item]) -> Changes {
    Changes {
        items: items.to_vec(),
        ..Changes::default()
    }
}

fn dead(n: u8, date: Millis) -> Changes {
    Changes {
        tombstones: vec![Tombstone { date, id: id(n) }],
        ..Changes::default()
    }
}

fn profile(change: impl FnOnce(&mut Profile)) -> Changes {
    let mut profile = Profile::default();
    change(&mut profile);
    Changes {
        profile: Some(profile),
        ..Changes::default()
    }
}

fn stamped<T>(value: T, written: Millis) -> Stamped<T> {
    Stamped { value, written }
}

fn follows(rows: &[(Followee, bool, Millis)]) -> Changes {
    let rows = rows.iter().map(|(who, following, written)| {
        let follow = Follow {
            following: *following,
            title: None,
        };
        (who.clone(), stamped(follow, *written))
    });
    Changes {
        follows: rows.collect(),
        ..Changes::default()
    }
}

fn feed(n: usize) -> Followee {
    Followee::Feed(format!("https://{n}.example/feed.xml"))
}

fn case(
    name: &'static str,
    about: &'static str,
    sets: Vec<Changes>,
    versions: &[&'static str],
) -> Case {
    Case {
        name,
        about,
        sets,
        versions: versions.to_vec(),
    }
}

fn of_items() -> Vec<Case> {
    let many: Vec<Item> = (10..20)
        .map(|at| version(LETTERS[at - 10], at as u64))
        .collect();
    let newest: Vec<&str> = LETTERS[2..].iter().rev().copied().collect();
    vec![
        case(
            "nothing",
            "Nothing and nothing is nothing.",
            vec![Changes::default(), Changes::default()],
            &[],
        ),
        case(
            "the later edit",
            "Of two edits the one written later is shown; the other is its history.",
            vec![
                items(&[version("first", 10), version("third", 30)]),
                items(&[version("first", 10), version("second", 20)]),
            ],
            &["third", "second", "first"],
        ),
        case(
            "one instant",
            "Written at the same instant, the greater hash of the canonical JSON wins.",
            vec![
                items(&[version("tea", 20)]),
                items(&[version("coffee", 20)]),
            ],
            &ONE_INSTANT,
        ),
        case(
            "ten versions",
            "Eight are kept.",
            vec![items(&many[..5]), items(&many[5..])],
            &newest,
        ),
        case(
            "a moved date",
            "A version with an earlier date but written later is shown.",
            vec![
                items(&[version("first", 10)]),
                items(&[Item {
                    date: 3,
                    ..version("moved", 20)
                }]),
            ],
            &["moved", "first"],
        ),
    ]
}

fn of_reactions() -> Vec<Case> {
    let mut quote = reaction(Kind::Quote, "", 11);
    quote.text = "a quote".to_owned();
    if let Some(about) = &mut quote.about {
        about.value = None;
    }
    vec![
        case(
            "two likes",
            "A like has no history.",
            vec![
                items(&[reaction(Kind::Like, "A", 10)]),
                items(&[reaction(Kind::Like, "B", 20)]),
            ],
            &[""],
        ),
        case(
            "a vote changed",
            "A vote has none either.",
            vec![
                items(&[reaction(Kind::Vote, "oak", 30)]),
                items(&[reaction(Kind::Vote, "ash", 20)]),
            ],
            &[""],
        ),
        case(
            "a like that is also a quote",
            "Beside a version that is a post, likes are dropped, also later ones.",
            vec![items(&[reaction(Kind::Like, "A", 20)]), items(&[quote])],
            &["a quote"],
        ),
    ]
}

const LETTERS: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
const ONE_INSTANT: [&str; 2] = ["coffee", "tea"];

fn of_the_dead() -> Vec<Case> {
    vec![
        case(
            "deleted",
            "A tombstone beats a version that was written after it.",
            vec![items(&[version("late", 90)]), dead(1, 50)],
            &[],
        ),
        case(
            "deleted twice",
            "The earlier tombstone is kept.",
            vec![dead(1, 60), dead(1, 50), dead(2, 50)],
            &[],
        ),
        case(
            "deleted and named again",
            "An item never comes back.",
            vec![
                items(&[version("a", 10)]),
                dead(1, 50),
                items(&[version("b", 99)]),
            ],
            &[],
        ),
    ]
}

fn of_people() -> Vec<Case> {
    let texts = |from: u64, to: u64| {
        profile(|p| {
            let all = (from..to).map(|n| (format!("n{n:02}"), stamped("x".to_owned(), n)));
            p.more = all.collect();
        })
    };
    vec![
        case(
            "profile by field",
            "Each field and each named text by its last writer; an empty value is one.",
            vec![
                profile(|p| {
                    p.display_name = stamped("Ada".into(), 5);
                    p.bio = stamped("old".into(), 5);
                    p.more = [("key".into(), stamped("old".into(), 1))].into();
                }),
                profile(|p| {
                    p.display_name = stamped(String::new(), 6);
                    p.bio = stamped("older".into(), 4);
                    p.email = stamped(Some("ada@proton.me".into()), 1);
                    p.more = [("key".into(), stamped(String::new(), 2))].into();
                }),
            ],
            &[],
        ),
        case(
            "profile at one instant",
            "The greater hash of the value wins, of `null` too.",
            vec![
                profile(|p| {
                    p.display_name = stamped("Ada".into(), 5);
                    p.tox = stamped(None, 5);
                    p.language = stamped(Some("en".into()), 5);
                }),
                profile(|p| {
                    p.display_name = stamped("Ida".into(), 5);
                    p.language = stamped(None, 5);
                }),
            ],
            &[],
        ),
        case(
            "26 named texts",
            "The sixteen written last are kept.",
            vec![texts(0, 16), texts(10, 26)],
            &[],
        ),
    ]
}

fn of_follows() -> Vec<Case> {
    vec![
        case(
            "follows by row",
            "An ended follow stays as a row; at one instant the greater hash wins.",
            vec![
                follows(&[
                    (feed(1), true, 5),
                    (feed(2), true, 5),
                    (Followee::Account(ACCOUNT), true, 1),
                ]),
                follows(&[(feed(1), false, 6), (feed(2), false, 5)]),
            ],
            &[],
        ),
        too_many_follows(),
    ]
}

/// 10,001 rows, of which three were written first; the one of the least hash and name goes.
fn too_many_follows() -> Case {
    let rows: Vec<_> = (0..=limits::FOLLOWS)
        .map(|n| (feed(n), true, if n < 3 { 5 } else { 6 }))
        .collect();
    let (a, b) = rows.split_at(3);
    case(
        "10,001 follows",
        "Those of the greatest instant, hash and name are kept. Followed: 0 to 10000.",
        vec![follows(a), follows(b)],
        &[],
    )
}

pub(crate) fn file() -> Json {
    let all = [
        of_items(),
        of_reactions(),
        of_the_dead(),
        of_people(),
        of_follows(),
    ];
    let all = all.into_iter().flatten();
    let vectors: Vec<Json> = all.map(|case| vector(&case)).collect();
    json!({
        "about": "Sets and what they are together, in whatever order (chapter 04, 4.12). \
                  The account is 0x0707070707070707070707070707070707070707.",
        "vectors": vectors,
    })
}

fn vector(case: &Case) -> Json {
    let merged = merged(&case.sets);
    let mut reversed = case.sets.clone();
    reversed.reverse();
    assert_eq!(merged, self::merged(&reversed), "{}", case.name);
    let twice: Vec<Changes> = [case.sets.clone(), reversed].concat();
    assert_eq!(merged, self::merged(&twice), "{}", case.name);
    let first = id(1);
    let texts: Vec<&str> = merged
        .items
        .iter()
        .filter(|item| item.id == first)
        .map(|item| item.text.as_str())
        .collect();
    assert_eq!(texts, case.versions, "{}", case.name);
    json!({
        "name": case.name,
        "about": case.about,
        "sets": case.sets.iter().map(shown).collect::<Vec<_>>(),
        "merged": shown(&merged),
    })
}

/// The sets one after the other in a feed, and all that the feed then holds.
fn merged(sets: &[Changes]) -> Changes {
    let mut state = MemoryState::new();
    let mut ids: BTreeMap<ItemId, ()> = BTreeMap::new();
    for changes in sets {
        for item in &changes.items {
            check::item(item).unwrap();
            ids.insert(item.id, ());
        }
        changes
            .profile
            .iter()
            .for_each(|p| check::profile(p).unwrap());
        check::follows(&changes.follows).unwrap();
        merge(&mut state, ACCOUNT, changes, Budget::OWN).unwrap();
    }
    let versions = ids.keys().flat_map(|id| state.versions(*id).unwrap());
    let all = Span {
        after: None,
        until: None,
    };
    Changes {
        items: versions.collect(),
        tombstones: state.tombstones(all).unwrap(),
        profile: Some(state.profile().unwrap()).filter(|p| *p != Profile::default()),
        follows: state.follows().unwrap(),
    }
}

/// As JSON; of many follows only the first rows and their number, since the rest is alike.
fn shown(changes: &Changes) -> Json {
    json!({
        "items": changes.items,
        "tombstones": changes.tombstones,
        "profile": changes.profile,
        "follows": rows(&changes.follows),
    })
}

fn rows(follows: &Follows) -> Json {
    if follows.len() < 100 {
        return json!(follows);
    }
    // What is left out is `https://N.example/feed.xml`, followed, written 6.
    let early: Follows = follows
        .iter()
        .filter(|(_, row)| row.written < 6)
        .map(|(who, row)| (who.clone(), row.clone()))
        .collect();
    json!({ "rows": early, "and_feeds_written_6": [3, limits::FOLLOWS] })
}
