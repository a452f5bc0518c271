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

mod basket;
mod convert;
mod dates;
mod draft;
mod error;
mod files;
mod gather;
mod input;
mod json;
mod jsonfeed;
mod markup;
mod mastodon;
mod merge;
mod persona;
mod plain;
mod report;
mod scope;
mod site;
mod source;
mod spool;
mod vault;
pub(crate) mod web;
mod xml;

use std::{io::Read, path::Path};

use ourspace_protocol::{
    account::Account,
    feed::{
        error::TreeError,
        model::{Attachment, Item, Profile},
        set::Changes,
        state::{FeedState, MemoryState, StateError},
    },
    time::Millis,
};
use ourspace_store::Stage;

use self::{
    basket::{Gathered, Wish},
    files::Porter,
    merge::{Planned, Planner},
};
pub use self::{error::ImportError, report::Report};
use crate::{
    home::Home,
    publish::{PublishError, When, publish_after},
};

/// What to do with a source.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Only say what would be done.
    pub dry_run: bool,
    /// Leave out what was published before.
    pub since: Option<Millis>,
    /// Take over name, description, pictures and links of the person, where the source
    /// says them (a Mastodon archive, an exported feed of the same account).
    pub profile: bool,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many bytes of the source are read.
    Read(u64),
    /// All is read; so many posts are new or different.
    Write(u64),
}

/// Where posts come from.
#[expect(
    missing_debug_implementations,
    reason = "a reader shows nothing of itself"
)]
pub enum Source<'s> {
    /// A file, an archive or a folder.
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

/// Imports an RSS, Atom or JSON feed, a Mastodon archive (zip, tar, or unpacked) or an
/// exported feed of ours.
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
    let wish = Wish {
        account,
        now,
        since: options.since,
        profile: options.profile,
        linked: false,
        scratch: home.path(),
    };
    let mut gathered = gather::gather(source, wish, progress)?;
    let plan = compare(home, (account, now), &mut gathered)?;
    progress(Progress::Write((plan.posts.len() + plan.own.len()) as u64));
    if options.dry_run {
        let waiting = plan.posts.iter().map(|post| post.media.len() as u64);
        gathered.tally.media += waiting.sum::<u64>();
        return Ok(gathered.tally.report());
    }
    let changes = take_files(home, now, plan, &mut gathered)?;
    write(home, now, changes, &mut gathered)?;
    Ok(gathered.tally.report())
}

/// What a source would become, without a home: each post as an item, an undated one with
/// the date `now`. Files are not looked at.
///
/// # Errors
/// [`ImportError`].
pub fn preview(
    (account, now): (Account, Millis),
    source: Source<'_>,
    scratch: &Path,
) -> Result<Vec<Item>, ImportError> {
    let wish = Wish {
        account,
        now,
        since: None,
        profile: true,
        linked: false,
        scratch,
    };
    let gathered = gather::gather(source, wish, &mut |_| {})?;
    let empty = MemoryState::new();
    let mut tally = gathered.tally;
    let mut planner = Planner {
        feed: &empty,
        account,
        now,
        scope: &gathered.feed,
        tally: &mut tally,
        fresh: true,
    };
    let planned = planner.plan(gathered.ready).map_err(of_state)?;
    let own = gathered.own.items.into_iter();
    Ok(planned
        .into_iter()
        .map(|post| post.item)
        .chain(own)
        .collect())
}

/// What is new and different.
struct Plan {
    posts: Vec<Planned>,
    /// Versions of an exported feed of the same account.
    own: Vec<Item>,
}

/// Compares with the feed as it is. A home has one writer, so it stays like that.
fn compare(
    home: &Home,
    (account, now): (Account, Millis),
    gathered: &mut Gathered,
) -> Result<Plan, ImportError> {
    let reader = home.store().read()?;
    let feed = reader.feed(account)?;
    let ready = std::mem::take(&mut gathered.ready);
    let own = std::mem::take(&mut gathered.own.items);
    let mut planner = Planner {
        feed: &feed,
        account,
        now,
        scope: &gathered.feed,
        tally: &mut gathered.tally,
        fresh: merge::is_fresh(&feed).map_err(of_state)?,
    };
    let posts = planner.plan(ready).map_err(of_state)?;
    let own = (own, gathered.signed.is_some());
    let own = merge::unknown(&feed, own, &mut gathered.tally).map_err(of_state)?;
    Ok(Plan { posts, own })
}

fn of_state(error: StateError) -> ImportError {
    PublishError::Tree(TreeError::State(error)).into()
}

/// Versions with their files, and a person's pictures.
struct Filled<'h> {
    items: Vec<Item>,
    portraits: (Option<Attachment>, Option<Attachment>),
    stage: Option<Stage<'h>>,
}

/// Takes the files that the plan waits for.
fn take_files<'h>(
    home: &'h Home,
    now: Millis,
    plan: Plan,
    gathered: &mut Gathered,
) -> Result<Filled<'h>, ImportError> {
    let (mut waiting, ready): (Vec<_>, Vec<_>) = plan
        .posts
        .into_iter()
        .partition(|post| !post.media.is_empty());
    let mut items: Vec<Item> = ready.into_iter().map(|post| post.item).collect();
    items.extend(plan.own);
    let portrayed = gathered.own_profile.as_ref().is_some_and(has_picture);
    let named = portrayed || items.iter().any(|item| !item.attachments.is_empty());
    let mut portraits = (None, None);
    let mut stage = None;
    if let Some(vault) = &gathered.vault
        && (named || !waiting.is_empty() || gathered.persona.is_some())
    {
        let mut porter = Porter::new(home, vault, &mut gathered.tally)?;
        for mut post in std::mem::take(&mut waiting) {
            if porter.attach(&mut post)? {
                waiting.push(post);
            }
        }
        if let Some(persona) = &gathered.persona {
            portraits = porter.portraits(persona, now)?;
        }
        let mut taken = porter.finish();
        files::keep(&mut taken, vault, &mut items, &mut gathered.tally)?;
        if let Some(profile) = &mut gathered.own_profile {
            files::keep_portraits(&mut taken, vault, profile)?;
        }
        stage = Some(taken);
    }
    items.extend(waiting.into_iter().map(|post| post.item));
    Ok(Filled {
        items,
        portraits,
        stage,
    })
}

/// Publishes all of it by one change.
fn write(
    home: &Home,
    now: Millis,
    filled: Filled<'_>,
    gathered: &mut Gathered,
) -> Result<(), ImportError> {
    let persona = gathered.persona.take();
    let own_profile = gathered.own_profile.take();
    let tombstones = std::mem::take(&mut gathered.own.tombstones);
    let follows = std::mem::take(&mut gathered.own.follows);
    let after = gathered.signed.unwrap_or(0);
    let when = When {
        after,
        ..When::at(now)
    };
    publish_after(home, when, filled.stage, |feed| {
        let profile = match persona {
            Some(persona) => {
                let old = feed.profile().map_err(TreeError::State)?;
                persona.onto(&old, filled.portraits, now)
            }
            None => own_profile,
        };
        Ok(Changes {
            items: filled.items,
            tombstones,
            profile,
            follows,
        })
    })?;
    Ok(())
}

fn has_picture(profile: &Profile) -> bool {
    profile.files().next().is_some()
}
