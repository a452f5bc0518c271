use proptest::{collection::vec, prelude::*};

use super::*;
use crate::feed::{
    markdown::{content_html, is_safe_link},
    model::{ItemId, ItemKey, Profile},
    samples,
};

/// Fails unless a document is well formed, runs nothing but `feed.js`, has no inline style
/// and leads nowhere but to safe addresses and into its own tree.
fn assert_document(html: &[u8], prefix: &str) {
    let html = std::str::from_utf8(html).unwrap();
    assert!(html.starts_with("<!DOCTYPE html>\n<html lang=\"en\">\n"));
    let mut open: Vec<&str> = Vec::new();
    let mut rest = &html["<!DOCTYPE html>".len()..];
    while let Some(at) = rest.find('<') {
        let (text, tag) = rest.split_at(at);
        assert!(!text.contains('>'), "{text}");
        let end = tag.find('>').unwrap();
        let inside = &tag[1..end];
        rest = &tag[end + 1..];
        if let Some(name) = inside.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{html}");
            continue;
        }
        let (name, attributes) = inside.split_once(' ').unwrap_or((inside, ""));
        assert_attributes(name, attributes, prefix);
        let void = ["meta", "link", "img", "br", "hr"].contains(&name) || inside.ends_with('/');
        if !void {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

fn assert_attributes(element: &str, attributes: &str, prefix: &str) {
    let mut rest = attributes.trim_end_matches('/');
    while !rest.is_empty() {
        let bare = ["controls", "defer", "download"].iter().find_map(|name| {
            rest.strip_prefix(name)
                .filter(|rest| rest.is_empty() || rest.starts_with(' '))
        });
        if let Some(after) = bare {
            rest = after.trim_start();
            continue;
        }
        let (name, after) = rest
            .split_once("=\"")
            .unwrap_or_else(|| panic!("{element}: {rest}"));
        let (value, after) = after.split_once('"').unwrap();
        rest = after.trim_start();
        assert!(
            !name.starts_with("on") && name != "style",
            "{element} {name}"
        );
        assert!(
            !name.contains(|c: char| c.is_whitespace()),
            "{element} {name:?}"
        );
        match (element, name) {
            ("script", "src") => assert_eq!(value, format!("{prefix}feed.js")),
            (_, "src" | "poster") => {
                assert!(value.starts_with(&format!("{prefix}media/")), "{value}")
            }
            (_, "href") => {
                let relative = !value.contains(':') && !value.starts_with("//");
                assert!(relative || is_safe_link(value), "{element}: {value}");
            }
            _ => {}
        }
    }
}

fn key() -> ItemKey {
    ItemKey {
        date: 1_763_953_594_007,
        id: ItemId([7; 10]),
    }
}

proptest! {
    #[test]
    fn pages_are_documents(
        items in vec(samples::item(), 0..6),
        profile in samples::profile(),
        account in samples::account(),
    ) {
        let entries: Vec<Entry<'_>> = items
            .iter()
            .filter(|item| item.kind.is_post())
            .map(|item| Entry { item, html: content_html(item) })
            .collect();
        let previous = Some(key()).filter(|_| entries.len() > 2);
        let page = head(&Head { account, profile: &profile, previous, entries: &entries });
        assert_document(&page, "");
        let page = archive(&Archive { account, key: key(), previous, entries: &entries });
        assert_document(&page, "../");
        for entry in &entries {
            let older = [entry.item.clone()];
            let older = if entry.item.edits > 1 { &older[..] } else { &[] };
            assert_document(&item(&account, entry, older), "../../");
        }
    }
}

/// Values that no check let through, as a bug elsewhere might hand them over.
#[test]
fn unchecked_values_do_no_harm() {
    let evil = "\"><script>alert(1)</script>";
    let mut profile = Profile::default();
    let link = |url: &str| super::super::model::Link {
        label: evil.into(),
        url: url.into(),
    };
    profile.display_name.value = evil.into();
    profile.bio.value = evil.into();
    profile.links.value = vec![
        link("javascript:alert(1)"),
        link(&format!("https://a{evil}")),
    ];
    profile.tox.value = Some(evil.into());
    profile.email.value = Some(evil.into());
    profile.names.value = vec![evil.into()];
    let mut post = Item::new(ItemId([1; 10]), 0, evil);
    post.title = Some(evil.into());
    post.labels.language = Some(evil.into());
    post.labels.tags = vec![evil.into()];
    post.labels.warning = Some(evil.into());
    post.origin = Some("javascript:alert(1)".into());
    let entry = Entry {
        item: &post,
        html: content_html(&post),
    };
    let account = Account([1; 20]);
    let page = head(&Head {
        account,
        profile: &profile,
        previous: None,
        entries: std::slice::from_ref(&entry),
    });
    assert_document(&page, "");
    assert_document(
        &item(&account, &entry, std::slice::from_ref(&post)),
        "../../",
    );
}

fn item_page(change: impl FnOnce(&mut Item)) -> String {
    let mut post = Item::new(
        ItemId([1; 10]),
        1_763_953_594_007,
        "Some words.\n\nAnd more.",
    );
    change(&mut post);
    let entry = Entry {
        item: &post,
        html: content_html(&post),
    };
    String::from_utf8(item(&Account([1; 20]), &entry, &[])).unwrap()
}

#[test]
fn previews_of_a_shared_link() {
    let page = item_page(|_| ());
    assert!(page.contains("<title>Some words. And more.</title>"));
    assert!(page.contains("<meta property=\"og:type\" content=\"article\">"));
    assert!(page.contains("<meta property=\"og:description\" content=\"Some words. And more.\">"));
    assert!(page.contains("<meta name=\"twitter:card\" content=\"summary\">"));
    assert!(page.contains("<link rel=\"canonical\" href=\"./\">"));

    let picture = super::super::model::File {
        path: samples::path(1, "webp"),
        size: 1,
        mime: "image/webp".into(),
        pixels: Some((4, 3)),
    };
    let with_picture = |item: &mut Item| {
        item.attachments = vec![super::super::model::Attachment::new(
            picture.clone(),
            "A \"lake\"",
        )];
    };
    let page = item_page(with_picture);
    assert!(page.contains(&format!(
        "<meta property=\"og:image\" content=\"../../{}\">",
        picture.path
    )));
    assert!(page.contains("<meta property=\"og:image:alt\" content=\"A &quot;lake&quot;\">"));
    assert!(page.contains("<meta name=\"twitter:card\" content=\"summary_large_image\">"));
}

#[test]
fn a_warning_covers_preview_and_page() {
    let page = item_page(|item| item.labels.warning = Some("Spiders".into()));
    let (head, body) = page.split_once("<body>").unwrap();
    assert!(!head.contains("Some words"));
    assert!(head.contains("<meta name=\"description\" content=\"Content warning: Spiders\">"));
    let (before, _) = body.split_once("<details class=\"warning\">").unwrap();
    assert!(!before.contains("Some words"));
}

#[test]
fn closed_pages_do_not_know_the_profile() {
    let page = item_page(|_| ());
    assert!(page.contains("0x0101…0101"));
    assert!(!page.contains("profile.json"));
}
