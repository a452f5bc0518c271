//! What a feed holds: items, tombstones, a profile, follows.
//!
//! These types are the *source*: their canonical JSON ([`canonical`]) is what travels in
//! a delta, what is hashed to break ties, and what every rendering is a function of.
//! They are plain data; [`check`](super::check) says which values are allowed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use super::id::{Followee, ItemId, ItemIdError, ItemKey, ItemKeyError, Target, TargetError};
use crate::{account::Account, time::Millis};

/// The renderer that this program writes items for.
pub const RENDERER: u32 = 1;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A post of its own.
    Post,
    /// An answer to `target`.
    Reply,
    /// `target` passed on without a word.
    Repost,
    /// `target` passed on with a comment.
    Quote,
    /// Approval of `target`; `value` may hold one emoji.
    Like,
    /// A choice in a poll of `target`; `value` holds it.
    Vote,
}

impl Kind {
    /// Whether readers see it among the posts. Likes and votes have files of their own.
    #[must_use]
    pub fn is_post(self) -> bool {
        !matches!(self, Self::Like | Self::Vote)
    }
}

/// One version of an item, the unit of the source.
///
/// Serialised as canonical JSON; absent options and empty lists are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Identity within the feed; the same in every version.
    pub id: ItemId,
    /// What it is.
    pub kind: Kind,
    /// When it was published, as its author says (an import keeps the original date).
    pub date: Millis,
    /// When this version was written, if that is not `date`. See [`Item::written`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Millis>,
    /// How many times it had been edited when this version was written.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub edits: u32,
    /// A headline; most posts have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text in Markdown (CommonMark with tables, strikethrough, autolinks).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Language, tags, warning, mentions.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// What a reply, repost, quote, like or vote is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    /// Pictures, sound, video, other files, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Where an imported item came from: its old web address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The renderer version it was written for.
    pub renderer: u32,
    /// Texts for programs that know their names; no renderer shows them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub more: BTreeMap<String, String>,
}

impl Item {
    /// A post with nothing but a text.
    #[must_use]
    pub fn new(id: ItemId, date: Millis, text: impl Into<String>) -> Self {
        Self {
            id,
            kind: Kind::Post,
            date,
            written: None,
            edits: 0,
            title: None,
            text: text.into(),
            labels: Labels::default(),
            about: None,
            attachments: Vec::new(),
            origin: None,
            renderer: RENDERER,
            more: BTreeMap::new(),
        }
    }

    /// When this version was written: what decides between two versions.
    #[must_use]
    pub fn written(&self) -> Millis {
        self.written.unwrap_or(self.date)
    }

    /// Its place in the feed.
    #[must_use]
    pub fn key(&self) -> ItemKey {
        ItemKey {
            date: self.date,
            id: self.id,
        }
    }

    /// Every file that the item names: attachments, their variants and posters.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        self.attachments.iter().flat_map(Attachment::files)
    }
}

/// What an item is labelled with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// Language of the text (BCP 47).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Tags without `#`, in the author's order, no two alike.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Content warning: what to expect before opening the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// Accounts that the item speaks of or to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Account>,
}

impl Labels {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What an item is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The item or page that is answered, passed on, liked, voted on.
    pub target: Target,
    /// The first item of the thread, if that is not `target`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Target>,
    /// The choice of a vote; the emoji of a like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A file of the tree that is kept as it is. Its path holds its CID:
/// `media/YYYY/MM/CID.ext`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Path from the root of the tree.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Media type (RFC 6838), decided by the content.
    #[serde(rename = "type")]
    pub mime: String,
    /// Width and height in pixels of a picture or video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<(u32, u32)>,
}

/// Something attached to an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// What is shown or played: for a picture the one of at most 1600 px.
    pub file: File,
    /// What it shows or says, for those who cannot see or hear it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub alt: String,
    /// A title (an episode, a piece of music).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Milliseconds of sound or video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u64>,
    /// A 20-odd byte preview in base64 (thumbhash).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbhash: Option<String>,
    /// Smaller sizes of the same picture, smallest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<File>,
    /// The picture as it was taken, without its metadata; only when its author chose so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<File>,
    /// The still picture of a video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poster: Option<File>,
}

