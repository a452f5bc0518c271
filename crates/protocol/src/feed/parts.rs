//! Small decisions that several formats share, so that they never differ between them.

use super::{
    check::forms::is_picture,
    markdown::{excerpt, plain_text_of_html},
    model::{Attachment, ItemKey, Kind, Profile, Target},
    page::Entry,
    text::push_day,
};
use crate::account::Account;

/// The name a feed is shown by: the one its author chose, else the short address.
pub(super) fn shown_name(account: &Account, profile: &Profile) -> String {
    match profile.display_name.value.as_str() {
        "" => account.short(),
        name => name.to_owned(),
    }
}

/// What a closed page is called: `0x1234…abcd, from 24 November 2026`.
pub(super) fn archive_title(account: &Account, key: &ItemKey) -> String {
    let mut title = account.short();
    title.push_str(", from ");
    push_day(&mut title, key.date);
    title
}

/// Whole seconds of a duration in milliseconds, never zero.
pub(super) fn seconds(ms: u64) -> u64 {
    (ms / 1_000 + u64::from(ms % 1_000 >= 500)).max(1)
}

/// How an attachment is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Picture,
    Video,
    Sound,
    File,
}

/// How an attachment is shown, by its media type.
pub(super) fn shown(attachment: &Attachment) -> Shown {
    let mime = attachment.file.mime.as_str();
    if is_picture(mime) {
        Shown::Picture
    } else if mime.starts_with("video/") {
        Shown::Video
    } else if mime.starts_with("audio/") {
        Shown::Sound
    } else {
        Shown::File
    }
}

/// The attachments that the text does not show itself.
pub(super) fn below<'a>(entry: &'a Entry<'_>) -> impl Iterator<Item = &'a Attachment> {
    let inline = entry.html.contains(IMG);
    entry
        .item
        .attachments
        .iter()
        .filter(move |a| !inline || !entry.html.contains(&format!("{IMG}{}\"", a.file.path)))
}

const IMG: &str = "<img src=\"";

/// Appends an item's text as HTML, its picture paths relative to where `prefix` leads.
pub(super) fn push_content(out: &mut String, html: &str, prefix: &str) {
    if prefix.is_empty() {
        out.push_str(html);
        return;
    }
    let mut parts = html.split(IMG);
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        out.push_str(IMG);
        out.push_str(prefix);
        out.push_str(part);
    }
}

/// What a person calls the relation of an item to what it is about.
pub(super) fn relation(kind: Kind) -> &'static str {
    match kind {
        Kind::Post => "",
        Kind::Reply => "Reply to",
        Kind::Repost => "Passes on",
        Kind::Quote => "Quotes",
        Kind::Like => "Likes",
        Kind::Vote => "Votes on",
    }
}

/// The address of a target for a page of `account`: its own items by their place in the
/// tree.
pub(super) fn target_url(target: &Target, account: &str, prefix: &str) -> String {
    let url = target.to_string();
    let own = url
        .strip_prefix("ourspace:")
        .and_then(|rest| rest.strip_prefix(account))
        .and_then(|rest| rest.strip_prefix('/'));
    match own {
        Some(id) => format!("{prefix}posts/{id}/"),
        None => url,
    }
}

/// A target in a few words: whose item, or which place on the web.
pub(super) fn target_label(target: &Target, account: &str) -> String {
    match target {
        Target::Item(owner, _) if owner.to_string() == account => "an earlier post".to_owned(),
        Target::Item(owner, _) => format!("a post of {}", owner.short()),
        Target::Url(url) => {
            let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
            let rest = rest.strip_prefix("www.").unwrap_or(rest);
            excerpt(rest.trim_end_matches('/'), 60)
        }
    }
}

/// What an item is called where it needs a name: its title, its first words, what its
/// first attachment shows, or nothing.
pub(super) fn item_title(entry: &Entry<'_>, limit: usize) -> Option<String> {
    if let Some(title) = &entry.item.title {
        return Some(title.clone());
    }
    let words = excerpt(&plain_text_of_html(&entry.html), limit);
    if !words.is_empty() {
        return Some(words);
    }
    let first = entry.item.attachments.first()?;
    let words = excerpt(first.title.as_ref().unwrap_or(&first.alt), limit);
    (!words.is_empty()).then_some(words)
}
