//! What a feed's tree is computed from, as its keeper offers it.
//!
//! The store keeps it in a database, tests in memory. All methods see one consistent
//! state, in which earlier writes of the same change are visible.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use super::{
    model::{Follows, Item, ItemId, ItemKey, Profile, Tombstone},
    pages::List,
};

/// The keeper failed; what it says is passed on.
#[derive(Debug, thiserror::Error)]
#[error("the feed's store failed: {0}")]
pub struct StateError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Keys from `after` (exclusive) to `until` (inclusive); `None` is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The last key before the span.
    pub after: Option<ItemKey>,
    /// The last key of the span.
    pub until: Option<ItemKey>,
}

/// The feed of one account.
///
/// Every method fails with [`StateError`] when the keeper cannot read or write.
pub trait FeedState {
    /// All versions of an item, newest first; empty when there is none.
    fn versions(&self, id: ItemId) -> Result<Vec<Item>, StateError>;

    /// Replaces all versions of an item (newest first); an empty list removes it.
    fn put_versions(&mut self, id: ItemId, versions: &[Item]) -> Result<(), StateError>;

    /// The tombstone of an item.
    fn tombstone(&self, id: ItemId) -> Result<Option<Tombstone>, StateError>;

    /// Writes a tombstone, instead of any other of the same item.
    fn put_tombstone(&mut self, tombstone: Tombstone) -> Result<(), StateError>;

    /// The newest versions of the items of a list ([`List::Posts`] or
    /// [`List::Reactions`]) within `span`, ascending.
    fn items(&self, list: List, span: Span) -> Result<Vec<Item>, StateError>;

    /// The tombstones within `span`, ascending.
    fn tombstones(&self, span: Span) -> Result<Vec<Tombstone>, StateError>;

    /// The nearest entry of a list before `key` (exclusive) whose id ends a page.
    fn end_before(&self, list: List, key: ItemKey) -> Result<Option<ItemKey>, StateError>;

    /// The nearest entry of a list after `key` (exclusive) whose id ends a page.
    fn end_after(&self, list: List, key: ItemKey) -> Result<Option<ItemKey>, StateError>;

    /// The profile; an empty one before it was ever written.
    fn profile(&self) -> Result<Profile, StateError>;

    /// Replaces the profile.
    fn put_profile(&mut self, profile: &Profile) -> Result<(), StateError>;

    /// The public follows.
    fn follows(&self) -> Result<Follows, StateError>;

    /// Replaces the public follows.
    fn put_follows(&mut self, follows: &Follows) -> Result<(), StateError>;

    /// The pages of a list by name within `span`, ascending.
    fn pages(&self, list: List, span: Span) -> Result<Vec<ItemKey>, StateError>;

    /// The last page of a list before `key` (exclusive), or the last of all.
    fn page_before(&self, list: List, key: Option<ItemKey>) -> Result<Option<ItemKey>, StateError>;

    /// The first page of a list after `key` (exclusive).
    fn page_after(&self, list: List, key: ItemKey) -> Result<Option<ItemKey>, StateError>;

    /// Adds or removes the name of a page.
    fn put_page(&mut self, list: List, page: ItemKey, present: bool) -> Result<(), StateError>;

    /// Counts `by` more (or fewer) uses of a kept file with `size` bytes, and gives the
    /// greatest size by which the path is in use before and after; `None` when it is not
    /// in use.
    fn count_file(
        &mut self,
        path: &str,
        size: u64,
        by: i64,
    ) -> Result<(Option<u64>, Option<u64>), StateError>;
}

/// A feed in memory: for tests, for small tools, and as the model that every other
/// keeper is compared with.
#[derive(Debug, Default, Clone)]
pub struct MemoryState {
    versions: BTreeMap<ItemId, Vec<Item>>,
    keys: BTreeMap<List, BTreeSet<ItemKey>>,
    dead: BTreeMap<ItemId, Tombstone>,
    profile: Profile,
    follows: Follows,
    pages: BTreeMap<List, BTreeSet<ItemKey>>,
    files: BTreeMap<String, BTreeMap<u64, i64>>,
}

impl MemoryState {
    /// An empty feed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn keys(&self, list: List) -> impl DoubleEndedIterator<Item = &ItemKey> {
        self.keys.get(&list).into_iter().flatten()
    }
}

fn bounds(span: Span) -> (Bound<ItemKey>, Bound<ItemKey>) {
    (
        span.after.map_or(Bound::Unbounded, Bound::Excluded),
        span.until.map_or(Bound::Unbounded, Bound::Included),
    )
}

/// Whether the span holds no key at all (a range over it would panic).
fn is_void(span: Span) -> bool {
    matches!((span.after, span.until), (Some(after), Some(until)) if after >= until)
}

