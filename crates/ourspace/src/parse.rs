//! Reading what a person typed as an option; what is wrong ends with exit code 2.

use std::{
    fmt::Display,
    net::{Ipv4Addr, Ipv6Addr},
};

use jiff::{Timestamp, civil, tz::TimeZone};
use ourspace_protocol::{
    account::Account,
    feed::{check::forms, clean, model::Followee},
    time::{MAX_MILLIS, Millis, parse_rfc3339},
};

use crate::failure::Failure;

/// A date: RFC 3339, or a day with or without a time on this machine's clock.
pub(crate) fn date(text: &str) -> Result<Millis, String> {
    if let Some(at) = parse_rfc3339(text) {
        return Ok(at);
    }
    let wrong = || "not a date: expected 2026-11-24, 2026-11-24T18:30 or RFC 3339".to_owned();
    let at = instant(text).ok_or_else(wrong)?;
    let at = u64::try_from(at.as_millisecond()).map_err(|_| {
        "before 1970, which is the earliest date that a feed can hold; say the real one in the text"
            .to_owned()
    })?;
    match at <= MAX_MILLIS {
        true => Ok(at),
        false => Err(wrong()),
    }
}

/// What RFC 3339 cannot be because it is before 1970, or a time on this machine's clock.
fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    let at: civil::DateTime = text.parse().ok()?;
    TimeZone::system().to_timestamp(at).ok()
}

/// How many are to be shown.
pub(crate) fn limit(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("nothing would be shown: give 1 or more".to_owned()),
        Ok(limit) => Ok(limit),
        Err(_) => Err("not a number".to_owned()),
    }
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
pub(crate) fn tag_or_none(text: &str) -> Result<String, String> {
    match text.is_empty() {
        true => Ok(String::new()),
        false => tag(text),
    }
}

/// A tag, with or without `#`.
pub(crate) fn tag(text: &str) -> Result<String, String> {
    clean::tag(text).ok_or_else(|| "not a tag: a word of at most 128 bytes".to_owned())
}

/// An account.
pub(crate) fn account(text: &str) -> Result<Account, String> {
    let address = text.trim().trim_start_matches('@');
    address
        .parse()
        .map_err(|error: ourspace_protocol::account::AccountError| error.to_string())
}

/// The URL of a web host.
pub(crate) fn web_url(text: &str) -> Result<String, String> {
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    match rest {
        Some(rest) if rest.starts_with(|c: char| c.is_alphanumeric() || c == '[') => {
            Ok(text.to_owned())
        }
        _ => Err("not the URL of a web site: expected https://…".to_owned()),
    }
}

/// A host and its port: `192.0.2.7:6881`, `[2001:db8::7]:6881`, `dht.example.org:6881`.
pub(crate) fn host_and_port(text: &str) -> Result<String, String> {
    let wrong = || "not a host and its port: expected 192.0.2.7:6881".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let is_ipv6 = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|host| host.parse::<Ipv6Addr>().is_ok());
    let is_name = forms::name(&host.to_lowercase()).is_ok() || host == "localhost";
    let is_host = is_ipv6 || host.parse::<Ipv4Addr>().is_ok() || is_name;
    match port.parse::<u16>() {
        Ok(1..) if is_host => Ok(text.to_owned()),
        _ => Err(wrong()),
    }
}

/// A size: `1500`, `500MB`, `2 GiB`.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let wrong = || "not a size: expected bytes, or 500MB, 2GiB".to_owned();
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let one: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(wrong()),
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(one).ok_or_else(wrong);
    }
    let (whole, part) = number.split_once('.').ok_or_else(wrong)?;
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let places = u32::try_from(part.len()).map_err(|_| wrong())?;
    let part: u64 = part.parse().map_err(|_| wrong())?;
    let tenths = 10_u64.checked_pow(places).ok_or_else(wrong)?;
    let part = u128::from(part) * u128::from(one) / u128::from(tenths);
    let whole = whole.checked_mul(one).ok_or_else(wrong)?;
    let part = u64::try_from(part).map_err(|_| wrong())?;
    whole.checked_add(part).ok_or_else(wrong)
}

