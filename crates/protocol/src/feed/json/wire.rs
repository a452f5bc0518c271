//! The shapes of the JSON files, the same for writing and for reading.
//!
//! Fields stand in the order of their names in the file: that is what makes the written
//! bytes canonical (RFC 8785), and a test holds it. Unknown fields are refused.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use crate::{
    account::Account,
    feed::model::{About, Item, Kind, Link, Payment, Stamped, Tombstone},
    time::Millis,
};

pub(super) type Text<'a> = Cow<'a, str>;

/// `feed.json` and `archive/KEY.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Feed<'a> {
    #[serde(rename = "_ourspace")]
    pub own: FeedOwn<'a>,
    pub authors: Vec<Author<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<'a>>,
    pub feed_url: Text<'a>,
    pub home_page_url: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<Text<'a>>,
    pub items: Vec<WireItem<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_url: Option<Text<'a>>,
    pub title: Text<'a>,
    pub version: Text<'a>,
}

/// What only we know about a feed. All but `account` and `renderer` is in `profile.json`
/// too and only repeated here for readers of one file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FeedOwn<'a> {
    pub account: Account,
    pub did: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Files<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    pub renderer: u32,
}

/// Where the other files of a feed are.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Files<'a> {
    pub follows: Text<'a>,
    pub opml: Text<'a>,
    pub profile: Text<'a>,
}

/// How to write to, call and pay the author: plain claims.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pay: Vec<WirePayment<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tox: Option<Text<'a>>,
}

/// A payment address with its keys in order.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WirePayment<'a> {
    pub address: Text<'a>,
    pub kind: Text<'a>,
}

impl<'a> From<&'a Payment> for WirePayment<'a> {
    fn from(payment: &'a Payment) -> Self {
        Self {
            address: payment.address.as_str().into(),
            kind: payment.kind.as_str().into(),
        }
    }
}

impl From<WirePayment<'_>> for Payment {
    fn from(wire: WirePayment<'_>) -> Self {
        Self {
            kind: wire.kind.into_owned(),
            address: wire.address.into_owned(),
        }
    }
}

/// Who writes a feed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Author<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    pub url: Text<'a>,
}

/// An item in a feed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireItem<'a> {
    #[serde(rename = "_ourspace")]
    pub own: ItemOwn<'a>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<WireAttachment<'a>>,
    pub content_html: Text<'a>,
    pub content_text: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_modified: Option<Text<'a>>,
    pub date_published: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_url: Option<Text<'a>>,
    pub id: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "no_texts")]
    pub tags: Cow<'a, [String]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Text<'a>>,
    pub url: Text<'a>,
}

/// What JSON Feed has no field for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemOwn<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub edits: u32,
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "no_accounts")]
    pub mentions: Cow<'a, [Account]>,
    #[serde(default, skip_serializing_if = "no_more")]
    pub more: Cow<'a, BTreeMap<String, String>>,
    pub renderer: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<Text<'a>>,
}

/// An attachment of an item or picture of a profile.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireAttachment<'a> {
    #[serde(
        rename = "_ourspace",
        default,
        skip_serializing_if = "AttachmentOwn::is_empty"
    )]
    pub own: AttachmentOwn<'a>,
    /// Whole seconds, for other readers; the exact milliseconds are in `own`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_in_seconds: Option<u64>,
    pub mime_type: Text<'a>,
    pub size_in_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Text<'a>>,
    pub url: Text<'a>,
}

/// What JSON Feed has no field for.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AttachmentOwn<'a> {
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub alt: Text<'a>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<WireFile<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poster: Option<WireFile<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbhash: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<WireFile<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
}

impl AttachmentOwn<'_> {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A further file of an attachment.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireFile<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    pub mime_type: Text<'a>,
    pub size_in_bytes: u64,
    pub url: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
}

/// `profile.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileFile<'a> {
    #[serde(rename = "_ourspace")]
    pub own: ProfileOwn<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<WireAttachment<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub banner: Option<WireAttachment<'a>>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub bio: Text<'a>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub display_name: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "no_links")]
    pub links: Cow<'a, [Link]>,
    #[serde(default, skip_serializing_if = "no_texts")]
    pub names: Cow<'a, [String]>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payments: Vec<WirePayment<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tox: Option<Text<'a>>,
}

/// What only we know about a profile.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileOwn<'a> {
    pub account: Account,
    pub did: Text<'a>,
    #[serde(default, skip_serializing_if = "no_more")]
    pub more: Cow<'a, BTreeMap<String, Stamped<String>>>,
    pub renderer: u32,
    pub written: Written,
}

/// When each field of a profile was last written, in milliseconds.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Written {
    #[serde(skip_serializing_if = "is_never")]
    pub avatar: Millis,
    #[serde(skip_serializing_if = "is_never")]
    pub banner: Millis,
    #[serde(skip_serializing_if = "is_never")]
    pub bio: Millis,
    #[serde(skip_serializing_if = "is_never")]
    pub display_name: Millis,
    #[serde(skip_serializing_if = "is_never")]
    pub email: Millis,
    #[serde(skip_serializing_if = "is_never")]
    pub language: Millis,
    #[serde(skip_serializing_if = "is_never")]
    pub links: Millis,
    #[serde(skip_serializing_if = "is_never")]
    pub names: Millis,
    #[serde(skip_serializing_if = "is_never")]
    pub payments: Millis,
    #[serde(skip_serializing_if = "is_never")]
    pub tox: Millis,
}

/// Whose file it is and who wrote it, in the files that only we read.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Own {
    pub account: Account,
    pub renderer: u32,
}

/// `follows.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FollowsFile<'a> {
    #[serde(rename = "_ourspace")]
    pub own: Own,
    pub follows: Vec<WireFollow<'a>>,
}

/// One follow: of an account or of a web feed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireFollow<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<Text<'a>>,
    pub following: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Text<'a>>,
    /// Milliseconds.
    pub written: Millis,
}

/// `tombstones/KEY.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TombstonesFile<'a> {
    #[serde(rename = "_ourspace")]
    pub own: Own,
    pub tombstones: Cow<'a, [Tombstone]>,
}

/// `reactions/KEY.json`: likes and votes as their source.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReactionsFile {
    #[serde(rename = "_ourspace")]
    pub own: Own,
    pub reactions: Vec<SortedItem>,
}

/// `posts/ID/history.json`: older versions as their source.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryFile {
    #[serde(rename = "_ourspace")]
    pub own: Own,
    pub versions: Vec<SortedItem>,
}

/// An item in its source form with its keys in order.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct SortedItem(pub Item);

impl Serialize for SortedItem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The maps of `Value` are ordered, the struct's fields are not.
        let value = serde_json::to_value(&self.0).map_err(serde::ser::Error::custom)?;
        value.serialize(serializer)
    }
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

fn is_never(at: &Millis) -> bool {
    *at == 0
}

fn no_texts(list: &[String]) -> bool {
    list.is_empty()
}

fn no_accounts(list: &[Account]) -> bool {
    list.is_empty()
}

fn no_more<T>(texts: &BTreeMap<String, T>) -> bool {
    texts.is_empty()
}

fn no_links(list: &[Link]) -> bool {
    list.is_empty()
}
