use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::feed::{
    model::{File, ItemId},
    samples,
};

fn item(text: &str) -> Item {
    Item::new(ItemId([0; 10]), 0, text)
}

fn html(text: &str) -> String {
    content_html(&item(text))
}

/// Fails unless a piece of HTML is well formed and made of nothing but the elements and
/// attributes that the spec allows, its links and pictures leading only where they may.
fn assert_harmless(html: &str, source: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (text, tag) = rest.split_at(at);
        assert!(!text.contains(['>', '"']), "{source:?}: {html}");
        let end = tag
            .find('>')
            .unwrap_or_else(|| panic!("{source:?}: {html}"));
        let inside = &tag[1..end];
        rest = &tag[end + 1..];
        if let Some(name) = inside.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{source:?}: {html}");
            continue;
        }
        let (name, attributes) = inside.split_once(' ').unwrap_or((inside, ""));
        assert!(
            [
                "p",
                "br",
                "hr",
                "em",
                "strong",
                "del",
                "code",
                "pre",
                "blockquote",
                "ul",
                "ol",
                "li",
                "h3",
                "h4",
                "h5",
                "h6",
                "a",
                "img",
                "div",
                "table",
                "thead",
                "tbody",
                "tr",
                "th",
                "td"
            ]
            .contains(&name),
            "{source:?}: {html}"
        );
        assert_attributes(name, attributes, source);
        if !["br", "hr", "img"].contains(&name) {
            open.push(name);
        }
    }
    assert!(!rest.contains(['>', '"']), "{source:?}: {html}");
    assert!(open.is_empty(), "{source:?}: {html}");
}

fn assert_attributes(element: &str, mut attributes: &str, source: &str) {
    while let Some((name, rest)) = attributes.split_once("=\"") {
        let (value, rest) = rest.split_once('"').unwrap_or_else(|| panic!("{source:?}"));
        let right = match (element, name) {
            ("a", "href") => {
                assert!(
                    !value.contains(|c: char| c.is_control() || c == ' '),
                    "{source:?}"
                );
                is_safe_link(value)
            }
            ("a", "rel") => value == "nofollow ugc noopener",
            ("img", "src") => value.starts_with("media/"),
            ("a", "title") | ("img", "alt" | "loading" | "width" | "height") => true,
            ("code" | "pre" | "li" | "div", "class") => {
                ["plain", "task", "table"].contains(&value) || value.starts_with("language-")
            }
            ("pre" | "div", "tabindex") => value == "0",
            ("div", "role" | "aria-label") => ["group", "Table"].contains(&value),
            ("ol", "start") => value.parse::<u64>().is_ok(),
            ("th" | "td", "align") => ["left", "center", "right"].contains(&value),
            _ => false,
        };
        assert!(right, "{element} {name}={value:?} from {source:?}");
        attributes = rest.trim_start();
    }
    assert_eq!(attributes, "", "{source:?}");
}

