//! What the head of an answer says.

use std::time::Duration;

use hyper::{
    HeaderMap,
    header::{self, HeaderName},
};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use url::Url;

use super::ask::Validators;

/// Bytes of a header's value that is kept.
const VALUE_BYTES: usize = 1024;

/// What a host said before the body.
#[derive(Clone, Debug)]
pub struct Head {
    /// The status, which may be any.
    pub status: u16,
    /// The address that answered, after redirects.
    pub url: Url,
    /// Where the address that was asked for has moved to for ever, if every step of the
    /// way was permanent (301, 308).
    pub moved: Option<Url>,
    /// What to recognise this answer by next time.
    pub validators: Validators,
    /// The kind of content, as the host calls it.
    pub content_type: Option<String>,
    /// Bytes of the body as it is sent.
    pub length: Option<u64>,
    /// First and last byte of a part of something (206), and how long the whole is.
    pub range: Option<(u64, u64, Option<u64>)>,
    /// For how long the answer holds (`Cache-Control: max-age`, else `Expires`).
    pub fresh_for: Option<Duration>,
    /// For how long the host wants to be left alone.
    pub retry_after: Option<Duration>,
}

impl Head {
    /// Whether this is what was asked for, whole or in part.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

/// Reads the head of an answer from `url`.
pub(super) fn read(status: u16, url: Url, headers: &HeaderMap, now: Timestamp) -> Head {
    Head {
        status,
        url,
        moved: None,
        validators: Validators {
            etag: text(headers, &header::ETAG),
            last_modified: text(headers, &header::LAST_MODIFIED),
        },
        content_type: text(headers, &header::CONTENT_TYPE),
        length: text(headers, &header::CONTENT_LENGTH).and_then(|text| text.parse().ok()),
        range: text(headers, &header::CONTENT_RANGE).and_then(|text| range(&text)),
        fresh_for: fresh_for(headers),
        retry_after: text(headers, &header::RETRY_AFTER).and_then(|text| retry_after(&text, now)),
    }
}

/// How the body is packed, all codings in the order in which they were applied.
pub(super) fn encoding(headers: &HeaderMap) -> String {
    let all = headers.get_all(header::CONTENT_ENCODING);
    let texts: Vec<_> = all
        .iter()
        .map(|value| value.to_str().unwrap_or("?"))
        .collect();
    texts.join(",")
}

/// A header that is there once, is text, and not longer than anybody needs.
pub(super) fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty() && text.len() <= VALUE_BYTES).then(|| text.to_owned())
}

/// `bytes FIRST-LAST/LENGTH` (RFC 9110, 14.4).
fn range(text: &str) -> Option<(u64, u64, Option<u64>)> {
    let (range, length) = text.strip_prefix("bytes")?.trim().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let length = match length.trim() {
        "*" => None,
        length => Some(length.parse::<u64>().ok()?),
    };
    let holds = first <= last && length.is_none_or(|length| last < length);
    holds.then_some((first, last, length))
}

fn fresh_for(headers: &HeaderMap) -> Option<Duration> {
    let cache = text(headers, &header::CACHE_CONTROL).unwrap_or_default();
    for directive in cache.split(',') {
        let directive = directive.trim().to_ascii_lowercase();
        if matches!(directive.as_str(), "no-cache" | "no-store") {
            return None;
        }
        if let Some(seconds) = directive.strip_prefix("max-age=") {
            return seconds
                .trim_matches('"')
                .parse()
                .ok()
                .map(Duration::from_secs);
        }
    }
    let expires = date(&text(headers, &header::EXPIRES)?)?;
    let sent = date(&text(headers, &header::DATE)?)?;
    u64::try_from(expires.duration_since(sent).as_secs())
        .ok()
        .map(Duration::from_secs)
}

/// Seconds, or a date (RFC 9110, 10.2.3).
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let wait = date(text)?.duration_since(now).as_secs();
    Some(Duration::from_secs(u64::try_from(wait).unwrap_or(0)))
}

/// A date of HTTP. Its zone is always GMT, which RFC 2822 knows too.
fn date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn fresh(pairs: &[(&'static str, &str)]) -> Option<u64> {
        fresh_for(&headers(pairs)).map(|time| time.as_secs())
    }

    #[test]
    fn parts_are_only_believed_where_they_make_sense() {
        assert_eq!(range("bytes 0-9/10"), Some((0, 9, Some(10))));
        assert_eq!(range("bytes 5-9/*"), Some((5, 9, None)));
        for wrong in [
            "bytes 0-10/10",
            "bytes 9-0/10",
            "bytes */10",
            "lines 0-9/10",
            "bytes 0-9",
            "bytes -9/10",
            "bytes 0-99999999999999999999999/*",
        ] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn how_long_an_answer_holds() {
        assert_eq!(fresh(&[("cache-control", "public, max-age=90")]), Some(90));
        assert_eq!(
            fresh(&[("cache-control", "max-age=90, no-cache")]),
            Some(90)
        );
        assert_eq!(fresh(&[("cache-control", "no-store, max-age=90")]), None);
        assert_eq!(fresh(&[("cache-control", "max-age=-1")]), None);
        let date = ("date", "Wed, 21 Oct 2015 07:28:00 GMT");
        let expires = ("expires", "Wed, 21 Oct 2015 07:29:00 GMT");
        assert_eq!(fresh(&[date, expires]), Some(60));
        assert_eq!(fresh(&[expires]), None);
        assert_eq!(fresh(&[date, ("expires", "0")]), None);
        let earlier = ("expires", "Wed, 21 Oct 2015 07:27:00 GMT");
        assert_eq!(fresh(&[date, earlier]), None);
    }

    #[test]
    fn when_to_come_back() {
        let now = Timestamp::from_second(1_445_412_480).unwrap();
        let seconds = |text| retry_after(text, now).map(|wait| wait.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("99999999999999999999999"), Some(u64::MAX));
        assert_eq!(seconds("Wed, 21 Oct 2015 07:29:00 GMT"), Some(60));
        assert_eq!(seconds("Wed, 21 Oct 2015 07:20:00 GMT"), Some(0));
        assert_eq!(seconds("soon"), None);
    }

    #[test]
    fn odd_values_are_left_out() {
        let long = "x".repeat(VALUE_BYTES + 1);
        let headers = headers(&[
            ("etag", &long),
            ("last-modified", " "),
            ("content-type", "a/b"),
        ]);
        let url = Url::parse("http://a.example/").unwrap();
        let head = read(200, url, &headers, Timestamp::UNIX_EPOCH);
        assert_eq!(head.validators, Validators::default());
        assert_eq!(head.content_type.as_deref(), Some("a/b"));
    }
}
