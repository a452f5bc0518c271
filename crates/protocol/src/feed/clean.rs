//! Making what people and other programs write fit for a feed.
//!
//! [`check`](super::check) refuses; this mends where mending is harmless, for those who
//! write items: a composer, an import. What cannot be mended is `None`.

use super::{
    check::forms::{self, is_text_char, is_turning, is_url_byte, is_visible},
    text::push_number,
};

/// A text without what no feed can hold: line ends become line feeds, forbidden
/// characters go.
#[must_use]
pub fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut characters = value.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\r' => {
                characters.next_if_eq(&'\n');
                out.push('\n');
            }
            c if is_text_char(c) => out.push(c),
            _ => {}
        }
    }
    out
}

/// A text as one line of at most `limit` bytes, white space run together, without what
/// turns the direction of writing; `None` when nothing that can be seen is left.
#[must_use]
pub fn line(value: &str, limit: usize) -> Option<String> {
    let mut out = String::new();
    for word in value.split(|c: char| c.is_whitespace() || c.is_control()) {
        let word: String = word.chars().filter(|c| is_line_char(*c)).collect();
        if word.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&word);
    }
    shorten(&mut out, limit);
    out.contains(is_visible).then_some(out)
}

fn is_line_char(c: char) -> bool {
    is_text_char(c) && !is_turning(c)
}

/// Cuts a text to at most `limit` bytes at the border of a character.
pub fn shorten(value: &mut String, limit: usize) {
    if value.len() > limit {
        let end = (0..=limit)
            .rev()
            .find(|at| value.is_char_boundary(*at))
            .unwrap_or(0);
        value.truncate(end);
        value.truncate(value.trim_end().len());
    }
}

/// A tag without its `#`, white space replaced by `-`; `None` when nothing is left or it
/// is too long.
#[must_use]
pub fn tag(value: &str) -> Option<String> {
    let mut out = String::with_capacity(value.len());
    for word in value
        .split(|c: char| c == '#' || c.is_whitespace())
        .filter(|w| !w.is_empty())
    {
        if !out.is_empty() {
            out.push('-');
        }
        out.extend(word.chars().filter(|c| is_line_char(*c)));
    }
    forms::tag(&out).is_ok().then_some(out)
}

/// A web address whose forbidden characters are percent-encoded and whose scheme is in
/// lower case; `None` when it is none, or when a name stands before the host.
#[must_use]
pub fn url(value: &str) -> Option<String> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let (scheme, rest) = value.trim().split_once("://")?;
    let mut out = scheme.to_ascii_lowercase();
    out.push_str("://");
    for byte in rest.bytes() {
        match byte {
            b'\t' | b'\n' | b'\r' => {}
            byte if is_url_byte(byte) => out.push(char::from(byte)),
            byte => {
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    forms::url("url", &out).is_ok().then_some(out)
}

/// A file size for people: `1.2 MB`.
pub fn push_size(out: &mut String, bytes: u64) {
    const UNITS: [&str; 4] = [" kB", " MB", " GB", " TB"];
    if bytes < 1_000 {
        push_number(out, bytes);
        out.push_str(" bytes");
        return;
    }
    // Tenths of the unit: whole numbers, so that every machine rounds alike.
    let mut tenths = bytes.div_ceil(100);
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths = tenths.div_ceil(1_000);
        unit += 1;
    }
    push_number(out, tenths / 10);
    if tenths < 1_000 && !tenths.is_multiple_of(10) {
        out.push('.');
        push_number(out, tenths % 10);
    }
    out.push_str(UNITS[unit]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn examples() {
        assert_eq!(text("a\r\nb\rc\0d\u{85}"), "a\nb\nc\u{64}");
        assert_eq!(line(" a\n\tb  c ", 100).as_deref(), Some("a b c"));
        assert_eq!(line("äöü", 3).as_deref(), Some("ä"));
        assert_eq!(line("\n", 3), None);
        assert_eq!(tag("#Deep  Sea").as_deref(), Some("Deep-Sea"));
        assert_eq!(tag("#"), None);
        assert_eq!(
            url(" HTTPS://a.example/ü|x ").as_deref(),
            Some("https://a.example/%C3%BC%7Cx")
        );
        assert_eq!(url("javascript:alert(1)"), None);
        assert_eq!(url("https://"), None);
        assert_eq!(url("https://bank.example@other.example/"), None);
        assert_eq!(
            url("https://a.example/@ada").as_deref(),
            Some("https://a.example/@ada")
        );
        assert_eq!(line("a\u{202e}b", 100).as_deref(), Some("ab"));
        assert_eq!(line("\u{200b}\u{ad}", 100), None);
        assert_eq!(line("a\u{200d}b", 100).as_deref(), Some("a\u{200d}b"));
        assert_eq!(tag("\u{2067}a\u{2069}").as_deref(), Some("a"));
        assert_eq!(tag("\u{feff}"), None);
    }

    #[test]
    fn sizes() {
        for (bytes, shown) in [
            (999, "999 bytes"),
            (1_000, "1 kB"),
            (118_234, "118 kB"),
            (1_234_567, "1.3 MB"),
            (5_000_000_000, "5 GB"),
            (u64::MAX, "18446744 TB"),
        ] {
            let mut out = String::new();
            push_size(&mut out, bytes);
            assert_eq!(out, shown);
        }
    }

    proptest! {
        #[test]
        fn what_is_mended_passes(value in any::<String>()) {
            prop_assert!(forms::text("text", &text(&value), usize::MAX).is_ok());
            if let Some(line) = line(&value, 64) {
                prop_assert!(forms::line("line", &line, 64).is_ok());
            }
            if let Some(url) = url(&format!("https://a/{value}")) {
                prop_assert!(forms::url("url", &url).is_ok());
            }
            if let Some(tag) = tag(&value) {
                prop_assert!(forms::tag(&tag).is_ok());
            }
        }
    }
}
