//! The feed as pages: `index.html`, `archive/KEY.html`, `posts/ID/index.html`.
//!
//! Complete documents that need no script and nothing from elsewhere, fit for the
//! strictest content security policy (no inline style, no inline script). They are
//! marked up with microformats (h-card, h-entry), so that other people's programs can
//! read them as well. Closed pages and item pages name their author by address alone,
//! because they must not change when a profile does; `feed.js` puts name and picture
//! there from `profile.json`.

mod media;
mod person;
mod post;
mod tile;

use self::{person::push_small, post::push_post};
use super::{
    body::push_path,
    markdown::{excerpt, note_html, plain_text_of_html},
    model::Item,
    page::{Archive, Entry, Head},
    parts::{Shown, archive_title, item_title, shown, shown_name},
    text::{push_day, push_escaped, put},
};
use crate::account::Account;

/// Where a page stands and whose it is.
struct Place<'a> {
    account: &'a Account,
    /// The account as text (EIP-55), made once.
    address: &'a str,
    /// Leads from the page to the root of the tree.
    prefix: &'a str,
}

const FOOTER: &str = "<footer class=\"foot\">\n\
    <p>This page is a copy that anybody may keep and pass on. Where it came from proves \
    nothing; its author\u{2019}s signature does: <code>ourspace verify</code> checks it.</p>\n</footer>\n";

const END: &str = "</div>\n</body>\n</html>\n";

const EMPTY: &str = "<section class=\"post empty\"><h2>Nothing here yet</h2>\n<p>The first post \
    will stand in this place. Follow now and it comes to you.</p></section>\n";

/// `index.html`.
#[must_use]
pub fn head(head: &Head<'_>) -> Vec<u8> {
    let address = head.account.to_string();
    let place = Place {
        account: &head.account,
        address: &address,
        prefix: "",
    };
    let name = shown_name(&head.account, head.profile);
    let bio = note_html(&head.profile.bio.value);
    let entries: usize = head.entries.iter().map(|e| 1_024 + e.html.len()).sum();
    let mut out = String::with_capacity(16 * 1024 + entries);

    begin_head(&mut out, head, &address, &bio);
    out.push_str("<a class=\"skip\" href=\"#posts\">Skip to the posts</a>\n<div class=\"page\">\n");
    person::push_header(&mut out, &place, head.profile, &name, &bio);
    out.push_str("<main id=\"posts\">\n");
    for entry in head.entries {
        push_post(&mut out, &place, entry);
    }
    if head.entries.is_empty() {
        out.push_str(EMPTY);
    }
    if let Some(previous) = head.previous {
        let url = format!("archive/{previous}.html");
        put(
            &mut out,
            &[
                "<nav class=\"pages\"><a rel=\"prev\" href=\"",
                &url,
                "\">Older posts</a></nav>\n",
            ],
        );
    }
    out.push_str("</main>\n");
    person::push_follow(&mut out, &place, head.profile);
    put(&mut out, &[FOOTER, END]);
    out.into_bytes()
}

/// Everything of `index.html` before its body.
fn begin_head(out: &mut String, head: &Head<'_>, address: &str, bio: &str) {
    let name = shown_name(&head.account, head.profile);
    begin(out, &name);
    let mut about = excerpt(&plain_text_of_html(bio), 200);
    if about.is_empty() {
        about = format!("Posts of {address}");
    }
    let picture = head.profile.avatar.value.as_ref();
    let card = Card {
        kind: "profile",
        title: &name,
        about: &about,
        picture,
    };
    card.push(out, "");
    alternates(out, "feed", "");
    out.push_str("<link rel=\"blogroll\" type=\"text/x-opml\" href=\"follows.opml\">\n");
    if let Some(avatar) = picture {
        out.push_str("<link rel=\"icon\" href=\"");
        push_path(out, "", &avatar.file.path);
        out.push_str("\">\n");
    }
    end_of_head(out, "");
}

/// `archive/KEY.html`.
#[must_use]
pub fn archive(archive: &Archive<'_>) -> Vec<u8> {
    let address = archive.account.to_string();
    let place = Place {
        account: &archive.account,
        address: &address,
        prefix: "../",
    };
    let entries: usize = archive.entries.iter().map(|e| 1_024 + e.html.len()).sum();
    let mut out = String::with_capacity(4 * 1024 + entries);

    let title = archive_title(&archive.account, &archive.key);
    begin(&mut out, &title);
    alternates(&mut out, &archive.key.to_string(), "");
    end_of_head(&mut out, "../");
    push_small(&mut out, &place);
    put(&mut out, &["<main>\n<p class=\"where\">Older posts, from "]);
    push_day(&mut out, archive.key.date);
    out.push_str(" on</p>\n");
    for entry in archive.entries {
        push_post(&mut out, &place, entry);
    }
    out.push_str("<nav class=\"pages\"><a href=\"../index.html\">Newest posts</a>");
    if let Some(previous) = archive.previous {
        put(
            &mut out,
            &[
                " <a rel=\"prev\" href=\"",
                &previous.to_string(),
                ".html\">Older posts</a>",
            ],
        );
    }
    put(&mut out, &["</nav>\n</main>\n", FOOTER, END]);
    out.into_bytes()
}

