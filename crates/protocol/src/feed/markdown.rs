//! An item's Markdown as HTML that is harmless by construction.
//!
//! CommonMark with tables, strikethrough, bare links, task lists and emphasis that works
//! beside Chinese and Japanese punctuation; a line break in the text is a line break on
//! the page. Only the elements and attributes that `write` names can come out: raw HTML
//! is shown as text, a link leads only to the schemes of [`is_safe_link`], a picture is
//! only ever a file that the item has attached.
//!
//! What this makes is hashed and signed as a part of every page, so it never changes for
//! a renderer version: the parser is pinned to the exact version, golden files hold the
//! output. Text that would take it too long or nest too deep is shown as it was typed;
//! that decision counts steps and bytes, never time.

mod plain;
mod write;

use std::{borrow::Cow, cell::Cell};

use comrak::{Arena, Options, try_parse_document};

pub use self::plain::{excerpt, plain_text_of_html};
use self::write::Writer;
use super::{
    model::{Attachment, Item},
    text::push_escaped,
};

/// Elements inside each other; deeper text is shown as it was typed.
const MAX_DEPTH: usize = 64;
/// Quotes inside each other that are given to the parser at all.
const MAX_QUOTES: usize = 64;
/// Bytes of HTML for a byte of text, beside [`OUT_BASE`].
const OUT_FACTOR: usize = 8;
/// Bytes of HTML that any text may have.
const OUT_BASE: usize = 4 * 1024;
/// Times that the parser may ask whether to go on (every 256 steps): a base and one for
/// so many bytes of text.
const STEPS_BASE: usize = 64;
/// See [`STEPS_BASE`]. Every text that a person wrote takes less than a quarter of it.
const STEPS_BYTES: usize = 16;

/// The schemes that a link may have, in lower case.
const SCHEMES: [&str; 9] = [
    "http", "https", "mailto", "ourspace", "ethereum", "ipfs", "ipns", "magnet", "tox",
];

/// An item's text as HTML. Picture paths in it are relative to the root of the tree.
#[must_use]
pub fn content_html(item: &Item) -> String {
    render(&item.text, &item.attachments)
}

/// A text without pictures as HTML: a biography.
#[must_use]
pub fn note_html(text: &str) -> String {
    render(text, &[])
}

/// An item's text without any markup.
#[must_use]
pub fn plain_text(item: &Item) -> String {
    plain_text_of_html(&content_html(item))
}

/// Whether a link may lead to a URL: a scheme of the list, or a place on the same page.
#[must_use]
pub fn is_safe_link(url: &str) -> bool {
    if let Some(place) = url.strip_prefix('#') {
        return !place.is_empty();
    }
    let Some((scheme, rest)) = url.split_once(':') else {
        return false;
    };
    let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let known = SCHEMES
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    known && !rest.is_empty() && (!web || rest.len() > 2 && rest.starts_with("//"))
}

fn render(text: &str, attachments: &[Attachment]) -> String {
    if text.is_empty() {
        return String::new();
    }
    marked_up(text, attachments).unwrap_or_else(|| as_typed(text))
}

/// `None` when the text is too much for the parser or for a reader of the page.
fn marked_up(text: &str, attachments: &[Attachment]) -> Option<String> {
    if text.lines().any(|line| quotes_at_start(line) > MAX_QUOTES) {
        return None;
    }
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.autolink = true;
    options.extension.tasklist = true;
    // Without it, emphasis next to Chinese or Japanese punctuation is not recognised.
    options.extension.cjk_friendly_emphasis = true;

    let arena = Arena::with_capacity(8 + text.len() / 32);
    let budget = Cell::new(STEPS_BASE + text.len() / STEPS_BYTES);
    let exhausted = || {
        budget.set(budget.get().saturating_sub(1));
        budget.get() == 0
    };
    let padded = padded(text);
    let root = try_parse_document(&arena, &padded, &options, &exhausted).ok()?;
    Writer::new(attachments, text.len()).document(root)
}

/// The parser lets link definitions be used for no more bytes than the text has, so a short
/// text could not use one twice. A blank line before it, which means nothing, gives room.
fn padded(text: &str) -> Cow<'_, str> {
    if !text.contains("]:") {
        return text.into();
    }
    let mut padded = " ".repeat(4 * text.len());
    padded.push('\n');
    padded.push_str(text);
    padded.into()
}

/// How many quote marks a line begins with, other block marks between them.
fn quotes_at_start(line: &str) -> usize {
    line.bytes()
        .take_while(|byte| {
            matches!(
                byte,
                b'>' | b' ' | b'\t' | b'-' | b'+' | b'*' | b'.' | b')' | b'0'..=b'9'
            )
        })
        .filter(|byte| *byte == b'>')
        .count()
}

fn as_typed(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8 + 64);
    out.push_str("<pre class=\"plain\" tabindex=\"0\">");
    push_escaped(&mut out, text);
    out.push_str("</pre>");
    out
}

#[cfg(test)]
mod tests;
