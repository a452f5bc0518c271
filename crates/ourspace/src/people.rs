//! What people read in a terminal: items, dates, sizes; wrapped to its width, and without
//! anything in a stranger's text that the terminal would obey.

use std::{collections::BTreeMap, fmt::Write as _};

use jiff::{Timestamp, tz::TimeZone};
use ourspace_node::view::{AttachmentView, ItemView};
use ourspace_protocol::{account::Account, feed::clean::push_size};

/// The widest text that is still read easily.
const WIDEST: usize = 96;
const NARROWEST: usize = 24;

/// Columns to write in.
fn width() -> usize {
    textwrap::termwidth().clamp(NARROWEST, WIDEST)
}

/// A text that a terminal only shows: no control characters but line feeds and tabs, and
/// nothing that turns the direction of what follows it.
pub(crate) fn harmless(text: &str) -> String {
    let overrides = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || overrides(*c)))
        .collect()
}

/// An RFC 3339 date as the person's clock shows it; in UTC when the machine does not know
/// its time zone.
pub(crate) fn local_date(rfc3339: &str) -> String {
    let Ok(at) = rfc3339.parse::<Timestamp>() else {
        return rfc3339.to_owned();
    };
    let at = TimeZone::system().to_datetime(at);
    at.strftime("%-d %b %Y %H:%M").to_string()
}

/// A size: `1.2 MB`.
pub(crate) fn size(bytes: u64) -> String {
    let mut text = String::new();
    push_size(&mut text, bytes);
    text
}

/// So many of a thing: `1 post`, `2 posts`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    let end = if count == 1 { "" } else { "s" };
    format!("{count} {what}{end}")
}

/// Items, one below the other.
pub(crate) fn items(items: &[ItemView]) -> String {
    let items: Vec<String> = items.iter().map(item).collect();
    items.join("\n\n")
}

/// Items of several accounts: of others it is said who wrote them.
pub(crate) fn timeline(
    items: &[ItemView],
    own: Account,
    names: &BTreeMap<Account, String>,
) -> String {
    let said = |shown: &ItemView| match names.get(&shown.account) {
        _ if shown.account == own => item(shown),
        Some(name) => format!("{}\n{}", harmless(name), item(shown)),
        None => format!("{}\n{}", shown.account, item(shown)),
    };
    let items: Vec<String> = items.iter().map(said).collect();
    items.join("\n\n")
}

/// An item.
pub(crate) fn item(item: &ItemView) -> String {
    let content = &item.content;
    let mut out = format!("{}  {}", item.id, local_date(&item.date));
    if let Some(language) = &content.language {
        push(&mut out, format_args!("  {}", harmless(language)));
    }
    if let Some(edited) = &content.edited {
        push(&mut out, format_args!("  edited {}", local_date(edited)));
    }
    if let Some(about) = &item.about {
        let value = about.value.as_deref().unwrap_or_default();
        // One replies to something, and reposts or likes it.
        let of = if item.kind == "reply" { "to" } else { "of" };
        let line = format!("{} {of} {} {value}", item.kind, about.target);
        push(&mut out, format_args!("\n{}", harmless(line.trim_end())));
    }
    if let Some(title) = &content.title {
        push(&mut out, format_args!("\n{}", wrapped(title, "")));
    }
    if let Some(warning) = &content.warning {
        let warning = format!("Content warning: {warning}");
        push(&mut out, format_args!("\n{}", wrapped(&warning, "")));
    }
    if !content.content_text.is_empty() {
        push(
            &mut out,
            format_args!("\n{}", wrapped(&content.content_text, "  ")),
        );
    }
    for (n, attachment) in (1..).zip(&content.attachments) {
        push(&mut out, format_args!("\n{}", attached(n, attachment)));
    }
    let hidden: Vec<String> = content
        .tags
        .iter()
        .map(|tag| format!("#{tag}"))
        .filter(|tag| !content.content_text.contains(tag.as_str()))
        .collect();
    if !hidden.is_empty() {
        push(
            &mut out,
            format_args!("\n{}", wrapped(&hidden.join(" "), "  ")),
        );
    }
    out
}

fn attached(n: usize, attachment: &AttachmentView) -> String {
    let file = &attachment.file;
    let mut line = format!("[{n}] {} {}", file.mime_type, size(file.size_in_bytes));
    if let (Some(width), Some(height)) = (file.width, file.height) {
        push(&mut line, format_args!(", {width}x{height}"));
    }
    if let Some(seconds) = attachment.duration_in_seconds {
        push(
            &mut line,
            format_args!(", {}:{:02}", seconds / 60, seconds % 60),
        );
    }
    if let Some(title) = &attachment.title {
        push(&mut line, format_args!(", {title}"));
    }
    if !attachment.alt.is_empty() {
        push(&mut line, format_args!(": {}", attachment.alt));
    }
    // The path is never broken: it is there to be copied.
    format!("{}\n      {}", wrapped(&line, "  "), harmless(&file.url))
}

fn wrapped(text: &str, indent: &str) -> String {
    let text = harmless(text).replace('\t', "    ");
    let options = textwrap::Options::new(width())
        .initial_indent(indent)
        .subsequent_indent(indent);
    let lines: Vec<String> = text
        .lines()
        .map(|line| textwrap::fill(line, &options).trim_end().to_owned())
        .collect();
    lines.join("\n")
}

/// Appends to a text, which cannot fail.
pub(crate) fn push(out: &mut String, what: std::fmt::Arguments<'_>) {
    out.write_fmt(what).unwrap_or(());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_obey_no_stranger() {
        let evil = "a\u{1b}]0;title\u{7}b\u{9b}31mc\u{202e}d\r\ne\u{7f}\tf";
        assert_eq!(harmless(evil), "a]0;titleb31mcd\ne\tf");
        let long = "word ".repeat(100);
        assert!(
            wrapped(&long, "  ")
                .lines()
                .all(|line| line.len() <= WIDEST)
        );
    }
}
