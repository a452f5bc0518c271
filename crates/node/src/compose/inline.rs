//! Tags and mentions that stand in a text: `#word` and `@0x…`.
//!
//! They are looked for in what a reader will see as running text: not in code, not in
//! links.

use ourspace_protocol::{
    account::Account,
    feed::markdown::{note_html, plain_text_of_html},
};

use super::fit::wish;
use crate::publish::PublishError;

/// Stands where code or a link was.
const GAP: char = '\u{fffc}';

/// The tags in a text, in their order, perhaps repeated. A tag has at least one letter.
pub(super) fn tags(text: &str) -> Vec<String> {
    if !text.contains('#') {
        return Vec::new();
    }
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    after_mark(&running(text), '#', is_part)
        .into_iter()
        .map(|tag| tag.trim_end_matches('-').to_owned())
        .filter(|tag| tag.chars().any(char::is_alphabetic))
        .collect()
}

/// The accounts that are mentioned in a text, in their order, each once.
///
/// # Errors
/// [`PublishError::Wish`] for an address with a typing error.
pub(super) fn mentions(text: &str) -> Result<Vec<Account>, PublishError> {
    let mut accounts = Vec::new();
    if !text.contains("@0x") {
        return Ok(accounts);
    }
    for word in after_mark(&running(text), '@', |c: char| c.is_ascii_alphanumeric()) {
        if !word.starts_with("0x") || word.len() != 42 {
            continue;
        }
        let account: Account = word
            .parse()
            .map_err(|error| wish(format!("@{word} in the text: {error}")))?;
        if !accounts.contains(&account) {
            accounts.push(account);
        }
    }
    Ok(accounts)
}

/// The words after a mark that does not stand within a word.
fn after_mark(text: &str, mark: char, is_part: impl Fn(char) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(mark) {
        let before = text[..at].chars().next_back();
        let opens = before.is_none_or(|c| {
            c.is_whitespace()
                || matches!(
                    c,
                    '(' | '[' | '{' | '"' | '\'' | '“' | '‘' | '«' | '¿' | '¡'
                )
        });
        let word: String = text[at + mark.len_utf8()..]
            .chars()
            .take_while(|c| is_part(*c))
            .collect();
        if opens && !word.is_empty() {
            found.push(word);
        }
    }
    found
}

/// What a reader sees of a Markdown text as running text.
fn running(text: &str) -> String {
    let mut html = note_html(text);
    for (open, close) in [("<pre", "</pre>"), ("<code", "</code>"), ("<a ", "</a>")] {
        html = without(&html, open, close);
    }
    plain_text_of_html(&html)
}

fn without(html: &str, open: &str, close: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(open) {
        out.push_str(&rest[..at]);
        out.push(GAP);
        let inside = &rest[at..];
        let end = inside.find(close).map_or(inside.len(), |n| n + close.len());
        rest = &inside[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_in_running_text() {
        let text = "#Rust, (#two_words) #2026 #a1-\n# Heading\n`#code` a#b [#link](https://a.b/#c) \
                    https://x.y/#frag **#bold** #ünï &#35;\n\n    #indented\n\n```\n#fence\n```\n";
        assert_eq!(tags(text), ["Rust", "two_words", "a1", "bold", "ünï"]);
    }

    #[test]
    fn mentions_of_addresses() {
        let one = "0x52908400098527886E0F7030069857D2E4169EE7";
        let text = format!("Hello @{one}, @{one}! me@0xabc `@{}`", one.to_lowercase());
        assert_eq!(mentions(&text).unwrap(), [one.parse().unwrap()]);
        let typo = "@0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD!".replace("aAe", "aae");
        let error = mentions(&typo).unwrap_err().to_string();
        assert!(error.contains("typing error"), "{error}");
    }
}
