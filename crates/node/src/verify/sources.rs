//! Whether a feed's pages are what its own sources make: the items are read back from
//! the JSON files into an empty store, and the tree that follows must be the signed one.
//!
//! The store is a temporary one on the disk, so that memory does not grow with the feed.

use ourspace_protocol::{
    account::Account,
    feed::{
        all, check,
        error::{Budget, TreeError},
        json::{
            JsonError, parse_follows, parse_history, parse_page, parse_profile, parse_reactions,
            parse_tombstones,
        },
        model::{Item, Tombstone},
        set::Changes,
        tree::{link_of, merge},
    },
    limits,
    record::SignedRecord,
    verify::Verified,
};
use ourspace_store::{Store, StoreError};

use super::faults::Faults;
use crate::site::{
    ABSOLUTE, BaseUrl,
    folder::{FileError, Folder},
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
        let profile = Changes {
            profile: Some(self.parse("profile.json", parse_profile)?),
            ..Changes::default()
        };
        self.bounded("profile.json", &profile)?;
        let follows = Changes {
            follows: self.parse("follows.json", parse_follows)?,
            ..Changes::default()
        };
        self.bounded("follows.json", &follows)?;
        let mut changes = Changes {
            profile: profile.profile,
            ..follows
        };
        changes.items = self.page("feed.json")?;
        for folder in ["archive", "reactions", "tombstones"] {
            self.folder.names(folder, &mut |name, _| {
                let path = format!("{folder}/{name}");
                match folder {
                    _ if !name.ends_with(".json") => return Ok(()),
                    "archive" => changes.items.extend(self.page(&path)?),
                    "reactions" => changes.items.extend(self.items(&path, parse_reactions)?),
                    _ => changes.tombstones.extend(self.tombstones(&path)?),
                }
                if changes.items.len() + changes.tombstones.len() < AT_ONCE {
                    return Ok(());
                }
                self.take(store, &std::mem::take(&mut changes))
            })?;
        }
        self.take(store, &changes)
    }

    fn take(&self, store: &Store, changes: &Changes) -> Result<(), Halt> {
        store.write(|writer| {
            let mut feed = writer.feed(self.account())?;
            let paths = merge(&mut feed, self.account(), changes, Budget::OWN)?;
            writer.update_tree(self.account(), &paths)?;
            Ok(())
        })
    }

    /// The items of a page, with their older versions.
    fn page(&self, path: &str) -> Result<Vec<Item>, Halt> {
        let parse = |bytes: &[u8]| parse_page(bytes).map(|page| (page.account, page.items));
        let mut items = self.items(path, parse)?;
        let mut older = Vec::new();
        for item in &items {
            let history = format!("posts/{}/history.json", item.id);
            if self.read(&history)?.is_some() {
                older.extend(self.items(&history, parse_history)?);
            }
        }
        items.append(&mut older);
        Ok(items)
    }

    fn items(
        &self,
        path: &str,
        parse: impl Fn(&[u8]) -> Result<(Account, Vec<Item>), JsonError>,
    ) -> Result<Vec<Item>, Halt> {
        let part = Changes {
            items: self.parse(path, parse)?,
            ..Changes::default()
        };
        self.bounded(path, &part)?;
        Ok(part.items)
    }

    fn tombstones(&self, path: &str) -> Result<Vec<Tombstone>, Halt> {
        let part = Changes {
            tombstones: self.parse(path, parse_tombstones)?,
            ..Changes::default()
        };
        self.bounded(path, &part)?;
        Ok(part.tombstones)
    }

    /// Nothing in a file is dated after the record.
    fn bounded(&self, path: &str, part: &Changes) -> Result<(), Halt> {
        check::bounded(part, self.record.record().timestamp)
            .map_err(|error| Halt::Fault(path.to_owned(), error.to_string()))
    }

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, FileError> {
        self.folder.read(path, limits::JSON_BYTES as u64)
    }

    fn parse<T>(
        &self,
        path: &str,
        parse: impl Fn(&[u8]) -> Result<(Account, T), JsonError>,
    ) -> Result<T, Halt> {
        let fault = |text: String| Halt::Fault(path.to_owned(), text);
        let bytes = self.read(path)?;
        let bytes = bytes.ok_or_else(|| fault("it is missing or too large".to_owned()))?;
        match parse(&bytes) {
            Ok((account, value)) if account == self.account() => Ok(value),
            Ok(_) => Err(fault("it says that it is another account's".to_owned())),
            Err(JsonError::Renderer(renderer)) => Err(Halt::Unknown(renderer)),
            Err(error) => Err(fault(error.to_string())),
        }
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
