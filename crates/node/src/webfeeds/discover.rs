//! Finding the feeds that a page names: `<link rel="alternate" type="…" href="…">`.
//!
//! Only start tags are looked at, as far as that needs; nothing is built of the page.

use url::Url;

/// Bytes of a page that are looked at: these links stand near its beginning.
const BYTES: usize = 512 * 1024;
/// Tags that are looked at.
const TAGS: usize = 10_000;
/// Attributes of a tag that are looked at.
const ATTRIBUTES: usize = 32;
/// Feeds that are given.
const FEEDS: usize = 8;

const TYPES: [&str; 3] = [
    "application/rss+xml",
    "application/atom+xml",
    "application/feed+json",
];

/// The feeds that the page at `base` names, in its order.
#[must_use]
pub fn discover(page: &[u8], base: &Url) -> Vec<Url> {
    let text = String::from_utf8_lossy(page.get(..BYTES).unwrap_or(page));
    let mut base = base.clone();
    let mut feeds: Vec<Url> = Vec::new();
    let mut rest = text.as_ref();
    for _ in 0..TAGS {
        let Some((name, attributes, after)) = next_tag(rest) else {
            break;
        };
        rest = after;
        match name.as_str() {
            // What is in there only looks like tags.
            "script" | "style" | "template" => rest = behind(rest, &format!("</{name}")),
            "base" => {
                let href = value(&attributes, "href").and_then(|href| base.join(href).ok());
                base = href.filter(Url::has_host).unwrap_or(base);
            }
            "link" if is_feed(&attributes) => {
                let href = value(&attributes, "href").and_then(|href| base.join(href).ok());
                let web = href.filter(|url| matches!(url.scheme(), "http" | "https"));
                feeds.extend(web.filter(|url| !feeds.contains(url)));
            }
            _ => {}
        }
        if feeds.len() >= FEEDS {
            break;
        }
    }
    feeds
}

type Attributes = Vec<(String, String)>;

fn value<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|(known, _)| known == name)?;
    Some(found.1.trim())
}

fn is_feed(attributes: &Attributes) -> bool {
    let rel = value(attributes, "rel")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let kind = value(attributes, "type")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    rel.split_ascii_whitespace()
        .any(|rel| rel == "alternate" || rel == "feed")
        && TYPES.contains(&kind)
}

/// The next start tag, its attributes, and what stands behind it.
fn next_tag(mut text: &str) -> Option<(String, Attributes, &str)> {
    loop {
        text = text.get(text.find('<')? + 1..)?;
        if let Some(comment) = text.strip_prefix("!--") {
            text = behind(comment, "-->");
            continue;
        }
        let end = text
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(text.len());
        let (name, after) = text.split_at(end);
        if !name.is_empty() {
            let (attributes, after) = attributes(after);
            return Some((name.to_ascii_lowercase(), attributes, after));
        }
    }
}

/// What stands behind the next `mark`, whatever its case; nothing if there is none.
fn behind<'t>(text: &'t str, mark: &str) -> &'t str {
    let found = text
        .as_bytes()
        .windows(mark.len())
        .position(|part| part.eq_ignore_ascii_case(mark.as_bytes()));
    found
        .and_then(|at| text.get(at + mark.len()..))
        .unwrap_or("")
}

/// The attributes up to the end of the tag, and what stands behind it.
fn attributes(mut text: &str) -> (Attributes, &str) {
    let mut found = Attributes::new();
    loop {
        text = text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if let Some(after) = text.strip_prefix('>') {
            return (found, after);
        }
        let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/');
        // A name may begin with "=": else nothing would go on.
        let first = text.chars().next().map_or(0, char::len_utf8);
        let end = text.get(first..).unwrap_or("").find(ends);
        let end = end.map_or(text.len(), |end| first + end);
        if end == 0 {
            return (found, "");
        }
        let (name, after) = text.split_at(end);
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('=') {
            Some(after) => quoted(after.trim_start()),
            None => ("", after),
        };
        if found.len() < ATTRIBUTES {
            found.push((name.to_ascii_lowercase(), value.replace("&amp;", "&")));
        }
        text = after;
    }
}

fn quoted(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inside) = text.strip_prefix(quote) {
            return inside.split_once(quote).unwrap_or((inside, ""));
        }
    }
    let end = text.find(|c: char| c.is_ascii_whitespace() || c == '>');
    text.split_at(end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(page: &str) -> Vec<String> {
        let base = Url::parse("https://blog.example/a/page").unwrap();
        discover(page.as_bytes(), &base)
            .into_iter()
            .map(String::from)
            .collect()
    }

    #[test]
    fn links_are_found_however_they_are_written() {
        for link in [
            r#"<link rel="alternate" type="application/rss+xml" href="/feed">"#,
            r"<LINK REL=Alternate TYPE=application/rss+xml HREF=/feed>",
            "<link\n href='/feed' title='a > b' type='application/atom+xml; charset=utf-8'\n rel='home alternate'/>",
            r#"<link rel=alternate type="application/feed+json" href=" ../feed ">"#,
            r#"<!-- <link> --><p a="<b" c><link type=application/rss+xml rel=alternate href=/feed >"#,
        ] {
            let page = format!("<!doctype html><head><title>a</title>{link}</head>");
            assert_eq!(found(&page), ["https://blog.example/feed"], "{link}");
        }
    }

    #[test]
    fn other_things_are_not_feeds() {
        let feed = "<link rel=alternate type=application/rss+xml href=/feed>";
        for page in [
            "",
            "<",
            "<link rel=alternate hreflang=de href=/de>",
            "<link rel=stylesheet type=application/rss+xml href=/x>",
            "<link rel=alternate type=application/rss+xml>",
            "<link rel=alternate type=application/rss+xml href=javascript:x>",
            &format!("<!-- {feed} -->"),
            &format!("<script>\"{feed}\"</script>"),
            &format!("<SCRIPT>{feed}"),
        ] {
            let found = found(page);
            let itself = found.is_empty() || found == ["https://blog.example/a/page"];
            assert!(itself, "{page}: {found:?}");
        }
    }

    #[test]
    fn bases_count_and_crowds_are_cut() {
        let page = "<base href=https://other.example/x/>\
            <link rel=alternate type=application/rss+xml href='f?a=1&amp;b=2'>";
        assert_eq!(found(page), ["https://other.example/x/f?a=1&b=2"]);
        let many: String = (0..100)
            .map(|n| format!("<link rel=alternate type=application/rss+xml href=/{n}>"))
            .collect();
        assert_eq!(found(&many).len(), FEEDS);
        assert_eq!(found(&"<link ".repeat(100_000)), [""; 0]);
        assert_eq!(found(&"<a =".repeat(100_000)), [""; 0]);
    }
}
