//! Where a feed's files and blocks lie at a web host.

use ourspace_protocol::dag::Cid;
use url::Url;

/// Bytes of a path in a tree that is asked for.
const PATH_BYTES: usize = 2048;
/// What a gateway is to give: the block, and nothing that it makes of it.
pub(super) const RAW: &str = "application/vnd.ipld.raw";

/// A place in the web that has blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// An exported feed (spec, chapter 7) at this base, which ends with a slash.
    Site(Url),
    /// A trustless gateway of IPFS; the address ends with `/ipfs/`.
    Gateway(Url),
}

impl Source {
    /// What a location means; none when it is none of the web, or no place for files.
    pub(super) fn of_location(location: &str) -> Option<Self> {
        let mut url = Url::parse(location).ok()?;
        let web = matches!(url.scheme(), "http" | "https") && url.has_host();
        if !web || url.query().is_some() || url.cannot_be_a_base() {
            return None;
        }
        url.set_fragment(None);
        if let Some(at) = url.path().find("/ipfs/") {
            let base = url.path()[..at + "/ipfs/".len()].to_owned();
            url.set_path(&base);
            return Some(Self::Gateway(url));
        }
        if !url.path().ends_with('/') {
            let base = format!("{}/", url.path());
            url.set_path(&base);
        }
        Some(Self::Site(url))
    }

    /// The address for people to read.
    pub(super) fn url(&self) -> &Url {
        match self {
            Self::Site(url) | Self::Gateway(url) => url,
        }
    }

    /// Where the newest record is.
    pub(super) fn record(&self) -> Option<Url> {
        match self {
            Self::Site(base) => base.join(".well-known/ourspace/record.cbor").ok(),
            Self::Gateway(_) => None,
        }
    }

    /// Where a block is, by its name.
    pub(super) fn block(&self, cid: Cid) -> Option<Url> {
        match self {
            Self::Site(base) => base
                .join(&format!(".well-known/ourspace/blocks/{cid}"))
                .ok(),
            Self::Gateway(base) => base.join(&format!("{cid}?format=raw")).ok(),
        }
    }

    /// Where a file of the tree is, by its path. It lies below the base, whatever the path.
    pub(super) fn file(&self, path: &str) -> Option<Url> {
        let Self::Site(base) = self else { return None };
        // Of a name like these an address would make something else.
        let odd = |name: &str| {
            matches!(name, "" | "." | "..") || name.contains(|c: char| c.is_ascii_control())
        };
        if path.len() > PATH_BYTES || path.split('/').any(odd) {
            return None;
        }
        let mut url = base.clone();
        url.path_segments_mut()
            .ok()?
            .pop_if_empty()
            .extend(path.split('/'));
        Some(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ourspace_protocol::dag::Codec;

    fn file(base: &str, path: &str) -> Option<String> {
        let url = Source::of_location(base).unwrap().file(path);
        url.map(String::from)
    }

    #[test]
    fn locations_of_the_web_are_known() {
        for (location, url) in [
            ("https://a.example", "https://a.example/"),
            ("https://a.example/feed", "https://a.example/feed/"),
            ("http://a.example:81/feed/#x", "http://a.example:81/feed/"),
        ] {
            let source = Source::of_location(location).unwrap();
            assert_eq!(source, Source::Site(url.parse().unwrap()), "{location}");
        }
        for location in ["https://g.example/ipfs/", "https://g.example/ipfs/bafy/x"] {
            let source = Source::of_location(location).unwrap();
            let url = "https://g.example/ipfs/".parse().unwrap();
            assert_eq!(source, Source::Gateway(url), "{location}");
            assert_eq!(source.record(), None);
            assert_eq!(source.file("feed.json"), None);
        }
        for location in [
            "ipfs:bafy",
            "magnet:?x",
            "",
            "https://a.example/?q",
            "mailto:a@b",
        ] {
            assert_eq!(Source::of_location(location), None, "{location}");
        }
    }

    #[test]
    fn files_lie_below_the_base() {
        let base = "https://a.example/my%20feed";
        let below = |path| file(base, path).unwrap();
        assert_eq!(
            below("posts/x/index.html"),
            "https://a.example/my%20feed/posts/x/index.html"
        );
        for (path, end) in [
            ("media/a?b#c.mp4", "media/a%3Fb%23c.mp4"),
            ("%2e%2e/x", "%252e%252e/x"),
            ("a\\..\\b", "a%5C..%5Cb"),
            ("ü ", "%C3%BC%20"),
            ("https:", "https:"),
        ] {
            let url = below(path);
            assert!(url.starts_with("https://a.example/my%20feed/"), "{url}");
            let again = Url::parse(&url).unwrap();
            assert_eq!(again.as_str(), url, "the address is written in one way");
            assert!(url.ends_with(end) || path.contains('\\'), "{url}");
        }
        for path in ["../x", "a/../../x", "a//b", "/etc", "a\n", ".", ""] {
            assert_eq!(file(base, path), None, "{path}");
        }
    }

    #[test]
    fn blocks_have_names() {
        let cid = Cid::of(Codec::Raw, b"x");
        let block = |location| Source::of_location(location).unwrap().block(cid).unwrap();
        let site = block("https://a.example/f").to_string();
        assert_eq!(
            site,
            format!("https://a.example/f/.well-known/ourspace/blocks/{cid}")
        );
        let gateway = block("https://g.example/ipfs/").to_string();
        assert_eq!(gateway, format!("https://g.example/ipfs/{cid}?format=raw"));
    }
}