impl Attachment {
    /// An attachment with nothing beside its file and description.
    #[must_use]
    pub fn new(file: File, alt: impl Into<String>) -> Self {
        Self {
            file,
            alt: alt.into(),
            title: None,
            duration: None,
            thumbhash: None,
            variants: Vec::new(),
            original: None,
            poster: None,
        }
    }

    /// Every file it names.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        let rest = self
            .variants
            .iter()
            .chain(&self.original)
            .chain(&self.poster);
        std::iter::once(&self.file).chain(rest)
    }
}

/// The trace of a deleted item. It beats every version of the item, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstone {
    /// When it was deleted (the earliest, when several devices deleted it).
    pub date: Millis,
    /// The item.
    pub id: ItemId,
}

impl Tombstone {
    /// Its place among the tombstones.
    #[must_use]
    pub fn key(&self) -> ItemKey {
        ItemKey {
            date: self.date,
            id: self.id,
        }
    }
}

/// A value and when it was written: the last writer wins, a tie goes to the greater hash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamped<T> {
    /// The value.
    pub value: T,
    /// When it was written; 0 when never.
    pub written: Millis,
}

/// Who the author says they are. Each field is written and merged by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// The name that is shown; a plain claim.
    pub display_name: Stamped<String>,
    /// A short text about the person (Markdown).
    pub bio: Stamped<String>,
    /// A small square picture.
    pub avatar: Stamped<Option<Attachment>>,
    /// A wide picture for the top of the page.
    pub banner: Stamped<Option<Attachment>>,
    /// The person's other places.
    pub links: Stamped<Vec<Link>>,
    /// Tox ID, 76 hex digits.
    pub tox: Stamped<Option<String>>,
    /// E-mail address.
    pub email: Stamped<Option<String>>,
    /// Payment addresses other than the account itself: plain claims.
    pub payments: Stamped<Vec<Payment>>,
    /// Domain and ENS names that the feed claims for its account.
    pub names: Stamped<Vec<String>>,
    /// The language the person mostly writes in (BCP 47).
    pub language: Stamped<Option<String>>,
    /// Texts for programs that know their names; no renderer shows them. Each is written
    /// and merged by itself, and an empty one stands for one that was removed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub more: BTreeMap<String, Stamped<String>>,
}

impl Profile {
    /// Every file that the profile names.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        let pictures = self.avatar.value.iter().chain(&self.banner.value);
        pictures.flat_map(Attachment::files)
    }

    /// When any of it was last written; 0 for an empty profile.
    #[must_use]
    pub fn written(&self) -> Millis {
        [
            self.display_name.written,
            self.bio.written,
            self.avatar.written,
            self.banner.written,
            self.links.written,
            self.tox.written,
            self.email.written,
            self.payments.written,
            self.names.written,
            self.language.written,
        ]
        .into_iter()
        .chain(self.more.values().map(|text| text.written))
        .max()
        .unwrap_or(0)
    }
}

/// A labelled link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What it is called.
    pub label: String,
    /// Where it leads.
    pub url: String,
}

/// A payment address that the author claims.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    /// The currency or network, in lower case: `bitcoin`, `monero`, `lightning`.
    pub kind: String,
    /// The address in that network's own spelling.
    pub address: String,
}

/// Whether somebody is followed, publicly. A row stays when the follow ends, so that
/// two devices agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Follow {
    /// Followed, or no longer.
    pub following: bool,
    /// What the follower calls them; for readers of the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// The public follows of a feed.
pub type Follows = BTreeMap<Followee, Stamped<Follow>>;

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Canonical JSON (RFC 8785) of a source value: object keys in order, no spaces.
///
/// Source values hold no fractions and no key outside of ASCII, so sorting by bytes is
/// the order that the RFC asks for.
#[must_use]
pub fn canonical<T: Serialize>(value: &T) -> String {
    // Going through `Value` sorts the keys: its maps are ordered.
    let value = serde_json::to_value(value).unwrap_or(serde_json::Value::Null);
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_small_and_comes_back() {
        let id: ItemId = "abcdefgh23456722".parse().unwrap();
        let item = Item::new(id, 1_764_000_000_000, "Hello \"world\"\n");
        let text = canonical(&item);
        assert_eq!(
            text,
            r#"{"date":1764000000000,"id":"abcdefgh23456722","kind":"post","renderer":1,"text":"Hello \"world\"\n"}"#
        );
        assert_eq!(serde_json::from_str::<Item>(&text).unwrap(), item);
    }
}
