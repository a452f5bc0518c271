//! A post out of its elements.

use ourspace_protocol::time::Millis;

use super::{
    super::{
        dates,
        draft::{Draft, Media, Reference, Text},
    },
    join,
    names::Field,
};

/// Files that a post names at most; a feed item has 32.
const FILES: usize = 64;
/// Tags that are looked at.
const TAGS: usize = 256;

/// The attributes of an element.
#[derive(Debug, Default)]
pub(super) struct Attributes(Vec<(String, String)>);

impl Attributes {
    pub(super) fn push(&mut self, key: &str, value: String) {
        self.0.push((key.to_owned(), value));
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// A post being read.
#[derive(Debug, Default)]
pub(super) struct Entry {
    draft: Draft,
    /// How good the text and the date are that the draft has.
    body: u8,
    published: u8,
    /// Whether the identity is an address as well.
    permalink: bool,
    /// Whether it is one of Atom, where a text says what it is written in.
    is_atom: bool,
    duration: Option<u64>,
    body_base: Option<String>,
    body_language: Option<String>,
}

impl Entry {
    /// A post whose tag has this name and these attributes (RSS 1.0 names the post there).
    pub(super) fn new(name: &str, attributes: Attributes) -> Self {
        let mut entry = Self {
            is_atom: name.ends_with("entry"),
            ..Self::default()
        };
        let about = attributes.0.into_iter().find(|(key, _)| key == "rdf:about");
        entry.draft.identity = about.map(|(_, value)| value);
        entry
    }

    /// One of its elements, complete.
    pub(super) fn take(
        &mut self,
        field: Field,
        attributes: &Attributes,
        text: String,
        (base, language): (Option<String>, Option<String>),
    ) {
        let base = base.as_deref();
        match field {
            Field::Title => self.title(attributes, text),
            Field::Link => self.link(attributes, &text, base),
            Field::Identity => self.identity(attributes, text.trim()),
            Field::Body(rank) => {
                if let Some(source) = attributes.get("src").filter(|_| text.trim().is_empty()) {
                    self.file(attributes, source, base);
                } else if rank > self.body && !text.trim().is_empty() {
                    self.body = rank;
                    self.draft.body = Some(typed(attributes, text, self.is_atom && rank != 3));
                    self.body_base = base.map(str::to_owned);
                    self.body_language = language;
                }
            }
            Field::Markdown => {
                self.body = u8::MAX;
                self.draft.body = Some(Text::Markdown(text));
            }
            Field::Published(rank) => {
                if rank > self.published
                    && let Some(at) = dates::parse(&text)
                {
                    self.published = rank;
                    self.draft.published = Some(at);
                    self.draft.early = dates::is_early(&text);
                }
            }
            Field::Updated => {
                self.draft.updated = dates::parse(&text).or(self.draft.updated);
                self.draft.early |= self.draft.published.is_none() && dates::is_early(&text);
            }
            Field::Tag => {
                let label = attributes.get("label").or_else(|| attributes.get("term"));
                self.tag(label.unwrap_or(&text));
            }
            Field::Tags => text.split(',').for_each(|tag| self.tag(tag)),
            Field::File => self.media(attributes, base),
            Field::FileAlt | Field::FileTitle => self.describe(field, text),
            Field::Duration => self.duration = duration(text.trim()),
            Field::Reply => self.reply(attributes, base),
            Field::Language => self.draft.language = Some(text.trim().to_owned()),
            Field::Post | Field::Around | Field::Skip | Field::Ttl => {}
        }
    }

    fn title(&mut self, attributes: &Attributes, text: String) {
        if self.draft.title.is_none() && !text.trim().is_empty() {
            self.draft.title = Some(typed(attributes, text, self.is_atom));
        }
    }

    fn identity(&mut self, attributes: &Attributes, text: &str) {
        if text.is_empty() {
            return;
        }
        // RSS: a GUID is an address unless it says that it is none.
        let address = attributes
            .get("isPermaLink")
            .is_none_or(|v| !v.eq_ignore_ascii_case("false"));
        self.permalink = address && is_web(text);
        self.draft.identity = Some(text.to_owned());
    }

    fn link(&mut self, attributes: &Attributes, text: &str, base: Option<&str>) {
        let href = attributes.get("href").unwrap_or(text).trim();
        if href.is_empty() {
            return;
        }
        match attributes.get("rel").unwrap_or("alternate") {
            "alternate" if self.draft.url.is_none() => self.draft.url = Some(join(base, href)),
            "enclosure" => self.file(attributes, href, base),
            _ => {}
        }
    }

    fn media(&mut self, attributes: &Attributes, base: Option<&str>) {
        if let Some(url) = attributes.get("url").or_else(|| attributes.get("href")) {
            self.file(attributes, url, base);
        }
    }

    fn file(&mut self, attributes: &Attributes, url: &str, base: Option<&str>) {
        let url = join(base, url.trim());
        let known = self.draft.media.iter().any(|media| media.url == url);
        if url.is_empty() || known || self.draft.media.len() >= FILES {
            return;
        }
        let seconds = attributes.get("duration").and_then(duration);
        self.draft.media.push(Media {
            url,
            local: None,
            mime: attributes.get("type").map(str::to_owned),
            alt: String::new(),
            title: attributes.get("title").map(str::to_owned),
            duration: seconds,
        });
    }

    fn describe(&mut self, field: Field, text: String) {
        if let Some(media) = self.draft.media.last_mut() {
            match field {
                Field::FileAlt if media.alt.is_empty() => media.alt = text,
                Field::FileTitle if media.title.is_none() => media.title = Some(text),
                _ => {}
            }
        }
    }

    fn reply(&mut self, attributes: &Attributes, base: Option<&str>) {
        let reference = Reference {
            identity: attributes.get("ref").map(str::to_owned),
            url: attributes.get("href").map(|href| join(base, href)),
        };
        if reference != Reference::default() {
            self.draft.about = Some(reference);
        }
    }

    fn tag(&mut self, tag: &str) {
        if !tag.trim().is_empty() && self.draft.tags.len() < TAGS {
            self.draft.tags.push(tag.trim().to_owned());
        }
    }

    /// The post, with what it has from the feed around it.
    pub(super) fn finish(self, base: Option<String>, language: Option<String>) -> Draft {
        let mut draft = self.draft;
        if draft.url.is_none() && self.permalink {
            draft.url.clone_from(&draft.identity);
        }
        if let Some(relative) = draft.url.take() {
            draft.url = Some(join(base.as_deref(), &relative));
        }
        let base = self.body_base.or(base);
        let here = draft
            .url
            .as_deref()
            .filter(|url| is_web(url))
            .map(str::to_owned);
        draft.base = base.filter(|base| is_web(base)).or(here);
        draft.language = draft.language.or(self.body_language).or(language);
        if let Some(media) = draft.media.first_mut() {
            media.duration = media.duration.or(self.duration);
        }
        draft
    }
}

fn is_web(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// A text by its type: in Atom it says it, in RSS it is HTML.
fn typed(attributes: &Attributes, text: String, is_atom: bool) -> Text {
    match attributes.get("type") {
        Some("text" | "text/plain") => Text::Plain(text),
        None if is_atom => Text::Plain(text),
        _ => Text::Html(text),
    }
}

/// `3600`, `59:30`, `1:00:00` as milliseconds.
fn duration(text: &str) -> Option<Millis> {
    let mut seconds: u64 = 0;
    for (at, field) in text.split(':').enumerate() {
        let whole = field.split('.').next().unwrap_or(field);
        let value: u64 = whole.parse().ok().filter(|n| *n < 1_000_000)?;
        if at > 2 {
            return None;
        }
        seconds = seconds * 60 + value;
    }
    (seconds > 0).then_some(seconds * 1000)
}
