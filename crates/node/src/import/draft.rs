//! What every format is read into before it becomes an item: a post as its source says
//! it, unmended.

use ourspace_protocol::{feed::model::Kind, time::Millis};

/// A post as its source says it.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// What the source calls it, the same at every import: a GUID, an id, an address.
    pub(super) identity: Option<String>,
    /// What it is; nothing means a post, or a reply where it answers something.
    pub(super) kind: Option<Kind>,
    /// Its headline.
    pub(super) title: Option<Text>,
    /// Its text.
    pub(super) body: Option<Text>,
    /// Its address on the web.
    pub(super) url: Option<String>,
    /// What relative addresses in it start from.
    pub(super) base: Option<String>,
    /// When it was published.
    pub(super) published: Option<Millis>,
    /// Whether that was before 1970: then it is the beginning of 1970 instead.
    pub(super) early: bool,
    /// When it was last changed.
    pub(super) updated: Option<Millis>,
    /// Its language.
    pub(super) language: Option<String>,
    /// Its tags.
    pub(super) tags: Vec<String>,
    /// What to expect before opening it.
    pub(super) warning: Option<String>,
    /// What it answers or passes on.
    pub(super) about: Option<Reference>,
    /// Files and pages that belong to it.
    pub(super) media: Vec<Media>,
}

/// A text and what it is written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    /// No markup: every character stands for itself.
    Plain(String),
    /// HTML, as strangers write it.
    Html(String),
    /// Markdown.
    Markdown(String),
}

impl Text {
    /// The text as it came.
    pub(super) fn source(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Html(text) | Self::Markdown(text) => text,
        }
    }
}

/// Another post, by what its source calls it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reference {
    /// Its identity.
    pub(super) identity: Option<String>,
    /// Its address on the web.
    pub(super) url: Option<String>,
}

/// A file that a post names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Media {
    /// Its address.
    pub(super) url: String,
    /// Where it lies in the source's own files, if it may.
    pub(super) local: Option<String>,
    /// Its type, as far as the source says it.
    pub(super) mime: Option<String>,
    /// What it shows.
    pub(super) alt: String,
    /// Its title.
    pub(super) title: Option<String>,
    /// Milliseconds of sound or video.
    pub(super) duration: Option<u64>,
}
