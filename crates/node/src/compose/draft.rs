//! What a person wants to publish, before it is an item.

use ourspace_protocol::{
    account::Account,
    feed::model::{Attachment, ItemId, Labels, Target},
    time::Millis,
};

use crate::publish::Published;

/// What a new item is, and what it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Relation {
    /// A post of its own.
    #[default]
    Post,
    /// An answer.
    Reply(Target),
    /// Passed on with a comment.
    Quote(Target),
    /// Passed on without a word.
    Repost(Target),
    /// Approval, perhaps with an emoji.
    Like(Target, Option<String>),
}

impl Relation {
    /// What it is about.
    #[must_use]
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::Post => None,
            Self::Reply(target)
            | Self::Quote(target)
            | Self::Repost(target)
            | Self::Like(target, _) => Some(target),
        }
    }
}

/// A new item.
///
/// Words with a `#` before them in its text become tags, addresses with an `@` before them
/// become mentions; both beside those of `labels`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// What it is.
    pub relation: Relation,
    /// When it was published, if that is not now; never in the future.
    pub date: Option<Millis>,
    /// A headline of at most [`LINE_BYTES`](ourspace_protocol::limits::LINE_BYTES).
    pub title: Option<String>,
    /// Markdown of at most [`TEXT_BYTES`](ourspace_protocol::limits::TEXT_BYTES).
    pub text: String,
    /// Language (else the profile's), tags, warning, mentions.
    pub labels: Labels,
    /// What is attached, as [`attach`](crate::attach) made it for this date.
    pub attachments: Vec<Attachment>,
}

/// What is to be different in an item; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// The whole new text.
    pub text: Option<String>,
    /// The headline; empty for none.
    pub title: Option<String>,
    /// The tags beside those in the text.
    pub tags: Option<Vec<String>>,
    /// The language; empty for none.
    pub language: Option<String>,
    /// The content warning; empty for none.
    pub warning: Option<String>,
    /// Descriptions of attachments, by their place from 1.
    pub alts: Vec<(usize, String)>,
}

/// An item that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// In whose feed.
    pub account: Account,
    /// The item.
    pub id: ItemId,
    /// The version of the feed that has it.
    pub published: Published,
}
