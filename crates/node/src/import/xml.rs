//! RSS of every version and Atom, read one post at a time.
//!
//! The source is never held whole, nothing that it declares is expanded, and what is
//! open at once is bounded. Feeds in the wild are often not quite XML, so what no reader
//! minds is forgiven: wrong case, undeclared prefixes, HTML entities, elements that are
//! never closed. A file that ends in its middle is not.

mod entry;
mod names;

use std::io::BufRead;

use quick_xml::{
    Reader,
    escape::resolve_xml_entity,
    events::{BytesRef, BytesStart, Event},
};

use self::{
    entry::{Attributes, Entry},
    names::{Field, Space, field},
};
use super::{draft::Draft, error::ImportError, input::Meter, scope::Scope};

/// Elements inside each other. Real feeds with XHTML in them have less than 50.
const DEPTH: usize = 256;
/// Namespace prefixes in use at once.
const PREFIXES: usize = 256;
/// Attributes of an element that are looked at.
const ATTRIBUTES: usize = 64;

/// Reads a feed; gives every post to `take`, and in the end what the feed is called.
///
/// # Errors
/// [`ImportError::Syntax`], [`ImportError::Truncated`], [`ImportError::NotAFeed`],
/// [`ImportError::Read`], and what `take` says.
pub(super) fn read<R: BufRead>(
    input: R,
    meter: &Meter,
    take: &mut dyn FnMut(Draft) -> Result<(), ImportError>,
) -> Result<Scope, ImportError> {
    let mut reader = Reader::from_reader(input);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut walk = Walk::default();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer);
        let event = match event {
            Ok(event) => event,
            Err(error) => return Err(syntax(error, reader.error_position())),
        };
        match event {
            Event::Start(tag) => walk.open(&tag)?,
            Event::Empty(tag) => {
                walk.open(&tag)?;
                if let Some(draft) = walk.close_last() {
                    meter.next_post();
                    take(draft)?;
                }
            }
            Event::End(tag) => {
                if let Some(draft) = walk.close(tag.name().as_ref()) {
                    meter.next_post();
                    take(draft)?;
                }
            }
            Event::Text(text) => walk.text(&text),
            Event::CData(text) => walk.text(&text),
            Event::GeneralRef(reference) => walk.reference(&reference),
            Event::Eof => return walk.end(),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

fn syntax(error: quick_xml::Error, at: u64) -> ImportError {
    match error {
        quick_xml::Error::Io(error) => {
            ImportError::Read(std::io::Error::new(error.kind(), error.to_string()))
        }
        quick_xml::Error::Syntax(_) => ImportError::Truncated,
        error => ImportError::Syntax {
            at: format!("byte {at}"),
            what: error.to_string(),
        },
    }
}

/// An element that is open.
#[derive(Debug)]
struct Frame {
    /// Where its name begins in `Walk::names`.
    name: usize,
    field: Field,
    /// Prefixes that were known outside of it.
    prefixes: usize,
    /// Its `xml:base`, resolved.
    base: Option<String>,
    /// Its `xml:lang`.
    language: Option<String>,
}

/// A text being gathered.
#[derive(Debug)]
struct Capture {
    field: Field,
    attributes: Attributes,
    text: String,
    /// The frame that it is the text of.
    frame: usize,
}

/// A walk through a feed.
#[derive(Debug, Default)]
struct Walk {
    frames: Vec<Frame>,
    names: String,
    prefixes: Vec<(String, Space)>,
    capture: Option<Capture>,
    /// The post that is open, and its frame.
    entry: Option<(usize, Entry)>,
    /// What is known of the feed: its language, and what it is called.
    language: Option<String>,
    feed: Scope,
    is_feed: bool,
}

impl Walk {
    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), ImportError> {
        if self.frames.len() >= DEPTH {
            return Err(ImportError::TooDeep(DEPTH));
        }
        let name = tag.name();
        let name: &str = name.as_ref();
        let known = self.prefixes.len();
        let attributes = self.attributes(tag)?;
        let field = self.field_of(name);
        if let Some(capture) = &mut self.capture {
            push_tag(&mut capture.text, name, &attributes);
        }
        let frame = Frame {
            name: self.names.len(),
            field,
            prefixes: known,
            base: attributes
                .get("xml:base")
                .map(|base| join(self.base(), base)),
            language: attributes.get("xml:lang").map(str::to_owned),
        };
        self.names.push_str(name);
        self.frames.push(frame);
        if self.capture.is_none() {
            self.begin(field, attributes);
        }
        Ok(())
    }

    /// What an element is to us, where it stands.
    fn field_of(&mut self, name: &str) -> Field {
        if self.capture.is_some() || self.frames.last().is_some_and(|f| f.field == Field::Skip) {
            return Field::Skip;
        }
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let declared = self
            .prefixes
            .iter()
            .rev()
            .find(|(known, _)| known == prefix);
        let space = declared.map_or_else(|| Space::of_prefix(prefix), |(_, space)| *space);
        let found = field(space, local, self.entry.is_some());
        if self.frames.is_empty() {
            self.is_feed = matches!(found, Field::Around | Field::Post);
        }
        found
    }

    /// An element with a meaning begins.
    fn begin(&mut self, field: Field, attributes: Attributes) {
        let frame = self.frames.len() - 1;
        match field {
            Field::Around | Field::Skip => {}
            Field::Post => {
                let name = self.frames.last().map_or(0, |frame| frame.name);
                let name = self.names.get(name..).unwrap_or_default();
                self.entry = Some((frame, Entry::new(name, attributes)));
            }
            // What describes a file may stand in its element.
            Field::File => {
                let base = self.base().map(str::to_owned);
                if let Some((_, entry)) = &mut self.entry {
                    entry.take(field, &attributes, String::new(), (base, None));
                }
            }
            field => {
                self.capture = Some(Capture {
                    field,
                    attributes,
                    text: String::new(),
                    frame,
                });
            }
        }
    }

    /// The attributes of an element; those that declare prefixes are remembered.
    fn attributes(&mut self, tag: &BytesStart<'_>) -> Result<Attributes, ImportError> {
        let mut attributes = Attributes::default();
        for attribute in tag.html_attributes().with_checks(false).take(ATTRIBUTES) {
            // What cannot be read is left out: the element itself may be fine.
            let Ok(attribute) = attribute else { continue };
            let key: &str = attribute.key.as_ref();
            let value = unescaped(&attribute.value);
            let prefix = match key.strip_prefix("xmlns") {
                Some("") => Some(""),
                Some(rest) => rest.strip_prefix(':'),
                None => None,
            };
            if let Some(prefix) = prefix {
                if self.prefixes.len() >= PREFIXES {
                    return Err(ImportError::TooDeep(PREFIXES));
                }
                self.prefixes
                    .push((prefix.to_owned(), Space::of_uri(&value)));
            } else {
                attributes.push(key, value);
            }
        }
        Ok(attributes)
    }

    fn text(&mut self, text: &str) {
        if let Some(capture) = &mut self.capture {
            if capture.frame + 1 == self.frames.len() {
                capture.text.push_str(text);
            } else {
                push_text(&mut capture.text, text);
            }
        }
    }

    /// Only what XML itself declares is resolved. Other names are left as they stand:
    /// where the text is HTML, they mean something there.
    fn reference(&mut self, reference: &BytesRef<'_>) {
        if self.capture.is_none() {
            return;
        }
        if let Ok(Some(character)) = reference.resolve_char_ref() {
            self.text(character.encode_utf8(&mut [0; 4]));
        } else if let Some(text) = resolve_xml_entity(reference) {
            self.text(text);
        } else if let Some(capture) = &mut self.capture {
            capture.text.push('&');
            capture.text.push_str(reference);
            capture.text.push(';');
        }
    }

    /// An end tag closes the innermost element of its name and all that was left open in
    /// it; with none of its name it means nothing.
    fn close(&mut self, name: &str) -> Option<Draft> {
        let mut end = self.names.len();
        let mut found = None;
        for (at, frame) in self.frames.iter().enumerate().rev() {
            if self.names.get(frame.name..end) == Some(name) {
                found = Some(at);
                break;
            }
            end = frame.name;
        }
        let found = found?;
        let mut draft = None;
        while self.frames.len() > found {
            draft = self.close_last().or(draft);
        }
        draft
    }

    fn close_last(&mut self) -> Option<Draft> {
        let frame = self.frames.last()?;
        let at = self.frames.len() - 1;
        let name = self.names.get(frame.name..).unwrap_or_default().to_owned();
        let ends = self.capture.as_ref().is_some_and(|c| c.frame == at);
        if ends {
            self.complete();
        } else if let Some(capture) = &mut self.capture {
            capture.text.push_str("</");
            capture.text.push_str(&name);
            capture.text.push('>');
        }
        let ends = self.entry.as_ref().is_some_and(|entry| entry.0 == at);
        let done = if ends { self.entry.take() } else { None };
        let draft = done.map(|(_, entry)| {
            let base = self
                .base()
                .map(str::to_owned)
                .or_else(|| self.feed.home.clone());
            entry.finish(base, self.language_here())
        });
        if let Some(frame) = self.frames.pop() {
            self.names.truncate(frame.name);
            self.prefixes.truncate(frame.prefixes);
        }
        draft
    }

    /// A text is complete.
    fn complete(&mut self) {
        let Some(capture) = self.capture.take() else {
            return;
        };
        let base = self.base().map(str::to_owned);
        let language = self.frames.last().and_then(|f| f.language.clone());
        match &mut self.entry {
            Some((_, entry)) => {
                entry.take(
                    capture.field,
                    &capture.attributes,
                    capture.text,
                    (base, language),
                );
            }
            None => self.of_feed(&capture),
        }
    }

    /// Something about the feed itself.
    fn of_feed(&mut self, capture: &Capture) {
        let text = capture.text.trim();
        let first = |known: &mut Option<String>, text: String| {
            if known.is_none() && !text.is_empty() {
                *known = Some(text);
            }
        };
        match capture.field {
            Field::Language => self.language = Some(text.to_owned()),
            Field::Title => first(&mut self.feed.title, text.to_owned()),
            Field::Ttl => self.feed.minutes = text.parse().ok(),
            Field::Identity => first(&mut self.feed.id, text.to_owned()),
            Field::Link => {
                let href = capture.attributes.get("href").unwrap_or(text).trim();
                let href = match href.is_empty() {
                    true => String::new(),
                    false => join(self.base(), href),
                };
                match capture.attributes.get("rel").unwrap_or("alternate") {
                    "alternate" => first(&mut self.feed.home, href),
                    "self" => first(&mut self.feed.address, href),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// What relative addresses start from here.
    fn base(&self) -> Option<&str> {
        self.frames.iter().rev().find_map(|f| f.base.as_deref())
    }

    fn language_here(&self) -> Option<String> {
        let near = self.frames.iter().rev().find_map(|f| f.language.clone());
        near.or_else(|| self.language.clone())
    }

    fn end(self) -> Result<Scope, ImportError> {
        if !self.is_feed {
            return Err(ImportError::NotAFeed(
                "this is XML or HTML, but no RSS and no Atom",
            ));
        }
        // HTML in a feed is left open often, the feed itself only by an accident.
        if self.frames.is_empty() {
            Ok(self.feed)
        } else {
            Err(ImportError::Truncated)
        }
    }
}

/// `relative` from `base`, as browsers do it; as it stands where there is no base.
pub(super) fn join(base: Option<&str>, relative: &str) -> String {
    let base = base.and_then(|base| url::Url::parse(base).ok());
    match base.and_then(|base| base.join(relative).ok()) {
        Some(url) => url.into(),
        None => relative.to_owned(),
    }
}

fn unescaped(value: &str) -> String {
    if !value.contains('&') {
        return value.to_owned();
    }
    quick_xml::escape::unescape(value).map_or_else(|_| value.to_owned(), Into::into)
}

fn push_tag(out: &mut String, name: &str, attributes: &Attributes) {
    // A prefix means nothing in HTML.
    let local = name.rsplit(':').next().unwrap_or(name);
    out.push('<');
    out.push_str(local);
    for (key, value) in attributes.iter() {
        out.push(' ');
        out.push_str(key);
        out.push_str("=\"");
        push_text(out, value);
        out.push('"');
    }
    out.push('>');
}

fn push_text(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests;
