//! An exported feed of ours: the tree of files, with every version of every item.
//!
//! Of the same account, everything is merged as if another device had published it: ids,
//! versions and tombstones stay, profile and follows as well where the record shows that
//! they are its own. Of another account, its posts become posts of this one
//! that name where they come from.

use std::io::Read as _;

use ourspace_protocol::{
    account::Account,
    feed::{
        clean,
        model::{About, Attachment, Item, ItemId, Target},
    },
    limits,
    time::Millis,
};

use super::{
    basket::Basket,
    convert::{Ready, UNDATED},
    error::ImportError,
    vault::Vault,
};
use crate::{
    site::{
        FOLDER, RECORD,
        folder::{Folder, Found},
    },
    sources::{Fault, Files, REACTIONS, Read, Sources, TOMBSTONES},
    verify,
};

/// What is said of a copy that holds no record.
const NO_RECORD: &str = "there is no record in this copy of a feed (.well-known/ourspace is missing), so nothing shows that its posts are what their author signed; they were taken as they stand";

/// Bytes by which a feed of ours is recognised.
const HEAD: u64 = 4096;

/// Whether `feed.json` is one of ours.
///
/// # Errors
/// [`ImportError::Read`], [`ImportError::Archive`].
pub(super) fn is_ours(vault: &Vault) -> Result<bool, ImportError> {
    let Some(file) = vault.open("feed.json")? else {
        return Ok(false);
    };
    let mut head = Vec::new();
    let mut begin = file.take(HEAD);
    begin.read_to_end(&mut head).map_err(ImportError::Read)?;
    Ok(String::from_utf8_lossy(&head).contains("\"_ourspace\":{\"account\":"))
}

/// Checks an exported feed by the record in it, as `verify` does. Without a record, or in
/// an archive, there is nothing to check by: that is said, and it is taken as it stands.
/// Gives whose feed the record says it is, and when it was signed.
fn check(
    vault: &Vault,
    basket: &mut Basket<'_>,
) -> Result<(Option<Account>, Option<Millis>), ImportError> {
    let Some(path) = vault.path() else {
        basket.gathered.tally.unsigned = Some(match vault.has(RECORD) {
            true => {
                "the record in the archive was not looked at, so nothing shows that the posts in it are what their author signed; unpacked and imported as a folder it is checked"
            }
            false => NO_RECORD,
        });
        return Ok((None, None));
    };
    if matches!(Folder::open(path)?.find(FOLDER)?, Found::Nothing) {
        basket.gathered.tally.unsigned = Some(NO_RECORD);
        return Ok((None, None));
    }
    let report = verify::site(path, None, basket.wish().now, &mut || {})?;
    if report.valid {
        return Ok((report.account, report.timestamp));
    }
    let first = report.errors.into_iter().next();
    let (path, what) = first
        .map(|fault| (fault.path, fault.error))
        .unwrap_or_default();
    Err(ImportError::NotAsSigned {
        path: path.escape_debug().collect(),
        what,
    })
}

