//! What a file is, by its first bytes. Names are never looked at.
//!
//! Only the signature at the very start counts, and only of formats that are then parsed
//! strictly by the rest of this crate: a page of HTML that begins with `GIF89a` is taken
//! for a GIF here and refused there.

use crate::{
    MediaError, Type,
    sound::{adts, frames::two, id3, mpeg},
    source::{be16, be32},
};

const TAKEN: &str = "pictures are taken as JPEG, PNG, GIF or WebP, video as MP4, MOV or WebM, sound as MP3, M4A, AAC, OGG, Opus, FLAC or WAV";
const EXPORT_JPEG: &str = "export it as JPEG (on a phone: share it as \"most compatible\")";
const EXPORT_PNG: &str = "export it as PNG, which cannot carry scripts";
const EXPORT_MP4: &str = "export it as MP4 (H.264) or WebM, which browsers play";

/// Looks at the head of a file and says what it is.
///
/// The first 8 KiB are enough (fewer for a shorter file).
///
/// # Errors
/// [`MediaError::NotTaken`] with a sentence that says what to do.
pub fn sniff(head: &[u8]) -> Result<Type, MediaError> {
    if head.is_empty() {
        return refuse("an empty file", TAKEN);
    }
    let starts = |signature: &[u8]| head.starts_with(signature);
    if starts(&[0xFF, 0xD8, 0xFF]) {
        return Ok(Type::JPEG);
    }
    if starts(b"\x89PNG\r\n\x1a\n") {
        return Ok(Type::PNG);
    }
    if starts(b"GIF87a") || starts(b"GIF89a") {
        return Ok(Type::GIF);
    }
    if starts(b"RIFF") {
        return riff(head);
    }
    if starts(b"RF64") || starts(b"BW64") {
        return refuse("a WAV file over 4 GiB", "export it as FLAC or MP3");
    }
    if starts(b"\x1A\x45\xDF\xA3") {
        return ebml(head);
    }
    if starts(b"OggS") {
        return ogg(head);
    }
    if starts(b"fLaC") {
        return Ok(Type::FLAC);
    }
    if let Some(found) = iso(head) {
        return found;
    }
    if let Some(found) = framed(head) {
        return Ok(found);
    }
    unknown(head)
}

fn refuse(found: &'static str, advice: &'static str) -> Result<Type, MediaError> {
    Err(MediaError::NotTaken { found, advice })
}

fn riff(head: &[u8]) -> Result<Type, MediaError> {
    match head.get(8..12) {
        Some(b"WEBP") => Ok(Type::WEBP),
        Some(b"WAVE") => Ok(Type::WAV),
        Some(b"AVI ") => refuse("an AVI video", EXPORT_MP4),
        _ => refuse("this kind of RIFF file", TAKEN),
    }
}

/// The document type lies in the EBML header, which is some 40 bytes long.
fn ebml(head: &[u8]) -> Result<Type, MediaError> {
    let first = &head[..head.len().min(4096)];
    let doctype = first.windows(3).enumerate().find_map(|(at, window)| {
        let len = usize::from(window[2] & 0x7F);
        let whole = window[..2] == [0x42, 0x82] && window[2] & 0x80 != 0;
        whole.then(|| first.get(at + 3..at + 3 + len)).flatten()
    });
    match doctype.map(|text| text.split(|byte| *byte == 0).next().unwrap_or(text)) {
        Some(b"webm") => Ok(Type::WEBM),
        Some(b"matroska") => refuse("a Matroska (MKV) video", EXPORT_MP4),
        _ => refuse("this kind of EBML file", TAKEN),
    }
}

fn ogg(head: &[u8]) -> Result<Type, MediaError> {
    let packet = head
        .get(26)
        .and_then(|segments| head.get(27 + usize::from(*segments)..))
        .unwrap_or_default();
    if packet.starts_with(b"OpusHead") {
        Ok(Type::OPUS)
    } else if packet.starts_with(b"\x01vorbis") || packet.starts_with(b"\x7FFLAC") {
        Ok(Type::OGG)
    } else if packet.starts_with(b"\x80theora") {
        refuse("an OGG video (Theora)", EXPORT_MP4)
    } else {
        refuse(
            "this kind of OGG file",
            "export it as Opus, OGG Vorbis or MP3",
        )
    }
}