/// What people type, and what it becomes.
const TYPED: [(&str, &str); 19] = [
    ("", ""),
    ("a\nb", "<p>a<br>\nb</p>"),
    (
        "# One\n## Two\n###### Six",
        "<h3>One</h3>\n<h4>Two</h4>\n<h6>Six</h6>",
    ),
    (
        "*a* **b** ~~c~~ `d`",
        "<p><em>a</em> <strong>b</strong> <del>c</del> <code>d</code></p>",
    ),
    ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
    (
        "- a\n\n- b",
        "<ul>\n<li><p>a</p>\n</li>\n<li><p>b</p>\n</li>\n</ul>",
    ),
    (
        "3. a\n   - b",
        "<ol start=\"3\">\n<li>a\n<ul>\n<li>b</li>\n</ul>\n</li>\n</ol>",
    ),
    (
        "- [ ] a\n- [x] b",
        "<ul>\n<li class=\"task\">☐ a</li>\n<li class=\"task\">☑ b</li>\n</ul>",
    ),
    ("> a\n\n***", "<blockquote>\n<p>a</p>\n</blockquote>\n<hr>"),
    (
        "```rust\n<x>\n```",
        "<pre tabindex=\"0\"><code class=\"language-rust\">&lt;x&gt;\n</code></pre>",
    ),
    (
        "```\"><b\nx\n```",
        "<pre tabindex=\"0\"><code>x\n</code></pre>",
    ),
    (
        "|a|b|\n|:-|-:|\n|c|d|",
        "<div class=\"table\" role=\"group\" aria-label=\"Table\" tabindex=\"0\"><table>\n\
             <thead>\n<tr><th align=\"left\">a</th><th align=\"right\">b</th></tr>\n</thead>\n\
             <tbody>\n<tr><td align=\"left\">c</td><td align=\"right\">d</td></tr>\n</tbody>\n</table></div>",
    ),
    (
        "[a](https://b.example/ü?x=1&y \"t\")",
        "<p><a href=\"https://b.example/%C3%BC?x=1&amp;y\" title=\"t\" rel=\"nofollow ugc noopener\">a</a></p>",
    ),
    (
        "www.a.example and b@c.example",
        "<p><a href=\"http://www.a.example\" rel=\"nofollow ugc noopener\">www.a.example</a> and \
             <a href=\"mailto:b@c.example\" rel=\"nofollow ugc noopener\">b@c.example</a></p>",
    ),
    ("**「a」**b", "<p><strong>「a」</strong>b</p>"),
    (
        "[x] [x] [x] [x]\n\n[x]: https://x.example",
        "<p><a href=\"https://x.example\" rel=\"nofollow ugc noopener\">x</a> \
             <a href=\"https://x.example\" rel=\"nofollow ugc noopener\">x</a> \
             <a href=\"https://x.example\" rel=\"nofollow ugc noopener\">x</a> \
             <a href=\"https://x.example\" rel=\"nofollow ugc noopener\">x</a></p>",
    ),
    ("[a](#b) [c](d)", "<p><a href=\"#b\">a</a> c</p>"),
    (
        "<b>x</b>\n\n<div>\ny\n</div>",
        "<p>&lt;b&gt;x&lt;/b&gt;</p>\n<p>&lt;div&gt;<br>\ny<br>\n&lt;/div&gt;</p>",
    ),
    ("&amp; &lt; &#0; \\*", "<p>&amp; &lt; \u{fffd} *</p>"),
];

#[test]
fn what_people_type() {
    for (text, expected) in TYPED {
        assert_eq!(html(text), expected, "{text:?}");
        assert_harmless(&html(text), text);
    }
}

#[test]
fn pictures_are_the_item_s_own_or_links() {
    let path = samples::path(1, "webp");
    let mut post = item(&format!("![]({path}) ![*a* \"b\"]({path} \"t\")"));
    let file = |mime: &str| File {
        path: path.clone(),
        size: 1,
        mime: mime.into(),
        pixels: Some((4, 3)),
    };
    post.attachments = vec![Attachment::new(file("image/webp"), "the lake")];
    assert_eq!(
        content_html(&post),
        format!(
            "<p><img src=\"{path}\" alt=\"the lake\" width=\"4\" height=\"3\" loading=\"lazy\"> \
             <img src=\"{path}\" alt=\"a &quot;b&quot;\" width=\"4\" height=\"3\" loading=\"lazy\"></p>"
        )
    );
    for mime in ["video/mp4", "text/html"] {
        post.attachments[0].file.mime = mime.to_owned();
        assert!(!content_html(&post).contains("<img"), "{mime}");
    }
    post.attachments.clear();
    assert!(!content_html(&post).contains("<img"));
    assert_eq!(
        html("![pixel](https://t.example/p.gif) ![](https://t.example/q.gif)"),
        "<p><a href=\"https://t.example/p.gif\" rel=\"nofollow ugc noopener\">pixel</a> \
         <a href=\"https://t.example/q.gif\" rel=\"nofollow ugc noopener\">https://t.example/q.gif</a></p>"
    );
    assert_eq!(
        html("[![a](https://x.example/)](https://y.example/)"),
        "<p><a href=\"https://y.example/\" rel=\"nofollow ugc noopener\">a</a></p>"
    );
}

#[test]
fn attacks_come_out_as_words() {
    let corpus = include_str!("tests/attacks.txt");
    let attacks: Vec<&str> = corpus.split("\n%\n").collect();
    assert!(attacks.len() > 60, "the corpus is cut short");
    for attack in attacks {
        for text in [
            attack.to_owned(),
            format!("> - {attack}"),
            format!("|a|\n|-|\n|{attack}|"),
            format!("[x]: {attack}\n[x] ![x]"),
        ] {
            assert_harmless(&html(&text), &text);
        }
    }
}

