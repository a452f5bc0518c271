//! Writing text into the rendered files: escaping, numbers, dates.
//!
//! Rendering a feed is mostly this, so everything here appends to a `String` and
//! allocates nothing. It knows no item and no page.

use crate::time::{MAX_MILLIS, Millis};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// Whether XML 1.0 (and so every format here) may hold the character.
#[must_use]
pub fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Appends a text so that it is text in XML and HTML, inside double quotes as well.
///
/// Characters that XML 1.0 cannot hold are dropped.
pub fn push_escaped(out: &mut String, text: &str) {
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        // 0xef begins U+FFFE and U+FFFF, the only characters past ASCII that XML refuses.
        let (replacement, length) = match byte {
            b'&' => ("&amp;", 1),
            b'<' => ("&lt;", 1),
            b'>' => ("&gt;", 1),
            b'"' => ("&quot;", 1),
            b'\t' | b'\n' | b'\r' => continue,
            0..0x20 => ("", 1),
            0xef if is_noncharacter(text, at) => ("", 3),
            _ => continue,
        };
        out.push_str(text.get(from..at).unwrap_or_default());
        out.push_str(replacement);
        from = at + length;
    }
    out.push_str(text.get(from..).unwrap_or_default());
}

fn is_noncharacter(text: &str, at: usize) -> bool {
    matches!(
        text.as_bytes().get(at + 1..at + 3),
        Some([0xbf, 0xbe | 0xbf])
    )
}

/// Appends pieces of markup as they are.
pub fn put(out: &mut String, pieces: &[&str]) {
    for piece in pieces {
        out.push_str(piece);
    }
}

/// Appends a text as the contents of a CDATA section, cutting it where it holds `]]>`.
pub fn push_cdata(out: &mut String, text: &str) {
    out.push_str("<![CDATA[");
    let mut parts = text.split("]]>");
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        out.push_str("]]]]><![CDATA[>");
        out.push_str(part);
    }
    out.push_str("]]>");
}

