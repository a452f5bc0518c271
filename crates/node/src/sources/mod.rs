//! The sources of a feed: the JSON files of its tree from which the set of items, the
//! profile, the follows and the tombstones are read back.
//!
//! Whoever has a feed's files in some form (a folder, an archive, blocks under a root)
//! offers them as [`Files`], and reads them here, so that there is one way to read a feed.
//! What to do about a file that cannot be read is for the reader to say: whoever checks
//! ends at it, whoever rescues goes on with the next. Nothing is stored here.

mod tree;

use ourspace_protocol::{
    account::Account,
    feed::{
        check::{self, ItemError},
        json::{
            JsonError, Page, parse_follows, parse_history, parse_page, parse_profile,
            parse_reactions, parse_tombstones, read_page,
        },
        model::{Follows, Item, ItemId, Profile, Tombstone},
        set::Changes,
    },
    time::Millis,
};

pub use tree::LinkedFiles;

/// The live page, which every feed has.
pub const LIVE: &str = "feed.json";
/// The folder of closed pages.
pub const ARCHIVE: &str = "archive";
/// The folder of likes and votes.
pub const REACTIONS: &str = "reactions";
/// The folder of the traces of deleted items.
pub const TOMBSTONES: &str = "tombstones";
/// The profile.
pub const PROFILE: &str = "profile.json";
/// The public follows.
pub const FOLLOWS: &str = "follows.json";

/// Something that has the files of a feed's tree.
pub trait Files {
    /// Why it cannot be asked.
    type Error;

    /// The file at `path` whole; `None` when there is none. Of one that is larger than
    /// [`JSON_BYTES`](ourspace_protocol::limits::JSON_BYTES) nothing, or a few bytes more than that: it is refused either way.
    ///
    /// # Errors
    /// The system's, a block's.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Self::Error>;

    /// The names in a folder of the tree, in no order; none when there is no such folder.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn names(&self, folder: &str) -> Result<Vec<String>, Self::Error>;
}

/// What is wrong with one file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// It is not there.
    #[error("it is missing or too large")]
    Missing,
    /// It names another account than the feed's.
    #[error("it says that it is another account's")]
    OtherAccount,
    /// It is no such file, or holds what no feed can.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// It holds something that is dated after the record.
    #[error(transparent)]
    Ahead(#[from] ItemError),
}

/// Why a source was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault<E> {
    /// The files cannot be asked.
    Files(E),
    /// One file is wrong.
    Source {
        /// Which.
        path: String,
        /// What is wrong with it.
        error: SourceError,
    },
}

impl<E> From<E> for Fault<E> {
    fn from(error: E) -> Self {
        Self::Files(error)
    }
}

/// What [`Sources`] gives, `None` when the file is not there.
pub type Read<T, E> = Result<Option<T>, Fault<E>>;

/// The path of an item's older versions.
#[must_use]
pub fn history_path(id: ItemId) -> String {
    format!("posts/{id}/history.json")
}

/// The sources of one feed.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'f, F> {
    files: &'f F,
    account: Option<Account>,
    at: Option<Millis>,
}

impl<'f, F: Files> Sources<'f, F> {
    /// Of whichever account, written by whichever renderer: for what nobody signed.
    pub fn of_anybody(files: &'f F) -> Self {
        Self {
            files,
            account: None,
            at: None,
        }
    }

    /// Of this account; every file of another one is wrong.
    pub fn of(files: &'f F, account: Account) -> Self {
        Self {
            files,
            account: Some(account),
            at: None,
        }
    }

    /// As a record signed them: of its account, and nothing in them after its time.
    pub fn signed(files: &'f F, account: Account, at: Millis) -> Self {
        Self {
            files,
            account: Some(account),
            at: Some(at),
        }
    }

    /// The pages of posts by path, the live one first, then the closed ones from the newest
    /// to the oldest.
    ///
    /// # Errors
    /// Those of the files.
    pub fn pages(&self) -> Result<Vec<String>, F::Error> {
        let mut pages = self.paths(ARCHIVE)?;
        pages.reverse();
        pages.insert(0, LIVE.to_owned());
        Ok(pages)
    }

