//! Instants as the protocol writes them. It never asks what time it is: callers say.

use jiff::{Timestamp, civil, tz};

/// The last instant the protocol can name, 9998-12-31T23:59:59.999Z.
pub const MAX_MILLIS: u64 = 253_370_764_799_999;

/// An instant as whole milliseconds since 1970-01-01T00:00:00Z, at most [`MAX_MILLIS`].
///
/// Integers of this size are exact in JSON (RFC 8785 numbers) and in EIP-712 `uint64`.
pub type Millis = u64;

/// Writes an instant as RFC 3339 in UTC with three decimals: `2026-11-24T03:06:34.123Z`.
///
/// Instants after [`MAX_MILLIS`] are written as [`MAX_MILLIS`].
#[must_use]
pub fn rfc3339(at: Millis) -> String {
    civil_utc(at).strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Writes an instant as RFC 822 with a four-digit year, as RSS 2.0 wants it.
#[must_use]
pub fn rfc822(at: Millis) -> String {
    civil_utc(at)
        .strftime("%a, %d %b %Y %H:%M:%S +0000")
        .to_string()
}

/// Reads an RFC 3339 instant; `None` when it is none or outside of 1970 to 9999.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<Millis> {
    let at: Timestamp = text.parse().ok()?;
    u64::try_from(at.as_millisecond())
        .ok()
        .filter(|ms| *ms <= MAX_MILLIS)
}

/// The calendar year and month (1 to 12) of an instant in UTC.
#[must_use]
pub fn year_month(at: Millis) -> (i16, i8) {
    let date = civil_utc(at);
    (date.year(), date.month())
}

fn civil_utc(at: Millis) -> civil::DateTime {
    let ms = i64::try_from(at.min(MAX_MILLIS)).unwrap_or(0);
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    tz::Offset::UTC.to_datetime(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_stable() {
        assert_eq!(rfc3339(1_763_953_594_007), "2025-11-24T03:06:34.007Z");
        assert_eq!(rfc822(1_763_953_594_007), "Mon, 24 Nov 2025 03:06:34 +0000");
        assert_eq!(rfc3339(MAX_MILLIS), "9998-12-31T23:59:59.999Z");
        assert_eq!(parse_rfc3339(&rfc3339(MAX_MILLIS)), Some(MAX_MILLIS));
        assert_eq!(parse_rfc3339("1969-12-31T23:59:59Z"), None);
        assert_eq!(parse_rfc3339("yesterday"), None);
        assert_eq!(year_month(0), (1970, 1));
    }
}
