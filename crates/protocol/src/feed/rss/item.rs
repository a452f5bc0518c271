//! One item of an RSS channel.

use super::element;
use crate::feed::{
    body::{body, push_path, push_pixels},
    check::kind_name,
    markdown::{excerpt, plain_text_of_html},
    model::{Attachment, File, Item, Kind, Target},
    page::Entry,
    parts::{Shown, item_title, seconds, shown, target_label, target_url},
    text::{push_cdata, push_escaped, push_number, push_rfc822, push_rfc3339},
};

/// Characters of the short description.
const DESCRIPTION: usize = 300;
/// Characters of the title that a post with sound or video gets if it has none.
const TITLE: usize = 80;

pub(super) fn push_item(out: &mut String, entry: &Entry<'_>, account: &str, prefix: &str) {
    let item = entry.item;
    let id = item.id.to_string();
    out.push_str("<item>\n");
    push_title(out, entry);
    out.push_str("<link>");
    push_path(out, prefix, "posts/");
    out.push_str(&id);
    out.push_str("/</link>\n<guid isPermaLink=\"false\">ourspace:");
    out.push_str(account);
    out.push('/');
    out.push_str(&id);
    out.push_str("</guid>\n<pubDate>");
    push_rfc822(out, item.date);
    out.push_str("</pubDate>\n");
    push_description(out, entry, account);
    let body = body(entry, account, prefix);
    if !body.is_empty() {
        out.push_str("<content:encoded>");
        push_cdata(out, &body);
        out.push_str("</content:encoded>\n");
    }
    if !item.text.is_empty() {
        element(out, "source:markdown", &item.text);
    }
    for tag in &item.labels.tags {
        element(out, "category", tag);
    }
    push_own(out, item, account, prefix);
    push_attachments(out, item, prefix);
    out.push_str("</item>\n");
}

/// Podcast apps and some readers name an untitled item by its file, so one with
/// attachments gets its first words as a title; a plain short post has none.
fn push_title(out: &mut String, entry: &Entry<'_>) {
    if let Some(title) = &entry.item.title {
        element(out, "title", title);
    } else if !entry.item.attachments.is_empty()
        && let Some(title) = entry
            .item
            .labels
            .warning
            .clone()
            .or_else(|| item_title(entry, TITLE))
    {
        element(out, "title", &title);
        // Our own pages need no such title and leave it out.
        out.push_str("<os:untitled/>\n");
    }
}

/// A synopsis; with a content warning, nothing but the warning.
fn push_description(out: &mut String, entry: &Entry<'_>, account: &str) {
    let item = entry.item;
    let mut words = String::new();
    if let Some(warning) = &item.labels.warning {
        words.push_str("Content warning: ");
        words.push_str(warning);
    } else {
        words = excerpt(&plain_text_of_html(&entry.html), DESCRIPTION);
        if words.is_empty()
            && let Some(about) = &item.about
        {
            words = target_label(&about.target, account);
        }
    }
    // The element holds HTML, so the words are escaped once as HTML and once as XML.
    let mut html = String::with_capacity(words.len() + 16);
    push_escaped(&mut html, &words);
    element(out, "description", &html);
}

/// What the item is, in RFC 4685's words for replies and in ours for the rest.
fn push_own(out: &mut String, item: &Item, account: &str, prefix: &str) {
    out.push_str("<os:kind>");
    out.push_str(kind_name(item.kind));
    out.push_str("</os:kind>\n");
    if let Some(written) = item.written {
        out.push_str("<atom:updated>");
        push_rfc3339(out, written);
        out.push_str("</atom:updated>\n");
    }
    if item.edits > 0 {
        out.push_str("<os:edits>");
        push_number(out, u64::from(item.edits));
        out.push_str("</os:edits>\n");
    }
    if let Some(warning) = &item.labels.warning {
        element(out, "os:warning", warning);
    }
    if let Some(language) = &item.labels.language {
        element(out, "os:language", language);
    }
    for account in &item.labels.mentions {
        element(out, "os:mention", &account.to_string());
    }
    if let Some(origin) = &item.origin {
        element(out, "os:origin", origin);
    }
    let Some(about) = &item.about else {
        return;
    };
    let href = target_url(&about.target, account, prefix);
    if item.kind == Kind::Reply {
        push_reference(out, "<thr:in-reply-to ref=\"", &about.target, &href);
        out.push_str("\"/>\n");
    }
    push_reference(out, "<os:about ref=\"", &about.target, &href);
    out.push_str("\" label=\"");
    push_escaped(out, &target_label(&about.target, account));
    if let Some(thread) = &about.thread {
        out.push_str("\" thread=\"");
        push_escaped(out, &thread.to_string());
    }
    out.push_str("\"/>\n");
}

fn push_reference(out: &mut String, begin: &str, target: &Target, href: &str) {
    out.push_str(begin);
    push_escaped(out, &target.to_string());
    out.push_str("\" href=\"");
    push_escaped(out, href);
}

/// The enclosure (RSS knows one: the first that plays, else the first) and every
/// attachment in the words of Media RSS.
fn push_attachments(out: &mut String, item: &Item, prefix: &str) {
    let plays = |a: &&Attachment| matches!(shown(a), Shown::Video | Shown::Sound);
    let attachments = &item.attachments;
    if let Some(enclosure) = attachments.iter().find(plays).or(attachments.first()) {
        out.push_str("<enclosure url=\"");
        push_path(out, prefix, &enclosure.file.path);
        out.push_str("\" length=\"");
        push_number(out, enclosure.file.size);
        out.push_str("\" type=\"");
        push_escaped(out, &enclosure.file.mime);
        out.push_str("\"/>\n");
        if let Some(duration) = enclosure.duration {
            out.push_str("<itunes:duration>");
            push_number(out, seconds(duration));
            out.push_str("</itunes:duration>\n");
        }
    }
    for attachment in attachments {
        push_media(out, attachment, prefix);
    }
}

fn push_media(out: &mut String, attachment: &Attachment, prefix: &str) {
    out.push_str("<media:content url=\"");
    push_path(out, prefix, &attachment.file.path);
    out.push_str("\" type=\"");
    push_escaped(out, &attachment.file.mime);
    out.push_str("\" fileSize=\"");
    push_number(out, attachment.file.size);
    out.push_str("\" medium=\"");
    out.push_str(match shown(attachment) {
        Shown::Picture => "image",
        Shown::Video => "video",
        Shown::Sound => "audio",
        Shown::File => "document",
    });
    if let Some(duration) = attachment.duration {
        out.push_str("\" duration=\"");
        push_number(out, seconds(duration));
    }
    push_pixels(out, attachment.file.pixels);
    out.push_str("\">");
    if let Some(title) = &attachment.title {
        element(out, "media:title", title);
    }
    if !attachment.alt.is_empty() {
        element(out, "media:description", &attachment.alt);
    }
    let small = attachment.variants.first().or(attachment.poster.as_ref());
    if let Some(File { path, pixels, .. }) = small {
        out.push_str("<media:thumbnail url=\"");
        push_path(out, prefix, path);
        push_pixels(out, *pixels);
        out.push_str("\"/>");
    }
    out.push_str("</media:content>\n");
}
