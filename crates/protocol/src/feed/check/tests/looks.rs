//! Endings and lines: what could pass for something else.

use super::*;

#[test]
fn endings_belong_to_types() {
    for (mime, ending, expected) in [
        ("image/jpeg", "jpg", "ok"),
        ("image/jpeg", "jpeg", "ending"),
        ("image/webp", "png", "ending"),
        ("image/webp", "bin", "ending"),
        ("image/avif", "avif", "ending"),
        ("image/svg+xml", "svg", "ending"),
        ("image/svg+xml", "bin", "ok"),
        ("text/html", "html", "ending"),
        ("text/html", "webp", "ending"),
        ("application/pdf", "bin", "ok"),
        ("video/mp4", "mp4", "ok"),
        ("audio/mp4", "m4a", "ok"),
        ("audio/mp4", "mp4", "ending"),
        ("video/webm", "webm", "ok"),
        ("audio/webm", "webm", "ok"),
        ("audio/ogg", "ogg", "ok"),
        ("audio/ogg", "opus", "ok"),
        ("video/ogg", "opus", "ending"),
        ("audio/aac", "aac", "ok"),
        ("audio/flac", "flac", "ok"),
        ("audio/wav", "wav", "ok"),
        ("audio/mpeg", "mp3", "ok"),
        ("video/quicktime", "mov", "ok"),
    ] {
        let file = File {
            path: samples::path(2, ending),
            mime: mime.into(),
            ..webp()
        };
        assert_eq!(
            name(|i| i.attachments[0].file = file),
            expected,
            "{mime} .{ending}"
        );
    }
}

#[test]
fn lines_that_deceive() {
    for (line, expected) in [
        ("a\u{202e}b", "character"),
        ("a\u{202a}", "character"),
        ("\u{2066}a\u{2069}", "character"),
        ("a\u{200f}\u{200d}b", "ok"),
        ("\u{200b}", "empty"),
        ("\u{feff} \u{ad}\u{2060}\u{3000}", "empty"),
        ("\u{200e}.", "ok"),
    ] {
        assert_eq!(name(|i| i.title = Some(line.into())), expected, "{line:?}");
        let tag = line.to_owned();
        if !tag.contains(char::is_whitespace) {
            assert_eq!(name(|i| i.labels.tags = vec![tag]), expected, "{line:?}");
        }
    }
    // A text may hold them: it is shown in a box of its own.
    assert_eq!(name(|i| i.text = "a\u{202e}b".into()), "ok");
}
