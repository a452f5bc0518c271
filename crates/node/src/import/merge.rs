//! What an import changes: each post of the source against what the feed has of it.
//!
//! Importing twice changes nothing the second time. A post that is different in its
//! source becomes a new version; one that its author edited here since keeps the edit;
//! one that was deleted here stays deleted.

use std::collections::{HashMap, HashSet};

use ourspace_protocol::{
    account::Account,
    feed::{
        check,
        model::{Item, ItemId, Kind, Target},
        pages::List,
        set::adds_nothing,
        state::{FeedState, StateError},
    },
    time::Millis,
};

use super::{
    convert::{Ready, UNDATED, about_own, about_url},
    draft::Media,
    report::Tally,
    scope::{Scope, everywhere},
};

/// A version that shall come into the feed, and the files that it waits for.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) item: Item,
    pub(super) media: Vec<Media>,
    /// Of a post of which nothing is new but perhaps files: the names of all that any
    /// version of it had. It is added only when one is not among them.
    pub(super) had: Option<HashSet<String>>,
}

/// The files of a post that its source names.
#[derive(Debug, Clone, Copy)]
struct Files {
    /// How many of them are there.
    count: usize,
    /// Whether there are others, which the source does not hold.
    missing: bool,
}

/// What a file is called wherever it lies: its CID.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What a source is compared with.
pub(super) struct Planner<'p> {
    pub(super) feed: &'p dyn FeedState,
    pub(super) account: Account,
    pub(super) now: Millis,
    /// Whose names bare ones are.
    pub(super) scope: &'p Scope,
    pub(super) tally: &'p mut Tally,
    /// Whether the feed is empty: then nothing need be looked for in it.
    pub(super) fresh: bool,
}