fn within(set: Option<&BTreeSet<ItemKey>>, span: Span) -> Vec<ItemKey> {
    match set {
        Some(set) if !is_void(span) => set.range(bounds(span)).copied().collect(),
        _ => Vec::new(),
    }
}

impl FeedState for MemoryState {
    fn versions(&self, id: ItemId) -> Result<Vec<Item>, StateError> {
        Ok(self.versions.get(&id).cloned().unwrap_or_default())
    }

    fn put_versions(&mut self, id: ItemId, versions: &[Item]) -> Result<(), StateError> {
        if let Some(old) = self
            .versions
            .remove(&id)
            .and_then(|old| old.into_iter().next())
        {
            self.keys
                .entry(List::of(&old))
                .or_default()
                .remove(&old.key());
        }
        if let Some(new) = versions.first() {
            self.keys
                .entry(List::of(new))
                .or_default()
                .insert(new.key());
            self.versions.insert(id, versions.to_vec());
        }
        Ok(())
    }

    fn tombstone(&self, id: ItemId) -> Result<Option<Tombstone>, StateError> {
        Ok(self.dead.get(&id).copied())
    }

    fn put_tombstone(&mut self, tombstone: Tombstone) -> Result<(), StateError> {
        let keys = self.keys.entry(List::Tombstones).or_default();
        if let Some(old) = self.dead.insert(tombstone.id, tombstone) {
            keys.remove(&old.key());
        }
        keys.insert(tombstone.key());
        Ok(())
    }

    fn items(&self, list: List, span: Span) -> Result<Vec<Item>, StateError> {
        let keys = within(self.keys.get(&list), span);
        let newest = |key: &ItemKey| self.versions.get(&key.id).and_then(|v| v.first()).cloned();
        Ok(keys.iter().filter_map(newest).collect())
    }

    fn tombstones(&self, span: Span) -> Result<Vec<Tombstone>, StateError> {
        let keys = within(self.keys.get(&List::Tombstones), span);
        Ok(keys
            .iter()
            .map(|key| Tombstone {
                date: key.date,
                id: key.id,
            })
            .collect())
    }

    fn end_before(&self, list: List, key: ItemKey) -> Result<Option<ItemKey>, StateError> {
        Ok(self
            .keys(list)
            .rev()
            .find(|k| **k < key && k.id.ends_page())
            .copied())
    }

    fn end_after(&self, list: List, key: ItemKey) -> Result<Option<ItemKey>, StateError> {
        Ok(self
            .keys(list)
            .find(|k| **k > key && k.id.ends_page())
            .copied())
    }

    fn profile(&self) -> Result<Profile, StateError> {
        Ok(self.profile.clone())
    }

    fn put_profile(&mut self, profile: &Profile) -> Result<(), StateError> {
        self.profile = profile.clone();
        Ok(())
    }

    fn follows(&self) -> Result<Follows, StateError> {
        Ok(self.follows.clone())
    }

    fn put_follows(&mut self, follows: &Follows) -> Result<(), StateError> {
        self.follows = follows.clone();
        Ok(())
    }

    fn pages(&self, list: List, span: Span) -> Result<Vec<ItemKey>, StateError> {
        Ok(within(self.pages.get(&list), span))
    }

    fn page_before(&self, list: List, key: Option<ItemKey>) -> Result<Option<ItemKey>, StateError> {
        let pages = self.pages.get(&list).into_iter().flatten().rev();
        Ok(pages
            .copied()
            .find(|page| key.is_none_or(|key| *page < key)))
    }

    fn page_after(&self, list: List, key: ItemKey) -> Result<Option<ItemKey>, StateError> {
        let mut pages = self.pages.get(&list).into_iter().flatten();
        Ok(pages.find(|page| **page > key).copied())
    }

    fn put_page(&mut self, list: List, page: ItemKey, present: bool) -> Result<(), StateError> {
        let pages = self.pages.entry(list).or_default();
        if present {
            pages.insert(page);
        } else {
            pages.remove(&page);
        }
        Ok(())
    }

    fn count_file(
        &mut self,
        path: &str,
        size: u64,
        by: i64,
    ) -> Result<(Option<u64>, Option<u64>), StateError> {
        let greatest = |sizes: &BTreeMap<u64, i64>| {
            let mut used = sizes.iter().rev().filter(|(_, uses)| **uses > 0);
            used.next().map(|(size, _)| *size)
        };
        let sizes = self.files.entry(path.to_owned()).or_default();
        let before = greatest(sizes);
        *sizes.entry(size).or_default() += by;
        sizes.retain(|_, uses| *uses != 0);
        let now = greatest(sizes);
        if sizes.is_empty() {
            self.files.remove(path);
        }
        Ok((before, now))
    }
}
