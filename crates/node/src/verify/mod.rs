//! Checking without believing anybody and without a network: [`site()`] a folder that
//! claims to be somebody's feed, [`home()`] the own store.

mod faults;
mod home;
mod named;
mod sources;
mod tree;

use std::path::Path;

use ourspace_protocol::{
    account::Account,
    dag::Cid,
    limits,
    record::SignedRecord,
    time::Millis,
    verify::{Context, KnownGrants, Verified, verify},
};
use serde::Serialize;

pub use self::{
    faults::Fault,
    home::{HomeCheckError, home},
};
use self::{faults::Faults, sources::Sources, tree::Tree};
use crate::{
    recover,
    site::{
        self, RECORD, RECORD_JSON, SUCCESSION,
        folder::{FileError, Folder, Found},
        record::record_value,
    },
};

/// What tells a home by: its database.
const STORE: &str = "store.db";

/// Bytes of `record.json` that are read at all.
const JSON_MOST: u64 = 64 * 1024;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whose feed it is; absent when no record says so that can be believed.
    pub account: Option<Account>,
    /// When the record was signed, Unix milliseconds.
    pub timestamp: Option<Millis>,
    /// Root of the signed tree.
    pub root: Option<Cid>,
    /// Which address signed the record.
    pub signer: Option<Account>,
    /// Whether everything is as it was signed.
    pub valid: bool,
    /// What it looks like on the whole.
    pub state: State,
    /// What is wrong, by path, the first [`Report::MOST`] of them.
    pub errors: Vec<Fault>,
    /// What could not be checked, and why; what lies there besides the feed.
    pub notes: Vec<String>,
}

impl Report {
    /// The most errors that are listed.
    pub const MOST: usize = 1000;
}

/// What a checked folder looks like on the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Exactly what was signed.
    Complete,
    /// Another version is being written over the signed one, or under it: an export or
    /// upload is under way or was interrupted. All that the record names can be read.
    Unfinished,
    /// Something is missing, changed, or not to be believed.
    Damaged,
}

/// Checks a folder that [`export`](crate::site::export()) made, or a copy of a feed's tree
/// with its `record` (a file beside it) given.
///
/// Nothing in the folder is believed: links and pipes are not followed, no file is read
/// that is larger than what was signed.
///
/// # Errors
/// [`FileError`] when the folder, or something in it, cannot be read at all.
pub fn site(
    path: &Path,
    record: Option<&Path>,
    now: Millis,
    progress: &mut dyn FnMut(),
) -> Result<Report, FileError> {
    let folder = Folder::open(path)?;
    let mut faults = Faults::default();
    let beside = record.is_some();
    let Some(record) = read_record(&folder, record, now, &mut faults)? else {
        return Ok(faults.report(None, State::Damaged));
    };
    let json_of_other = check_json(&folder, (&record, beside), &mut faults)?;
    check_succession(&folder, record.record().account, now, &mut faults)?;
    let mut tree = Tree::new(&folder, &mut faults, progress);
    let others = tree.check(record.record().root)?;
    let has_blocks = tree.has_blocks();
    let unfinished = site::is_unfinished(&folder)?;
    if unfinished {
        faults.forgive_listed(&folder)?;
    }
    if faults.is_empty() && (unfinished || json_of_other || others.are_of_a_version()) {
        faults.unfinished(others);
        return Ok(faults.report(Some(&record), State::Unfinished));
    }
    others.condemn(&mut faults);
    let sources = Sources::new(&folder, &record);
    if faults.is_empty() {
        sources.check(&mut faults)?;
    } else if !has_blocks {
        sources.name_wrong(&mut faults)?;
    }
    let state = if faults.is_empty() {
        State::Complete
    } else {
        State::Damaged
    };
    Ok(faults.report(Some(&record), state))
}

