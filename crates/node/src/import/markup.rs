//! HTML as strangers write it, as Markdown.
//!
//! The conversion is htmd's; here are the elements that a post treats otherwise, relative
//! addresses, and the limits within which a parser of HTML is safe to use.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use htmd::{
    Element, HtmlToMarkdown, Node,
    element_handler::{HandlerResult, Handlers},
    options::{BulletListMarker, Options},
};
use ourspace_protocol::feed::markdown::is_safe_link;
use url::Url;

use super::plain;

/// Elements that may be open at once, by count of their tags and in the tree: both the
/// parser and what walks its tree go deeper with each, and pages that people wrote have
/// less than 30.
const DEPTH: usize = 96;
/// Bytes of HTML that are converted with their markup; of more only the words are kept.
const BYTES: usize = 2 * 1024 * 1024;

/// What handlers of elements share.
#[derive(Debug, Default)]
struct Page {
    /// What relative addresses start from.
    base: Option<Url>,
    /// Addresses of the files that it shows.
    media: Vec<String>,
}

impl Page {
    /// An address from the page's own; `None` when a post cannot link to it.
    fn link(&self, href: &str) -> Option<String> {
        let href = href.trim();
        let whole = match &self.base {
            Some(base) => base.join(href).map(String::from).ok()?,
            None => href.to_owned(),
        };
        is_safe_link(&whole).then(|| whole.replace(['<', '>', '(', ')', ' ', '\n', '\\'], ""))
    }
}

/// A text in Markdown.
#[derive(Debug, Default)]
pub(super) struct Markdown {
    /// The text.
    pub(super) text: String,
    /// Addresses of the pictures, sounds and films that it shows.
    pub(super) media: Vec<String>,
}

/// Turns HTML into Markdown; made once and used for all posts.
pub(super) struct Converter {
    html: HtmlToMarkdown,
    page: Arc<Mutex<Page>>,
}

/// Elements whose contents are not for readers.
const DROPPED: [&str; 17] = [
    "script", "style", "head", "title", "noscript", "template", "form", "input", "button",
    "select", "textarea", "svg", "math", "object", "embed", "canvas", "nav",
];

impl Converter {
    /// A new one.
    pub(super) fn new() -> Self {
        let page = Arc::new(Mutex::new(Page::default()));
        let options = Options {
            bullet_list_marker: BulletListMarker::Dash,
            ul_bullet_spacing: 1,
            ol_number_spacing: 1,
            ..Options::default()
        };
        let [for_links, for_pictures, for_frames] = [page.clone(), page.clone(), page.clone()];
        let html = HtmlToMarkdown::builder()
            .options(options)
            .skip_tags(DROPPED.to_vec())
            .add_handler(vec!["br"], |_: &dyn Handlers, _: Element<'_>| {
                Some("\n".into())
            })
            .add_handler(
                vec!["del", "s", "strike"],
                |handlers: &dyn Handlers, element: Element<'_>| {
                    around(handlers, &element, ["~~", "~~"])
                },
            )
            .add_handler(
                vec!["q"],
                |handlers: &dyn Handlers, element: Element<'_>| {
                    around(handlers, &element, ["“", "”"])
                },
            )
            .add_handler(
                vec!["a"],
                move |handlers: &dyn Handlers, element: Element<'_>| {
                    anchor(handlers, &element, &for_links)
                },
            )
            .add_handler(
                vec!["img"],
                move |_: &dyn Handlers, element: Element<'_>| {
                    picture(&element, &mut lock(&for_pictures))
                },
            )
            .add_handler(
                vec!["iframe", "video", "audio", "source"],
                move |handlers: &dyn Handlers, element: Element<'_>| {
                    frame(handlers, &element, &for_frames)
                },
            )
            .build();
        Self { html, page }
    }

    /// Converts HTML whose relative addresses start from `base`.
    pub(super) fn convert(&self, html: &str, base: Option<&str>) -> Markdown {
        if !plain::has_markup(html) {
            return Markdown {
                text: plain::markdown(html),
                media: Vec::new(),
            };
        }
        {
            let mut page = lock(&self.page);
            page.base = base.and_then(|base| Url::parse(base).ok());
            page.media.clear();
        }
        let text = self.with_markup(html);
        let text = text.unwrap_or_else(|| plain::markdown(&plain::words(html)));
        Markdown {
            text,
            media: std::mem::take(&mut lock(&self.page).media),
        }
    }

    /// `None` when it is too large or deep.
    fn with_markup(&self, html: &str) -> Option<String> {
        if html.len() > BYTES || !is_flat(html) {
            return None;
        }
        let tree = self.html.html_to_tree(html).ok()?;
        if depth(&tree) > DEPTH + 8 {
            return None;
        }
        Some(mend(&self.html.tree_to_markdown(&tree)))
    }
}

fn lock(page: &Mutex<Page>) -> MutexGuard<'_, Page> {
    page.lock().unwrap_or_else(PoisonError::into_inner)
}

fn attribute<'e>(element: &'e Element<'_>, name: &str) -> Option<&'e str> {
    let mut all = element.attrs.iter();
    all.find(|attribute| &*attribute.name.local == name)
        .map(|attribute| &*attribute.value)
}

/// One line, without what would end a link's text.
fn in_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

