//! The Markdown tree as HTML. Every element and attribute that a post can have is named
//! in this file and nowhere else; whatever the parser hands over besides is left out or
//! shown as text.

use comrak::nodes::{ListType, Node, NodeList, NodeValue, TableAlignment};

use super::{MAX_DEPTH, OUT_BASE, OUT_FACTOR, is_safe_link};
use crate::feed::{
    check::forms::is_picture,
    model::Attachment,
    text::{push_escaped, push_href, push_number},
};

/// Writes one document.
pub(super) struct Writer<'i> {
    out: String,
    limit: usize,
    attachments: &'i [Attachment],
    /// For every link node that is open, whether it has an `<a>`.
    links: Vec<bool>,
    /// The alignments of the table that is open; tables are never inside each other.
    columns: Vec<TableAlignment>,
    column: usize,
}

/// What to do with a node's children.
#[derive(PartialEq)]
enum Children {
    /// Write them, then close the node.
    Write,
    /// They are written already, or there are none to write.
    Skip,
}

impl<'i> Writer<'i> {
    pub(super) fn new(attachments: &'i [Attachment], text: usize) -> Self {
        Self {
            out: String::with_capacity(text + text / 4 + 32),
            limit: OUT_BASE + OUT_FACTOR * text,
            attachments,
            links: Vec::new(),
            columns: Vec::new(),
            column: 0,
        }
    }

    /// Walks the tree without recursion. `None` when it is too deep or the page too long.
    pub(super) fn document(mut self, root: Node<'_>) -> Option<String> {
        let mut node = root;
        let mut depth = 0;
        loop {
            let children = self.open(node);
            if children == Children::Write {
                if let Some(child) = node.first_child() {
                    depth += 1;
                    if depth > MAX_DEPTH || self.out.len() > self.limit {
                        return None;
                    }
                    node = child;
                    continue;
                }
                self.close(node);
            }
            while node.next_sibling().is_none() {
                if depth == 0 {
                    self.out.truncate(self.out.trim_end_matches('\n').len());
                    return (self.out.len() <= self.limit).then_some(self.out);
                }
                node = node.parent()?;
                depth -= 1;
                self.close(node);
            }
            node = node.next_sibling()?;
        }
    }

    fn open(&mut self, node: Node<'_>) -> Children {
        match &node.data().value {
            NodeValue::Text(text) => push_escaped(&mut self.out, text),
            NodeValue::SoftBreak | NodeValue::LineBreak => self.out.push_str("<br>\n"),
            NodeValue::Code(code) => {
                self.out.push_str("<code>");
                push_escaped(&mut self.out, &code.literal);
                self.out.push_str("</code>");
            }
            NodeValue::HtmlInline(html) | NodeValue::Raw(html) => push_escaped(&mut self.out, html),
            NodeValue::HtmlBlock(block) => self.shown_html(&block.literal),
            NodeValue::CodeBlock(block) => self.code_block(&block.info, &block.literal),
            NodeValue::ThematicBreak => self.out.push_str("<hr>\n"),
            NodeValue::Link(link) => return self.open_link(&link.url, &link.title),
            NodeValue::Image(image) => return self.open_image(node, &image.url, &image.title),
            value => return self.open_element(node, value),
        }
        Children::Skip
    }

    fn open_element(&mut self, node: Node<'_>, value: &NodeValue) -> Children {
        match value {
            NodeValue::Paragraph if is_tight(node) => {}
            NodeValue::List(list) => self.open_list(list),
            NodeValue::TaskItem(task) => {
                self.out.push_str("<li class=\"task\">");
                self.out.push(if task.symbol.is_some() { '☑' } else { '☐' });
                self.out.push(' ');
            }
            NodeValue::Table(table) => {
                self.columns.clone_from(&table.alignments);
                self.out.push_str(
                    "<div class=\"table\" role=\"group\" aria-label=\"Table\" tabindex=\"0\"><table>\n",
                );
            }
            NodeValue::TableRow(header) => {
                self.column = 0;
                self.out.push_str(match header {
                    true => "<thead>\n<tr>",
                    false if begins_body(node) => "<tbody>\n<tr>",
                    false => "<tr>",
                });
            }
            NodeValue::TableCell => self.open_cell(node),
            value => {
                if let Some(tag) = tag(value) {
                    self.out.push('<');
                    self.out.push_str(tag);
                    self.out.push('>');
                    if matches!(value, NodeValue::BlockQuote) {
                        self.out.push('\n');
                    }
                }
            }
        }
        Children::Write
    }

    fn close(&mut self, node: Node<'_>) {
        match &node.data().value {
            NodeValue::Paragraph if is_tight(node) => {
                if node.next_sibling().is_some() {
                    self.out.push('\n');
                }
            }
            NodeValue::Link(_) | NodeValue::Image(_) => {
                if self.links.pop() == Some(true) {
                    self.out.push_str("</a>");
                }
            }
            NodeValue::List(list) => self.out.push_str(match list.list_type {
                ListType::Bullet => "</ul>\n",
                ListType::Ordered => "</ol>\n",
            }),
            NodeValue::TaskItem(_) => self.out.push_str("</li>\n"),
            NodeValue::Table(_) => {
                let body = node
                    .last_child()
                    .is_some_and(|row| matches!(row.data().value, NodeValue::TableRow(false)));
                self.out.push_str(if body { "</tbody>\n" } else { "" });
                self.out.push_str("</table></div>\n");
            }
            NodeValue::TableRow(true) => self.out.push_str("</tr>\n</thead>\n"),
            NodeValue::TableRow(false) => self.out.push_str("</tr>\n"),
            NodeValue::TableCell => {
                self.out
                    .push_str(if in_header(node) { "</th>" } else { "</td>" });
            }
            value => {
                if let Some(tag) = tag(value) {
                    self.out.push_str("</");
                    self.out.push_str(tag);
                    self.out.push_str(if value.block() { ">\n" } else { ">" });
                }
            }
        }
    }

