//! The tree: which files a change touches, and what they become.
//!
//! [`merge`] takes a change into the state and says which paths of the tree are now
//! different. It renders only the pages that hold a changed item, their successor (which
//! links back by name) and the live feed, so publishing costs the same behind a thousand
//! posts and a million. The result depends on the set of items alone: any history that
//! ends in the same set gives the same paths, hence the same root.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
};

use super::{
    error::{Budget, TreeError},
    live::{live_files, renderer, with_head},
    model::{File, Item, ItemId, ItemKey},
    page::Archive,
    pages::{List, cut},
    render,
    set::{Changes, merge_follows, merge_profiles, merge_tombstones, merge_versions},
    state::{FeedState, Span},
};
use crate::{
    account::Account,
    dag::{
        block::{Block, Link},
        cid::Cid,
        file::{self, BlockSink, FileBuilder, Leaf},
    },
};

/// Paths of the tree that are now different, in order; `None` where there is nothing any
/// more.
pub type PathChanges = BTreeMap<String, Option<Link>>;

/// Takes `changes` into `state` and gives the paths that are different now.
///
/// Items must have passed [`check`](super::check). Applying a change twice gives no
/// different tree.
///
/// # Errors
/// [`TreeError`]; the state must then be rolled back.
pub fn merge(
    state: &mut dyn FeedState,
    account: Account,
    changes: &Changes,
    budget: Budget,
) -> Result<PathChanges, TreeError> {
    let mut work = Work::new(account, budget);
    work.take(state, changes)?;
    work.write_head(state)?;
    Ok(work.paths)
}

/// Takes `changes` into `state` as [`merge`] does, and renders nothing: for whoever has the
/// tree from elsewhere. Gives the kept files that came and went.
///
/// # Errors
/// [`TreeError`]; the state must then be rolled back.
pub fn gather(
    state: &mut dyn FeedState,
    account: Account,
    changes: &Changes,
) -> Result<PathChanges, TreeError> {
    let mut work = Work::new(account, Budget::OWN);
    work.renders = false;
    work.take(state, changes)?;
    work.paths.retain(|path, _| path.starts_with("media/"));
    Ok(work.paths)
}

/// A change being taken in.
struct Work {
    account: Account,
    renders: bool,
    budget: Budget,
    pages_left: usize,
    paths: PathChanges,
    /// Places whose entry is new, gone or different.
    touched: BTreeMap<List, BTreeSet<ItemKey>>,
    /// Items whose versions are different, with the older ones.
    changed: BTreeMap<ItemId, Vec<Item>>,
    /// Kept files that are used more or less often than before.
    files: BTreeMap<(String, u64), i64>,
}

impl Work {
    fn new(account: Account, budget: Budget) -> Self {
        Self {
            account,
            renders: true,
            budget,
            pages_left: budget.pages,
            paths: PathChanges::new(),
            touched: BTreeMap::new(),
            changed: BTreeMap::new(),
            files: BTreeMap::new(),
        }
    }

    /// All but the live feed.
    fn take(&mut self, state: &mut dyn FeedState, changes: &Changes) -> Result<(), TreeError> {
        self.merge_tombstones(state, changes)?;
        self.merge_items(state, changes)?;
        self.merge_about(state, changes)?;
        self.count_files(state)?;
        List::ALL
            .into_iter()
            .try_for_each(|list| self.rewrite(state, list))
    }

    fn merge_tombstones(
        &mut self,
        state: &mut dyn FeedState,
        changes: &Changes,
    ) -> Result<(), TreeError> {
        for tombstone in &changes.tombstones {
            let old = state.tombstone(tombstone.id)?;
            let new = old.map_or(*tombstone, |old| merge_tombstones(old, *tombstone));
            if old == Some(new) {
                continue;
            }
            let touched = self.touched.entry(List::Tombstones).or_default();
            touched.extend(old.map(|old| old.key()));
            touched.insert(new.key());
            state.put_tombstone(new)?;
            let versions = state.versions(new.id)?;
            if let Some(item) = versions.first() {
                self.leave(item);
                state.put_versions(new.id, &[])?;
            }
        }
        Ok(())
    }

    fn merge_items(
        &mut self,
        state: &mut dyn FeedState,
        changes: &Changes,
    ) -> Result<(), TreeError> {
        let mut incoming: Vec<&Item> = changes.items.iter().collect();
        incoming.sort_by_key(|item| item.id);
        let mut groups: Vec<&[&Item]> = incoming.chunk_by(|a, b| a.id == b.id).collect();
        // In the order of the list, which is how a keeper takes them in best.
        groups.sort_by_key(|versions| versions.first().map(|item| item.key()));
        for versions in groups {
            let Some(id) = versions.first().map(|item| item.id) else {
                continue;
            };
            if state.tombstone(id)?.is_some() {
                continue;
            }
            let old = state.versions(id)?;
            let all = versions.iter().copied().chain(&old).cloned().collect();
            let new = merge_versions(all);
            if new == old {
                continue;
            }
            state.put_versions(id, &new)?;
            if let Some(item) = old.first() {
                self.leave(item);
            }
            if let Some((item, older)) = new.split_first() {
                self.enter(item);
                self.changed.insert(id, older.to_vec());
            }
        }
        Ok(())
    }

