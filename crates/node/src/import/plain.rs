//! Plain text as Markdown that shows it as it is, and HTML as plain text.

use quick_xml::escape::resolve_html5_entity;

/// Writes a text so that Markdown shows it as it stands: line by line, every character
/// for itself. Indentation goes (Markdown would take it for code), addresses stay whole.
pub(super) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    let mut blank = 0;
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() {
            blank += 1;
            continue;
        }
        if !out.is_empty() {
            out.push('\n');
            if blank > 0 {
                out.push('\n');
            }
        }
        blank = 0;
        push_line(&mut out, line);
    }
    out
}

fn push_line(out: &mut String, line: &str) {
    let mut rest = escape_start(out, line);
    let mut before = ' ';
    while let Some(at) = rest.find(['\\', '`', '*', '_', '~', '[', '<', '&', 'h']) {
        let (text, special) = rest.split_at(at);
        out.push_str(text);
        before = text.chars().next_back().unwrap_or(before);
        let size = if special.starts_with('h') {
            // Nothing inside of an address is markup.
            if !before.is_alphanumeric() {
                address(special)
            } else {
                0
            }
            .max(1)
        } else {
            if needs_escape(special, before) {
                out.push('\\');
            }
            1
        };
        let (text, after) = special.split_at(size);
        out.push_str(text);
        before = text.chars().next_back().unwrap_or(before);
        rest = after;
    }
    out.push_str(rest);
}

/// The length of the web address that a text begins with; 0 when it is none.
fn address(text: &str) -> usize {
    if !text.starts_with("http://") && !text.starts_with("https://") {
        return 0;
    }
    text.find(|c: char| c.is_whitespace() || c == '<')
        .unwrap_or(text.len())
}

fn needs_escape(special: &str, before: char) -> bool {
    let mut characters = special.chars();
    let first = characters.next();
    let next = characters.next().unwrap_or(' ');
    match first {
        // Inside of a word it is only an underscore.
        Some('_') => !(before.is_alphanumeric() && next.is_alphanumeric()),
        Some('<') => next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?'),
        Some('&') => next == '#' || next.is_ascii_alphabetic(),
        Some('\\') => next.is_ascii_punctuation(),
        _ => true,
    }
}

/// Escapes what means something at the beginning of a line; gives the rest of the line.
fn escape_start<'l>(out: &mut String, line: &'l str) -> &'l str {
    let first = line.chars().next().unwrap_or(' ');
    if matches!(first, '#' | '>' | '+' | '-' | '=' | '|' | ':') {
        out.push('\\');
        out.push(first);
        return line.get(1..).unwrap_or_default();
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if (1..=9).contains(&digits)
        && let Some(number) = line.get(..digits)
        && let Some(rest) = line.get(digits..)
        && rest.starts_with(['.', ')'])
    {
        out.push_str(number);
        out.push('\\');
        return rest;
    }
    line
}

/// The words of HTML: tags go, entities become what they stand for. For headlines, and
/// for HTML that nobody should look at more closely.
pub(super) fn words(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        let (text, special) = rest.split_at(at);
        out.push_str(text);
        let end = if special.starts_with('<') {
            unseen(special).or_else(|| tag(special))
        } else {
            entity(&mut out, special)
        };
        match end {
            Some(end) => rest = special.get(end..).unwrap_or_default(),
            None => {
                out.push_str(special.get(..1).unwrap_or_default());
                rest = special.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

/// The end of the script or style that a text begins with.
fn unseen(text: &str) -> Option<usize> {
    let name = ["script", "style"].into_iter().find(|name| {
        let begin = text.get(1..=name.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(name))
    })?;
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find("</") {
        from += at + 2;
        let found = text.get(from..from + name.len());
        if found.is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            let rest = text.get(from..)?;
            return rest.find('>').map(|end| from + end + 1);
        }
    }
    None
}

/// The end of the tag that a text begins with.
fn tag(text: &str) -> Option<usize> {
    let next = text.chars().nth(1)?;
    if !next.is_ascii_alphabetic() && !matches!(next, '/' | '!' | '?') {
        return None;
    }
    text.find('>').map(|at| at + 1)
}

/// Writes what the entity that a text begins with stands for; gives its end.
fn entity(out: &mut String, text: &str) -> Option<usize> {
    let end = text.bytes().take(40).position(|b| b == b';')?;
    let name = text.get(1..end)?;
    if let Some(number) = name.strip_prefix('#') {
        let hex = number.strip_prefix(['x', 'X']);
        let value = match hex {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        out.push(char::from_u32(value)?);
    } else {
        out.push_str(resolve_html5_entity(name)?);
    }
    Some(end + 1)
}

/// Whether a text holds anything that HTML would read as markup.
pub(super) fn has_markup(html: &str) -> bool {
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        let special = rest.get(at..).unwrap_or_default();
        let found = if special.starts_with('<') {
            tag(special)
        } else {
            entity(&mut String::new(), special)
        };
        if found.is_some() {
            return true;
        }
        rest = special.get(1..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use ourspace_protocol::feed::markdown::{note_html, plain_text_of_html};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_stays_plain() {
        for text in [
            "# not a heading",
            "1. not a list\n- nor this\n+ nor\n* this",
            "a *star* and _line_ and snake_case and `code` and ~~gone~~",
            "<b>not bold</b> &amp; [no](link) ![no](picture)",
            "a\n===\nb\n---\n| x | y |\n|---|---|\n:-- | --",
            "> no quote\n\\* \\\\ C:\\dir\\*",
            "***\n___",
        ] {
            let shown = plain_text_of_html(&note_html(&markdown(text)));
            assert_eq!(shown, text, "{}", markdown(text));
        }
    }

    #[test]
    fn addresses_stay_links() {
        let html = note_html(&markdown("see https://a.example/b_c_d*e*?x=1&y=2 there"));
        assert!(
            html.contains("href=\"https://a.example/b_c_d*e*?x=1&amp;y=2\""),
            "{html}"
        );
    }

    #[test]
    fn words_of_html() {
        assert_eq!(
            words("a <b>c</b> &amp; &eacute;&#x41;&#66; 1 < 2 & 3"),
            "a c & éAB 1 < 2 & 3"
        );
        assert_eq!(words("a<SCRIPT x>b</b></Script >c<style>d"), "acd");
        assert!(!has_markup("1 < 2 & 3; a"));
        assert!(has_markup("a &nbsp; b") && has_markup("x<br/>"));
    }

    proptest! {
        #[test]
        fn any_plain_text_is_shown(text in "[ -~äß漢]{0,40}") {
            let text = text.trim();
            let meant: String = text.split_whitespace().collect();
            let shown: String = plain_text_of_html(&note_html(&markdown(text))).split_whitespace().collect();
            prop_assert_eq!(shown, meant, "{}", markdown(text));
        }
    }
}