/// Whether a feed has no post and no trace of one.
///
/// # Errors
/// What `feed` says.
pub(super) fn is_fresh(feed: &dyn FeedState) -> Result<bool, StateError> {
    for list in List::ALL {
        if feed.page_before(list, None)?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Planner<'_> {
    /// Finds out what is new and different; gives the versions to add to the feed.
    ///
    /// # Errors
    /// What the feed says.
    pub(super) fn plan(&mut self, mut ready: Vec<Ready>) -> Result<Vec<Planned>, StateError> {
        for post in &mut ready {
            if let Some(bare) = post.bare.take() {
                post.item.id = self.scope.id_of(&bare);
            }
        }
        single(&mut ready, self.tally);
        self.thread(&mut ready)?;
        let mut planned = Vec::new();
        let mut latest = self.now;
        for Ready {
            item,
            media,
            missing,
            ..
        } in ready
        {
            let count = media.len();
            let files = Files { count, missing };
            if let Some((item, had)) = self.one(item, files, &mut latest)? {
                planned.push(Planned { item, media, had });
            }
        }
        Ok(planned)
    }

    fn versions(&self, id: ItemId) -> Result<Vec<Item>, StateError> {
        match self.fresh {
            true => Ok(Vec::new()),
            false => self.feed.versions(id),
        }
    }

    /// The version of one post to add, if any.
    fn one(
        &mut self,
        mut item: Item,
        files: Files,
        latest: &mut Millis,
    ) -> Result<Option<Version>, StateError> {
        if !self.fresh && self.feed.tombstone(item.id)?.is_some() {
            self.tally.deleted += 1;
            return Ok(None);
        }
        let versions = self.versions(item.id)?;
        if item.date == UNDATED {
            item.date = match versions.first() {
                Some(known) => known.date,
                None => {
                    // The first in a source is the newest.
                    *latest = latest.saturating_sub(1);
                    *latest
                }
            };
        }
        let Some((item, had)) = version(item, (&versions, files), self.now) else {
            return Ok(None);
        };
        if let Err(error) = check::item(&item) {
            self.tally.invalid += 1;
            self.tally.warn(format!("{}: {error}", name(&item)));
            return Ok(None);
        }
        match versions.is_empty() {
            true => self.tally.added += 1,
            false => self.tally.updated += 1,
        }
        Ok(Some((item, had)))
    }

    /// Says of each post what it is about: an item of the own feed where that is known,
    /// else a page of the web.
    fn thread(&mut self, ready: &mut [Ready]) -> Result<(), StateError> {
        if ready.iter().all(|post| post.about.is_none()) {
            return Ok(());
        }
        let here: HashSet<ItemId> = ready.iter().map(|ready| ready.item.id).collect();
        let mut parents: HashMap<ItemId, ItemId> = HashMap::new();
        for post in ready.iter_mut() {
            let Some(reference) = post.about.take() else {
                continue;
            };
            let id = reference.identity.as_deref().map(|name| {
                everywhere(self.account, name).unwrap_or_else(|| self.scope.id_of(name))
            });
            let known = match id.filter(|id| *id != post.item.id) {
                Some(id) if here.contains(&id) => Some(id),
                Some(id) if !self.versions(id)?.is_empty() => Some(id),
                _ => None,
            };
            post.item.about = match known {
                Some(id) => {
                    parents.insert(post.item.id, id);
                    Some(about_own(self.account, id))
                }
                None => about_url(&reference),
            };
            if post.item.about.is_none() && post.item.kind != Kind::Repost {
                self.tally.unknown_reply += 1;
                post.item.kind = Kind::Post;
            }
        }
        for post in ready.iter_mut() {
            if let Some(about) = &mut post.item.about
                && post.item.kind == Kind::Reply
                && let Some(root) = root(&parents, post.item.id)
            {
                let root = Target::Item(self.account, root);
                about.thread = (root != about.target).then_some(root);
            }
        }
        Ok(())
    }
}

/// Answers upon answers that are followed to find the first post of a thread.
const THREAD: usize = 10_000;

/// The first post of the thread that a post belongs to.
fn root(parents: &HashMap<ItemId, ItemId>, id: ItemId) -> Option<ItemId> {
    let mut top = *parents.get(&id)?;
    for _ in 0..THREAD {
        match parents.get(&top) {
            Some(above) => top = *above,
            None => return Some(top),
        }
    }
    None
}

/// What a post is called in a warning.
fn name(item: &Item) -> String {
    let origin = item.origin.as_ref().or(item.title.as_ref());
    origin.map_or_else(|| format!("a post of {}", item.date), Clone::clone)
}

/// A version to add, and what [`Planned::had`] says.
type Version = (Item, Option<HashSet<String>>);

/// The version to add beside those that the feed has (newest first); `None` when it has
/// this one.
fn version(mut item: Item, (versions, media): (&[Item], Files), now: Millis) -> Option<Version> {
    let Some(newest) = versions.first() else {
        return Some((item, None));
    };
    // Of the files that a source names, some may not have been fit for a feed, or not have
    // been there.
    let files = |known: &Item| {
        let fewer = match media.count {
            _ if media.missing => true,
            0 => {
                let named = |file| item.attachments.contains(file);
                known.attachments.iter().all(named)
            }
            count => known.attachments.len() <= count,
        };
        let not_later = item.written.is_none_or(|at| at <= known.written());
        known.attachments == item.attachments || fewer && not_later
    };
    let mut seen = versions.iter().filter(|known| same(known, &item));
    if seen.clone().any(files) {
        let lacks = seen.all(|known| known.attachments.len() < media.count);
        return lacks.then(|| with_files(versions, newest, now));
    }
    // Not a word of it was seen here before, so its source was edited after the last
    // import: when, the source may say.
    let edited = item.written.filter(|at| *at > newest.written());
    let edited = edited.unwrap_or(now).max(newest.written() + 1);
    item.written = (edited != item.date).then_some(edited);
    item.edits = newest.edits.saturating_add(1);
    Some((item, None))
}

/// The newest version once more, to get the files that were not there at an earlier
/// import. What its author has changed in it here stays.
fn with_files(versions: &[Item], newest: &Item, now: Millis) -> Version {
    let mut item = newest.clone();
    item.written = Some(now.max(newest.written() + 1));
    item.edits = newest.edits.saturating_add(1);
    let all = versions.iter().flat_map(|known| &known.attachments);
    let had = all.map(|known| file_name(&known.file.path).to_owned());
    (item, Some(had.collect()))
}

/// Whether two versions say the same, but for their files, whenever each was written.
fn same(a: &Item, b: &Item) -> bool {
    a.kind == b.kind
        && a.date == b.date
        && a.title == b.title
        && a.text == b.text
        && a.labels == b.labels
        && a.about == b.about
        && a.origin == b.origin
}

/// Of the items of an exported feed of the same account, those that the feed does not
/// have in this version. Of a feed that is `signed` every difference counts, of another
/// not the files: they may be missing there.
///
/// # Errors
/// What `feed` says.
pub(super) fn unknown(
    feed: &dyn FeedState,
    (items, signed): (Vec<Item>, bool),
    tally: &mut Tally,
) -> Result<Vec<Item>, StateError> {
    let mut new = Vec::new();
    let mut counted = HashSet::new();
    for item in items {
        if feed.tombstone(item.id)?.is_some() {
            tally.deleted += u64::from(counted.insert(item.id));
            continue;
        }
        let known = feed.versions(item.id)?;
        let kept = |known: &Item| known.written() == item.written() && same(known, &item);
        let kept = match signed {
            true => adds_nothing(&known, std::slice::from_ref(&item)),
            false => known.iter().any(kept),
        };
        if kept {
            continue;
        }
        if counted.insert(item.id) {
            match known.is_empty() {
                true => tally.added += 1,
                false => tally.updated += 1,
            }
        }
        new.push(item);
    }
    Ok(new)
}

/// Makes every id stand for one post. Two posts of one name with different addresses are
/// two posts (feeds that give all of theirs one GUID); else they are one that is there
/// twice, and its newest version stays.
fn single(ready: &mut Vec<Ready>, tally: &mut Tally) {
    let mut first: HashMap<ItemId, usize> = HashMap::with_capacity(ready.len());
    let mut several: HashSet<ItemId> = HashSet::new();
    for (at, post) in ready.iter().enumerate() {
        let known = *first.entry(post.item.id).or_insert(at);
        let other = ready.get(known).and_then(|post| post.item.origin.as_ref());
        if known != at && other != post.item.origin.as_ref() {
            several.insert(post.item.id);
        }
    }
    if first.len() == ready.len() {
        return;
    }
    for post in ready.iter_mut() {
        if several.contains(&post.item.id) {
            let origin = post.item.origin.clone().unwrap_or_default();
            post.item.id = ItemId::of_import(&format!("{}\n{origin}", post.item.id));
        }
    }
    // One without a date says nothing about when it was written: any other is newer.
    let written = |post: &Ready| Some(post.item.written()).filter(|at| *at != UNDATED);
    let mut newest: HashMap<ItemId, Option<Millis>> = HashMap::with_capacity(ready.len());
    for post in ready.iter() {
        let known = newest.entry(post.item.id).or_insert(None);
        *known = written(post).max(*known);
    }
    ready.retain(|post| {
        // The first with the newest version takes the place.
        let stays = newest.get(&post.item.id) == Some(&written(post));
        if stays {
            newest.remove(&post.item.id);
        } else {
            tally.twice += 1;
        }
        stays
    });
}
