//! Checking the own store: its database, what is signed, what follows from the items,
//! what is kept.

use std::io;

use ourspace_protocol::{
    account::Account,
    dag::{DagError, Link},
    feed::{all, error::TreeError, tree::link_of},
    limits,
    record::SignedRecord,
    time::{Millis, rfc3339},
    verify::Verified,
};
use ourspace_store::{Reader, StoreError};

use super::{Report, State, faults::Faults};
use crate::{
    home::{DATABASE, Home, HomeError},
    site::{
        Sums,
        blocks::{Part, each_part},
    },
};

/// Why a home cannot even be checked.
#[derive(Debug, thiserror::Error)]
pub enum HomeCheckError {
    /// See [`HomeError`].
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What ends one part of the check.
#[derive(Debug, thiserror::Error)]
enum Halt {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error(transparent)]
    Dag(#[from] DagError),
}

/// Checks the store of a home: its database is whole, its records verify and are not from
/// the future, its directories make the signed root, its items make those directories, and
/// every kept file has the bytes of its name.
///
/// # Errors
/// [`HomeCheckError`] when there is nothing to check.
pub fn home(
    home: &Home,
    now: Millis,
    progress: &mut dyn FnMut(),
) -> Result<Report, HomeCheckError> {
    let reader = home.store().read()?;
    let mut faults = Faults::default();
    // A query by a damaged index finds less, and says nothing of it: what is asked of such
    // a database afterwards means nothing.
    let damage = reader.integrity()?;
    if !damage.is_empty() {
        let found = damage.join("; ");
        faults.add(
            DATABASE,
            &format!("the database is damaged: {found}; restore the home from a backup"),
        );
        let mut report = faults.report(None, State::Damaged);
        report.account = home.account().ok();
        return Ok(report);
    }
    let account = home.account()?;
    let mut check = Check {
        reader: &reader,
        account,
        faults: &mut faults,
        progress,
    };
    let heads = check.heads(now);
    check.tree();
    check.files();
    let root = reader.root(account)?;
    let newest = heads
        .iter()
        .filter(|head| root.is_some_and(|root| head.record().root == root.cid))
        .max_by_key(|head| head.order());
    if heads.is_empty() && reader.holds_feed(account)? {
        faults.add("records", "there is a feed here, but no record that it was signed; restore the home from a backup");
    } else if root.is_some() && newest.is_none() {
        faults.add("feed", "no record names the newest version of the feed; publish it again, for example with `ourspace profile`");
    }
    let state = if faults.is_empty() {
        State::Complete
    } else {
        State::Damaged
    };
    let mut report = faults.report(newest, state);
    report.account = Some(account);
    Ok(report)
}

/// What is said of a record that no reader accepts yet.
fn from_the_future(at: Millis, now: Millis) -> String {
    format!(
        "the newest record was signed for {}, more than five minutes ahead of the clock here ({}), so nobody accepts it before then: if this clock is wrong, set it right and verify again; if it was wrong when that was signed, the next `ourspace post` says the ways out",
        rfc3339(at),
        rfc3339(now)
    )
}

struct Check<'c> {
    reader: &'c Reader<'c>,
    account: Account,
    faults: &'c mut Faults,
    progress: &'c mut dyn FnMut(),
}

impl Check<'_> {
    fn heads(&mut self, now: Millis) -> Vec<Verified<SignedRecord>> {
        match self.reader.heads(self.account) {
            Ok(heads) => {
                let ahead = heads.iter().map(|head| head.record().timestamp).max();
                let ahead = ahead.filter(|at| *at > now.saturating_add(limits::CLOCK_SKEW));
                if let Some(at) = ahead {
                    self.faults.add("records", &from_the_future(at, now));
                }
                heads.iter().cloned().collect()
            }
            Err(error) => {
                self.faults.add("records", &error.to_string());
                Vec::new()
            }
        }
    }

    /// Directories and items must speak of the same files, and media be kept.
    fn tree(&mut self) {
        match self.sums() {
            Ok(sums) if sums.agree() => {}
            Ok(_) => self.faults.add(
                "feed",
                "the items do not make the tree that was signed; restore the home from a backup",
            ),
            Err(error) => self.faults.add("feed", &error.to_string()),
        }
    }

    fn sums(&mut self) -> Result<Sums, Halt> {
        let mut sums = Sums::default();
        let Some(root) = self.reader.root(self.account)? else {
            return Ok(sums);
        };
        let (reader, faults) = (self.reader, &mut *self.faults);
        each_part::<Halt>(reader, root.cid, &mut |part| {
            match part {
                Part::Block(_) => {}
                Part::Entry(path, link) if path.starts_with("media/") => {
                    if !reader.has_file(link.cid)? {
                        faults.add(
                            path,
                            "the file is not kept; add it again or restore the home from a backup",
                        );
                    }
                }
                Part::Entry(path, link) => sums.named(path, link.cid),
            }
            Ok(())
        })?;
        let feed = reader.feed(self.account)?;
        let progress = &mut *self.progress;
        let mut made = |files: Vec<(String, Vec<u8>)>, whole: bool| {
            let links: Vec<(&str, Link)> = files
                .iter()
                .map(|(path, bytes)| (path.as_str(), link_of(bytes)))
                .collect();
            sums.made(&links)?;
            if whole {
                progress();
            }
            Ok::<(), Halt>(())
        };
        all::each_file::<Halt>(&feed, self.account, &mut |files| made(files, true))?;
        made(all::live(&feed, self.account)?, false)?;
        Ok(sums)
    }

    /// Every kept file is read whole, which checks all of its bytes.
    fn files(&mut self) {
        let (reader, faults, progress) = (self.reader, &mut *self.faults, &mut *self.progress);
        let result = reader.files::<StoreError>(|cid, size| {
            let read = match reader.file(cid) {
                Ok(Some(mut file)) => {
                    io::copy(&mut file, &mut io::sink()).map_err(|error| error.to_string())
                }
                Ok(None) => Err("it is gone".to_owned()),
                Err(error) => Err(error.to_string()),
            };
            match read {
                Ok(found) if found == size => {}
                Ok(found) => faults.add(
                    &cid.to_string(),
                    &format!("it has {found} bytes instead of {size}"),
                ),
                Err(text) => faults.add(&cid.to_string(), &text),
            }
            progress();
            Ok(())
        });
        if let Err(error) = result {
            self.faults.add("files", &error.to_string());
        }
    }
}