/// Appends a URL as the value of an HTML or XML attribute: what RFC 3986 does not allow
/// in a URL is percent-encoded, control characters are dropped.
pub fn push_href(out: &mut String, url: &str) {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    for byte in url.bytes() {
        match byte {
            b'&' => out.push_str("&amp;"),
            b'\'' => out.push_str("&#39;"),
            0..0x20 | 0x7f => {}
            b' ' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x80.. => {
                out.push('%');
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
            _ => out.push(char::from(byte)),
        }
    }
}

/// Appends a number in decimal.
pub fn push_number(out: &mut String, number: u64) {
    push_padded(out, number, 1);
}

/// Appends a number in decimal with leading zeros up to `width` digits (at most 20).
pub fn push_padded(out: &mut String, mut number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while number > 0 {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    let at = at.min(digits.len() - width.min(digits.len()));
    out.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

/// An instant as calendar fields in UTC.
struct Civil {
    year: u64,
    month: u64,
    day: u64,
    weekday: u64,
    /// Milliseconds since midnight.
    ms: u64,
}

/// The proleptic Gregorian calendar, counted from 1 March of year 0 so that the leap
/// day is the last of its year (the civil calendar has 146,097 days in 400 years).
fn civil(at: Millis) -> Civil {
    let at = at.min(MAX_MILLIS);
    let days = at / 86_400_000;
    let since = days + 719_468;
    let era = since / 146_097;
    let day_of_era = since % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    Civil {
        year: year_of_era + era * 400 + u64::from(month <= 2),
        month,
        day: day_of_year - (153 * shifted + 2) / 5 + 1,
        weekday: (days + 4) % 7,
        ms: at % 86_400_000,
    }
}

fn push_clock(out: &mut String, ms: u64) {
    push_padded(out, ms / 3_600_000, 2);
    out.push(':');
    push_padded(out, ms / 60_000 % 60, 2);
    out.push(':');
    push_padded(out, ms / 1_000 % 60, 2);
}

/// Appends an instant as [`crate::time::rfc3339`] writes it.
pub fn push_rfc3339(out: &mut String, at: Millis) {
    let civil = civil(at);
    push_padded(out, civil.year, 4);
    out.push('-');
    push_padded(out, civil.month, 2);
    out.push('-');
    push_padded(out, civil.day, 2);
    out.push('T');
    push_clock(out, civil.ms);
    out.push('.');
    push_padded(out, civil.ms % 1_000, 3);
    out.push('Z');
}

/// Appends an instant as [`crate::time::rfc822`] writes it.
pub fn push_rfc822(out: &mut String, at: Millis) {
    let civil = civil(at);
    out.push_str(WEEKDAYS[(civil.weekday % 7) as usize]);
    out.push_str(", ");
    push_padded(out, civil.day, 2);
    out.push(' ');
    out.push_str(&month(&civil)[..3]);
    out.push(' ');
    push_padded(out, civil.year, 4);
    out.push(' ');
    push_clock(out, civil.ms);
    out.push_str(" +0000");
}

/// Appends the day of an instant as a person writes it: `24 November 2026`.
pub fn push_day(out: &mut String, at: Millis) {
    let civil = civil(at);
    push_number(out, civil.day);
    out.push(' ');
    out.push_str(month(&civil));
    out.push(' ');
    push_number(out, civil.year);
}

fn month(civil: &Civil) -> &'static str {
    MONTHS[(civil.month.clamp(1, 12) - 1) as usize]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::{rfc822, rfc3339};

    fn escaped(text: &str) -> String {
        let mut out = String::new();
        push_escaped(&mut out, text);
        out
    }

    #[test]
    fn escaping() {
        assert_eq!(escaped("a<b>&\"c\"'"), "a&lt;b&gt;&amp;&quot;c&quot;'");
        assert_eq!(
            escaped("a\u{0}\u{b}\u{fffe}b\u{ffff}\u{fffd}\u{feff}é\n"),
            "ab\u{fffd}\u{feff}é\n"
        );
        let mut out = String::new();
        push_cdata(&mut out, "a]]>b]]>");
        assert_eq!(out, "<![CDATA[a]]]]><![CDATA[>b]]]]><![CDATA[>]]>");
        out.clear();
        push_href(&mut out, "https://a.b/ü?x=1&y=\"'\n<>");
        assert_eq!(out, "https://a.b/%C3%BC?x=1&amp;y=%22&#39;%3C%3E");
    }

    #[test]
    fn numbers() {
        for (number, text) in [(0, "0"), (7, "7"), (u64::MAX, "18446744073709551615")] {
            let mut out = String::new();
            push_number(&mut out, number);
            assert_eq!(out, text);
        }
        let mut out = String::new();
        push_padded(&mut out, 42, 4);
        assert_eq!(out, "0042");
    }

    proptest! {
        #[test]
        fn dates_are_those_of_the_calendar(at in 0..=MAX_MILLIS) {
            let mut out = String::new();
            push_rfc3339(&mut out, at);
            prop_assert_eq!(&out, &rfc3339(at));
            out.clear();
            push_rfc822(&mut out, at);
            prop_assert_eq!(&out, &rfc822(at));
        }

        #[test]
        fn what_is_escaped_is_legal(text in any::<String>()) {
            let out = escaped(&text);
            prop_assert!(out.chars().all(is_xml_char));
            prop_assert!(!out.contains(['<', '>', '"']));
        }
    }

    #[test]
    fn leap_days() {
        for (at, day) in [
            (951_782_400_000, "29 February 2000"),
            (1_709_164_800_000, "29 February 2024"),
            (0, "1 January 1970"),
            (4_107_542_400_000, "1 March 2100"),
        ] {
            let mut out = String::new();
            push_day(&mut out, at);
            assert_eq!(out, day);
        }
    }
}
