//! The files of a feed, and the items in them.

use std::str;

use ourspace_protocol::{
    account::Account,
    feed::{
        check, clean,
        json::{
            parse_follows, parse_history, parse_page, parse_profile, parse_reactions,
            parse_tombstones, profile as write_profile, read_page,
        },
        markdown,
        model::{Item, ItemId},
        render,
        text::is_xml_char,
    },
};

/// `feed.json` or a page of the archive.
pub fn page(bytes: &[u8]) {
    let strict = parse_page(bytes);
    if let Ok(page) = read_page(bytes) {
        page.items.iter().for_each(check_renderings);
    }
    if let Ok(page) = strict {
        assert!(page.exact);
        for item in &page.items {
            assert_eq!(check::item(item), Ok(()), "an item came past the check");
        }
    }
}

/// `profile.json`: read and written again it is the same.
pub fn profile(bytes: &[u8]) {
    if let Ok((account, profile)) = parse_profile(bytes) {
        assert_eq!(check::profile(&profile), Ok(()));
        assert_eq!(
            write_profile(account, &profile),
            bytes,
            "one profile, two files"
        );
    }
}

/// `follows.json`.
pub fn follows(bytes: &[u8]) {
    if let Ok((account, follows)) = parse_follows(bytes) {
        assert_eq!(check::follows(&follows), Ok(()));
        let opml = ourspace_protocol::feed::opml::follows(&account, &follows);
        assert!(str::from_utf8(&opml).is_ok());
    }
}

/// Tombstones, reactions, older versions.
pub fn lists(bytes: &[u8]) {
    if let Ok((_, tombstones)) = parse_tombstones(bytes) {
        assert!(tombstones.iter().all(|dead| check::tombstone(dead).is_ok()));
    }
    for (_, items) in [parse_reactions(bytes), parse_history(bytes)]
        .into_iter()
        .flatten()
    {
        assert!(items.iter().all(|item| check::item(item).is_ok()));
    }
}

/// The text of an item: whatever a person or an import writes, the renderings hold
/// nothing that a browser would run.
pub fn item(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let item = Item::new(ItemId([7; 10]), 1_764_000_000_000, clean::text(text));
    if check::item(&item).is_ok() {
        check_renderings(&item);
    }
}

fn check_renderings(item: &Item) {
    let html = markdown::content_html(item);
    check_harmless(&html);
    assert!(
        html.chars().all(is_xml_char),
        "HTML with a character that XML forbids"
    );
    let Ok(entry) = render::entry(item.renderer, item) else {
        return;
    };
    let account = Account([1; 20]);
    let files = render::item_files(item.renderer, &account, &entry, &[]).unwrap_or_default();
    for (path, bytes) in files {
        assert!(str::from_utf8(&bytes).is_ok(), "{path} is not UTF-8");
    }
}

/// No element, attribute or address that runs something.
fn check_harmless(html: &str) {
    let small = html.to_ascii_lowercase();
    for tag in [
        "<script", "<iframe", "<object", "<embed", "<style", "<form", "<svg", "<math",
    ] {
        assert!(!small.contains(tag), "{tag} in {html}");
    }
    // Inside of a tag, text cannot hold "<" or ">": they are escaped.
    for tag in small
        .split('<')
        .skip(1)
        .filter_map(|tag| tag.split('>').next())
    {
        assert!(
            !tag.contains("=\"javascript:"),
            "a script address in <{tag}>"
        );
        assert!(!tag.contains("=\"data:"), "a data address in <{tag}>");
        // What stands outside of quotes is names.
        let names: String = tag.split('"').step_by(2).collect();
        assert!(!names.contains(" on"), "an event handler in <{tag}>");
    }
}
