//! The feed as JSON Feed 1.1, and back: the source that everything else is made of.
//!
//! An item of a feed holds every field of its source, so reading a page gives exactly
//! the items that it was written from. What is derived besides (`content_html`, `image`,
//! absolute ids) is written for other readers and never believed when read: a page is
//! genuine when it equals what its items render to, byte for byte, and that is for the
//! tree to check.
//!
//! All bytes are canonical JSON (RFC 8785). Files of renderer 1 hold no key that is not
//! in `wire`; an unknown key anywhere, of JSON Feed or of `_ourspace`, is refused. A
//! page of a renderer that is not known is still shown: [`read_page`] takes from it what
//! it understands and says so in [`Page::exact`]; such a page must never be merged or
//! written again.

mod files;
mod item;
mod read;
mod wire;

pub use self::{
    files::{
        follows, history, parse_follows, parse_history, parse_profile, parse_reactions,
        parse_tombstones, profile, reactions, tombstones,
    },
    read::{Page, parse_page, read_page},
};
use self::{
    item::wire_item,
    wire::{Author, Feed, FeedOwn, Identity},
};
use super::{
    check::ItemError,
    markdown::{excerpt, note_html, plain_text_of_html},
    model::Profile,
    page::{Archive, Head},
    parts::{archive_title, shown_name},
};
use crate::account::Account;

/// The version string of JSON Feed 1.1.
const VERSION: &str = "https://jsonfeed.org/version/1.1";

/// The renderer that writes and reads as this module does.
const RENDERER: u32 = 1;

/// Characters of the feed's description.
const DESCRIPTION: usize = 300;

/// Why a JSON file of a feed was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// More bytes than any such file has.
    #[error("the file has {0} bytes, more than any file of a feed")]
    TooLong(usize),
    /// Not JSON, or not of the file's shape.
    #[error("not a file of a feed: {0}")]
    Form(String),
    /// Written by a renderer that this program does not know.
    #[error("written by renderer {0}, which this program does not know: update it")]
    Renderer(u32),
    /// A derived field contradicts the source.
    #[error("`{0}` does not belong to the item or the feed it stands in")]
    Derived(&'static str),
    /// A date that is not in the one spelling that this program writes.
    #[error("`{0}` is not an RFC 3339 date in UTC with milliseconds")]
    Date(&'static str),
    /// The entries are not in order, or two are the same.
    #[error("the entries of {0} are not in order")]
    Order(&'static str),
    /// Not the canonical spelling (RFC 8785): one content, one file.
    #[error("not canonical JSON: spaces, keys or escapes are others than they must be")]
    Spelling,
    /// An item, profile or follow breaks a rule.
    #[error("{what}: {error}")]
    Check {
        /// Which entry.
        what: String,
        /// The rule.
        error: ItemError,
    },
}

/// `feed.json`.
#[must_use]
pub fn head(head: &Head<'_>) -> Vec<u8> {
    let name = shown_name(&head.account, head.profile);
    let avatar = head.profile.avatar.value.as_ref();
    let account = head.account.to_string();
    let bio = plain_text_of_html(&note_html(&head.profile.bio.value));
    let feed = Feed {
        own: FeedOwn {
            identity: identity(head.profile),
            links: head.profile.links.value.clone(),
            files: Some(wire::Files {
                follows: "follows.json".into(),
                opml: "follows.opml".into(),
                profile: "profile.json".into(),
            }),
            ..FeedOwn::new(head.account)
        },
        authors: vec![Author {
            avatar: avatar.map(|a| a.file.path.as_str().into()),
            name: Some(name.as_str().into()),
            url: head.account.did().into(),
        }],
        description: (!bio.is_empty()).then(|| excerpt(&bio, DESCRIPTION).into()),
        feed_url: "feed.json".into(),
        home_page_url: "index.html".into(),
        icon: avatar.map(|a| a.file.path.as_str().into()),
        items: head
            .entries
            .iter()
            .map(|entry| wire_item(entry, &account, ""))
            .collect(),
        language: head.profile.language.value.as_deref().map(Into::into),
        next_url: head
            .previous
            .map(|key| format!("archive/{key}.json").into()),
        title: name.as_str().into(),
        version: VERSION.into(),
    };
    canonical(&feed)
}

/// `archive/KEY.json`.
#[must_use]
pub fn archive(archive: &Archive<'_>) -> Vec<u8> {
    let account = archive.account.to_string();
    let feed = Feed {
        own: FeedOwn::new(archive.account),
        authors: vec![Author {
            avatar: None,
            name: None,
            url: archive.account.did().into(),
        }],
        description: None,
        feed_url: "../feed.json".into(),
        home_page_url: "../index.html".into(),
        icon: None,
        items: archive
            .entries
            .iter()
            .map(|entry| wire_item(entry, &account, "../"))
            .collect(),
        language: None,
        next_url: archive.previous.map(|key| format!("{key}.json").into()),
        title: archive_title(&archive.account, &archive.key).into(),
        version: VERSION.into(),
    };
    canonical(&feed)
}

fn identity(profile: &Profile) -> Option<Identity<'_>> {
    let identity = Identity {
        email: profile.email.value.as_deref().map(Into::into),
        names: profile.names.value.clone(),
        pay: profile.payments.value.iter().map(Into::into).collect(),
        tox: profile.tox.value.as_deref().map(Into::into),
    };
    (identity != Identity::default()).then_some(identity)
}

/// Serialises a value whose fields are declared in the order of their names, which makes
/// it canonical.
fn canonical<T: serde::Serialize>(value: &T) -> Vec<u8> {
    // Plain structs of strings, whole numbers and lists: writing them cannot fail.
    serde_json::to_vec(value).unwrap_or_default()
}

impl FeedOwn<'_> {
    fn new(account: Account) -> Self {
        Self {
            account,
            did: account.did().into(),
            files: None,
            identity: None,
            links: Vec::new(),
            renderer: RENDERER,
        }
    }
}

#[cfg(test)]
mod tests;
