//! Reading what a person typed as an option; what is wrong ends with exit code 2.

use jiff::{civil, tz::TimeZone};
use ourspace_protocol::{
    account::Account,
    feed::{check::forms, clean, model::Followee},
    time::{MAX_MILLIS, Millis, parse_rfc3339},
};

/// A date: RFC 3339, or a day with or without a time on this machine's clock.
pub(crate) fn date(text: &str) -> Result<Millis, String> {
    if let Some(at) = parse_rfc3339(text) {
        return Ok(at);
    }
    local(text)
        .filter(|at| *at <= MAX_MILLIS)
        .ok_or_else(|| "not a date: expected 2026-11-24, 2026-11-24T18:30 or RFC 3339".to_owned())
}

fn local(text: &str) -> Option<Millis> {
    let at: civil::DateTime = text.parse().ok()?;
    let at = TimeZone::system().to_timestamp(at).ok()?;
    u64::try_from(at.as_millisecond()).ok()
}

/// A language tag; empty for none.
pub(crate) fn language(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    match forms::language(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A tag, with or without `#`; empty for none.
pub(crate) fn tag(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    clean::tag(text).ok_or_else(|| "not a tag: a word of at most 128 bytes".to_owned())
}

/// An account.
pub(crate) fn account(text: &str) -> Result<Account, String> {
    let address = text.trim().trim_start_matches('@');
    address
        .parse()
        .map_err(|error: ourspace_protocol::account::AccountError| error.to_string())
}

/// Whom one can follow: an account, or the address of a web feed.
pub(crate) fn followee(text: &str) -> Result<Followee, String> {
    if text.contains("://") {
        return clean::url(text)
            .map(Followee::Feed)
            .ok_or_else(|| "not the address of a web feed".to_owned());
    }
    account(text).map(Followee::Account)
}

/// `NAME=VALUE`; an empty text is `None`.
pub(crate) fn pair(text: &str) -> Result<Option<(String, String)>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
            Ok(Some((name.trim().to_owned(), value.trim().to_owned())))
        }
        _ => Err("expected two parts with = between them".to_owned()),
    }
}

/// `N=TEXT`: the description of an attachment by its place from 1.
pub(crate) fn described(text: &str) -> Result<(usize, String), String> {
    let parts = text.split_once('=');
    parts
        .and_then(|(place, alt)| Some((place.trim().parse().ok()?, alt.to_owned())))
        .ok_or_else(|| "expected a number and a description: 1=\"A cat\"".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_all_forms() {
        assert_eq!(date("2025-11-24T16:00:00Z"), Ok(1_764_000_000_000));
        assert_eq!(date("2025-11-24T18:00:00+02:00"), Ok(1_764_000_000_000));
        let day = date("2025-11-24").unwrap();
        assert!(day.abs_diff(1_763_942_400_000) <= 14 * 3_600_000);
        assert_eq!(date("2025-11-24T01:00").unwrap() - day, 3_600_000);
        for wrong in [
            "",
            "yesterday",
            "2025-13-01",
            "1969-01-01T00:00:00Z",
            "24.11.2025",
        ] {
            assert!(date(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn pairs_and_places() {
        assert_eq!(
            pair("a = b=c"),
            Ok(Some(("a".to_owned(), "b=c".to_owned())))
        );
        assert_eq!(pair(""), Ok(None));
        assert!(pair("=b").is_err() && pair("a").is_err());
        assert_eq!(described("2=x=y"), Ok((2, "x=y".to_owned())));
        assert!(described("x").is_err());
    }
}
