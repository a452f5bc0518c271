//! Importing: the posts that a person has elsewhere become items of their feed, with
//! their dates, links, files and threads.
//!
//! ```text
//! a file, a folder, an archive → source (which format) → xml, jsonfeed, mastodon, site
//!   → drafts → convert (HTML to Markdown, limits) → merge (what is new) → publish
//! ```
//!
//! Everything read here was written by strangers, or by programs in their name: each
//! reader has limits, nothing is fetched, nothing that a source names is opened but files
//! that lie in it. All of a source is read before anything is changed, and all of it is
//! taken in by one change; what stops on the way leaves the home as it was.

mod convert;
mod dates;
mod draft;
mod error;
mod gather;
mod input;
mod json;
mod jsonfeed;
mod markup;
mod merge;
mod plain;
mod report;
mod source;
mod xml;

use std::{io::Read, path::Path};

use ourspace_protocol::{
    feed::{error::TreeError, set::Changes},
    time::Millis,
};

pub use self::{error::ImportError, report::Report};
use self::{gather::Gathered, report::Tally};
use crate::{
    home::Home,
    publish::{PublishError, publish},
};

/// What to do with a source.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Only say what would be done.
    pub dry_run: bool,
    /// Leave out what was published before.
    pub since: Option<Millis>,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many bytes of the source are read.
    Read(u64),
    /// All is read; so many posts are being compared and written.
    Write(u64),
}

/// Where posts come from.
#[expect(
    missing_debug_implementations,
    reason = "a reader shows nothing of itself"
)]
pub enum Source<'s> {
    /// A file.
    Path(&'s Path),
    /// A file that comes through a pipe. It is put on the disk before it is read.
    Pipe(&'s mut dyn Read),
}

/// Reads a date as feeds and people write it; `None` when it is none, or after the last
/// one that a feed can name. Without a zone it is UTC.
#[must_use]
pub fn parse_date(text: &str) -> Option<Millis> {
    dates::parse(text)
}

/// Imports an RSS, Atom or JSON feed.
///
/// # Errors
/// [`ImportError`]; nothing is changed then.
pub fn import(
    home: &Home,
    now: Millis,
    source: Source<'_>,
    options: Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, ImportError> {
    let account = home.account()?;
    let gathered = gather::gather(source, (account, now), options.since, progress)?;
    let Gathered { ready, mut tally } = gathered;
    progress(Progress::Write(ready.len() as u64));
    let plan = |feed: &dyn ourspace_protocol::feed::state::FeedState, tally: &mut Tally| {
        merge::plan(feed, (account, now), ready, tally)
    };
    if options.dry_run {
        let reader = home.store().read()?;
        let planned = plan(&reader.feed(account)?, &mut tally);
        planned.map_err(|error| PublishError::Tree(TreeError::State(error)))?;
        return Ok(tally.report());
    }
    publish(home, now, |feed| {
        let items = plan(feed, &mut tally).map_err(TreeError::State)?;
        Ok(Changes {
            items,
            ..Changes::default()
        })
    })?;
    Ok(tally.report())
}
