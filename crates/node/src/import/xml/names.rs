//! The names that feeds give their elements, and what we take each for.

/// The namespaces that say something to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// RSS of every version, Atom of every version, and no namespace at all.
    Core,
    /// RDF, around RSS 1.0.
    Rdf,
    /// `content:encoded`.
    Content,
    /// Dublin Core.
    Dublin,
    /// Dublin Core terms.
    Terms,
    /// Media RSS.
    Media,
    /// Podcasts.
    Itunes,
    /// Atom threading extensions (RFC 4685).
    Thread,
    /// `source:markdown`.
    Source,
    /// XHTML.
    Xhtml,
    /// Anything else.
    Other,
}

impl Space {
    /// The namespace with a URI.
    pub(super) fn of_uri(uri: &str) -> Self {
        let uri = uri.trim().to_ascii_lowercase();
        match uri.as_str() {
            ""
            | "http://www.w3.org/2005/atom"
            | "http://purl.org/atom/ns#"
            | "http://example.com/newformat#"
            | "http://example.com/necho"
            | "http://purl.org/echo/"
            | "uri/of/echo/namespace#"
            | "http://purl.org/pie/"
            | "http://purl.org/rss/1.0/"
            | "http://purl.org/net/rss1.1#"
            | "http://channel.netscape.com/rdf/simple/0.9/"
            | "http://my.netscape.com/rdf/simple/0.9/"
            | "http://blogs.law.harvard.edu/tech/rss"
            | "http://hacks.benhammersley.com/rss/streaming/" => Self::Core,
            "http://www.w3.org/1999/02/22-rdf-syntax-ns#" => Self::Rdf,
            "http://purl.org/rss/1.0/modules/content/" => Self::Content,
            "http://purl.org/dc/elements/1.1/" | "http://purl.org/dc/elements/1.0/" => Self::Dublin,
            "http://purl.org/dc/terms/" => Self::Terms,
            "http://search.yahoo.com/mrss/" | "http://search.yahoo.com/mrss" => Self::Media,
            "http://www.itunes.com/dtds/podcast-1.0.dtd"
            | "http://example.com/dtds/podcast-1.0.dtd" => Self::Itunes,
            "http://purl.org/syndication/thread/1.0" => Self::Thread,
            "http://source.scripting.com/" | "https://source.scripting.com/" => Self::Source,
            "http://www.w3.org/1999/xhtml" => Self::Xhtml,
            uri if uri.starts_with("http://backend.userland.com/") => Self::Core,
            _ => Self::Other,
        }
    }

    /// The namespace that a prefix means where nobody declared it.
    pub(super) fn of_prefix(prefix: &str) -> Self {
        match prefix {
            "" | "rss" | "atom" => Self::Core,
            "rdf" => Self::Rdf,
            "content" => Self::Content,
            "dc" => Self::Dublin,
            "dcterms" => Self::Terms,
            "media" => Self::Media,
            "itunes" => Self::Itunes,
            "thr" => Self::Thread,
            "source" => Self::Source,
            "xhtml" => Self::Xhtml,
            _ => Self::Other,
        }
    }
}

/// What an element is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// A post.
    Post,
    /// What only holds others: the feed, a channel, a media group.
    Around,
    /// Nothing, and nothing in it.
    Skip,
    /// The headline.
    Title,
    /// An address: as text, or in `href` with what it is for in `rel`.
    Link,
    /// The identity.
    Identity,
    /// The text, by how good it is: 4 whole, 3 as XHTML, 2 a description, 1 a summary.
    Body(u8),
    /// The text in Markdown.
    Markdown,
    /// When it was published, by how certain that is.
    Published(u8),
    /// When it was changed.
    Updated,
    /// A tag.
    Tag,
    /// Several tags between commas.
    Tags,
    /// A file, in attributes.
    File,
    /// What the last file shows.
    FileAlt,
    /// What the last file is called.
    FileTitle,
    /// How long the sound or film is.
    Duration,
    /// What is answered.
    Reply,
    /// The language.
    Language,
    /// For how many minutes the feed need not be read again.
    Ttl,
}

/// What an element is to us. Names are compared without case: many feeds do not care.
pub(super) fn field(space: Space, name: &str, in_post: bool) -> Field {
    let lower = name.to_ascii_lowercase();
    match space {
        Space::Core => core(&lower, in_post),
        Space::Rdf => Field::Around,
        Space::Content if lower == "encoded" => Field::Body(4),
        Space::Dublin | Space::Terms => dublin(&lower),
        Space::Media => match lower.as_str() {
            "group" => Field::Around,
            "content" => Field::File,
            "description" | "text" => Field::FileAlt,
            "title" => Field::FileTitle,
            _ => Field::Skip,
        },
        Space::Itunes => match lower.as_str() {
            "duration" => Field::Duration,
            "summary" | "subtitle" => Field::Body(1),
            "keywords" => Field::Tags,
            _ => Field::Skip,
        },
        Space::Thread if lower == "in-reply-to" => Field::Reply,
        Space::Source if lower == "markdown" => Field::Markdown,
        Space::Xhtml if in_post => Field::Body(3),
        _ => Field::Skip,
    }
}

fn core(name: &str, in_post: bool) -> Field {
    match name {
        "item" | "entry" if !in_post => Field::Post,
        "rss" | "rdf" | "feed" | "channel" | "items" if !in_post => Field::Around,
        "title" => Field::Title,
        "link" => Field::Link,
        "guid" | "id" => Field::Identity,
        "content" | "fullitem" => Field::Body(4),
        "body" => Field::Body(3),
        "description" => Field::Body(2),
        "summary" => Field::Body(1),
        "pubdate" | "published" | "issued" => Field::Published(2),
        "created" | "date" => Field::Published(1),
        "updated" | "modified" => Field::Updated,
        "category" => Field::Tag,
        "enclosure" => Field::File,
        "language" => Field::Language,
        "ttl" if !in_post => Field::Ttl,
        _ => Field::Skip,
    }
}

fn dublin(name: &str) -> Field {
    match name {
        "title" => Field::Title,
        "description" => Field::Body(2),
        "date" | "issued" | "created" => Field::Published(1),
        "modified" => Field::Updated,
        "subject" => Field::Tag,
        "language" => Field::Language,
        _ => Field::Skip,
    }
}
