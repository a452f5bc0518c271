use proptest::{collection::vec, prelude::*};
use serde_json::Value;

use super::*;
use crate::feed::{
    markdown::content_html,
    model::{Item, ItemId, ItemKey, Tombstone},
    page::Entry,
    samples,
};

fn entries(items: &[Item]) -> Vec<Entry<'_>> {
    items
        .iter()
        .map(|item| Entry {
            item,
            html: content_html(item),
        })
        .collect()
}

/// Newest first, no item twice, posts only: what a page is given.
fn sorted(mut items: Vec<Item>) -> Vec<Item> {
    items.retain(|item| item.kind.is_post());
    items.sort_by_key(|item| std::cmp::Reverse(item.key()));
    items.dedup_by_key(|item| item.key());
    items
}

fn assert_canonical(bytes: &[u8]) -> Result<(), TestCaseError> {
    let value: Value = serde_json::from_slice(bytes).unwrap();
    prop_assert_eq!(String::from_utf8_lossy(bytes), value.to_string());
    Ok(())
}

fn key() -> ItemKey {
    ItemKey {
        date: 1_763_953_594_007,
        id: ItemId([7; 10]),
    }
}

proptest! {
    #[test]
    fn a_feed_gives_back_its_items(
        items in vec(samples::item(), 0..8),
        profile in samples::profile(),
        account in samples::account(),
        more in any::<bool>(),
    ) {
        let items = sorted(items);
        let entries = entries(&items);
        let previous = more.then(key);
        let bytes = head(&Head { account, profile: &profile, previous, entries: &entries });
        assert_canonical(&bytes)?;
        let page = Page { account, renderer: 1, exact: true, previous, items: items.clone() };
        prop_assert_eq!(parse_page(&bytes).unwrap(), page.clone());

        let bytes = archive(&Archive { account, key: key(), previous, entries: &entries });
        assert_canonical(&bytes)?;
        prop_assert_eq!(parse_page(&bytes).unwrap(), page);
    }

    #[test]
    fn the_other_files_come_back(
        account in samples::account(),
        items in vec(samples::item(), 0..8),
        profile_ in samples::profile(),
        follows_ in samples::follows(),
    ) {
        let bytes = profile(account, &profile_);
        assert_canonical(&bytes)?;
        prop_assert_eq!(parse_profile(&bytes).unwrap(), (account, profile_));

        let bytes = follows(account, &follows_);
        assert_canonical(&bytes)?;
        prop_assert_eq!(parse_follows(&bytes).unwrap(), (account, follows_));

        let dead: Vec<Tombstone> = items.iter().map(|i| Tombstone { date: i.date, id: i.id }).collect();
        let bytes = tombstones(account, &dead);
        assert_canonical(&bytes)?;
        prop_assert_eq!(parse_tombstones(&bytes).unwrap(), (account, dead));

        let likes: Vec<Item> = items.iter().filter(|i| !i.kind.is_post()).cloned().collect();
        let bytes = reactions(account, &likes);
        assert_canonical(&bytes)?;
        prop_assert_eq!(parse_reactions(&bytes).unwrap(), (account, likes));

        let older: Vec<Item> = items.iter().take(1).cloned().collect();
        let bytes = history(account, &older);
        assert_canonical(&bytes)?;
        prop_assert_eq!(parse_history(&bytes).unwrap(), (account, older));
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in vec(any::<u8>(), 0..64)) {
        prop_assert!(parse_page(&bytes).is_err());
        prop_assert!(read_page(&bytes).is_err());
        prop_assert!(parse_profile(&bytes).is_err());
    }
}

fn example() -> Value {
    let mut item = Item::new(ItemId([1; 10]), 1_763_953_594_007, "Hello");
    item.attachments.push(crate::feed::model::Attachment::new(
        crate::feed::model::File {
            path: samples::path(1, "webp"),
            size: 9,
            mime: "image/webp".into(),
            pixels: Some((4, 3)),
        },
        "A picture",
    ));
    let items = [item];
    let bytes = archive(&Archive {
        account: Account([1; 20]),
        key: key(),
        previous: None,
        entries: &entries(&items),
    });
    serde_json::from_slice(&bytes).unwrap()
}

fn refusal(change: impl FnOnce(&mut Value)) -> JsonError {
    let mut value = example();
    change(&mut value);
    parse_page(value.to_string().as_bytes()).unwrap_err()
}

