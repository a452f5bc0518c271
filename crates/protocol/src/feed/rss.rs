//! The feed as RSS 2.0.
//!
//! Everything that readers have long agreed on is said in their words (Atom links, RFC
//! 5005 archives, RFC 4685 replies, Media RSS, the content, iTunes and Source modules);
//! what has no words yet stands in our namespace, `urn:ourspace:feed:1`. The first
//! element of the channel loads `feed.js`, which makes a page of the feed in any browser;
//! without scripts `feed.css` does what it can.
//!
//! RSS is derived: nothing is ever read back from it.

mod item;

use self::item::push_item;
use super::{
    body::push_path,
    markdown::{excerpt, note_html, plain_text_of_html},
    model::{Attachment, Profile},
    page::{Archive, Entry, Head},
    parts::{archive_title, shown_name},
    text::{push_escaped, push_href, push_rfc822},
};

const NAMESPACES: &str = concat!(
    "<rss version=\"2.0\"",
    " xmlns:atom=\"http://www.w3.org/2005/Atom\"",
    " xmlns:content=\"http://purl.org/rss/1.0/modules/content/\"",
    " xmlns:fh=\"http://purl.org/syndication/history/1.0\"",
    " xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\"",
    " xmlns:media=\"http://search.yahoo.com/mrss/\"",
    " xmlns:os=\"urn:ourspace:feed:1\"",
    " xmlns:source=\"http://source.scripting.com/\"",
    " xmlns:thr=\"http://purl.org/syndication/thread/1.0\">\n<channel>\n",
);

/// Bytes of a feed beside its items.
const CHANNEL_BYTES: usize = 4 * 1024;

/// `feed.xml`.
#[must_use]
pub fn head(head: &Head<'_>) -> Vec<u8> {
    live(head, "")
}

/// `feed.xml` with absolute addresses, for those who need them (podcast apps, validators):
/// `base` is where the tree lies, with a slash at its end. Such a file is never a part of
/// the signed tree.
#[must_use]
pub fn absolute(head: &Head<'_>, base: &str) -> Vec<u8> {
    live(head, base)
}

/// `archive/KEY.xml`.
#[must_use]
pub fn archive(archive: &Archive<'_>) -> Vec<u8> {
    let account = archive.account.to_string();
    let name = archive.key.to_string();
    let mut out = begin(archive.entries, "../");
    out.push_str("<fh:archive/>\n");
    element(
        &mut out,
        "title",
        &archive_title(&archive.account, &archive.key),
    );
    element(&mut out, "link", &format!("{name}.html"));
    out.push_str("<description>Posts of ");
    out.push_str(&account);
    out.push_str("</description>\n");
    atom_link(&mut out, "self", &format!("{name}.xml"), RSS);
    atom_link(&mut out, "current", "../feed.xml", RSS);
    if let Some(previous) = archive.previous {
        atom_link(&mut out, "prev-archive", &format!("{previous}.xml"), RSS);
    }
    atom_link(&mut out, "alternate", &format!("{name}.html"), "text/html");
    atom_link(&mut out, "alternate", &format!("{name}.json"), JSON);
    identity(&mut out, &account, None);
    end(out, archive.entries, &account, "../")
}

const RSS: &str = "application/rss+xml";
const JSON: &str = "application/feed+json";

fn live(head: &Head<'_>, prefix: &str) -> Vec<u8> {
    let account = head.account.to_string();
    let name = shown_name(&head.account, head.profile);
    let mut out = begin(head.entries, prefix);
    let at = |path: &str| format!("{prefix}{path}");
    element(&mut out, "title", &name);
    element(&mut out, "link", &at("index.html"));
    let bio = plain_text_of_html(&note_html(&head.profile.bio.value));
    let about = if bio.is_empty() {
        format!("Posts of {account}")
    } else {
        excerpt(&bio, 300)
    };
    element(&mut out, "description", &about);
    if let Some(language) = &head.profile.language.value {
        element(&mut out, "language", language);
    }
    if let Some(email) = &head.profile.email.value {
        element(&mut out, "managingEditor", &format!("{email} ({name})"));
    }
    if let Some(avatar) = &head.profile.avatar.value {
        image(&mut out, avatar, &name, prefix);
    }
    atom_link(&mut out, "self", &at("feed.xml"), RSS);
    atom_link(&mut out, "alternate", &at("index.html"), "text/html");
    atom_link(&mut out, "alternate", &at("feed.json"), JSON);
    if let Some(previous) = head.previous {
        atom_link(
            &mut out,
            "prev-archive",
            &at(&format!("archive/{previous}.xml")),
            RSS,
        );
    }
    people(&mut out, &account, head.profile);
    element(&mut out, "source:blogroll", &at("follows.opml"));
    out.push_str("<source:account service=\"ourspace\">");
    out.push_str(&account);
    out.push_str("</source:account>\n");
    element(&mut out, "itunes:author", &name);
    identity(&mut out, &account, Some((head.profile, prefix)));
    end(out, head.entries, &account, prefix)
}

