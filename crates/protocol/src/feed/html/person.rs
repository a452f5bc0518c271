//! The author on a page: the header with picture, name and biography, the box that says
//! how to follow, and the small header of pages that do not know the profile.

use super::{
    Place,
    tile::{push_banner, push_face, push_qr},
};
use crate::feed::{
    body::push_path,
    markdown::is_safe_link,
    model::{Attachment, Profile},
    text::{push_escaped, push_href, put},
};

/// The header of the first page.
pub(super) fn push_header(
    out: &mut String,
    place: &Place<'_>,
    profile: &Profile,
    name: &str,
    bio: &str,
) {
    out.push_str("<header class=\"who h-card\">\n");
    match &profile.banner.value {
        Some(banner) => push_picture(out, "banner", banner),
        None => push_banner(out, place.account),
    }
    out.push_str("<div class=\"row\">");
    match &profile.avatar.value {
        Some(avatar) => push_picture(out, "u-photo face", avatar),
        None => push_face(out, place.account),
    }
    out.push_str("<a class=\"button\" href=\"#follow\">Follow</a></div>\n");
    out.push_str("<h1 class=\"p-name\" dir=\"auto\">");
    push_escaped(out, name);
    out.push_str("</h1>\n<p class=\"chips\">");
    put(
        out,
        &[
            "<code class=\"chip\" title=\"",
            place.address,
            "\">",
            &place.account.short(),
            "</code>",
        ],
    );
    for claimed in &profile.names.value {
        // Nobody has asked the name's owner when the page is made.
        out.push_str(" <span class=\"chip\">claims <bdi class=\"p-nickname\">");
        push_escaped(out, claimed);
        out.push_str("</bdi></span>");
    }
    out.push_str("</p>\n");
    if !bio.is_empty() {
        put(
            out,
            &[
                "<div class=\"bio p-note\" dir=\"auto\">\n",
                bio,
                "\n</div>\n",
            ],
        );
    }
    push_links(out, profile);
    out.push_str("</header>\n");
}

fn push_picture(out: &mut String, class: &str, picture: &Attachment) {
    put(out, &["<img class=\"", class, "\" src=\""]);
    push_path(out, "", &picture.file.path);
    out.push_str("\" alt=\"");
    push_escaped(out, &picture.alt);
    out.push_str("\">");
}

fn push_links(out: &mut String, profile: &Profile) {
    let links = profile
        .links
        .value
        .iter()
        .filter(|link| is_safe_link(&link.url));
    let mut links = links.peekable();
    if links.peek().is_none() {
        return;
    }
    out.push_str("<ul class=\"links\">\n");
    for link in links {
        out.push_str("<li><a class=\"u-url\" rel=\"me noopener\" href=\"");
        push_href(out, &link.url);
        out.push_str("\" dir=\"auto\">");
        push_escaped(out, &link.label);
        out.push_str("</a></li>\n");
    }
    out.push_str("</ul>\n");
}

/// The box beside the posts: how to follow, write to, call and pay.
pub(super) fn push_follow(out: &mut String, place: &Place<'_>, profile: &Profile) {
    out.push_str("<aside class=\"follow\" id=\"follow\">\n<h2>Follow</h2>\n");
    push_qr(out, place.address);
    put(
        out,
        &[
            "<p>Scan this with OurSpace, or give it this address:</p>\n<p class=\"address\"><code>",
            place.address,
            "</code></p>\n<p>The posts then come to you, and you help to keep them.</p>\n\
             <p>Or take them into any feed reader: <a href=\"feed.xml\">RSS</a>, \
             <a href=\"feed.json\">JSON Feed</a>.</p>\n<h2>Get in touch</h2>\n<dl>\n",
        ],
    );
    if let Some(email) = &profile.email.value {
        push_contact(out, "E-mail", &format!("mailto:{email}"), email);
    }
    if let Some(tox) = &profile.tox.value {
        out.push_str("<dt>Tox (messages and calls)</dt><dd><a rel=\"me\" href=\"tox:");
        push_href(out, tox);
        out.push_str("\"><code>");
        push_escaped(out, tox);
        out.push_str("</code></a></dd>\n");
    }
    let pay = format!("ethereum:{}@1", place.address);
    push_contact(out, "Send money", &pay, "Ethereum, to the address above");
    for payment in &profile.payments.value {
        out.push_str("<dt dir=\"auto\">");
        push_escaped(out, &payment.kind);
        out.push_str("</dt><dd><code>");
        push_escaped(out, &payment.address);
        out.push_str("</code></dd>\n");
    }
    out.push_str("</dl>\n<p><a href=\"follows.opml\">Whom they follow</a></p>\n</aside>\n");
}

fn push_contact(out: &mut String, what: &str, href: &str, text: &str) {
    put(out, &["<dt>", what, "</dt><dd><a href=\""]);
    push_href(out, href);
    out.push_str("\" rel=\"me\">");
    push_escaped(out, text);
    out.push_str("</a></dd>\n");
}

/// The header of pages that must not change when the profile does.
pub(super) fn push_small(out: &mut String, place: &Place<'_>) {
    put(
        out,
        &[
            "<div class=\"page\">\n<header class=\"who small\"><h1><a class=\"p-author h-card\" href=\"",
            place.prefix,
            "index.html\">",
        ],
    );
    push_face(out, place.account);
    put(
        out,
        &[
            "<span class=\"p-name\" dir=\"auto\">",
            &place.account.short(),
            "</span></a></h1></header>\n",
        ],
    );
}