#[test]
fn every_fault_has_its_name() {
    assert!(parse_page(example().to_string().as_bytes()).is_ok());
    for (path, field) in [
        ("", "new"),
        ("/_ourspace", "new"),
        ("/items/0", "new"),
        ("/items/0/_ourspace", "new"),
        ("/items/0/attachments/0", "new"),
        ("/items/0/attachments/0/_ourspace", "new"),
        ("/authors/0", "new"),
    ] {
        let error = refusal(|v| v.pointer_mut(path).unwrap()[field] = 1.into());
        assert!(
            matches!(&error, JsonError::Form(text) if text.contains("unknown field `new`")),
            "{path}: {error}"
        );
    }
}

#[test]
fn what_contradicts_the_source_is_refused() {
    let derived =
        |path: &str, value: &str| refusal(|v| *v.pointer_mut(path).unwrap() = value.into());
    assert_eq!(
        derived("/items/0/url", "posts/x/"),
        JsonError::Derived("url")
    );
    assert_eq!(
        derived("/items/0/attachments/0/url", "media/2026/01/x"),
        JsonError::Derived("url")
    );
    assert_eq!(
        derived("/feed_url", "https://a.example/feed.json"),
        JsonError::Derived("feed_url")
    );
    assert_eq!(
        derived("/version", "https://jsonfeed.org/version/1"),
        JsonError::Derived("version")
    );
    let other = format!("ourspace:{}/{}", Account([2; 20]), ItemId([1; 10]));
    assert_eq!(derived("/items/0/id", &other), JsonError::Derived("id"));
    assert_eq!(
        derived("/items/0/date_published", "2025-11-24T03:06:34Z"),
        JsonError::Date("date_published")
    );
    assert_eq!(
        derived("/items/0/date_published", "2025-11-24T04:06:34.007+01:00"),
        JsonError::Date("date_published")
    );
    assert_eq!(
        refusal(|v| v["_ourspace"]["renderer"] = 2.into()),
        JsonError::Renderer(2)
    );
    let twice = refusal(|v| {
        let item = v["items"][0].clone();
        v["items"].as_array_mut().unwrap().push(item);
    });
    assert_eq!(twice, JsonError::Order("items"));
    let ruled = refusal(|v| v["items"][0]["content_text"] = "\u{1}".into());
    assert!(matches!(
        ruled,
        JsonError::Check {
            error: ItemError::Character { .. },
            ..
        }
    ));
    let long = vec![b' '; crate::limits::JSON_BYTES + 1];
    assert_eq!(parse_page(&long), Err(JsonError::TooLong(long.len())));
    let deep = "[".repeat(200_000);
    assert!(matches!(
        parse_page(deep.as_bytes()),
        Err(JsonError::Form(_))
    ));
    assert!(matches!(
        read_page(deep.as_bytes()),
        Err(JsonError::Form(_))
    ));
}

#[test]
fn a_newer_renderer_is_shown_as_far_as_it_is_understood() {
    let mut value = example();
    value["_ourspace"]["renderer"] = 2.into();
    value["_ourspace"]["mood"] = "good".into();
    value["items"][0]["_ourspace"]["renderer"] = 2.into();
    value["items"][0]["_ourspace"]["poll"] = serde_json::json!([1, 2]);
    value["items"][0]["attachments"][0]["_ourspace"]["focus"] = "face".into();
    let mut strange = value["items"][0].clone();
    strange["_ourspace"]["kind"] = "event".into();
    value["items"].as_array_mut().unwrap().push(strange);
    let page = read_page(value.to_string().as_bytes()).unwrap();
    assert!(!page.exact);
    assert_eq!((page.renderer, page.items.len()), (2, 1));
    assert_eq!(
        (page.items[0].text.as_str(), page.items[0].renderer),
        ("Hello", 2)
    );
    assert_eq!(page.items[0].attachments.len(), 1);
    assert_eq!(
        parse_page(value.to_string().as_bytes()),
        Err(JsonError::Renderer(2))
    );
}

#[test]
fn one_content_has_one_spelling() {
    let account = Account([7; 20]);
    let tombstone = Tombstone {
        date: 1,
        id: ItemId([7; 10]),
    };
    let bytes = tombstones(account, &[tombstone]);
    assert!(parse_tombstones(&bytes).is_ok());
    let text = String::from_utf8(bytes).unwrap();
    for other in [
        text.replacen('{', "{ ", 1),
        format!("{text}\n"),
        text.replacen("tombstones", "\\u0074ombstones", 1),
    ] {
        let refused = parse_tombstones(other.as_bytes()).unwrap_err();
        assert!(matches!(refused, JsonError::Spelling), "{other}: {refused}");
    }
}