fn begin(entries: &[Entry<'_>], prefix: &str) -> String {
    let items: usize = entries
        .iter()
        .map(|e| 1_024 + e.html.len() + 2 * e.item.text.len())
        .sum();
    let mut out = String::with_capacity(CHANNEL_BYTES + items);
    out.push_str(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <?xml-stylesheet type=\"text/css\" href=\"",
    );
    push_href(&mut out, prefix);
    out.push_str("feed.css\"?>\n");
    out.push_str(NAMESPACES);
    out.push_str("<os:page><script xmlns=\"http://www.w3.org/1999/xhtml\" src=\"");
    push_href(&mut out, prefix);
    out.push_str("feed.js\"></script></os:page>\n");
    out
}

fn end(mut out: String, entries: &[Entry<'_>], account: &str, prefix: &str) -> Vec<u8> {
    if let Some(newest) = entries.first() {
        out.push_str("<pubDate>");
        push_rfc822(&mut out, newest.item.date);
        out.push_str("</pubDate>\n");
    }
    for entry in entries {
        push_item(&mut out, entry, account, prefix);
    }
    out.push_str("</channel>\n</rss>\n");
    out.into_bytes()
}

/// The author's other addresses, by the link relations that readers know.
fn people(out: &mut String, account: &str, profile: &Profile) {
    atom_link(out, "payment", &format!("ethereum:{account}@1"), "");
    atom_link(out, "me", &format!("did:pkh:eip155:1:{account}"), "");
    if let Some(email) = &profile.email.value {
        atom_link(out, "me", &format!("mailto:{email}"), "");
    }
    if let Some(tox) = &profile.tox.value {
        atom_link(out, "me", &format!("tox:{tox}"), "");
    }
    for link in &profile.links.value {
        out.push_str("<atom:link rel=\"me\" href=\"");
        push_href(out, &link.url);
        out.push_str("\" title=\"");
        push_escaped(out, &link.label);
        out.push_str("\"/>\n");
    }
}

/// Who the author is, in our own words, for our own page and readers.
fn identity(out: &mut String, account: &str, profile: Option<(&Profile, &str)>) {
    out.push_str("<os:identity address=\"");
    out.push_str(account);
    out.push_str("\" did=\"did:pkh:eip155:1:");
    out.push_str(account);
    let Some((profile, prefix)) = profile else {
        out.push_str("\"/>\n");
        return;
    };
    for (name, value) in [("email", &profile.email.value), ("tox", &profile.tox.value)] {
        if let Some(value) = value {
            out.push_str("\" ");
            out.push_str(name);
            out.push_str("=\"");
            push_escaped(out, value);
        }
    }
    if let Some(banner) = &profile.banner.value {
        out.push_str("\" banner=\"");
        push_path(out, prefix, &banner.file.path);
    }
    out.push_str("\">");
    for name in &profile.names.value {
        element(out, "os:name", name);
    }
    for payment in &profile.payments.value {
        out.push_str("<os:pay kind=\"");
        push_escaped(out, &payment.kind);
        out.push_str("\" address=\"");
        push_escaped(out, &payment.address);
        out.push_str("\"/>");
    }
    out.push_str("</os:identity>\n");
}

fn image(out: &mut String, avatar: &Attachment, name: &str, prefix: &str) {
    out.push_str("<image><url>");
    push_path(out, prefix, &avatar.file.path);
    out.push_str("</url><title>");
    push_escaped(out, name);
    out.push_str("</title><link>");
    push_path(out, prefix, "index.html");
    out.push_str("</link></image>\n<itunes:image href=\"");
    push_path(out, prefix, &avatar.file.path);
    out.push_str("\"/>\n");
}

fn atom_link(out: &mut String, rel: &str, href: &str, mime: &str) {
    out.push_str("<atom:link rel=\"");
    out.push_str(rel);
    out.push_str("\" href=\"");
    push_href(out, href);
    if !mime.is_empty() {
        out.push_str("\" type=\"");
        out.push_str(mime);
    }
    out.push_str("\"/>\n");
}

fn element(out: &mut String, name: &str, text: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
    push_escaped(out, text);
    out.push_str("</");
    out.push_str(name);
    out.push_str(">\n");
}

#[cfg(test)]
mod tests;