    /// An item, or this version of it, is no longer shown.
    fn leave(&mut self, item: &Item) {
        self.touched
            .entry(List::of(item))
            .or_default()
            .insert(item.key());
        self.paths
            .insert(format!("posts/{}/index.html", item.id), None);
        self.paths
            .insert(format!("posts/{}/history.json", item.id), None);
        self.use_files(item.files(), -1);
    }

    /// An item, or this version of it, is shown now.
    fn enter(&mut self, item: &Item) {
        self.touched
            .entry(List::of(item))
            .or_default()
            .insert(item.key());
        self.use_files(item.files(), 1);
    }

    fn use_files<'a>(&mut self, files: impl Iterator<Item = &'a File>, by: i64) {
        for file in files {
            *self
                .files
                .entry((file.path.clone(), file.size))
                .or_default() += by;
        }
    }

    /// Profile and follows.
    fn merge_about(
        &mut self,
        state: &mut dyn FeedState,
        changes: &Changes,
    ) -> Result<(), TreeError> {
        let old = state.profile()?;
        let new = match &changes.profile {
            Some(profile) => merge_profiles(old.clone(), profile.clone()),
            None => old.clone(),
        };
        if new != old {
            self.use_files(old.files(), -1);
            self.use_files(new.files(), 1);
            state.put_profile(&new)?;
        }
        if !changes.follows.is_empty() {
            let follows = merge_follows(state.follows()?, changes.follows.clone());
            state.put_follows(&follows)?;
        }
        Ok(())
    }

    /// Files come into the tree with their first use and leave it with their last. Where
    /// items give one path several sizes, the greatest stands in the tree: some rule must
    /// decide, and it may not be who came first.
    fn count_files(&mut self, state: &mut dyn FeedState) -> Result<(), TreeError> {
        for ((path, size), by) in std::mem::take(&mut self.files) {
            if by == 0 {
                continue;
            }
            let (before, now) = state.count_file(&path, size, by)?;
            if before == now {
                continue;
            }
            let link = match now {
                Some(size) => Some(Link {
                    cid: cid_of_path(&path)?,
                    tsize: file::tsize_of(size),
                }),
                None => None,
            };
            self.paths.insert(path, link);
        }
        Ok(())
    }

    /// Cuts and renders what lies around the touched places of a list.
    fn rewrite(&mut self, state: &mut dyn FeedState, list: List) -> Result<(), TreeError> {
        let keys = self.touched.remove(&list).unwrap_or_default();
        let mut done: Option<Span> = None;
        let mut successors = BTreeSet::new();
        let mut written = BTreeSet::new();
        for key in keys {
            // A touched end of a run changes the run behind it as well.
            if done.is_some_and(|span| span.until.is_none_or(|until| key < until)) {
                continue;
            }
            let span = Span {
                after: state.end_before(list, key)?,
                until: state.end_after(list, key)?,
            };
            done = Some(span);
            written.extend(span.after);
            let last = self.rewrite_span(state, list, span)?;
            if let Some(until) = span.until
                && last
            {
                successors.insert(until);
            }
        }
        if list == List::Posts && self.renders {
            // What was written after the page before it has its new name already.
            successors.retain(|until| !written.contains(until));
            self.rewrite_successors(state, &successors)?;
        }
        Ok(())
    }

    /// Renders the pages within `span`; says whether its last page has another name now.
    fn rewrite_span(
        &mut self,
        state: &mut dyn FeedState,
        list: List,
        span: Span,
    ) -> Result<bool, TreeError> {
        if list == List::Tombstones {
            let all = state.tombstones(span)?;
            let pages = split(&all, &cut(&all));
            for page in pages.iter().take(self.rendered(pages.len())) {
                self.spend_page()?;
                let key = page[0].key();
                self.write(render::tombstone_file(1, &self.account, &key, page)?)?;
            }
            return self.rename_pages(state, list, span, pages.iter().map(|page| page[0].key()));
        }
        let all = state.items(list, span)?;
        let pages = split(&all, &cut(&all));
        let renamed =
            self.rename_pages(state, list, span, pages.iter().map(|page| page[0].key()))?;
        for (at, page) in pages.iter().enumerate().take(self.rendered(pages.len())) {
            let previous = state.page_before(list, Some(page[0].key()))?;
            let open = span.until.is_none() && at + 1 == pages.len();
            self.write_page(list, page, previous, open)?;
        }
        Ok(renamed)
    }

    /// Makes `new` the pages within `span`; says whether the last one has another name.
    fn rename_pages(
        &mut self,
        state: &mut dyn FeedState,
        list: List,
        span: Span,
        new: impl Iterator<Item = ItemKey>,
    ) -> Result<bool, TreeError> {
        let old = state.pages(list, span)?;
        let new: BTreeSet<ItemKey> = new.collect();
        for gone in old.iter().filter(|key| !new.contains(key)) {
            self.remove_page(list, *gone);
            state.put_page(list, *gone, false)?;
        }
        for page in &new {
            state.put_page(list, *page, true)?;
        }
        Ok(old.last() != new.last())
    }

    fn write_page(
        &mut self,
        list: List,
        page: &[Item],
        previous: Option<ItemKey>,
        open: bool,
    ) -> Result<(), TreeError> {
        self.spend_page()?;
        let (Some(first), Some(last)) = (page.first(), page.last()) else {
            return Ok(());
        };
        let version = renderer(page);
        if list == List::Reactions {
            let files = render::reaction_file(version, &self.account, &first.key(), page)?;
            return self.write(files);
        }
        let mut entries = Vec::with_capacity(page.len());
        for item in page.iter().rev() {
            entries.push(render::entry(version, item)?);
        }
        for entry in &entries {
            if let Some(older) = self.changed.remove(&entry.item.id) {
                let files = render::own_item_files(version, &self.account, entry, &older)?;
                self.write(files)?;
            }
        }
        // The newest page is shown by the live feed alone, until something ends it.
        if open && !last.id.ends_page() {
            self.remove_page(list, first.key());
            return Ok(());
        }
        let archive = Archive {
            account: self.account,
            key: first.key(),
            previous,
            entries: &entries,
        };
        self.write(render::archive_files(version, &archive)?)
    }

    fn remove_page(&mut self, list: List, key: ItemKey) {
        let endings: &[&str] = if list == List::Posts {
            &["json", "xml", "html"]
        } else {
            &["json"]
        };
        for ending in endings {
            self.paths
                .insert(format!("{}/{key}.{ending}", list.folder()), None);
        }
    }

    /// A page names the one before it: when that got another name, it is rendered anew.
    fn rewrite_successors(
        &mut self,
        state: &mut dyn FeedState,
        after: &BTreeSet<ItemKey>,
    ) -> Result<(), TreeError> {
        for until in after {
            let Some(key) = state.page_after(List::Posts, *until)? else {
                continue;
            };
            let next = state.page_after(List::Posts, key)?;
            let span = Span {
                after: Some(*until),
                until: next.and_then(ItemKey::before),
            };
            let page = state.items(List::Posts, span)?;
            self.write_page(
                List::Posts,
                &page,
                state.page_before(List::Posts, Some(key))?,
                next.is_none(),
            )?;
        }
        Ok(())
    }

    fn write_head(&mut self, state: &dyn FeedState) -> Result<(), TreeError> {
        let follows = state.follows()?;
        let files = with_head(state, self.account, |version, head| {
            live_files(version, head, &follows)
        })?;
        self.write(files)
    }

    /// Of so many pages, how many are rendered.
    fn rendered(&self, pages: usize) -> usize {
        if self.renders { pages } else { 0 }
    }

    fn spend_page(&mut self) -> Result<(), TreeError> {
        self.pages_left = self
            .pages_left
            .checked_sub(1)
            .ok_or(TreeError::Budget(self.budget))?;
        Ok(())
    }

    fn write(&mut self, files: Vec<(String, Vec<u8>)>) -> Result<(), TreeError> {
        for (path, bytes) in files {
            if bytes.len() > self.budget.page_bytes {
                return Err(TreeError::Budget(self.budget));
            }
            self.paths.insert(path, Some(link_of(&bytes)));
        }
        Ok(())
    }
}

