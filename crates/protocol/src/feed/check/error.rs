//! The refusals, each with its name.

/// Why a value may not be in a feed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ItemError {
    /// A string is longer than its limit.
    #[error("{field} is longer than {limit} bytes")]
    TooLong {
        /// Which string.
        field: &'static str,
        /// Its limit in bytes.
        limit: usize,
    },
    /// A list has more entries than its limit.
    #[error("more than {limit} {field}")]
    TooMany {
        /// Which list.
        field: &'static str,
        /// Its limit in entries.
        limit: usize,
    },
    /// A string that must not be empty is.
    #[error("{field} is empty: leave it out instead")]
    Empty {
        /// Which string.
        field: &'static str,
    },
    /// A character that no text may hold: control characters but line feed and tab, and
    /// what XML cannot express; in a line or tag also what turns the direction of writing.
    #[error("{field} holds the character {character:?}, which no feed can hold")]
    Character {
        /// Which string.
        field: &'static str,
        /// The first such character.
        character: char,
    },
    /// A line feed or tab in a string that is one line.
    #[error("{field} must be one line")]
    NotOneLine {
        /// Which string.
        field: &'static str,
    },
    /// An instant after the last one that the protocol can name.
    #[error("{field} is not a date up to the year 9998")]
    Date {
        /// Which instant.
        field: &'static str,
    },
    /// A number that JSON cannot hold exactly, or a zero that means nothing.
    #[error("{field} is out of range")]
    Number {
        /// Which number.
        field: &'static str,
    },
    /// Two entries of a list are alike.
    #[error("two {field} are alike")]
    Duplicate {
        /// Which list.
        field: &'static str,
    },
    /// A value that says what its absence says already, so one item had two spellings.
    #[error("{field} repeats what is known without it: leave it out")]
    Redundant {
        /// Which value.
        field: &'static str,
    },
    /// Not a web address.
    #[error(
        "{field} is not a web address: http or https, ASCII, without spaces and without a name before the host"
    )]
    Url {
        /// Which string.
        field: &'static str,
    },
    /// Not a language tag.
    #[error("not a language tag (BCP 47), for example en or pt-BR")]
    Language,
    /// Not a tag.
    #[error("not a tag: no #, no spaces")]
    Tag,
    /// Not the path of a media file.
    #[error("not a media path: expected media/YYYY/MM/CID.ext")]
    MediaPath,
    /// Not a media type.
    #[error("not a media type, for example image/webp")]
    MediaType,
    /// The path ends as files of another media type do.
    #[error(
        "the ending of the path does not belong to the media type (image/webp: .webp, a type that pages do not show: .bin)"
    )]
    Ending,
    /// A picture is needed and the file is none.
    #[error("{field} must be a picture")]
    NotPicture {
        /// Which file.
        field: &'static str,
    },
    /// One path is given two sizes, types or measures.
    #[error("one file is described in two ways")]
    FileConflict,
    /// The CID in the path is not one of a file with this size.
    #[error(
        "the size does not belong to the CID: a file of at most {} bytes has the codec raw, a larger one dag-pb",
        crate::limits::CHUNK_BYTES
    )]
    Codec,
    /// Something in a record's feed is dated after the record.
    #[error("{field} is after the record that it comes with, so a clock is wrong somewhere")]
    AheadOfRecord {
        /// What is dated.
        field: &'static str,
    },
    /// Not a thumbhash.
    #[error("not a thumbhash: 5 to 48 bytes in base64")]
    Thumbhash,
    /// An item of this kind says what it is about.
    #[error("a {0} must say what it is about")]
    AboutMissing(&'static str),
    /// A post is about nothing.
    #[error("a post is not about another item: make it a reply or a quote")]
    AboutUnexpected,
    /// A vote names its choice.
    #[error("a vote must say what it chooses")]
    ValueMissing,
    /// Only likes and votes have a value.
    #[error("only likes and votes have a value")]
    ValueUnexpected,
    /// An item of this kind has no text, title, attachments.
    #[error("a {kind} has no {field}")]
    Content {
        /// Its kind.
        kind: &'static str,
        /// What it has and must not have.
        field: &'static str,
    },
    /// A renderer that this program does not know: its rules may be others.
    #[error("written for renderer {0}, which this program does not know: update it")]
    Renderer(u32),
    /// Not a Tox ID, or one with a typing error.
    #[error("not a Tox ID: expected 76 hexadecimal digits in upper case with a right checksum")]
    Tox,
    /// Not an e-mail address.
    #[error("not an e-mail address")]
    Email,
    /// Not the kind of a payment.
    #[error("not a currency or network: expected up to 32 of a-z, 0-9 and -")]
    PaymentKind,
    /// Not a payment address.
    #[error("not a payment address: printable ASCII without spaces")]
    PaymentAddress,
    /// Not the name of a further text.
    #[error("not a name for a further text: expected 1 to 64 of a-z, 0-9, -, _ and .")]
    MoreName,
    /// Not a domain or ENS name.
    #[error("not a name: expected a domain or ENS name in lower case")]
    Name,
}

impl ItemError {
    /// The refusal's name in test vectors and interfaces.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "too_long",
            Self::TooMany { .. } => "too_many",
            Self::Empty { .. } => "empty",
            Self::Character { .. } => "character",
            Self::NotOneLine { .. } => "not_one_line",
            Self::Date { .. } => "date",
            Self::Number { .. } => "number",
            Self::Duplicate { .. } => "duplicate",
            Self::Redundant { .. } => "redundant",
            Self::Url { .. } => "url",
            Self::Language => "language",
            Self::Tag => "tag",
            Self::MediaPath => "media_path",
            Self::MediaType => "media_type",
            Self::Ending => "ending",
            Self::NotPicture { .. } => "not_picture",
            Self::FileConflict => "file_conflict",
            Self::Codec => "codec",
            Self::AheadOfRecord { .. } => "ahead_of_record",
            Self::Thumbhash => "thumbhash",
            Self::AboutMissing(_) => "about_missing",
            Self::AboutUnexpected => "about_unexpected",
            Self::ValueMissing => "value_missing",
            Self::ValueUnexpected => "value_unexpected",
            Self::Content { .. } => "content",
            Self::Renderer(_) => "renderer",
            Self::Tox => "tox",
            Self::Email => "email",
            Self::PaymentKind => "payment_kind",
            Self::PaymentAddress => "payment_address",
            Self::MoreName => "more_name",
            Self::Name => "name",
        }
    }
}