/// `posts/ID/index.html`: the permanent address of an item. `older` are its versions
/// before this one, newest first.
#[must_use]
pub fn item(account: &Account, entry: &Entry<'_>, older: &[Item]) -> Vec<u8> {
    let address = account.to_string();
    let place = Place {
        account,
        address: &address,
        prefix: "../../",
    };
    let item = entry.item;
    let mut out = String::with_capacity(3 * 1024 + entry.html.len() + item.text.len());

    let warning = item.labels.warning.as_deref();
    let title = item_title(entry, 70).filter(|_| warning.is_none() || item.title.is_some());
    let title = title.unwrap_or_else(|| {
        let mut title = format!("{}, ", account.short());
        push_day(&mut title, item.date);
        title
    });
    begin(&mut out, &title);
    let about = match warning {
        Some(warning) => format!("Content warning: {warning}"),
        None => excerpt(&plain_text_of_html(&entry.html), 200),
    };
    let mut pictures = item
        .attachments
        .iter()
        .filter(|a| shown(a) == Shown::Picture || a.poster.is_some());
    let picture = pictures.next().filter(|_| warning.is_none());
    Card {
        kind: "article",
        title: &title,
        about: &about,
        picture,
    }
    .push(&mut out, "../../");
    out.push_str("<link rel=\"canonical\" href=\"./\">\n");
    alternates(&mut out, "feed", "../../");
    end_of_head(&mut out, "../../");
    push_small(&mut out, &place);
    out.push_str("<main>\n");
    post::push_whole(&mut out, &place, entry, older);
    put(
        &mut out,
        &[
            "<nav class=\"pages\"><a href=\"../../index.html\">All posts</a></nav>\n</main>\n",
            FOOTER,
            END,
        ],
    );
    out.into_bytes()
}

/// What a page says about itself to those who show a preview of a link.
struct Card<'a> {
    kind: &'a str,
    title: &'a str,
    about: &'a str,
    picture: Option<&'a super::model::Attachment>,
}

impl Card<'_> {
    fn push(&self, out: &mut String, prefix: &str) {
        let mut meta = |name: &str, value: &str| {
            put(out, &["<meta ", name, "\" content=\""]);
            push_escaped(out, value);
            out.push_str("\">\n");
        };
        if !self.about.is_empty() {
            meta("name=\"description", self.about);
            meta("property=\"og:description", self.about);
        }
        meta("property=\"og:type", self.kind);
        meta("property=\"og:title", self.title);
        let Some(picture) = self.picture else {
            meta("name=\"twitter:card", "summary");
            return;
        };
        let large = self.kind == "article";
        meta(
            "name=\"twitter:card",
            if large {
                "summary_large_image"
            } else {
                "summary"
            },
        );
        let file = if shown(picture) == Shown::Picture {
            Some(&picture.file)
        } else {
            picture.poster.as_ref()
        };
        if let Some(file) = file {
            meta("property=\"og:image", &format!("{prefix}{}", file.path));
        }
        if !picture.alt.is_empty() {
            meta("property=\"og:image:alt", &picture.alt);
        }
    }
}

/// The words of the page itself are English; what the author wrote says its own language.
fn begin(out: &mut String, title: &str) {
    out.push_str(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>",
    );
    push_escaped(out, title);
    out.push_str("</title>\n");
}

fn alternates(out: &mut String, name: &str, prefix: &str) {
    for (mime, extension) in [
        ("application/rss+xml", ".xml\">\n"),
        ("application/feed+json", ".json\">\n"),
    ] {
        put(
            out,
            &[
                "<link rel=\"alternate\" type=\"",
                mime,
                "\" href=\"",
                prefix,
                name,
                extension,
            ],
        );
    }
}

fn end_of_head(out: &mut String, prefix: &str) {
    put(
        out,
        &[
            "<link rel=\"stylesheet\" href=\"",
            prefix,
            "feed.css\">\n<script defer src=\"",
            prefix,
            "feed.js\"></script>\n</head>\n<body>\n",
        ],
    );
}

#[cfg(test)]
mod tests;