/// The address of a node.
pub(crate) fn peer(text: &str) -> Result<String, String> {
    ourspace_p2p::check_address(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
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

/// `LABEL=URL`; an empty text is `None`.
pub(crate) fn link(text: &str) -> Result<Option<(String, String)>, String> {
    let link = pair(text)?;
    let is_address = |(_, url): &(String, String)| clean::url(url).is_some();
    match link.as_ref().is_none_or(is_address) {
        true => Ok(link),
        false => Err("not a web address after the =: it begins with https://".to_owned()),
    }
}

/// A Tox ID; empty for none.
pub(crate) fn tox(text: &str) -> Result<String, String> {
    formed(text.trim().to_ascii_uppercase(), forms::tox)
}

/// An e-mail address; empty for none.
pub(crate) fn email(text: &str) -> Result<String, String> {
    formed(text.trim().to_owned(), forms::email)
}

/// A domain or ENS name; empty for none.
pub(crate) fn name(text: &str) -> Result<String, String> {
    formed(text.trim().to_lowercase(), forms::name)
}

/// Whether a text is short enough for where it goes. Said by the command: clap would repeat
/// the whole text.
pub(crate) fn fits(what: &str, text: Option<&String>, most: usize) -> Result<(), Failure> {
    match text.map(|text| text.trim().len()) {
        Some(len) if len > most => Err(Failure::usage(format!(
            "the {what} has {len} bytes, but may have at most {most}: shorten it"
        ))),
        _ => Ok(()),
    }
}

fn formed<E: Display>(
    text: String,
    check: impl FnOnce(&str) -> Result<(), E>,
) -> Result<String, String> {
    if !text.is_empty() {
        check(&text).map_err(|error| error.to_string())?;
    }
    Ok(text)
}

/// `N=TEXT`: the description of an attachment by its place from 1.
pub(crate) fn described(text: &str) -> Result<(usize, String), String> {
    let parts = text.split_once('=');
    let described: Option<(usize, String)> =
        parts.and_then(|(place, alt)| Some((place.trim().parse().ok()?, alt.to_owned())));
    match described {
        Some((0, _)) => Err("attachments are counted from 1".to_owned()),
        Some(described) => Ok(described),
        None => Err("expected a number and a description: 1=\"A cat\"".to_owned()),
    }
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
    fn a_date_before_1970_is_named_as_what_it_is() {
        for early in ["1969-12-31T23:00:00Z", "1969-05-01", "1850-01-01T10:00"] {
            assert!(date(early).unwrap_err().contains("before 1970"), "{early}");
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
        assert!(described("x").is_err() && described("0=x").is_err());
    }

    #[test]
    fn sizes_with_and_without_units() {
        assert_eq!(size("1500"), Ok(1500));
        assert_eq!(size("500MB"), Ok(500_000_000));
        assert_eq!(size(" 2 GiB "), Ok(2 << 30));
        assert_eq!(size("1.5k"), Ok(1500));
        for wrong in [
            "",
            "-1",
            "GB",
            "1.",
            ".5",
            "1x",
            "99999999999999999TB",
            "1.5.5",
            "1e9",
        ] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hosts_have_ports() {
        for right in [
            "192.0.2.7:6881",
            "[2001:db8::7]:1",
            "dht.example.org:6881",
            "localhost:9",
        ] {
            assert_eq!(host_and_port(right), Ok(right.to_owned()));
        }
        for wrong in [
            "",
            "garbage",
            "192.0.2.7",
            "a b:1",
            "192.0.2.7:0",
            "192.0.2.7:70000",
            ":1",
        ] {
            assert!(host_and_port(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_lead_somewhere() {
        assert_eq!(name("Ada.Example "), Ok("ada.example".to_owned()));
        assert_eq!(name(""), Ok(String::new()));
        assert!(name("a b").is_err());
    }
}
