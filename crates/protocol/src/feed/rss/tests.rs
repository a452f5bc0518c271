use proptest::{collection::vec, prelude::*};
use quick_xml::{Reader, events::Event};

use super::*;
use crate::{
    account::Account,
    feed::{
        markdown::content_html,
        model::{Item, ItemId, ItemKey},
        samples,
    },
};

/// Element names with their text, in order; fails on XML that is not well formed.
fn elements(xml: &[u8]) -> Vec<(String, String)> {
    let mut reader = Reader::from_reader(xml);
    let (mut all, mut open): (Vec<(String, String)>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut buffer = Vec::new();
    loop {
        let event = reader.read_event_into(&mut buffer).unwrap();
        let name = |name: quick_xml::name::QName<'_>| name.as_ref().to_owned();
        match event {
            Event::Start(start) => {
                for attribute in start.attributes() {
                    attribute.unwrap();
                }
                open.push(all.len());
                all.push((name(start.name()), String::new()));
            }
            Event::Empty(start) => all.push((name(start.name()), String::new())),
            Event::End(_) => drop(open.pop().unwrap()),
            Event::Text(text) => {
                if let Some(at) = open.last() {
                    all[*at].1.push_str(&text);
                }
            }
            Event::GeneralRef(reference) => {
                let character = match reference.as_ref() {
                    "amp" => '&',
                    "lt" => '<',
                    "gt" => '>',
                    "quot" => '"',
                    other => panic!("&{other};"),
                };
                all[*open.last().unwrap()].1.push(character);
            }
            Event::CData(data) => all[*open.last().unwrap()].1.push_str(&data),
            Event::Eof => break,
            _ => {}
        }
        buffer.clear();
    }
    assert!(open.is_empty());
    all
}

fn texts<'a>(elements: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    elements
        .iter()
        .filter(|(n, _)| n == name)
        .map(|(_, text)| text.as_str())
        .collect()
}

fn key() -> ItemKey {
    ItemKey {
        date: 1_763_953_594_007,
        id: ItemId([7; 10]),
    }
}

proptest! {
    #[test]
    fn a_feed_says_what_its_items_say(
        items in vec(samples::item(), 0..6),
        profile in samples::profile(),
        account in samples::account(),
    ) {
        let entries: Vec<Entry<'_>> = items
            .iter()
            .filter(|item| item.kind.is_post())
            .map(|item| Entry { item, html: content_html(item) })
            .collect();
        let live = head(&Head { account, profile: &profile, previous: Some(key()), entries: &entries });
        let closed = archive(&Archive { account, key: key(), previous: None, entries: &entries });
        for xml in [live, closed] {
            let elements = elements(&xml);
            let guids: Vec<String> =
                entries.iter().map(|e| format!("ourspace:{account}/{}", e.item.id)).collect();
            prop_assert_eq!(texts(&elements, "guid"), guids);
            let written: Vec<&str> =
                entries.iter().map(|e| e.item.text.as_str()).filter(|text| !text.is_empty()).collect();
            prop_assert_eq!(texts(&elements, "source:markdown"), written);
            let tags: Vec<&String> = entries.iter().flat_map(|e| &e.item.labels.tags).collect();
            prop_assert_eq!(texts(&elements, "category"), tags);
            let media = entries.iter().map(|e| e.item.attachments.len()).sum::<usize>();
            prop_assert_eq!(texts(&elements, "media:content").len(), media);
        }
    }
}

fn feed(change: impl FnOnce(&mut Item), base: &str) -> Vec<(String, String)> {
    let mut item = Item::new(ItemId([1; 10]), 1_763_953_594_007, "a *b* ]]> <c>\nd");
    change(&mut item);
    let entries = [Entry {
        item: &item,
        html: content_html(&item),
    }];
    let profile = Profile::default();
    let account = Account([1; 20]);
    elements(&absolute(
        &Head {
            account,
            profile: &profile,
            previous: None,
            entries: &entries,
        },
        base,
    ))
}

#[test]
fn texts_are_escaped_for_what_they_are() {
    let all = feed(|_| (), "");
    assert_eq!(
        texts(&all, "content:encoded"),
        ["<p>a <em>b</em> ]]&gt; &lt;c&gt;<br>\nd</p>"]
    );
    // HTML within XML: a reader unescapes it twice and has the words.
    assert_eq!(texts(&all, "description")[1], "a b ]]&gt; &lt;c&gt; d");
    assert_eq!(texts(&all, "source:markdown"), ["a *b* ]]> <c>\nd"]);
    assert_eq!(texts(&all, "pubDate")[1], "Mon, 24 Nov 2025 03:06:34 +0000");
    assert_eq!(texts(&all, "title"), ["0x0101…0101"]);
}

#[test]
fn a_warning_is_all_that_a_synopsis_says() {
    let all = feed(
        |item| {
            item.labels.warning = Some("Spiders".into());
            item.attachments = vec![Attachment::new(
                crate::feed::model::File {
                    path: samples::path(1, "mp3"),
                    size: 1,
                    mime: "audio/mpeg".into(),
                    pixels: None,
                },
                "Eight legs",
            )];
        },
        "",
    );
    assert_eq!(texts(&all, "description")[1], "Content warning: Spiders");
    assert_eq!(texts(&all, "title")[1], "Spiders");
    assert!(
        texts(&all, "content:encoded")[0].starts_with("<details><summary>Content warning: Spiders")
    );
}

#[test]
fn a_copy_for_podcast_apps_has_absolute_addresses() {
    let all = feed(|_| (), "https://ada.example/feed/");
    assert_eq!(
        texts(&all, "link")[1],
        format!("https://ada.example/feed/posts/{}/", ItemId([1; 10]))
    );
    assert_eq!(
        texts(&all, "source:blogroll"),
        ["https://ada.example/feed/follows.opml"]
    );
}
