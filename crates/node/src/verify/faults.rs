//! What was found to be wrong, by path.

use std::collections::{BTreeMap, BTreeSet};

use ourspace_protocol::{record::SignedRecord, verify::Verified};
use serde::Serialize;

use super::{Report, State};
use crate::site::{
    NEW_LIST,
    folder::{FileError, Folder},
    take_named,
};

/// Something wrong with one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file, from the folder on.
    pub path: String,
    /// What is wrong with it.
    pub error: String,
}

/// Files of the web host that are named.
const OF_HOST: usize = 20;

/// The faults so far: the first by path, so many as are reported.
#[derive(Debug, Default)]
pub(super) struct Faults {
    by_path: BTreeMap<String, String>,
    /// Files that the signed tree does not have.
    extra: BTreeSet<String>,
    /// Files that may be the web host's own.
    of_host: BTreeSet<String>,
    notes: Vec<String>,
}

/// Files of another version than the signed one, as they lie there when one is being
/// written or copied over the other.
#[derive(Debug)]
pub(super) struct Others {
    /// Whether all that lies instead of signed files is named by directories in `blocks/`.
    all_known: bool,
    /// Where other bytes lie than the signed ones, which lie in `blocks/`.
    replaced: BTreeSet<String>,
    /// What a directory in `blocks/` names, and the signed tree does not have.
    added: BTreeSet<String>,
}

impl Others {
    pub(super) fn new() -> Self {
        Self {
            all_known: true,
            replaced: BTreeSet::new(),
            added: BTreeSet::new(),
        }
    }

    /// A file that lies instead of a signed one.
    pub(super) fn replace(&mut self, path: &str, known: bool) {
        self.all_known &= known;
        insert(&mut self.replaced, path);
    }

    /// A file of another version that the signed one does not have.
    pub(super) fn add(&mut self, path: &str) {
        insert(&mut self.added, path);
    }

    /// Whether another version explains them.
    pub(super) fn are_of_a_version(&self) -> bool {
        self.all_known && !(self.replaced.is_empty() && self.added.is_empty())
    }

    /// They are faults: nothing shows that they belong to another version, or something
    /// else is wrong.
    pub(super) fn condemn(self, faults: &mut Faults) {
        for path in self.replaced {
            faults.add(&path, CHANGED);
        }
        for path in self.added {
            faults.add_extra(&path);
        }
    }
}

/// Keeps the first of them.
fn insert(paths: &mut BTreeSet<String>, path: &str) {
    paths.insert(path.to_owned());
    if paths.len() > Report::MOST {
        paths.pop_last();
    }
}

/// What is said of a file with other bytes than those signed.
pub(super) const CHANGED: &str = "it is not the file that was signed";

impl Faults {
    pub(super) fn add(&mut self, path: &str, error: &str) {
        self.by_path
            .entry(path.to_owned())
            .or_insert_with(|| error.to_owned());
        if self.by_path.len() > Report::MOST {
            self.by_path.pop_last();
        }
    }

    /// A file that the signed tree does not have.
    pub(super) fn add_extra(&mut self, path: &str) {
        insert(&mut self.extra, path);
    }

    /// A file at the top that the signed tree does not have, and a web host may want.
    pub(super) fn add_of_host(&mut self, name: &str) {
        self.of_host.insert(name.escape_debug().collect());
        if self.of_host.len() > OF_HOST {
            self.of_host.pop_last();
        }
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_path.is_empty() && self.extra.is_empty()
    }

    /// What an interrupted export has written may be there.
    pub(super) fn forgive_listed(&mut self, folder: &Folder) -> Result<(), FileError> {
        take_named(folder, &mut self.extra)
    }

    /// All that is wrong is that another version is being written.
    pub(super) fn unfinished(&mut self, others: Others) {
        self.add(
            NEW_LIST,
            "an export or upload was interrupted, or is under way: run it to its end",
        );
        for path in others.replaced.into_iter().chain(others.added) {
            self.add(
                &path,
                "it belongs to another version than the one signed here",
            );
        }
    }

    pub(super) fn report(
        mut self,
        record: Option<&Verified<SignedRecord>>,
        state: State,
    ) -> Report {
        for path in std::mem::take(&mut self.extra) {
            self.add(&path, "it is not a part of the signed feed");
        }
        if !self.of_host.is_empty() {
            let names: Vec<String> = std::mem::take(&mut self.of_host).into_iter().collect();
            self.note(format!(
                "not a part of the signed feed, but perhaps of the web host: {}",
                names.join(", ")
            ));
        }
        let faults = self.by_path.into_iter();
        Report {
            account: record.map(|record| record.record().account),
            timestamp: record.map(|record| record.record().timestamp),
            root: record.map(|record| record.record().root),
            signer: record.map(Verified::signer),
            valid: state == State::Complete,
            state,
            errors: faults.map(|(path, error)| Fault { path, error }).collect(),
            notes: self.notes,
        }
    }
}