    fn open_list(&mut self, list: &NodeList) {
        match list.list_type {
            ListType::Bullet => self.out.push_str("<ul>\n"),
            ListType::Ordered if list.start == 1 => self.out.push_str("<ol>\n"),
            ListType::Ordered => {
                self.out.push_str("<ol start=\"");
                push_number(&mut self.out, u64::try_from(list.start).unwrap_or(u64::MAX));
                self.out.push_str("\">\n");
            }
        }
    }

    fn open_cell(&mut self, node: Node<'_>) {
        self.out
            .push_str(if in_header(node) { "<th" } else { "<td" });
        self.out.push_str(match self.columns.get(self.column) {
            Some(TableAlignment::Left) => " align=\"left\">",
            Some(TableAlignment::Center) => " align=\"center\">",
            Some(TableAlignment::Right) => " align=\"right\">",
            Some(TableAlignment::None) | None => ">",
        });
        self.column += 1;
    }

    fn open_link(&mut self, url: &str, title: &str) -> Children {
        let anchor = is_safe_link(url) && !self.links.contains(&true);
        self.links.push(anchor);
        if anchor {
            self.out.push_str("<a href=\"");
            push_href(&mut self.out, url);
            if !title.is_empty() {
                self.out.push_str("\" title=\"");
                push_escaped(&mut self.out, title);
            }
            let here = url.starts_with('#');
            self.out.push_str(if here {
                "\">"
            } else {
                "\" rel=\"nofollow ugc noopener\">"
            });
        }
        Children::Write
    }

    /// An attached picture is shown where the text names it; any other is a plain link,
    /// so that opening a post tells nobody about it.
    fn open_image(&mut self, node: Node<'_>, url: &str, title: &str) -> Children {
        let named = |a: &&Attachment| a.file.path == url && is_picture(&a.file.mime);
        let Some(attachment) = self.attachments.iter().find(named) else {
            let children = self.open_link(url, title);
            if node.first_child().is_none() {
                push_escaped(&mut self.out, url);
            }
            return children;
        };
        self.out.push_str("<img src=\"");
        push_href(&mut self.out, url);
        self.out.push_str("\" alt=\"");
        let before = self.out.len();
        for inner in node.descendants() {
            match &inner.data().value {
                NodeValue::Text(text) => push_escaped(&mut self.out, text),
                NodeValue::Code(code) => push_escaped(&mut self.out, &code.literal),
                NodeValue::SoftBreak | NodeValue::LineBreak => self.out.push(' '),
                _ => {}
            }
        }
        if self.out.len() == before {
            push_escaped(&mut self.out, &attachment.alt);
        }
        if let Some((width, height)) = attachment.file.pixels {
            self.out.push_str("\" width=\"");
            push_number(&mut self.out, u64::from(width));
            self.out.push_str("\" height=\"");
            push_number(&mut self.out, u64::from(height));
        }
        self.out.push_str("\" loading=\"lazy\">");
        Children::Skip
    }

    fn code_block(&mut self, info: &str, literal: &str) {
        self.out.push_str("<pre tabindex=\"0\"><code");
        let language = info.split_whitespace().next().unwrap_or_default();
        let plain =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'#' | b'.' | b'_');
        if !language.is_empty() && language.len() <= 32 && language.bytes().all(plain) {
            self.out.push_str(" class=\"language-");
            self.out.push_str(language);
            self.out.push('"');
        }
        self.out.push('>');
        push_escaped(&mut self.out, literal);
        self.out.push_str("</code></pre>\n");
    }

    /// Raw HTML that stands by itself: its source as a paragraph.
    fn shown_html(&mut self, html: &str) {
        self.out.push_str("<p>");
        for (nth, line) in html.trim_end().lines().enumerate() {
            self.out.push_str(if nth == 0 { "" } else { "<br>\n" });
            push_escaped(&mut self.out, line);
        }
        self.out.push_str("</p>\n");
    }
}

/// The element of a node that has one without attributes. A heading of a post stands two
/// levels below the page's own.
fn tag(value: &NodeValue) -> Option<&'static str> {
    Some(match value {
        NodeValue::Paragraph => "p",
        NodeValue::BlockQuote => "blockquote",
        NodeValue::Item(_) => "li",
        NodeValue::Heading(heading) => match heading.level {
            1 => "h3",
            2 => "h4",
            3 => "h5",
            _ => "h6",
        },
        NodeValue::Emph => "em",
        NodeValue::Strong => "strong",
        NodeValue::Strikethrough => "del",
        _ => return None,
    })
}

/// A paragraph of a list whose items stand close together has no element of its own.
fn is_tight(paragraph: Node<'_>) -> bool {
    let list = paragraph.parent().and_then(|item| item.parent());
    list.is_some_and(|list| matches!(&list.data().value, NodeValue::List(list) if list.tight))
}

fn begins_body(row: Node<'_>) -> bool {
    row.previous_sibling()
        .is_none_or(|before| matches!(before.data().value, NodeValue::TableRow(true)))
}

fn in_header(cell: Node<'_>) -> bool {
    cell.parent()
        .is_some_and(|row| matches!(row.data().value, NodeValue::TableRow(true)))
}
