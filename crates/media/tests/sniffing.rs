//! Kinds of files, decided by content alone.

#![expect(clippy::unwrap_used, reason = "tests fail by panics")]

use ourspace_media::{Kind, clean, picture, sniff};

fn refused(head: &[u8]) -> String {
    sniff(head).unwrap_err().to_string()
}

#[test]
fn what_is_taken_has_its_media_type() {
    let ogg = |packet: &[u8]| {
        [
            b"OggS\0\x02".as_slice(),
            &[0; 20],
            &[1, packet.len() as u8],
            packet,
        ]
        .concat()
    };
    let cases: [(&[u8], &str, &str); 16] = [
        (b"\xFF\xD8\xFF\xE0\0\x10JFIF\0", "image/jpeg", "jpg"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\x0DIHDR", "image/png", "png"),
        (b"GIF89a\x01\0\x01\0", "image/gif", "gif"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp", "webp"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav", "wav"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "video/mp4", "mp4"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", "video/mp4", "mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video/quicktime", "mov"),
        (b"\0\0\0\x08wide\0\0\0\x10mdat", "video/quicktime", "mov"),
        (b"\0\0\0\x18ftypM4A \0\0\0\0M4A isom", "audio/mp4", "m4a"),
        (
            b"\x1A\x45\xDF\xA3\x9F\x42\x82\x84webm\x42\x87\x81\x04",
            "video/webm",
            "webm",
        ),
        (b"fLaC\0\0\0\x22", "audio/flac", "flac"),
        (b"ID3\x04\0\0\0\0\x10\0", "audio/mpeg", "mp3"),
        (&ogg(b"OpusHead\x01\x02"), "audio/ogg", "opus"),
        (&ogg(b"\x01vorbis\0\0\0\0"), "audio/ogg", "ogg"),
        (&ogg(b"\x7FFLAC\x01\0"), "audio/ogg", "ogg"),
    ];
    for (head, mime, extension) in cases {
        let found = sniff(head).unwrap();
        assert_eq!((found.mime, found.extension), (mime, extension));
        let kind = match mime.split('/').next() {
            Some("image") => Kind::Picture,
            Some("video") => Kind::Video,
            _ => Kind::Audio,
        };
        assert_eq!(found.kind, kind);
    }
}

#[test]
fn what_is_refused_says_what_to_do() {
    for svg in [
        b"<svg xmlns='http://www.w3.org/2000/svg'>".as_slice(),
        b"\xEF\xBB\xBF \n<?xml version='1.0'?><!DOCTYPE svg><svg>",
        b"<!-- drawn --><SVG>",
    ] {
        let text = refused(svg);
        assert!(
            text.contains("SVG") && text.contains("export it as PNG"),
            "{text}"
        );
    }
    for still in [b"heic", b"mif1", b"heix"] {
        let text = refused(&[b"\0\0\0\x18ftyp", still.as_slice(), b"\0\0\0\0mif1heic"].concat());
        assert!(text.contains("HEIC") && text.contains("JPEG"), "{text}");
    }
    let avif = refused(b"\0\0\0\x1Cftypmif1\0\0\0\0avifmif1miaf");
    assert!(avif.contains("AVIF") && avif.contains("JPEG"), "{avif}");
    let mkv = refused(b"\x1A\x45\xDF\xA3\xA3\x42\x82\x88matroska");
    assert!(mkv.contains("Matroska") && mkv.contains("MP4"), "{mkv}");
    let avi = refused(b"RIFF\0\0\0\0AVI LIST");
    assert!(avi.contains("AVI") && avi.contains("MP4"), "{avi}");
    assert!(refused(b"%PDF-1.7").contains("PDF"));
    assert!(refused(b"<!DOCTYPE HTML><html>").contains("web page"));
    assert!(refused(b"").contains("empty"));
    for unknown in [b"just some words".as_slice(), b"\x7FELF\x02\x01", &[0; 64]] {
        let text = refused(unknown);
        assert!(
            text.contains("JPEG") && text.contains("MP4") && text.contains("MP3"),
            "{text}"
        );
    }
}

#[test]
fn no_beginning_of_any_bytes_panics() {
    let starts: [&[u8]; 7] = [
        b"\0\0\0\x18ftypisom\0\0\0\0",
        b"ID3\x03\0\0\x7F\x7F\x7F\x7F",
        b"OggS",
        b"RIFF",
        b"\x1A\x45\xDF\xA3\x42\x82\xFF",
        b"\xFF\xFB\x90\x64",
        b"\xFF\xF1\x50\x80",
    ];
    for start in starts {
        for len in 0..64 {
            let bytes: Vec<u8> = start
                .iter()
                .copied()
                .chain(std::iter::repeat_n(0xFF, 64))
                .take(len)
                .collect();
            drop(sniff(&bytes));
        }
    }
}

#[test]
fn a_web_page_that_begins_like_a_picture_is_refused() {
    for start in [
        b"GIF89a".as_slice(),
        b"\xFF\xD8\xFF",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x40\0\0\0WEBP",
    ] {
        let page = [
            start,
            b"/*<html><script>alert(1)</script></html>*/ and more of it to be long enough"
                .as_slice(),
        ]
        .concat();
        let error = picture(&page, true).unwrap_err().to_string();
        assert!(
            error.contains("damaged") || error.contains("cut off"),
            "{error}"
        );
    }
}

#[test]
fn pictures_and_streams_have_their_own_doors() {
    let error = clean(
        std::io::Cursor::new(b"GIF89a\x01\0\x01\0\0\0\0;"),
        &mut Vec::new(),
    )
    .unwrap_err();
    assert!(error.to_string().contains("add it as a picture"), "{error}");
    let error = picture(b"fLaC\0\0\0\x22", false).unwrap_err();
    assert!(error.to_string().contains("JPEG"), "{error}");
}