    /// The JSON files in a folder by path, the oldest first.
    ///
    /// # Errors
    /// Those of the files.
    pub fn paths(&self, folder: &str) -> Result<Vec<String>, F::Error> {
        let names = self.files.names(folder)?.into_iter();
        let mut paths: Vec<String> = names
            .filter(|name| name.ends_with(".json"))
            .map(|name| format!("{folder}/{name}"))
            .collect();
        paths.sort_unstable();
        Ok(paths)
    }

    /// A page of posts. Without an account to expect, one of an unknown renderer is read
    /// as far as it is understood ([`Page::exact`]).
    ///
    /// # Errors
    /// [`Fault`].
    pub fn page(&self, path: &str) -> Read<Page, F::Error> {
        let read = match self.account {
            Some(_) => parse_page,
            None => read_page,
        };
        let parse = |bytes: &[u8]| {
            let mut page = read(bytes)?;
            let items = std::mem::take(&mut page.items);
            Ok((page.account, of_items(items), page))
        };
        let found = self.parse(path, parse)?;
        Ok(found.map(|(changes, page)| Page {
            items: changes.items,
            ..page
        }))
    }

    /// The older versions of an item that its file holds; those of other ids are left out.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn history(&self, id: ItemId) -> Read<Vec<Item>, F::Error> {
        let found = self.parse(&history_path(id), |bytes| {
            let (account, mut older) = parse_history(bytes)?;
            older.retain(|old| old.id == id);
            Ok((account, of_items(older), ()))
        })?;
        Ok(found.map(|(changes, ())| changes.items))
    }

    /// Likes and votes.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn reactions(&self, path: &str) -> Read<Vec<Item>, F::Error> {
        let found = self.parse(path, |bytes| {
            let (account, reactions) = parse_reactions(bytes)?;
            Ok((account, of_items(reactions), ()))
        })?;
        Ok(found.map(|(changes, ())| changes.items))
    }

    /// Traces of deleted items.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn tombstones(&self, path: &str) -> Read<Vec<Tombstone>, F::Error> {
        let found = self.parse(path, |bytes| {
            let (account, tombstones) = parse_tombstones(bytes)?;
            let changes = Changes {
                tombstones,
                ..Changes::default()
            };
            Ok((account, changes, ()))
        })?;
        Ok(found.map(|(changes, ())| changes.tombstones))
    }

    /// The profile.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn profile(&self) -> Read<Profile, F::Error> {
        let found = self.parse(PROFILE, |bytes| {
            let (account, profile) = parse_profile(bytes)?;
            let changes = Changes {
                profile: Some(profile),
                ..Changes::default()
            };
            Ok((account, changes, ()))
        })?;
        Ok(found.and_then(|(changes, ())| changes.profile))
    }

    /// The public follows.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn follows(&self) -> Read<Follows, F::Error> {
        let found = self.parse(FOLLOWS, |bytes| {
            let (account, follows) = parse_follows(bytes)?;
            let changes = Changes {
                follows,
                ..Changes::default()
            };
            Ok((account, changes, ()))
        })?;
        Ok(found.map(|(changes, ())| changes.follows))
    }

    /// Reads one file: what is in it as changes, and what `parse` gives besides.
    fn parse<T>(
        &self,
        path: &str,
        parse: impl Fn(&[u8]) -> Result<(Account, Changes, T), JsonError>,
    ) -> Read<(Changes, T), F::Error> {
        let Some(bytes) = self.files.read(path)? else {
            return Ok(None);
        };
        let wrong = |error: SourceError| Fault::Source {
            path: path.to_owned(),
            error,
        };
        let (account, changes, rest) = parse(&bytes).map_err(|error| wrong(error.into()))?;
        if self.account.is_some_and(|expected| expected != account) {
            return Err(wrong(SourceError::OtherAccount));
        }
        if let Some(at) = self.at {
            check::bounded(&changes, at).map_err(|error| wrong(error.into()))?;
        }
        Ok(Some((changes, rest)))
    }
}

fn of_items(items: Vec<Item>) -> Changes {
    Changes {
        items,
        ..Changes::default()
    }
}

/// A file that must be there.
///
/// # Errors
/// [`SourceError::Missing`], or as `read`.
pub fn needed<T, E>(path: &str, read: Read<T, E>) -> Result<T, Fault<E>> {
    read?.ok_or_else(|| Fault::Source {
        path: path.to_owned(),
        error: SourceError::Missing,
    })
}
