//! An item as one piece of HTML for other people's readers: what the `content_html` of
//! JSON Feed and the `content:encoded` of RSS hold.
//!
//! Many readers show nothing of an item but this, so it has everything in it: the content
//! warning, what is answered, the text, pictures, sound and video. It uses only elements
//! that readers keep, and no attribute that a page's style needs.

use super::{
    clean::push_size,
    model::Attachment,
    page::Entry,
    parts::{Shown, below, push_content, relation, shown, target_label, target_url},
    text::{push_escaped, push_number},
};

/// The HTML of an item; `prefix` leads from where it stands to the root of the tree.
pub(super) fn body(entry: &Entry<'_>, account: &str, prefix: &str) -> String {
    let item = entry.item;
    if item.about.is_none() && item.attachments.is_empty() && item.labels.warning.is_none() {
        return entry.html.clone();
    }
    let mut out = String::with_capacity(entry.html.len() + 256 * (1 + item.attachments.len()));
    if let Some(warning) = &item.labels.warning {
        out.push_str("<details><summary>Content warning: ");
        push_escaped(&mut out, warning);
        out.push_str("</summary>\n");
    }
    if let Some(about) = &item.about {
        out.push_str("<p>");
        out.push_str(relation(item.kind));
        out.push_str(" <a href=\"");
        push_escaped(&mut out, &target_url(&about.target, account, prefix));
        out.push_str("\">");
        push_escaped(&mut out, &target_label(&about.target, account));
        out.push_str("</a></p>\n");
    }
    push_content(&mut out, &entry.html, prefix);
    for attachment in below(entry) {
        push_attachment(&mut out, attachment, prefix);
    }
    if item.labels.warning.is_some() {
        out.push_str("\n</details>");
    }
    out
}

fn push_attachment(out: &mut String, attachment: &Attachment, prefix: &str) {
    out.push_str("\n<p>");
    match shown(attachment) {
        Shown::Picture => {
            out.push_str("<img src=\"");
            push_path(out, prefix, &attachment.file.path);
            out.push_str("\" alt=\"");
            push_escaped(out, &attachment.alt);
            push_pixels(out, attachment.file.pixels);
            out.push_str("\">");
        }
        Shown::Video => {
            push_caption(out, attachment);
            out.push_str("<video controls preload=\"none\" src=\"");
            push_path(out, prefix, &attachment.file.path);
            if let Some(poster) = &attachment.poster {
                out.push_str("\" poster=\"");
                push_path(out, prefix, &poster.path);
            }
            push_pixels(out, attachment.file.pixels);
            out.push_str("\"></video>");
        }
        Shown::Sound => {
            push_caption(out, attachment);
            out.push_str("<audio controls preload=\"none\" src=\"");
            push_path(out, prefix, &attachment.file.path);
            out.push_str("\"></audio>");
        }
        Shown::File => {
            out.push_str("<a href=\"");
            push_path(out, prefix, &attachment.file.path);
            out.push_str("\">");
            push_escaped(out, file_label(attachment));
            out.push_str("</a> (");
            push_size(out, attachment.file.size);
            out.push(')');
        }
    }
    out.push_str("</p>");
}

fn push_caption(out: &mut String, attachment: &Attachment) {
    let caption = attachment.title.as_deref().unwrap_or(&attachment.alt);
    if !caption.is_empty() {
        push_escaped(out, caption);
        out.push_str("<br>\n");
    }
}

/// What a file that cannot be shown is called.
pub(super) fn file_label(attachment: &Attachment) -> &str {
    let name = attachment.file.path.rsplit('/').next().unwrap_or_default();
    match (&attachment.title, attachment.alt.as_str()) {
        (Some(title), _) => title,
        (None, "") => name,
        (None, alt) => alt,
    }
}

/// Appends a path of the tree as an attribute's value.
pub(super) fn push_path(out: &mut String, prefix: &str, path: &str) {
    push_escaped(out, prefix);
    push_escaped(out, path);
}

/// Appends width and height as further attributes, leaving the last quote to be closed.
pub(super) fn push_pixels(out: &mut String, pixels: Option<(u32, u32)>) {
    if let Some((width, height)) = pixels {
        out.push_str("\" width=\"");
        push_number(out, u64::from(width));
        out.push_str("\" height=\"");
        push_number(out, u64::from(height));
    }
}
