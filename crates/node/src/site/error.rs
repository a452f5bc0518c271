//! Why a feed was not exported, and where it may be exported for.

use std::{fmt, path::PathBuf};

use ourspace_protocol::{
    account::Account,
    dag::DagError,
    feed::{check, error::TreeError},
    time::{Millis, rfc3339},
};
use ourspace_store::StoreError;

use super::folder::FileError;
use crate::home::HomeError;

/// A feed was not exported, or not to its end; what was there before is still served.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// See [`HomeError`].
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The store says no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of the site cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The feed cannot be rendered.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A directory cannot be read.
    #[error(transparent)]
    Dag(#[from] DagError),
    /// Nothing was published yet, or the newest state is not signed.
    #[error(
        "there is no signed feed yet: publish something first, for example with `ourspace post`"
    )]
    NotSigned,
    /// The folder is in the home.
    #[error(
        "{folder} lies in the home {home}, which holds your keys: what is copied from there to a web host may show them to everyone; give a folder outside of it (nothing was changed)",
        folder = .folder.display(), home = .home.display()
    )]
    InHome {
        /// The folder.
        folder: PathBuf,
        /// The home.
        home: PathBuf,
    },
    /// The folder holds other things.
    #[error(
        "{} is not empty and is no earlier export of this feed; give an empty folder or a new one (nothing was changed)",
        .0.display()
    )]
    NotOurs(PathBuf),
    /// The folder holds another feed.
    #[error(
        "{folder} holds the feed of {owner}; give another folder (nothing was changed)",
        folder = .folder.display()
    )]
    OtherAccount {
        /// The folder.
        folder: PathBuf,
        /// Whose feed it holds.
        owner: Account,
    },
    /// The folder holds a version of the feed that is after the one of this home.
    #[error(
        "{folder} holds a newer version of your feed, signed at {}, than this home, {}: bring it in with `ourspace import {folder}` and export then, or give an empty folder (nothing was changed)",
        rfc3339(*.there), rfc3339(*.own), folder = .folder.display()
    )]
    Newer {
        /// The folder.
        folder: PathBuf,
        /// When the record there was signed.
        there: Millis,
        /// When the home's was.
        own: Millis,
    },
    /// The folder holds something that this home does not have.
    #[error(
        "{folder} holds what this home does not know and the export would take away ({what}): bring it in with `ourspace import {folder}` and export then, or give an empty folder (nothing was changed)",
        folder = .folder.display()
    )]
    Unknown {
        /// The folder.
        folder: PathBuf,
        /// What it is.
        what: Unknown,
    },
    /// Another export writes into the folder.
    #[error("another export is writing into {}; wait for its end", .0.display())]
    Busy(PathBuf),
    /// A picture, sound or video is not in the store.
    #[error("the file {0} of the feed is not kept here; restore the home from a backup")]
    Missing(String),
    /// The store's tree is not the one that its items make.
    #[error(
        "the store's items do not make the tree that was signed; `ourspace verify` says more (the old export, if there was one, is still valid)"
    )]
    Disagree,
    /// The caller asked to stop.
    #[error("stopped; run the export again to finish it")]
    Stopped,
}

/// What lies in a folder that a home does not know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unknown {
    /// Posts, likes and votes.
    pub items: u64,
    /// Versions of items that the home has otherwise.
    pub edits: u64,
    /// Deletions.
    pub deletions: u64,
    /// Whether the profile says something newer.
    pub profile: bool,
    /// Whether the follows do.
    pub follows: bool,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = |count: u64, one: &str, more: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {more}")),
        };
        let parts = [
            counted(self.items, "post", "posts"),
            counted(self.edits, "edit", "edits"),
            counted(self.deletions, "deletion", "deletions"),
            self.profile.then(|| "a change of your profile".to_owned()),
            self.follows.then(|| "a change of your follows".to_owned()),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        f.write_str(&parts.join(", "))
    }
}

/// Why an address is no base of a feed. It is not repeated where it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the base address {0}; give the address of the folder on the web, such as https://example.org/blog/"
)]
pub struct BaseUrlError(&'static str);

/// Where on the web an export will lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Reads one: `http://` or `https://`, no user, query or fragment; a slash at its end is
    /// added where it is missing.
    ///
    /// # Errors
    /// [`BaseUrlError`].
    pub fn new(text: &str) -> Result<Self, BaseUrlError> {
        if let Some(why) = unfit(text) {
            return Err(BaseUrlError(why));
        }
        let slash = if text.ends_with('/') { "" } else { "/" };
        Ok(Self(format!("{text}{slash}")))
    }

    /// The address, with a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is wrong with an address as the base of a feed.
fn unfit(text: &str) -> Option<&'static str> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else {
        return Some("does not begin with https:// or http://");
    };
    let host = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    if host.contains('@') {
        return Some("names a user or a password, which the feed would show to everyone");
    }
    if !host.is_ascii() {
        return Some(
            "has letters in its name that are not of ASCII: write the name in its ASCII form, which begins with xn--",
        );
    }
    if rest.contains(['?', '#']) {
        return Some("has a query or a fragment (? or #), so no file can lie below it");
    }
    let good = check::forms::url("base URL", text).is_ok() && url::Url::parse(text).is_ok();
    (!good).then_some("is no address of the web")
}
