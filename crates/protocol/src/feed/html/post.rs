//! One item as an article of a page.

use super::{Place, media::push_media};
use crate::feed::{
    markdown::is_safe_link,
    model::{Item, Kind},
    page::Entry,
    parts::{push_content, relation, target_label, target_url},
    text::{push_day, push_escaped, push_href, push_number, push_rfc3339, put},
};

/// An item among others.
pub(super) fn push_post(out: &mut String, place: &Place<'_>, entry: &Entry<'_>) {
    let item = entry.item;
    let url = format!("{}posts/{}/", place.prefix, item.id);
    begin(out, item);
    if let Some(title) = &item.title {
        push_words(out, "h2 class=\"p-name\"", item);
        link(out, &url);
        push_escaped(out, title);
        out.push_str("</a></h2>\n");
    }
    // Without a title the date is the heading, so that every article has one.
    let element = if item.title.is_some() { "p" } else { "h2" };
    put(
        out,
        &[
            "<",
            element,
            " class=\"meta\"><a class=\"u-url\" href=\"",
            &url,
            "\">",
        ],
    );
    push_time(out, item);
    out.push_str("</a>");
    if item.edits > 0 {
        put(
            out,
            &[
                " <a class=\"edited\" href=\"",
                &url,
                "#history\">edited</a>",
            ],
        );
    }
    put(out, &["</", element, ">\n"]);
    push_inside(out, place, entry);
    out.push_str("</article>\n");
}

/// An item on its own page, with its history.
pub(super) fn push_whole(out: &mut String, place: &Place<'_>, entry: &Entry<'_>, older: &[Item]) {
    let item = entry.item;
    begin(out, item);
    if let Some(title) = &item.title {
        push_words(out, "h2 class=\"p-name\"", item);
        push_escaped(out, title);
        out.push_str("</h2>\n");
    }
    let element = if item.title.is_some() { "p" } else { "h2" };
    put(
        out,
        &[
            "<",
            element,
            " class=\"meta\"><a class=\"u-url\" href=\"./\">",
        ],
    );
    push_time(out, item);
    put(out, &["</a></", element, ">\n"]);
    push_inside(out, place, entry);
    if item.edits > 0 {
        push_history(out, item, older);
    }
    out.push_str("</article>\n");
}

fn begin(out: &mut String, item: &Item) {
    out.push_str("<article class=\"post h-entry\"");
    if item
        .labels
        .language
        .as_deref()
        .is_some_and(is_right_to_left)
    {
        out.push_str(" dir=\"rtl\"");
    }
    out.push_str(">\n");
}

/// Begins an element that holds the author's own words.
fn push_words(out: &mut String, tag: &str, item: &Item) {
    put(out, &["<", tag, " dir=\"auto\""]);
    if let Some(language) = &item.labels.language {
        out.push_str(" lang=\"");
        push_escaped(out, language);
        out.push('"');
    }
    out.push('>');
}

/// Whether a language is mostly written from right to left, so that date and tags stand
/// where its readers look for them. The text itself goes by its own characters.
fn is_right_to_left(language: &str) -> bool {
    const LANGUAGES: [&str; 12] = [
        "ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi",
    ];
    let primary = language.split('-').next().unwrap_or_default();
    LANGUAGES
        .iter()
        .any(|known| primary.eq_ignore_ascii_case(known))
}

fn push_time(out: &mut String, item: &Item) {
    out.push_str("<time class=\"dt-published\" datetime=\"");
    push_rfc3339(out, item.date);
    out.push_str("\">");
    push_day(out, item.date);
    out.push_str("</time>");
}

fn push_inside(out: &mut String, place: &Place<'_>, entry: &Entry<'_>) {
    let item = entry.item;
    push_about(out, place, item);
    if let Some(warning) = &item.labels.warning {
        out.push_str("<details class=\"warning\">");
        push_words(out, "summary", item);
        push_escaped(out, warning);
        out.push_str("</summary>\n");
    }
    if !entry.html.is_empty() {
        push_words(out, "div class=\"text e-content\"", item);
        out.push('\n');
        push_content(out, &entry.html, place.prefix);
        out.push_str("\n</div>\n");
    }
    push_media(out, place, entry);
    if item.labels.warning.is_some() {
        out.push_str("</details>\n");
    }
    push_labels(out, item);
}

fn push_about(out: &mut String, place: &Place<'_>, item: &Item) {
    let Some(about) = &item.about else {
        return;
    };
    let class = match item.kind {
        Kind::Repost => "u-repost-of",
        Kind::Quote => "u-quotation-of",
        _ => "u-in-reply-to",
    };
    put(
        out,
        &["<p class=\"about ", class, "\">", relation(item.kind), " "],
    );
    let href = target_url(&about.target, place.address, place.prefix);
    link(out, &href);
    push_escaped(out, &target_label(&about.target, place.address));
    out.push_str("</a></p>\n");
}

/// Tags, mentions and where an imported post stood before.
fn push_labels(out: &mut String, item: &Item) {
    let labels = &item.labels;
    if labels.tags.is_empty() && labels.mentions.is_empty() && item.origin.is_none() {
        return;
    }
    out.push_str("<ul class=\"labels\">\n");
    for tag in &labels.tags {
        out.push_str("<li class=\"p-category\" dir=\"auto\">#");
        push_escaped(out, tag);
        out.push_str("</li>\n");
    }
    for account in &labels.mentions {
        out.push_str("<li>");
        link(out, &format!("ourspace:{account}"));
        put(out, &["@", &account.short(), "</a></li>\n"]);
    }
    if let Some(origin) = item.origin.as_deref().filter(|url| is_safe_link(url)) {
        out.push_str("<li><a class=\"u-syndication\" rel=\"nofollow noopener\" href=\"");
        push_href(out, origin);
        out.push_str("\">First published here</a></li>\n");
    }
    out.push_str("</ul>\n");
}

fn push_history(out: &mut String, item: &Item, older: &[Item]) {
    out.push_str("<details class=\"history\" id=\"history\"><summary>Edited ");
    if item.edits > 1 {
        push_number(out, u64::from(item.edits));
        out.push_str(" times, last ");
    }
    out.push_str("on ");
    push_day(out, item.written());
    out.push_str("</summary>\n");
    if older.is_empty() {
        out.push_str("<p>The earlier versions are not kept here.</p>\n");
    } else {
        out.push_str(
            "<p>As it was before, the newest first (<a href=\"history.json\">all of it</a>):</p>\n",
        );
    }
    for version in older {
        out.push_str("<h3><time datetime=\"");
        push_rfc3339(out, version.written());
        out.push_str("\">");
        push_day(out, version.written());
        out.push_str("</time></h3>\n<pre class=\"plain\" dir=\"auto\" tabindex=\"0\">");
        if let Some(title) = &version.title {
            push_escaped(out, title);
            out.push_str("\n\n");
        }
        push_escaped(out, &version.text);
        out.push_str("</pre>\n");
    }
    out.push_str("</details>\n");
}

/// Begins a link to an address that the renderer made or the check let through; any
/// other becomes a link to nowhere.
fn link(out: &mut String, href: &str) {
    let known = is_safe_link(href) || !href.contains(':');
    out.push_str("<a href=\"");
    push_href(out, if known { href } else { "#" });
    out.push_str("\">");
}