fn around(
    handlers: &dyn Handlers,
    element: &Element<'_>,
    marks: [&str; 2],
) -> Option<HandlerResult> {
    let content = handlers.walk_children(element.node).content;
    let inner = content.trim();
    if inner.is_empty() || inner.contains("\n\n") {
        return Some(content.into());
    }
    let [open, close] = marks;
    Some(
        content
            .replacen(inner, &format!("{open}{inner}{close}"), 1)
            .into(),
    )
}

fn anchor(
    handlers: &dyn Handlers,
    element: &Element<'_>,
    page: &Mutex<Page>,
) -> Option<HandlerResult> {
    // Pictures in a link need the page themselves, so it is not held on to.
    let href = attribute(element, "href").and_then(|href| lock(page).link(href));
    let content = handlers.walk_children(element.node).content;
    let Some(href) = href.filter(|_| !content.trim().is_empty()) else {
        return Some(content.into());
    };
    let text = in_line(&content);
    if text.replace('\\', "") == href {
        return Some(format!("<{href}>").into());
    }
    Some(format!("[{text}]({href})").into())
}

/// A picture by its description and address. Those that are there to be counted, or
/// stand for a character, are none.
fn picture(element: &Element<'_>, page: &mut Page) -> Option<HandlerResult> {
    let alt = in_line(attribute(element, "alt").unwrap_or_default());
    let alt = alt.replace(['[', ']', '\\'], "");
    let class = attribute(element, "class").unwrap_or_default();
    if class.contains("emoji") || class.contains("smiley") {
        return Some(alt.into());
    }
    let dot = |name| matches!(attribute(element, name), Some("0" | "1" | "1px"));
    if dot("width") || dot("height") {
        return None;
    }
    let source = attribute(element, "src").or_else(|| attribute(element, "data-src"));
    let Some(url) = source.and_then(|source| page.link(source)) else {
        return Some(alt.into());
    };
    page.media.push(url.clone());
    Some(format!("![{alt}]({url})").into())
}

/// A film, a sound, a page in the page: a link to it.
fn frame(
    handlers: &dyn Handlers,
    element: &Element<'_>,
    page: &Mutex<Page>,
) -> Option<HandlerResult> {
    let inside = handlers.walk_children(element.node).content;
    let mut page = lock(page);
    let url = attribute(element, "src").and_then(|source| page.link(source));
    let Some(url) = url else {
        return Some(inside.into());
    };
    if element.tag != "iframe" {
        page.media.push(url.clone());
    }
    Some(format!("\n\n<{url}>\n\n").into())
}

/// Whether no place in the HTML can be deeper than [`DEPTH`]: counts the tags of each
/// name that were opened and not closed. Elements that the parser closes by itself when
/// the next one comes are not counted.
fn is_flat(html: &str) -> bool {
    const CLOSED: [&str; 30] = [
        "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link",
        "meta", "option", "optgroup", "p", "param", "rp", "rt", "source", "tbody", "td", "tfoot",
        "th", "thead", "tr", "track", "wbr", "colgroup", "body",
    ];
    let mut open: Vec<(String, usize)> = Vec::new();
    let mut rest = html;
    let mut deep = 0;
    while let Some(at) = rest.find('<') {
        rest = rest.get(at + 1..).unwrap_or_default();
        let (end_tag, name) = match rest.strip_prefix('/') {
            Some(name) => (true, name),
            None => (false, rest),
        };
        let size = name
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric())
            .count();
        let name = name.get(..size).unwrap_or_default().to_ascii_lowercase();
        if name.is_empty() || CLOSED.contains(&name.as_str()) {
            continue;
        }
        let known = open.iter_mut().find(|(known, _)| *known == name);
        match (known, end_tag) {
            (Some((_, count)), true) if *count > 0 => {
                *count -= 1;
                deep -= 1;
            }
            (_, true) => {}
            (Some((_, count)), false) => {
                *count += 1;
                deep += 1;
            }
            (None, false) => {
                open.push((name, 1));
                deep += 1;
            }
        }
        // Names without end make the look-up slow before they make the tree deep.
        if deep > DEPTH || open.len() > 2 * DEPTH {
            return false;
        }
    }
    true
}

/// How deep a tree is, without going down by calls.
fn depth(tree: &std::rc::Rc<Node>) -> usize {
    let mut deepest = 0;
    let mut stack = vec![(tree.clone(), 1)];
    while let Some((node, depth)) = stack.pop() {
        deepest = deepest.max(depth);
        if depth > DEPTH + 8 {
            break;
        }
        stack.extend(
            node.children
                .borrow()
                .iter()
                .map(|child| (child.clone(), depth + 1)),
        );
    }
    deepest
}

/// Undoes what the conversion does to bare addresses: it escapes their underscores, which
/// a link would then have.
fn mend(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some(at) = rest.find("http") {
        let (before, here) = rest.split_at(at);
        out.push_str(before);
        let address = here.starts_with("http://") || here.starts_with("https://");
        let end = here
            .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ')' | ']'))
            .unwrap_or(here.len());
        let (word, after) = here.split_at(if address { end } else { 4 });
        if address && word.contains('\\') {
            out.push_str(&word.replace("\\_", "_").replace("\\*", "*"));
        } else {
            out.push_str(word);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
