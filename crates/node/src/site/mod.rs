//! The feed as files for any web host: [`export()`].
//!
//! A site is the feed's tree and, in [`FOLDER`], what shows that it is the author's: the
//! newest record, the same for Ethereum tools, and the blocks that are no files. Chapter
//! `spec/07-static-site.md` says what lies where and in which order it is written, so
//! that a site is never wrong while it is being written.

pub mod blocks;
mod error;
mod export;
pub mod folder;
mod hosts;
mod list;
mod newer;
mod place;
pub mod record;
mod sums;

pub(crate) use hosts::is_of_host;
pub(crate) use list::{is_unfinished, take_named};
pub(crate) use sums::Sums;

pub use error::{BaseUrl, BaseUrlError, ExportError, Unknown};
pub use export::{Exported, Step, Watch, export};

/// The folder beside the tree that is no part of it.
pub const FOLDER: &str = ".well-known/ourspace";
/// The record with its grant, as on the wire.
pub const RECORD: &str = ".well-known/ourspace/record.cbor";
/// The record and its grant as typed data with signatures.
pub const RECORD_JSON: &str = ".well-known/ourspace/record.json";
/// The statement that this account continues a lost one, as on the wire; on the sites of
/// successors only.
pub const SUCCESSION: &str = ".well-known/ourspace/succession.cbor";
/// The folder of the blocks that are no files, and of some that are.
pub const BLOCKS: &str = ".well-known/ourspace/blocks";
/// The feed with absolute addresses, where there is one; no part of the tree.
pub const ABSOLUTE: &str = "podcast.xml";
/// What an export wrote, one path a line, for the next export.
const LIST: &str = ".well-known/ourspace/files";
/// The most bytes of a record's file that an export looks at.
const RECORD_MOST: u64 = 4096;
/// The list of an export that has not come to its end.
pub(crate) const NEW_LIST: &str = ".well-known/ourspace/files.new";

/// Where the block `cid` lies.
#[must_use]
pub fn block_path(cid: &ourspace_protocol::dag::Cid) -> String {
    format!("{BLOCKS}/{cid}")
}
