//! Whether a feed's pages are what its own sources make: the items are read back from
//! the JSON files into an empty store, and the tree that follows must be the signed one.
//!
//! The store is a temporary one on the disk, so that memory does not grow with the feed.

use ourspace_protocol::{
    account::Account,
    feed::{
        all,
        error::{Budget, TreeError},
        json::JsonError,
        set::Changes,
        tree::{link_of, merge},
    },
    limits,
    record::SignedRecord,
    verify::Verified,
};
use ourspace_store::{Store, StoreError};

use super::faults::Faults;
use crate::{
    site::{
        ABSOLUTE, BaseUrl,
        folder::{FileError, Folder},
    },
    sources::{
        FOLLOWS, Fault, PROFILE, REACTIONS, SourceError, Sources as Signed, TOMBSTONES, needed,
    },
};

/// Items that are taken in at once.
const AT_ONCE: usize = 2_000;
/// Bytes of the feed with absolute addresses that are read at all.
const MOST: u64 = limits::JSON_BYTES as u64;

/// Why the sources could not be taken in.
enum Halt {
    /// Something that is to be reported of a file.
    Fault(String, String),
    /// A renderer that is not known: nothing can be said.
    Unknown(u32),
    File(FileError),
}

impl From<FileError> for Halt {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<Fault<FileError>> for Halt {
    fn from(fault: Fault<FileError>) -> Self {
        match fault {
            Fault::Files(error) => Self::File(error),
            Fault::Source {
                error: SourceError::Json(JsonError::Renderer(renderer)),
                ..
            } => Self::Unknown(renderer),
            Fault::Source { path, error } => Self::Fault(path, error.to_string()),
        }
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Fault("feed.json".to_owned(), error.to_string())
    }
}

impl From<TreeError> for Halt {
    fn from(error: TreeError) -> Self {
        Self::Fault("feed.json".to_owned(), error.to_string())
    }
}

/// The sources of one feed in a folder.
pub(super) struct Sources<'s> {
    folder: &'s Folder,
    record: &'s Verified<SignedRecord>,
}

impl<'s> Sources<'s> {
    pub(super) fn new(folder: &'s Folder, record: &'s Verified<SignedRecord>) -> Self {
        Self { folder, record }
    }

    fn account(&self) -> Account {
        self.record.record().account
    }

    /// Every rendered file must follow from the sources. The tree itself is as signed.
    pub(super) fn check(&self, faults: &mut Faults) -> Result<(), FileError> {
        let what = "it is signed, but it is not what this feed's sources make: another program made it, or made it to deceive";
        self.compare(faults, what, false)
    }

    /// The tree is not as signed, and nothing beside it says where: perhaps the sources
    /// do.
    pub(super) fn name_wrong(&self, faults: &mut Faults) -> Result<(), FileError> {
        self.compare(faults, "it is not what this feed's sources make", true)
    }

    /// `always`: also when the sources make the signed tree.
    fn compare(&self, faults: &mut Faults, what: &str, always: bool) -> Result<(), FileError> {
        let temporary = tempfile::tempdir().map_err(|source| FileError {
            doing: "make a temporary folder in",
            path: std::env::temp_dir(),
            source,
        })?;
        let result = Store::open(temporary.path())
            .map_err(Halt::from)
            .and_then(|store| self.rebuild(&store).map(|()| store))
            .and_then(|store| self.differences(&store, faults, what, always));
        match result {
            Ok(()) => {}
            Err(Halt::File(error)) => return Err(error),
            Err(Halt::Fault(path, error)) => faults.add(&path, &error),
            Err(Halt::Unknown(renderer)) => faults.note(format!(
                "the pages are made by renderer {renderer}, which this program does not know, so they were not compared with their sources: update it"
            )),
        }
        Ok(())
    }

    /// Takes all sources into an empty store.
    fn rebuild(&self, store: &Store) -> Result<(), Halt> {
        let account = self.account();
        let sources = Signed::signed(self.folder, account, self.record.record().timestamp);
        let mut changes = Changes {
            profile: Some(needed(PROFILE, sources.profile())?),
            follows: needed(FOLLOWS, sources.follows())?,
            ..Changes::default()
        };
        for path in sources.pages()? {
            let page = needed(&path, sources.page(&path))?;
            for item in page.items {
                let older = sources.history(item.id)?;
                changes.items.push(item);
                changes.items.extend(older.unwrap_or_default());
            }
            self.take_many(store, &mut changes)?;
        }
        for path in sources.paths(REACTIONS)? {
            let reactions = needed(&path, sources.reactions(&path))?;
            changes.items.extend(reactions);
            self.take_many(store, &mut changes)?;
        }
        for path in sources.paths(TOMBSTONES)? {
            let tombstones = needed(&path, sources.tombstones(&path))?;
            changes.tombstones.extend(tombstones);
            self.take_many(store, &mut changes)?;
        }
        self.take(store, &changes)
    }

    /// Takes in what was gathered, once it is much.
    fn take_many(&self, store: &Store, changes: &mut Changes) -> Result<(), Halt> {
        if changes.items.len() + changes.tombstones.len() < AT_ONCE {
            return Ok(());
        }
        self.take(store, &std::mem::take(changes))
    }

    fn take(&self, store: &Store, changes: &Changes) -> Result<(), Halt> {
        store.write(|writer| {
            let mut feed = writer.feed(self.account())?;
            let paths = merge(&mut feed, self.account(), changes, Budget::OWN)?;
            writer.update_tree(self.account(), &paths)?;
            Ok(())
        })
    }

    /// Names the files that are not what the store makes.
    fn differences(
        &self,
        store: &Store,
        faults: &mut Faults,
        what: &str,
        always: bool,
    ) -> Result<(), Halt> {
        let account = self.account();
        let reader = store.read()?;
        let feed = reader.feed(account)?;
        let root = reader.root(account)?.map(|link| link.cid);
        if always || root != Some(self.record.record().root) {
            let mut any = false;
            let mut compare = |files: Vec<(String, Vec<u8>)>| {
                for (path, bytes) in files {
                    let found = self.folder.read(&path, bytes.len() as u64)?;
                    if found.is_none_or(|found| link_of(&found) != link_of(&bytes)) {
                        any = true;
                        faults.add(&path, what);
                    }
                }
                Ok::<(), Halt>(())
            };
            all::each_file(&feed, account, &mut compare)?;
            compare(all::live(&feed, account)?)?;
            if !any && faults.is_empty() {
                faults.add(
                    ".",
                    "the signed tree has files that this feed's sources do not name",
                );
            }
        }
        self.absolute(&feed, faults)
    }

    /// The feed with absolute addresses is not signed; it must be our rendering for the
    /// address that it names itself.
    fn absolute(&self, feed: &ourspace_store::Feed<'_>, faults: &mut Faults) -> Result<(), Halt> {
        let Some(bytes) = self.folder.read(ABSOLUTE, MOST)? else {
            return Ok(());
        };
        let text = String::from_utf8_lossy(&bytes);
        let base = text
            .split_once("<atom:link rel=\"self\" href=\"")
            .and_then(|(_, rest)| rest.split_once("feed.xml\""))
            .and_then(|(base, _)| BaseUrl::new(&base.replace("&amp;", "&")).ok());
        let same = match base {
            Some(base) => all::absolute(feed, self.account(), base.as_str())? == bytes,
            None => false,
        };
        if !same {
            faults.add(
                ABSOLUTE,
                "it is not the signed feed with absolute addresses",
            );
        }
        Ok(())
    }
}