#[test]
fn links_lead_only_where_they_may() {
    for url in [
        "https://a",
        "HTTP://a",
        "mailto:a@b",
        "ourspace:0x1/abc",
        "ethereum:0x1",
        "ipfs://b",
        "ipns://k",
        "magnet:?xt=1",
        "tox:AA",
        "#top",
    ] {
        assert!(is_safe_link(url), "{url}");
    }
    for url in [
        "",
        "#",
        "javascript:alert(1)",
        "JavaScript:x",
        "\u{1}javascript:x",
        " https://a",
        "java\nscript:x",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "https:",
        "http:/a",
        "https://",
        "//a.example",
        "/a",
        "a",
        "?a",
        "blob:x",
        "about:blank",
        "view-source:https://a",
        "mailto:",
        "ftp://a",
    ] {
        assert!(!is_safe_link(url), "{url}");
    }
}

#[test]
fn too_much_is_shown_as_typed() {
    let deep = ">".repeat(100);
    assert_eq!(
        html(&deep),
        format!(
            "<pre class=\"plain\" tabindex=\"0\">{}</pre>",
            "&gt;".repeat(100)
        )
    );
    let emphasis = format!("{}a{}", "*a **b ".repeat(60), "** *".repeat(60));
    let nested: String = (0..80)
        .map(|n| format!("{}- a\n", " ".repeat(2 * n)))
        .collect();
    let wide = format!(
        "{}|\n{}|\n{}",
        "|a".repeat(600),
        "|-".repeat(600),
        "|\n".repeat(5_000)
    );
    for text in [emphasis, nested, wide] {
        let html = html(&text);
        assert_harmless(&html, &text[..40]);
        assert!(html.len() <= OUT_BASE + OUT_FACTOR * text.len());
    }
}

#[test]
fn dense_text_of_people_is_marked_up() {
    let table = format!("|1|2|3|4|\n|-|-|-|-|\n{}", "|5|6|7|8|\n".repeat(2_000));
    let addresses = "ada@example.org bo@example.org ".repeat(800);
    let links = "https://a.io/b ".repeat(2_000);
    let tasks = "- [x] a\n".repeat(2_000);
    let words = "*a* **b** `c` ".repeat(3_000);
    for text in [table, addresses, links, tasks, words] {
        assert!(
            !html(&text).starts_with("<pre class=\"plain\""),
            "{:?}",
            &text[..30]
        );
    }
}

/// Parsers are slow or deep on these; every one must end at once, whatever it becomes.
#[test]
fn hard_text_ends() {
    let full = crate::limits::TEXT_BYTES;
    for piece in [
        "[",
        "![](",
        "[a](",
        "*a **b ",
        "_a *",
        "`a``b",
        "> ",
        "- ",
        "<a ",
        "<!--",
        "&#",
        "a@b.c ",
        "|a|b\n|-|-\n",
        "[x]: /y\n[x]\n",
        "~~a ",
        "\\",
        "<b\n",
        "http://a",
        "\u{200b}*",
    ] {
        let text = piece.repeat(full / piece.len());
        assert_harmless(&html(&text), piece);
    }
}

proptest! {
    #[test]
    fn any_text_is_harmless(text in any::<String>()) {
        assert_harmless(&html(&text), &text);
    }

    #[test]
    fn any_markup_is_harmless(
        parts in vec(select(vec![
            "[", "](", ")", "![", "]", "<", ">", "\"", "'", "`", "*", "_", "~~", "#", "- ", "> ", "\n", "\n\n", "    ", "|", "|-|\n",
            "a", " ", "javascript:alert(1)", "https://x.example/", "<script>", "</p>", "<!--", "-->", "&#106;", "\\", "=\"", "onerror=", "media/2026/01/",
            "[x]: ", "```", "1. ", "[ ] ", "@", "www.", "\u{202e}", "\t", "&amp;", "<img src=", "]]>", "\u{1}",
        ]), 0..40)
    ) {
        let text = parts.concat();
        let html = html(&text);
        assert_harmless(&html, &text);
        let plain = plain_text_of_html(&html);
        prop_assert!(plain.bytes().all(|byte| byte != 1));
    }
}