/// ISO base media and QuickTime: the brands say which of the many it is.
fn iso(head: &[u8]) -> Option<Result<Type, MediaError>> {
    let kind = head.get(4..8)?;
    if kind != b"ftyp" {
        // QuickTime files from before 2002 have no `ftyp`.
        let old = [b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"];
        let plausible = be32(head, 0)? >= 8 || be32(head, 0)? <= 1;
        return (plausible && old.iter().any(|name| kind == *name)).then_some(Ok(Type::MOV));
    }
    let len = (be32(head, 0)? as usize).min(head.len());
    let major = head.get(8..12)?;
    let others = head.get(16..len).unwrap_or_default().chunks_exact(4);
    let mut brands = std::iter::once(major).chain(others);
    let still = |brand: &[u8]| {
        matches!(
            brand,
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" | b"mif2"
        )
    };
    let avif = |brand: &[u8]| matches!(brand, b"avif" | b"avis");
    Some(
        if avif(major) || (still(major) && brands.clone().any(avif)) {
            refuse("an AVIF picture", EXPORT_JPEG)
        } else if still(major) {
            refuse("a HEIC picture", EXPORT_JPEG)
        } else if matches!(major, b"crx ") {
            refuse("a camera's raw picture", EXPORT_JPEG)
        } else if major == b"qt  " {
            Ok(Type::MOV)
        } else if matches!(major, b"M4A " | b"M4B " | b"M4P " | b"F4A ") {
            Ok(Type::M4A)
        } else if brands.any(|brand| {
            matches!(
                brand,
                b"isom"
                    | b"mp41"
                    | b"mp42"
                    | b"avc1"
                    | b"dash"
                    | b"M4V "
                    | b"MSNV"
                    | b"f4v "
                    | b"3gp4"
                    | b"3gp5"
                    | b"3gp6"
            ) || brand.starts_with(b"iso")
        }) {
            Ok(Type::MP4)
        } else {
            refuse("this kind of MP4 file", EXPORT_MP4)
        },
    )
}

/// MP3 and AAC have no signature of their own: an ID3 tag, or two frames in a row.
fn framed(head: &[u8]) -> Option<Type> {
    if head.starts_with(b"ID3") {
        let len = id3::length(head)?;
        let Some(after) = head
            .get(usize::try_from(len).ok()?..)
            .filter(|rest| rest.len() >= 4)
        else {
            // The tag is longer than the head (a cover picture): nearly always an MP3. What
            // it really is, copying it will find out.
            return Some(Type::MP3);
        };
        if after.starts_with(b"fLaC") {
            return Some(Type::FLAC);
        }
        let start = after.iter().position(|byte| *byte != 0).unwrap_or(0);
        return Some(frames(&after[start..]).unwrap_or(Type::MP3));
    }
    frames(head)
}

fn frames(bytes: &[u8]) -> Option<Type> {
    if two(bytes, adts::parse).is_some() {
        Some(Type::AAC)
    } else {
        two(bytes, mpeg::parse).map(|_| Type::MP3)
    }
}

/// Signatures of files that people do try, and what to do with them.
const KNOWN: [(&[u8], &str, &str); 18] = [
    (b"\x1F\x8B", "a gzip file", TAKEN),
    (
        b"%PDF",
        "a PDF document",
        "export its pages as PNG or JPEG, or link to it",
    ),
    (b"II*\0", "a TIFF or a camera's raw picture", EXPORT_JPEG),
    (b"MM\0*", "a TIFF or a camera's raw picture", EXPORT_JPEG),
    (b"BM", "a BMP picture", "export it as PNG"),
    (b"\xFF\x0A", "a JPEG XL picture", EXPORT_JPEG),
    (b"\0\0\0\x0CJXL ", "a JPEG XL picture", EXPORT_JPEG),
    (b"\0\0\0\x0CjP  ", "a JPEG 2000 picture", EXPORT_JPEG),
    (b"8BPS", "a Photoshop file", "export it as PNG or JPEG"),
    (b"PK\x03\x04", "a ZIP archive or office document", TAKEN),
    (
        b"\x30\x26\xB2\x75",
        "a Windows Media file",
        "export it as MP4 or MP3",
    ),
    (b"FLV", "a Flash video", EXPORT_MP4),
    (b"\0\0\x01\xBA", "an MPEG video", EXPORT_MP4),
    (b"\0\0\x01\xB3", "an MPEG video", EXPORT_MP4),
    (b"FORM", "an AIFF sound", "export it as FLAC, WAV or MP3"),
    (
        b"#!AMR",
        "an AMR voice recording",
        "export it as M4A or MP3",
    ),
    (b"\0\0\x01\0", "an icon", "export it as PNG"),
    (b"MThd", "a MIDI file", "export it as MP3 or FLAC"),
];

/// Says what to do for files that people do try.
fn unknown(head: &[u8]) -> Result<Type, MediaError> {
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let text = text.trim_ascii_start();
    let begins = |word: &[u8]| {
        let start = text.get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let drawing = head
        .windows(4)
        .any(|word| word.eq_ignore_ascii_case(b"<svg"));
    if begins(b"<svg")
        || begins(b"<!doctype svg")
        || drawing && (begins(b"<?xml") || begins(b"<!--"))
    {
        return refuse("an SVG drawing", EXPORT_PNG);
    }
    let pages: [&[u8]; 5] = [b"<!doctype html", b"<html", b"<head", b"<script", b"<?xml"];
    if pages.iter().any(|word| begins(word)) {
        return refuse("a web page", TAKEN);
    }
    if let Some((_, found, advice)) = KNOWN.iter().find(|(start, ..)| head.starts_with(start)) {
        return refuse(found, advice);
    }
    if head[0] == 0x47 && head.get(188) == Some(&0x47) {
        return refuse("an MPEG video", EXPORT_MP4);
    }
    if be16(head, 0).is_some_and(|word| word & 0xFFE0 == 0xFFE0) {
        return refuse("this sound file", "export it as MP3 (layer III) or M4A");
    }
    refuse("this kind of file", TAKEN)
}
