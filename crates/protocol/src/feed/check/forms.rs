//! The forms of single strings: lines, URLs, tags, paths, addresses.

use data_encoding::{BASE32_NOPAD, BASE64, HEXUPPER};

use super::{Checked, ItemError};
use crate::{
    dag::cid::{Cid, Codec},
    feed::text::is_xml_char,
    limits,
};

/// A text of several lines: no control characters but line feed and tab, nothing that
/// XML cannot hold. May be empty.
///
/// # Errors
/// [`ItemError::TooLong`], [`ItemError::Character`].
pub fn text(field: &'static str, value: &str, limit: usize) -> Checked {
    within(field, value, limit)?;
    // Printable ASCII, line feed and tab pass without being decoded.
    if value
        .bytes()
        .all(|b| matches!(b, b'\n' | b'\t' | b' '..=b'~'))
    {
        return Ok(());
    }
    match value.chars().find(|c| !is_text_char(*c)) {
        Some(character) => Err(ItemError::Character { field, character }),
        None => Ok(()),
    }
}

/// Whether a text may hold the character.
#[must_use]
pub fn is_text_char(c: char) -> bool {
    matches!(c, '\n' | '\t') || !c.is_control() && is_xml_char(c)
}

/// A text of one line that says something and does not turn around what stands beside it.
///
/// # Errors
/// As [`text`], and [`ItemError::Empty`], [`ItemError::NotOneLine`].
pub fn line(field: &'static str, value: &str, limit: usize) -> Checked {
    ok(value.contains(is_visible), ItemError::Empty { field })?;
    text(field, value, limit)?;
    if value.contains(['\n', '\t', '\u{2028}', '\u{2029}']) {
        return Err(ItemError::NotOneLine { field });
    }
    unturned(field, value)
}

/// Whether the character shows anything: neither white space nor one without width.
#[must_use]
pub fn is_visible(c: char) -> bool {
    let without_width = matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
    );
    !c.is_whitespace() && !without_width
}

