//! What a file is called in HTTP, by its name alone: what strangers' bytes look like
//! never decides.

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
        "cbor" => "application/vnd.ipld.dag-cbor",
        _ if path.starts_with(".well-known/") => "application/vnd.ipld.raw",
        _ => return media(ending),
    };
    if path.starts_with("media/") {
        return media(ending);
    }
    Kind { mime, shown: true }
}

fn media(ending: &str) -> Kind {
    let mime = match ending {
        "webp" => "image/webp",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "avif" => "image/avif",
        "mp4" | "m4v" => "video/mp4",
        "mov" => "video/quicktime",
        "webm" => "video/webm",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "flac" => "audio/flac",
        "wav" => "audio/wav",
        // Nothing that could hold a script is shown.
        _ => {
            return Kind {
                mime: "application/octet-stream",
                shown: false,
            };
        }
    };
    Kind { mime, shown: true }
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
        ] {
            assert!(!kind(path).shown, "{path}");
        }
        assert!(kind("media/2026/11/x.webp").shown);
        assert_eq!(kind("archive/x.json").mime, kind("feed.json").mime);
        assert_eq!(kind("feed.xml").mime, "application/xml; charset=utf-8");
        assert_eq!(kind("profile.json").mime, "application/json");
    }
}