/// The record, if there is one that can be believed.
fn read_record(
    folder: &Folder,
    beside: Option<&Path>,
    now: Millis,
    faults: &mut Faults,
) -> Result<Option<Verified<SignedRecord>>, FileError> {
    let most = limits::RECORD_BYTES as u64;
    let (name, bytes, large) = match beside {
        None => (
            RECORD.to_owned(),
            folder.read(RECORD, most)?,
            is_larger(folder, RECORD, most)?,
        ),
        Some(path) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let parent = path.parent().filter(|parent| *parent != Path::new(""));
            let parent = Folder::open(parent.unwrap_or(Path::new(".")))?;
            let bytes = parent.read(&name, most)?;
            let large = is_larger(&parent, &name, most)?;
            (path.display().to_string(), bytes, large)
        }
    };
    if large {
        let what = format!("it is too large to be a record, which has at most {most} bytes");
        faults.add(&name, &what);
        return Ok(None);
    }
    let Some(bytes) = bytes else {
        let (path, what) = no_record(folder, &name, beside.is_some())?;
        faults.add(path, what);
        return Ok(None);
    };
    let context = Context {
        now,
        highest_epoch: 0,
    };
    match verify(&bytes, context, &mut KnownGrants::new()) {
        Ok(record) => Ok(Some(record)),
        Err(refusal) => {
            faults.add(&name, &format!("the record is refused: {refusal}"));
            Ok(None)
        }
    }
}

fn is_larger(folder: &Folder, path: &str, most: u64) -> Result<bool, FileError> {
    Ok(matches!(folder.find(path)?, Found::File(_, size) if size > most))
}

/// What is wrong where no record is, and with what.
fn no_record<'n>(
    folder: &Folder,
    name: &'n str,
    beside: bool,
) -> Result<(&'n str, &'static str), FileError> {
    if site::is_unfinished(folder)? {
        let what = "the first export was interrupted before its end; run it again";
        return Ok((name, what));
    }
    if beside {
        return Ok((name, "there is no record in this file"));
    }
    if matches!(folder.find(STORE)?, Found::File(..)) {
        let what = "this is a home, not an exported feed: `ourspace verify` without a path checks the home (with --home DIR this one), and `ourspace export` makes a folder to check here";
        return Ok((".", what));
    }
    let mut empty = true;
    folder.names::<FileError>("", &mut |_, _| {
        empty = false;
        Ok(())
    })?;
    Ok(match empty {
        true => (
            ".",
            "the folder is empty: there is no record and no feed to check; `ourspace export` writes both",
        ),
        false => (
            name,
            "there is no record here, so nothing shows whose feed this is; give a folder that `ourspace export` made, or the record with --record FILE",
        ),
    })
}

/// `succession.cbor`, where there is one, must be a statement of the feed's account. Whether
/// the lost account named this successor, its own records tell, which are not here.
fn check_succession(
    folder: &Folder,
    account: Account,
    now: Millis,
    faults: &mut Faults,
) -> Result<(), FileError> {
    if matches!(folder.find(SUCCESSION)?, Found::Nothing) {
        return Ok(());
    }
    let bytes = folder.read(SUCCESSION, limits::RECORD_BYTES as u64)?;
    match recover::claim(&bytes.unwrap_or_default(), account, now) {
        Ok(lost) => faults.note(format!(
            "this account says that it continues {lost}; who had seen a record of {lost} can check that"
        )),
        Err(error) => faults.add(SUCCESSION, &error.to_string()),
    }
    Ok(())
}

/// `record.json` must be there and say what `record.cbor` says; only a feed's tree whose
/// record lies elsewhere (`beside`) may lack it. Gives whether it speaks of another version
/// of which a part is here: of two files one is written before the other.
fn check_json(
    folder: &Folder,
    (record, beside): (&Verified<SignedRecord>, bool),
    faults: &mut Faults,
) -> Result<bool, FileError> {
    if matches!(folder.find(RECORD_JSON)?, Found::Nothing) {
        if !beside {
            faults.add(
                RECORD_JSON,
                "it is missing: it shows Ethereum's tools what record.cbor says; export again",
            );
        }
        return Ok(false);
    }
    let bytes = folder.read(RECORD_JSON, JSON_MOST)?.unwrap_or_default();
    let found: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    // While a new version is being written, this one comes before record.cbor.
    if found == record_value(record) || site::is_unfinished(folder)? {
        return Ok(false);
    }
    let message = &found["record"]["typed_data"]["message"];
    let root = message["root"].as_str().and_then(|root| root.parse().ok());
    let other = root.filter(|root| *root != record.record().root);
    if let Some(other) = other
        && let Found::File(..) = folder.find(&site::block_path(&other))?
    {
        return Ok(true);
    }
    faults.add(RECORD_JSON, "it does not say what record.cbor says");
    Ok(false)
}