/// Whether the character changes the direction of all that follows it (embeddings,
/// overrides and isolates of Unicode's bidirectional algorithm): in a line it would
/// reach into what a page writes behind it.
#[must_use]
pub fn is_turning(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn unturned(field: &'static str, value: &str) -> Checked {
    match value.chars().find(|c| is_turning(*c)) {
        Some(character) => Err(ItemError::Character { field, character }),
        None => Ok(()),
    }
}

/// A web address: `http://` or `https://`, a host, and only characters that RFC 3986
/// allows (so ASCII; other characters are percent-encoded). A name before the host
/// (`https://bank.example@other.example/`) is refused: it only ever misleads.
///
/// # Errors
/// [`ItemError::TooLong`], [`ItemError::Url`].
pub fn url(field: &'static str, value: &str) -> Checked {
    within(field, value, limits::URL_BYTES)?;
    let rest = value
        .strip_prefix("https://")
        .or_else(|| value.strip_prefix("http://"));
    let host =
        rest.is_some_and(|rest| !rest.starts_with(['/', '?', '#', ':', '@']) && !rest.is_empty());
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    let named = authority.is_some_and(|authority| authority.contains('@'));
    if !host || named || !value.bytes().all(is_url_byte) {
        return Err(ItemError::Url { field });
    }
    Ok(())
}

/// Whether a URL may hold the byte (RFC 3986 appendix A).
#[must_use]
pub fn is_url_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

/// A language tag in the shape of BCP 47: subtags of 1 to 8 letters and digits, the
/// first of 2 to 8 letters, at most 35 bytes.
///
/// # Errors
/// [`ItemError::Language`].
pub fn language(value: &str) -> Checked {
    let mut subtags = value.split('-');
    let primary = subtags.next().unwrap_or_default();
    let right = value.len() <= 35
        && (2..=8).contains(&primary.len())
        && primary.bytes().all(|b| b.is_ascii_alphabetic())
        && subtags.all(|tag| {
            (1..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric())
        });
    ok(right, ItemError::Language)
}

/// A tag: no `#`, no white space, something that can be seen.
///
/// # Errors
/// [`ItemError::TooLong`], [`ItemError::Empty`], [`ItemError::Character`],
/// [`ItemError::Tag`].
pub fn tag(value: &str) -> Checked {
    if value.is_empty() {
        return Err(ItemError::Empty { field: "tag" });
    }
    text("tag", value, limits::TAG_BYTES)?;
    ok(
        !value.contains(|c: char| c == '#' || c.is_whitespace()),
        ItemError::Tag,
    )?;
    ok(
        value.contains(is_visible),
        ItemError::Empty { field: "tag" },
    )?;
    unturned("tag", value)
}

/// The path of a file that is kept as it is: `media/YYYY/MM/CID.ext`, the CID version 1
/// in base32 with SHA-256, of a raw block or a DAG-PB node, the extension 1 to 5 of
/// `a-z0-9`.
///
/// # Errors
/// [`ItemError::MediaPath`].
pub fn media_path(value: &str) -> Checked {
    ok(media_cid(value).is_some(), ItemError::MediaPath)
}

/// The CID in a media path; `None` when it is no such path.
#[must_use]
pub fn media_cid(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("media/")?;
    let (date, file) = (rest.get(..8)?, rest.get(8..)?);
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (year, month) = (date.get(..4)?, date.get(5..7)?);
    let right = digits(year)
        && ("1970"..="9998").contains(&year)
        && digits(month)
        && ("01"..="12").contains(&month)
        && &date[4..5] == "/"
        && &date[7..] == "/";
    let (cid, extension) = file.split_once('.')?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let extension = (1..=5).contains(&extension.len()) && extension.bytes().all(plain);
    (right && extension && is_cid(cid)).then_some(cid)
}

/// A media path whose CID is one of a file with this size: of a raw block exactly when
/// the file is one piece ([`limits::CHUNK_BYTES`]), else of its inner node.
///
/// # Errors
/// [`ItemError::Codec`].
pub fn codec(path: &str, size: u64) -> Checked {
    let cid = media_cid(path).and_then(|cid| cid.parse::<Cid>().ok());
    let is_raw = cid.is_some_and(|cid| cid.codec() == Codec::Raw);
    ok(
        is_raw == (size <= limits::CHUNK_BYTES as u64),
        ItemError::Codec,
    )
}

fn is_cid(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('b') else {
        return false;
    };
    if digits.len() != 58 || digits.bytes().any(|b| b.is_ascii_uppercase()) {
        return false;
    }
    let bytes = BASE32_NOPAD.decode(digits.to_ascii_uppercase().as_bytes());
    // CID version 1, codec raw or dag-pb, multihash sha2-256 of 32 bytes.
    bytes.is_ok_and(|b| matches!(b.get(..4), Some([1, 0x55 | 0x70, 0x12, 0x20])))
}

/// A media type: `type/subtype` in lower case without parameters (RFC 6838), at most
/// 127 bytes.
///
/// # Errors
/// [`ItemError::MediaType`].
pub fn media_type(value: &str) -> Checked {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$&^_.+-".contains(&b);
    let name = |name: &str| {
        name.bytes()
            .next()
            .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            && name.bytes().all(plain)
    };
    let right = value.len() <= 127
        && value
            .split_once('/')
            .is_some_and(|(kind, subtype)| name(kind) && name(subtype));
    ok(right, ItemError::MediaType)
}

/// The media types that pages show and play, each with the ending of its files' names.
/// A file of any other type ends in `.bin`, so that no server takes it for something
/// that a browser would run.
const ENDINGS: [(&str, &str); 16] = [
    ("jpg", "image/jpeg"),
    ("png", "image/png"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("mp4", "video/mp4"),
    ("mov", "video/quicktime"),
    ("webm", "video/webm"),
    ("ogg", "video/ogg"),
    ("m4a", "audio/mp4"),
    ("webm", "audio/webm"),
    ("mp3", "audio/mpeg"),
    ("aac", "audio/aac"),
    ("ogg", "audio/ogg"),
    ("opus", "audio/ogg"),
    ("flac", "audio/flac"),
    ("wav", "audio/wav"),
];

/// The media types of files whose names end so; none for `bin` and all that no item can
/// name.
pub fn types_of(ending: &str) -> impl Iterator<Item = &'static str> {
    let of_it = ENDINGS.iter().filter(move |(known, _)| *known == ending);
    of_it.map(|(_, mime)| *mime)
}

/// A media path whose ending is one of the media type's.
///
/// # Errors
/// [`ItemError::Ending`].
pub fn ending(path: &str, mime: &str) -> Checked {
    let ending = path.rsplit('.').next().unwrap_or_default();
    let mut endings = ENDINGS
        .iter()
        .filter(|(_, known)| *known == mime)
        .peekable();
    let right = match endings.peek() {
        None => ending == "bin",
        Some(_) => endings.any(|(known, _)| *known == ending),
    };
    ok(right, ItemError::Ending)
}

/// Whether a media type is one of a picture that pages show: JPEG, PNG, GIF, WebP. SVG is
/// none: it can hold scripts.
#[must_use]
pub fn is_picture(mime: &str) -> bool {
    mime.starts_with("image/") && ENDINGS.iter().any(|(_, known)| *known == mime)
}

/// A thumbhash: base64 with padding, at most 64 characters, of at least 5 bytes.
///
/// # Errors
/// [`ItemError::Thumbhash`].
pub fn thumbhash(value: &str) -> Checked {
    let bytes = (value.len() <= 64)
        .then(|| BASE64.decode(value.as_bytes()).ok())
        .flatten();
    ok(
        bytes.is_some_and(|bytes| bytes.len() >= 5),
        ItemError::Thumbhash,
    )
}

/// A Tox ID: 32 bytes of key, 4 of nospam, 2 of checksum (the exclusive or of the pairs
/// before it) as 76 upper-case hexadecimal digits.
///
/// # Errors
/// [`ItemError::Tox`].
pub fn tox(value: &str) -> Checked {
    let bytes = (value.len() == 76)
        .then(|| HEXUPPER.decode(value.as_bytes()).ok())
        .flatten();
    let right = bytes.is_some_and(|bytes| {
        let sum = bytes
            .chunks(2)
            .fold([0, 0], |sum, pair| [sum[0] ^ pair[0], sum[1] ^ pair[1]]);
        sum == [0, 0]
    });
    ok(right, ItemError::Tox)
}

/// The shape of an e-mail address: `local@domain` in printable ASCII, at most 254 bytes,
/// the domain of at least two labels. What would end the address in a `mailto:` link
/// (`? & % #`) is refused.
///
/// # Errors
/// [`ItemError::Email`].
pub fn email(value: &str) -> Checked {
    let local = |b: u8| b.is_ascii_alphanumeric() || b"!$'*+-/=^_`{|}~.".contains(&b);
    let right = value.len() <= 254
        && value.split_once('@').is_some_and(|(name, domain)| {
            (1..=64).contains(&name.len()) && name.bytes().all(local) && is_domain(domain)
        });
    ok(right, ItemError::Email)
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.contains('.') && text.split('.').all(label)
}

/// The currency or network of a payment: 1 to 32 of `a-z0-9-`.
///
/// # Errors
/// [`ItemError::PaymentKind`].
pub fn payment_kind(value: &str) -> Checked {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    ok(
        (1..=32).contains(&value.len()) && value.bytes().all(plain),
        ItemError::PaymentKind,
    )
}

/// A payment address: printable ASCII without spaces.
///
/// # Errors
/// [`ItemError::TooLong`], [`ItemError::PaymentAddress`].
pub fn payment_address(value: &str) -> Checked {
    within("payment address", value, limits::LINE_BYTES)?;
    let right = !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic());
    ok(right, ItemError::PaymentAddress)
}

