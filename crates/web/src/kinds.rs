//! What a file is called in HTTP, by its name alone: what strangers' bytes look like
//! never decides.

use ourspace_protocol::feed::check::forms;

/// How a file is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) mime: &'static str,
    /// Whether a browser may show it; else it is saved.
    pub(crate) shown: bool,
}

/// The kind of the file at a path of the tree, or beside it.
pub(crate) fn kind(path: &str) -> Kind {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_feed = path == "feed.json" || path.starts_with("archive/");
    let mime = match ending {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        // `application/rss+xml` makes Firefox save the feed and Chromium show its source.
        "xml" => "application/xml; charset=utf-8",
        "xsl" => "application/xslt+xml; charset=utf-8",
        "json" if is_feed => "application/feed+json; charset=utf-8",
        "json" => "application/json",
        "opml" => "text/x-opml; charset=utf-8",
        "ico" => "image/x-icon",
        "cbor" => "application/vnd.ipld.dag-cbor",
        _ if path.starts_with(".well-known/") => "application/vnd.ipld.raw",
        _ => return media(ending),
    };
    if path.starts_with("media/") {
        return media(ending);
    }
    Kind { mime, shown: true }
}

/// A kept file: only the endings that items can name are shown. Nothing else is, for it
/// could hold a script.
fn media(ending: &str) -> Kind {
    let mut types = forms::types_of(ending);
    // RFC 5334: what ends in .ogg is sound; a film in it is played all the same.
    let mime = match ending {
        "ogg" => types.find(|mime| mime.starts_with("audio/")),
        _ => types.next(),
    };
    Kind {
        mime: mime.unwrap_or("application/octet-stream"),
        shown: mime.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_media_are_shown() {
        for path in [
            "media/2026/11/x.svg",
            "media/2026/11/x.html",
            "media/2026/11/x.js",
            "media/2026/11/x.bin",
            "media/2026/11/x.avif",
            "media/2026/11/x.jpeg",
            "media/2026/11/x.ico",
        ] {
            assert!(!kind(path).shown, "{path}");
        }
        for (ending, mime) in [
            ("webp", "image/webp"),
            ("aac", "audio/aac"),
            ("ogg", "audio/ogg"),
            ("opus", "audio/ogg"),
            ("webm", "video/webm"),
            ("mov", "video/quicktime"),
        ] {
            let kind = kind(&format!("media/2026/11/x.{ending}"));
            assert_eq!((kind.mime, kind.shown), (mime, true));
        }
        assert_eq!(kind("archive/x.json").mime, kind("feed.json").mime);
        assert_eq!(kind("feed.xml").mime, "application/xml; charset=utf-8");
        assert_eq!(kind("profile.json").mime, "application/json");
    }
}
