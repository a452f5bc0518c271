use super::*;
use crate::import::{draft::Text, input::Decoded};

fn drafts(bytes: &[u8]) -> Result<Vec<Draft>, ImportError> {
    let meter = Meter::default();
    let mut all = Vec::new();
    let input = Decoded::new(bytes, &meter).unwrap();
    read(input, &meter, &mut |draft| {
        all.push(draft);
        Ok(())
    })?;
    Ok(all)
}

fn one(text: &str) -> Draft {
    let mut all = drafts(text.as_bytes()).unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn rss() {
    let draft = one(
        r#"<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:media="http://search.yahoo.com/mrss/">
<channel><title>Feed</title><link>https://blog.example/</link><language>de</language>
<image><title>no</title><link>https://no.example/</link><url>https://no.example/x.png</url></image>
<item><title>A &amp;amp; B</title><link>/p/1</link><guid isPermaLink="false">one</guid>
<description>short</description><content:encoded><![CDATA[<p>long</p>]]></content:encoded>
<pubDate>Mon, 24 Nov 2025 03:06:34 +0100</pubDate><category>x y</category>
<enclosure url="a.mp3" type="audio/mpeg" length="1"/><itunes:duration>1:02:03</itunes:duration>
<media:group><media:content url="b.jpg" type="image/jpeg"><media:description>A cat</media:description></media:content></media:group>
</item></channel></rss>"#,
    );
    assert_eq!(draft.title, Some(Text::Html("A &amp; B".into())));
    assert_eq!(draft.body, Some(Text::Html("<p>long</p>".into())));
    assert_eq!(draft.identity.as_deref(), Some("one"));
    assert_eq!(draft.url.as_deref(), Some("https://blog.example/p/1"));
    assert_eq!(draft.language.as_deref(), Some("de"));
    assert_eq!(draft.published, Some(1_763_949_994_000));
    assert_eq!(draft.tags, ["x y"]);
    assert_eq!(draft.media.len(), 2);
    assert_eq!(draft.media[0].duration, Some(3_723_000));
    assert_eq!(draft.media[1].alt, "A cat");
}

#[test]
fn atom_with_xhtml_and_a_thread() {
    let draft = one(
        r#"<feed xmlns="http://www.w3.org/2005/Atom" xmlns:t="http://purl.org/syndication/thread/1.0" xml:base="https://b.example/x/" xml:lang="fr">
<id>f</id><link href="https://b.example/"/><entry><id>tag:b,1</id><title>1 &lt; 2</title><link rel="self" href="no"/><link href="y"/>
<t:in-reply-to ref="tag:b,0" href="z"/>
<content type="xhtml" xml:base="deep/"><div xmlns="http://www.w3.org/1999/xhtml"><p>a &amp; <b class="c">b</b></p></div></content>
<source><id>other</id><title>other</title></source>
<published>2003-12-13T18:30:02.25Z</published><updated>2004-12-13T18:30:02Z</updated></entry></feed>"#,
    );
    assert_eq!(draft.title, Some(Text::Plain("1 < 2".into())));
    let Some(Text::Html(html)) = &draft.body else {
        panic!()
    };
    assert!(
        html.contains("<p>a &amp; <b class=\"c\">b</b></p>"),
        "{html}"
    );
    assert_eq!(draft.url.as_deref(), Some("https://b.example/x/y"));
    assert_eq!(draft.base.as_deref(), Some("https://b.example/x/deep/"));
    assert_eq!(draft.language.as_deref(), Some("fr"));
    let about = draft.about.unwrap();
    assert_eq!(about.identity.as_deref(), Some("tag:b,0"));
    assert_eq!(about.url.as_deref(), Some("https://b.example/x/z"));
    assert!(draft.updated > draft.published);
}

#[test]
fn not_quite_xml() {
    let draft = one(
        "<rss><channel><item><TITLE>a & b &nbsp;c &copy; &#65;</TITLE><description>x<br>y<p>z</description><dc:date>2003</dc:date></item></channel></rss>",
    );
    assert_eq!(
        draft.title,
        Some(Text::Html("a & b &nbsp;c &copy; A".into()))
    );
    let Some(Text::Html(html)) = &draft.body else {
        panic!()
    };
    assert!(html.starts_with("x<br>y<p>z"), "{html}");
    assert!(draft.published.is_some());
}

#[test]
fn encodings() {
    let latin = b"<?xml version='1.0' encoding='windows-1252'?><rss><channel><item><title>\xe4\x80</title></item></channel></rss>";
    assert_eq!(
        drafts(latin).unwrap()[0].title,
        Some(Text::Html("ä€".into()))
    );
    let text = "<?xml version='1.0' encoding='utf-16'?><rss><channel><item><title>ä€</title></item></channel></rss>";
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(
        drafts(&wide).unwrap()[0].title,
        Some(Text::Html("ä€".into()))
    );
}

#[test]
fn hostile() {
    let deep = format!("<rss>{}", "<a>".repeat(200_000));
    assert!(matches!(
        drafts(deep.as_bytes()),
        Err(ImportError::TooDeep(_))
    ));
    let laughs = format!(
        "<!DOCTYPE x [<!ENTITY a \"ha\">{}]><rss><channel><item><title>&z9;</title></item></channel></rss>",
        (1..10)
            .map(|n| format!("<!ENTITY z{n} \"{}\">", "&a;".repeat(10)))
            .collect::<String>()
    );
    assert_eq!(
        drafts(laughs.as_bytes()).unwrap()[0].title,
        Some(Text::Html("&z9;".into()))
    );
    for cut in [
        "<rss><channel><item><title>a",
        "<rss><chan",
        "<rss><![CDATA[",
        "<rss a='",
    ] {
        assert!(
            matches!(drafts(cut.as_bytes()), Err(ImportError::Truncated)),
            "{cut}"
        );
    }
    assert!(matches!(
        drafts(b"<html><p>x</p></html>"),
        Err(ImportError::NotAFeed(_))
    ));
    let many = format!(
        "<rss {}></rss>",
        (0..60)
            .map(|n| format!("xmlns:a{n}='x' "))
            .collect::<String>()
    );
    drafts(many.as_bytes()).unwrap();
}

proptest::proptest! {
    #[test]
    fn nothing_breaks_it(
        bytes in "(<(/?(rss|channel|item|entry|feed|title|link|a:b|content)( [a-z:]{1,8}=\"[^\"]{0,5}\")?/?>)|[a-z&;<>!\\[\\]?\"' ]{0,3}){0,60}"
    ) {
        drop(drafts(bytes.as_bytes()));
    }
}