/// The name of a further text: 1 to 64 of `a-z0-9-_.`.
///
/// # Errors
/// [`ItemError::MoreName`].
pub fn more_name(value: &str) -> Checked {
    let plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    ok(
        (1..=limits::MORE_NAME_BYTES).contains(&value.len()) && value.bytes().all(plain),
        ItemError::MoreName,
    )
}

/// A domain or ENS name: at least two labels between dots, at most 253 bytes, no `A-Z`,
/// no white space, nothing that ends a host in a URL.
///
/// # Errors
/// [`ItemError::Name`].
pub fn name(value: &str) -> Checked {
    let foreign = |c: char| {
        c.is_control()
            || c.is_whitespace()
            || c.is_ascii_uppercase()
            || !is_xml_char(c)
            || "/\\:@#?%&<>\"'()[]{}|^`,;=+*!$~".contains(c)
    };
    let right = value.len() <= 253
        && value.contains('.')
        && value.split('.').all(|label| !label.is_empty())
        && !value.contains(foreign);
    ok(right, ItemError::Name)
}

fn within(field: &'static str, value: &str, limit: usize) -> Checked {
    ok(value.len() <= limit, ItemError::TooLong { field, limit })
}

fn ok(right: bool, error: ItemError) -> Checked {
    if right { Ok(()) } else { Err(error) }
}