/// What a directory says of a file with these bytes.
#[must_use]
pub fn link_of(bytes: &[u8]) -> Link {
    let mut builder = FileBuilder::new();
    let dag = builder
        .push(bytes, &mut Forget)
        .and_then(|()| builder.finish(&mut Forget));
    match dag {
        Ok(dag) => Link {
            cid: dag.cid,
            tsize: dag.tsize,
        },
        Err(never) => match never {},
    }
}

/// Takes the blocks of a file that is rendered again whenever it is asked for.
struct Forget;

impl BlockSink for Forget {
    type Error = Infallible;

    fn leaf(&mut self, _: Leaf<'_>) -> Result<(), Infallible> {
        Ok(())
    }

    fn node(&mut self, _: Block) -> Result<(), Infallible> {
        Ok(())
    }
}

fn split<'a, T>(all: &'a [T], starts: &[usize]) -> Vec<&'a [T]> {
    let ends = starts.iter().skip(1).copied().chain([all.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| &all[*start..end])
        .collect()
}

/// The CID in `media/YYYY/MM/CID.ext`.
fn cid_of_path(path: &str) -> Result<Cid, TreeError> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let cid = name.split('.').next().unwrap_or(name);
    cid.parse().map_err(|source| TreeError::Path {
        path: path.to_owned(),
        source,
    })
}
