//! Making a person's words fit for a feed, or saying why they do not.

use ourspace_protocol::{
    feed::{
        clean,
        model::{Item, Kind},
    },
    limits,
    time::{MAX_MILLIS, Millis, rfc3339},
};

use crate::publish::PublishError;

pub(super) fn wish(text: impl Into<String>) -> PublishError {
    PublishError::Wish(text.into())
}

/// A text as a feed holds it: without blank lines at its ends.
pub(super) fn text(text: &str) -> Result<String, PublishError> {
    let text = clean::text(text);
    let text = text.trim_end();
    // Spaces before the first line's text mean something in Markdown; empty lines do not.
    let from = text
        .find(|c: char| !c.is_whitespace())
        .map_or(text.len(), |at| text[..at].rfind('\n').map_or(0, |n| n + 1));
    let text = &text[from..];
    if text.len() > limits::TEXT_BYTES {
        return Err(wish(format!(
            "the text has {} bytes, but a post holds at most {}: publish it in parts",
            text.len(),
            limits::TEXT_BYTES
        )));
    }
    Ok(text.to_owned())
}

/// A line as a feed holds it; `None` when there is nothing in it.
pub(super) fn line(what: &str, value: &str) -> Result<Option<String>, PublishError> {
    let line = clean::line(value, usize::MAX);
    match line {
        Some(line) if line.len() > limits::LINE_BYTES => Err(wish(format!(
            "the {what} has {} bytes, but may have at most {}: shorten it",
            line.len(),
            limits::LINE_BYTES
        ))),
        line => Ok(line),
    }
}

/// Tags without `#` and without repetitions, whatever their case.
pub(super) fn tags(tags: impl IntoIterator<Item = String>) -> Result<Vec<String>, PublishError> {
    let mut out: Vec<String> = Vec::new();
    for tag in tags {
        let clean = clean::tag(&tag).ok_or_else(|| {
            wish(format!(
                "\"{}\" is no tag: one word of at most {} bytes",
                tag.escape_debug(),
                limits::TAG_BYTES
            ))
        })?;
        let folded = clean.to_lowercase();
        if out.iter().all(|other| other.to_lowercase() != folded) {
            out.push(clean);
        }
    }
    if out.len() > limits::TAGS {
        return Err(wish(format!(
            "{} tags are too many: a post has at most {}",
            out.len(),
            limits::TAGS
        )));
    }
    Ok(out)
}

/// A date that a person gave for a post.
pub(super) fn date(date: Millis, now: Millis) -> Result<Millis, PublishError> {
    if date > now {
        return Err(wish(format!(
            "the date {} is in the future; a post can be dated back, but not ahead",
            rfc3339(date)
        )));
    }
    Ok(date)
}

/// The instant after `last` that is not before `now`: what makes a change the last word.
pub(super) fn after(last: Millis, now: Millis) -> Millis {
    now.max(last.saturating_add(1)).min(MAX_MILLIS)
}

/// Whether there is anything in a post, reply or quote.
pub(super) fn content(item: &Item) -> Result<(), PublishError> {
    let empty = item.text.is_empty() && item.title.is_none() && item.attachments.is_empty();
    match item.kind {
        Kind::Post | Kind::Reply if empty => Err(wish(
            "there is nothing in it: give a text, a title or a file",
        )),
        Kind::Quote if empty => Err(wish(
            "a quote needs words of your own; to pass something on without any, repost it",
        )),
        _ if item.attachments.len() > limits::ATTACHMENTS => Err(wish(format!(
            "{} files are too many: a post has at most {}",
            item.attachments.len(),
            limits::ATTACHMENTS
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_go_and_indents_stay() {
        assert_eq!(text("\r\n \n    code\r\nx \n\n").unwrap(), "    code\nx");
        assert_eq!(text(" \n ").unwrap(), "");
        assert_eq!(text("a\u{1b}[31mb").unwrap(), "a[31mb");
        assert!(text(&"x".repeat(limits::TEXT_BYTES)).is_ok());
        assert!(text(&"x".repeat(limits::TEXT_BYTES + 1)).is_err());
    }

    #[test]
    fn tags_are_words_once() {
        let some = ["#Rust", "rust", "two words"].map(str::to_owned);
        assert_eq!(tags(some).unwrap(), ["Rust", "two-words"]);
        assert!(tags(["##".to_owned()]).is_err());
        assert!(tags((0..65).map(|n| n.to_string())).is_err());
    }

    #[test]
    fn the_last_word_is_later() {
        assert_eq!(after(5, 9), 9);
        assert_eq!(after(9, 5), 10);
        assert_eq!(after(MAX_MILLIS, 5), MAX_MILLIS);
    }
}
