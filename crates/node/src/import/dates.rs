//! Dates as feeds write them: RFC 3339 and its relatives, RFC 822 and what people make of
//! it, the output of `asctime`.
//!
//! Numbers stand for what they can only be; what stays ambiguous is no date. A date
//! without a zone is taken as UTC, as feed readers do.

use jiff::civil::DateTime;
use ourspace_protocol::time::{MAX_MILLIS, Millis, parse_rfc3339};

/// No date that means anything is longer.
const LONGEST: usize = 80;

/// A date before 1970 is kept as its beginning: a feed knows no earlier one.
const EPOCH: i64 = 0;

/// Reads a date; `None` when it is none, or later than the protocol can name.
pub(super) fn parse(text: &str) -> Option<Millis> {
    let at = Millis::try_from(signed(text)?.max(EPOCH)).ok()?;
    (at <= MAX_MILLIS).then_some(at)
}

/// Whether a date is one before 1970, for which [`parse`] gives the beginning of 1970.
pub(super) fn is_early(text: &str) -> bool {
    signed(text).is_some_and(|at| at < 0)
}

/// Milliseconds since 1970, also before it.
fn signed(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.len() > LONGEST || !text.is_ascii() {
        return None;
    }
    let ours = parse_rfc3339(text).and_then(|at| i64::try_from(at).ok());
    ours.or_else(|| iso(text)).or_else(|| spoken(text))
}

/// What a date is put together from.
#[derive(Default)]
struct Parts {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    time: (i64, i64, i64, i64),
    /// Seconds east of Greenwich.
    offset: i64,
}

impl Parts {
    fn millis(&self) -> Option<i64> {
        let (hour, minute, second, milli) = self.time;
        // A leap second is the last one before it; 24:00 is the next midnight.
        let (hour, next) = if hour == 24 {
            (0, 86_400_000)
        } else {
            (hour, 0)
        };
        let date = DateTime::new(
            self.year?.try_into().ok()?,
            self.month?.try_into().ok()?,
            self.day?.try_into().ok()?,
            hour.try_into().ok()?,
            minute.try_into().ok()?,
            second.min(59).try_into().ok()?,
            i32::try_from(milli).ok()? * 1_000_000,
        )
        .ok()?;
        let zone = jiff::tz::Offset::UTC.to_timestamp(date).ok()?;
        Some(zone.as_millisecond() + next - self.offset * 1000)
    }
}

/// `2003-12-31T10:14:55.5+01:00`, with any of its right end missing; `20031231`.
fn iso(text: &str) -> Option<i64> {
    let (date, rest) = match text.find(['T', 't', ' ']) {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?),
        None => (text, ""),
    };
    let mut parts = Parts {
        month: Some(1),
        day: Some(1),
        ..Parts::default()
    };
    if date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()) {
        parts.year = number(date.get(..4)?);
        parts.month = number(date.get(4..6)?);
        parts.day = number(date.get(6..)?);
    } else {
        let mut fields = date.split('-');
        let year = fields.next()?;
        parts.year = number(year).filter(|_| year.len() == 4);
        for field in [&mut parts.month, &mut parts.day] {
            if let Some(text) = fields.next() {
                *field = Some(number(text).filter(|_| text.len() <= 2)?);
            }
        }
        if fields.next().is_some() {
            return None;
        }
    }
    if !rest.is_empty() {
        let end = rest
            .find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.' || c == ','))
            .unwrap_or(rest.len());
        parts.time = time(rest.get(..end)?)?;
        parts.offset = zone(rest.get(end..)?.trim())?;
    }
    parts.millis()
}

/// Words and numbers in the order of RFC 822, of `asctime`, or as Americans write them.
fn spoken(text: &str) -> Option<i64> {
    let mut parts = Parts::default();
    let mut numbers: Vec<(i64, usize)> = Vec::new();
    let mut timed = false;
    for word in text.split([' ', ',', '\t']).filter(|w| !w.is_empty()) {
        if word.contains(':') {
            let end = word.find(['+', '-']).unwrap_or(word.len());
            let (clock, rest) = word.split_at(end);
            parts.time = time(clock.trim_end_matches(['Z', 'z']))?;
            timed = true;
            if !rest.is_empty() {
                parts.offset = zone(rest)?;
            }
        } else if let Some(month) = month(word) {
            if parts.month.replace(month).is_some() {
                return None;
            }
        } else if timed && let Some(offset) = zone(word).filter(|_| number(word).is_none()) {
            parts.offset = offset;
        } else if let Some(value) = number(word) {
            numbers.push((value, word.len()));
        } else if word.contains('-') {
            dashed(word, &mut parts, &mut numbers)?;
        }
    }
    match numbers[..] {
        [(day, 1..=2), (year, 2 | 4)] => {
            parts.day = Some(day);
            parts.year = Some(full_year(year));
        }
        [(year, 4), (day, 1..=2)] => {
            parts.day = Some(day);
            parts.year = Some(year);
        }
        _ => return None,
    }
    parts.millis()
}

/// `24-Nov-2025`.
fn dashed(word: &str, parts: &mut Parts, numbers: &mut Vec<(i64, usize)>) -> Option<()> {
    for field in word.split('-') {
        if let Some(value) = number(field) {
            numbers.push((value, field.len()));
        } else {
            parts.month = Some(month(field)?);
        }
    }
    Some(())
}

/// RFC 2822: two digits below 50 are of this century.
fn full_year(year: i64) -> i64 {
    match year {
        0..50 => year + 2000,
        50..100 => year + 1900,
        _ => year,
    }
}

fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (digits && text.len() <= 6).then(|| text.parse().ok())?
}

/// `10:14:55.5`, `10:14`, `101455`: hours, minutes, seconds, milliseconds.
fn time(text: &str) -> Option<(i64, i64, i64, i64)> {
    let (clock, fraction) = match text.find(['.', ',']) {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?),
        None => (text, ""),
    };
    let fields: Vec<i64> = if clock.contains(':') {
        clock
            .split(':')
            .map(|field| number(field).filter(|_| field.len() <= 2))
            .collect::<Option<_>>()?
    } else {
        let pairs = clock.as_bytes().chunks(2);
        pairs
            .map(|pair| std::str::from_utf8(pair).ok().and_then(number))
            .collect::<Option<_>>()?
    };
    let millis: String = fraction.chars().chain("000".chars()).take(3).collect();
    let millis = number(&millis)?;
    match fields[..] {
        [hour] => Some((hour, 0, 0, 0)),
        [hour, minute] => Some((hour, minute, 0, 0)),
        [hour, minute, second] => Some((hour, minute, second, millis)),
        _ => None,
    }
}

/// Seconds east of Greenwich; names that nobody agrees on are no zones.
fn zone(text: &str) -> Option<i64> {
    const HOUR: i64 = 3600;
    if let Some(digits) = text.strip_prefix(['+', '-']) {
        let plain: String = digits.chars().filter(|c| *c != ':').collect();
        let value = number(&plain)?;
        let seconds = match plain.len() {
            1 | 2 => value * HOUR,
            3 | 4 => value / 100 * HOUR + value % 100 * 60,
            _ => return None,
        };
        let sane = (seconds <= 24 * HOUR).then_some(seconds)?;
        return Some(if text.starts_with('-') { -sane } else { sane });
    }
    let hours = match text.to_ascii_uppercase().as_str() {
        "" | "Z" | "UT" | "UTC" | "GMT" | "WET" => 0,
        "EST" => -5,
        "EDT" | "AST" => -4,
        "CST" => -6,
        "CDT" => -5,
        "MST" => -7,
        "MDT" => -6,
        "PST" => -8,
        "PDT" => -7,
        "BST" | "CET" | "MET" => 1,
        "CEST" | "MEST" | "EET" => 2,
        "EEST" | "MSK" => 3,
        "JST" | "KST" => 9,
        _ => return None,
    };
    Some(hours * HOUR)
}

fn month(word: &str) -> Option<i64> {
    const NAMES: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let start = word.get(..3)?.to_ascii_lowercase();
    let letters = word
        .trim_end_matches('.')
        .bytes()
        .all(|b| b.is_ascii_alphabetic());
    let at = NAMES.iter().position(|name| *name == start)?;
    letters.then_some(i64::try_from(at).ok()? + 1)
}

#[cfg(test)]
mod tests {
    use ourspace_protocol::time::rfc3339;
    use proptest::prelude::*;

    use super::{is_early, parse};

    #[test]
    fn what_feeds_write() {
        for (written, meant) in [
            ("2003-12-31T10:14:55Z", "2003-12-31T10:14:55.000Z"),
            ("2003-12-31T10:14:55.25+01:00", "2003-12-31T09:14:55.250Z"),
            ("2003-12-31T10:14:55-0800", "2003-12-31T18:14:55.000Z"),
            ("2003-12-31 10:14", "2003-12-31T10:14:00.000Z"),
            ("2003-12-31", "2003-12-31T00:00:00.000Z"),
            ("2003-12", "2003-12-01T00:00:00.000Z"),
            ("2003", "2003-01-01T00:00:00.000Z"),
            ("20031231", "2003-12-31T00:00:00.000Z"),
            ("Wed, 31 Dec 2003 10:14:55 GMT", "2003-12-31T10:14:55.000Z"),
            ("31 Dec 03 10:14 EST", "2003-12-31T15:14:00.000Z"),
            (
                "Wed, 31 December 2003 24:00:00 +0000",
                "2004-01-01T00:00:00.000Z",
            ),
            ("Wed Dec 31 10:14:55 2003", "2003-12-31T10:14:55.000Z"),
            ("Dec 31, 2003", "2003-12-31T00:00:00.000Z"),
            ("31-Dec-2003 10:14:55 -0130", "2003-12-31T11:44:55.000Z"),
            ("Thu, 01 Jan 1960 00:00:00 GMT", "1970-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(
                parse(written).map(rfc3339).as_deref(),
                Some(meant),
                "{written}"
            );
        }
        for no_date in [
            "",
            "yesterday",
            "31/12/2003",
            "12:00",
            "Wed, 31 Foo 2003",
            "99999-01-01",
            "Fri, 32 Jan 2004 10:00:00 GMT",
        ] {
            assert_eq!(parse(no_date), None, "{no_date}");
        }
    }

    #[test]
    fn what_is_before_1970_is_known_to_be() {
        for early in ["Thu, 01 Jan 1931 00:00:00 GMT", "1969-12-31T23:59:59.999Z"] {
            assert!(is_early(early) && parse(early) == Some(0), "{early}");
        }
        for not in ["1970-01-01", "1970-01-01T00:00:00Z", "yesterday", "2003"] {
            assert!(!is_early(not), "{not}");
        }
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(text in "\\PC{0,90}", close in "[0-9TZ:., +-]{0,40}") {
            let _ = (parse(&text), parse(&close));
        }
    }
}
