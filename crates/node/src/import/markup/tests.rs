use ourspace_protocol::feed::markdown::note_html;
use proptest::prelude::*;

use super::*;

fn markdown(html: &str) -> String {
    Converter::new()
        .convert(html, Some("https://b.example/p/"))
        .text
}

#[test]
fn what_blogs_write() {
    for (html, expected) in [
        (
            "<p>One<br>two<br/><br/>three</p><p>four</p>",
            "One\ntwo\n\nthree\n\nfour",
        ),
        (
            "<h2>A</h2><p>b <em>c</em> <strong>d</strong> <del>e</del></p>",
            "## A\n\nb *c* **d** ~~e~~",
        ),
        (
            "<p><a href='/x?a=1&amp;b=2'>l <b>m</b></a></p>",
            "[l **m**](https://b.example/x?a=1&b=2)",
        ),
        ("<p><a href='javascript:x()'>l</a></p>", "l"),
        (
            "<a href='https://c.example/d_e'>https://c.example/d_e</a>",
            "<https://c.example/d_e>",
        ),
        (
            "<p>see https://c.example/d_e_f now</p>",
            "see https://c.example/d_e_f now",
        ),
        (
            "<img src='i.png' alt='A [cat]'>",
            "![A cat](https://b.example/p/i.png)",
        ),
        ("<img src='t.gif' width='1' height='1'>x", "x"),
        ("<img class='emoji' alt='🙂' src='s.png'>", "🙂"),
        (
            "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>",
            "- a\n- b\n  - c",
        ),
        ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"),
        ("<blockquote><p>q</p><p>r</p></blockquote>", "> q\n> \n> r"),
        (
            "<pre><code class='language-rust'>fn *a() {}\n</code></pre>",
            "```rust\nfn *a() {}\n```",
        ),
        (
            "a<script>alert(1)</script><style>b{}</style>c<form>d</form>",
            "ac",
        ),
        (
            "<iframe src='https://v.example/1'></iframe>",
            "<https://v.example/1>",
        ),
        (
            "<p>*not* _em_ [no](x) &lt;b&gt;</p>",
            "\\*not\\* \\_em\\_ \\[no\\](x) \\<b>",
        ),
        ("<x-y>unknown</x-y>", "unknown"),
    ] {
        assert_eq!(markdown(html), expected, "{html}");
    }
}

#[test]
fn tables() {
    let text = markdown(
        "<table><tr><th>a</th><th>b</th></tr><tr><td>1<br>2</td><td>3|4</td></tr></table>",
    );
    let shown = note_html(&text);
    assert!(
        shown.contains("<th>a</th>") && shown.contains("<td>3|4</td>"),
        "{text}\n{shown}"
    );
}

#[test]
fn hostile() {
    let deep = format!("{}x", "<div>".repeat(200_000));
    assert_eq!(markdown(&deep), "x");
    let deep: String = (0..200_000).map(|n| format!("<b{n}>")).collect();
    assert_eq!(markdown(&format!("{deep}x")), "x");
    let lying: String = "<b></i>".repeat(50_000);
    assert_eq!(markdown(&format!("{lying}x")), "x");
    let long = format!("<p>{}</p>", "word ".repeat(1_000_000));
    assert!(markdown(&long).len() > 4_000_000);
    let many = "<p>a<p>".repeat(20_000);
    assert!(markdown(&many).len() > 20_000);
    for piece in [
        "<a href=x>",
        "<li>",
        "<table><tr><td>",
        "<p><b>",
        "<q>",
        "<ol><li>",
        "<blockquote>",
        "<b></b>",
        "<i>a</i>",
    ] {
        let began = std::time::Instant::now();
        markdown(&piece.repeat(20_000));
        assert!(began.elapsed().as_secs() < 20, "{piece}");
    }
}

proptest! {
    #[test]
    fn nothing_raw_comes_out(html in "(</?(p|a|b|ul|li|table|td|tr|pre|code|br|blockquote|h1|script|img|span)( (href|src|alt|class)=\"[^\"]{0,9}\")?>|[a-z&;<>!*_`#~|\\[\\]()\\\\ \n-]{0,4}){0,40}") {
        let shown = note_html(&markdown(&html));
        prop_assert!(!shown.contains("<script") && !shown.contains("javascript:"));
    }
}