/// The files of a source are those of a tree as well.
impl Files for Vault {
    type Error = ImportError;

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ImportError> {
        let Some(file) = self.open(path)? else {
            return Ok(None);
        };
        // With one byte too many it is refused, and not passed over.
        let mut bytes = Vec::new();
        let mut limited = file.take(limits::JSON_BYTES as u64 + 1);
        limited.read_to_end(&mut bytes).map_err(ImportError::Read)?;
        Ok(Some(bytes))
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, ImportError> {
        Ok(self.list(folder))
    }
}

impl From<Fault<Self>> for ImportError {
    fn from(fault: Fault<Self>) -> Self {
        match fault {
            Fault::Files(error) => error,
            Fault::Source { path, error } => Self::Syntax {
                at: path,
                what: error.to_string(),
            },
        }
    }
}

/// Reads it.
///
/// # Errors
/// [`ImportError`].
pub(super) fn read(vault: Vault, basket: &mut Basket<'_>) -> Result<(), ImportError> {
    let (signed, at) = check(&vault, basket)?;
    let own = basket.wish().account;
    let mut author = signed;
    // Without a record the first page says whose it is; a newer program's pages are read as
    // far as they are understood.
    let sources = Sources::of_anybody(&vault);
    for path in sources.pages()? {
        let Some(page) = sources.page(&path)? else {
            continue;
        };
        if *author.get_or_insert(page.account) != page.account {
            return Err(ImportError::Syntax {
                at: path,
                what: "it is of another account than the rest".to_owned(),
            });
        }
        for item in page.items {
            take(item, &vault, (own, page.account), basket)?;
        }
    }
    if author == Some(own) {
        basket.gathered.signed = at;
        traces(&vault, own, basket)?;
    }
    basket.gathered.vault = Some(vault);
    Ok(())
}

/// One item of a page. The newest pages repeat in `feed.json`.
fn take(
    mut item: Item,
    vault: &Vault,
    (own, author): (Account, Account),
    basket: &mut Basket<'_>,
) -> Result<(), ImportError> {
    if !basket.count(Some(item.date)) {
        return Ok(());
    }
    let now = basket.wish().now;
    let named = item.attachments.len();
    let here = |attachment: &Attachment| attachment.files().all(|file| vault.has(&file.path));
    item.attachments.retain(here);
    basket.gathered.tally.lost_media += (named - item.attachments.len()) as u64;
    if author != own {
        basket
            .gathered
            .ready
            .push(Ready::whole(foreign(item, own, (author, now))));
        return Ok(());
    }
    let older = readable(Sources::of(vault, own).history(item.id))?;
    basket.gathered.own.items.extend(older.unwrap_or_default());
    basket.gathered.own.items.push(item);
    Ok(())
}

/// A post of somebody else as one of this account. A date after now is a mistake, here as
/// in any other source: no record may hold it.
fn foreign(mut item: Item, own: Account, (author, now): (Account, Millis)) -> Item {
    if item.date > now {
        (item.date, item.written) = (UNDATED, None);
    }
    item.written = item.written.filter(|at| *at <= now);
    let renamed = |id: ItemId| ItemId::of_import(&Target::Item(author, id).to_string());
    let moved = |target: Target| match target {
        Target::Item(account, id) if account == author => Target::Item(own, renamed(id)),
        other => other,
    };
    item.id = renamed(item.id);
    item.edits = 0;
    item.origin = item.origin.as_deref().and_then(clean::url);
    item.about = item.about.map(|about| About {
        target: moved(about.target),
        thread: about.thread.map(moved),
        value: about.value,
    });
    item
}

/// What the account deleted, what it liked, who it says it is, whom it follows.
fn traces(vault: &Vault, own: Account, basket: &mut Basket<'_>) -> Result<(), ImportError> {
    let sources = Sources::of(vault, own);
    for path in sources.paths(TOMBSTONES)? {
        let tombstones = readable(sources.tombstones(&path))?;
        let known = &mut basket.gathered.own.tombstones;
        known.extend(tombstones.unwrap_or_default());
    }
    for path in sources.paths(REACTIONS)? {
        let reactions = readable(sources.reactions(&path))?;
        let known = &mut basket.gathered.own.items;
        known.extend(reactions.unwrap_or_default());
    }
    let signed = basket.gathered.signed.is_some();
    if signed || basket.wish().profile {
        basket.gathered.own_profile = readable(sources.profile())?;
    }
    if signed && let Some(follows) = readable(sources.follows())? {
        basket.gathered.own.follows = follows;
    }
    Ok(())
}

/// What can be read; what cannot is left out.
fn readable<T>(read: Read<T, ImportError>) -> Result<Option<T>, ImportError> {
    match read {
        Err(Fault::Source { .. }) => Ok(None),
        read => Ok(read?),
    }
}
