//! Pages: where the sorted list of entries is cut.
//!
//! A page ends after an entry whose id says so ([`ItemId::ends_page`]), which makes the
//! cuts a property of the entries and not of the order in which they came. A *run* is
//! what lies between two such ends; a run that is too long or too heavy is cut further,
//! from its beginning. A page is named by the key of its first entry.

use super::model::{Item, ItemId, ItemKey, Tombstone};
use crate::limits;

/// Something that stands in a list and is cut into pages.
pub trait Entry {
    /// Its place.
    fn key(&self) -> ItemKey;
    /// How much of a page it fills, in [`limits::PAGE_WEIGHT`] units (about bytes).
    fn weight(&self) -> usize;
}

impl Entry for Item {
    fn key(&self) -> ItemKey {
        Self::key(self)
    }

    fn weight(&self) -> usize {
        let bytes = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let labels = &self.labels;
        let tags: usize = labels.tags.iter().map(String::len).sum();
        let attached = self.attachments.iter();
        let attached: usize = attached.map(|a| 256 + a.alt.len() + bytes(&a.title)).sum();
        let more: usize = self
            .more
            .iter()
            .map(|(name, text)| name.len() + text.len())
            .sum();
        256 + self.text.len() + bytes(&self.title) + bytes(&labels.warning) + tags + more + attached
    }
}

impl Entry for Tombstone {
    fn key(&self) -> ItemKey {
        Self::key(self)
    }

    fn weight(&self) -> usize {
        64
    }
}

/// Cuts a run, in ascending order, into pages: the index at which each page begins.
pub fn cut<E: Entry>(run: &[E]) -> Vec<usize> {
    let mut starts = Vec::new();
    let (mut count, mut weight) = (0, 0);
    let mut ended = true;
    for (at, entry) in run.iter().enumerate() {
        let full = count == limits::PAGE_ITEMS || weight + entry.weight() > limits::PAGE_WEIGHT;
        if ended || full {
            starts.push(at);
            (count, weight) = (0, 0);
        }
        count += 1;
        weight += entry.weight();
        ended = entry.key().id.ends_page();
    }
    starts
}

/// The lists of a feed that are cut into pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum List {
    /// Posts, replies, reposts, quotes: `archive/`.
    Posts,
    /// Likes and votes: `reactions/`.
    Reactions,
    /// Deleted items: `tombstones/`.
    Tombstones,
}

impl List {
    /// Every list.
    pub const ALL: [Self; 3] = [Self::Posts, Self::Reactions, Self::Tombstones];

    /// The folder of its pages.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Posts => "archive",
            Self::Reactions => "reactions",
            Self::Tombstones => "tombstones",
        }
    }

    /// The list that an item stands in.
    #[must_use]
    pub fn of(item: &Item) -> Self {
        if item.kind.is_post() {
            Self::Posts
        } else {
            Self::Reactions
        }
    }
}

/// The key before every other with the same or a later date.
#[must_use]
pub fn first_key() -> ItemKey {
    ItemKey {
        date: 0,
        id: ItemId([0; 10]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::model::{Attachment, File};

    fn item(n: u32, text: usize) -> Item {
        let mut id = [0; 10];
        id[..4].copy_from_slice(&n.to_be_bytes());
        Item::new(ItemId(id), u64::from(n), "x".repeat(text))
    }

    #[test]
    fn cuts_are_local() {
        let run: Vec<Item> = (0..5000).map(|n| item(n, 10)).collect();
        let starts = cut(&run);
        assert!(
            (5000 / 128..5000 / 32).contains(&starts.len()),
            "{} pages",
            starts.len()
        );
        // Without its first item the list has the same cuts behind the first page.
        let shorter: Vec<usize> = cut(&run[1..]).iter().map(|at| at + 1).collect();
        assert_eq!(starts[1..], shorter[1..]);
    }

    #[test]
    fn every_text_has_its_weight() {
        let file = File {
            path: String::new(),
            size: 1,
            mime: String::new(),
            pixels: None,
        };
        let mut item = item(1, 10);
        assert_eq!(item.weight(), 266);
        item.title = Some("abc".into());
        item.labels.warning = Some("abcd".into());
        item.labels.tags = vec!["a".into(), "é".into()];
        assert_eq!(item.weight(), 276);
        item.attachments = vec![Attachment::new(file.clone(), "12345"); 2];
        item.attachments.push(Attachment {
            title: Some("title".into()),
            ..Attachment::new(file, "")
        });
        assert_eq!(item.weight(), 276 + 2 * 261 + 261);
        item.more = [("a.b".into(), "12".into()), ("c".into(), "3".into())].into();
        assert_eq!(item.weight(), 276 + 2 * 261 + 261 + 7);
    }

    #[test]
    fn heavy_and_long_runs_are_cut() {
        let heavy: Vec<Item> = (0..20).map(|n| item(n, limits::TEXT_BYTES)).collect();
        assert_eq!(cut(&heavy).len(), 20);
        let calm: Vec<Item> = (0..200_000)
            .map(|n| item(n, 0))
            .filter(|i| !i.id.ends_page())
            .take(1000)
            .collect();
        assert_eq!(cut(&calm), [0, 256, 512, 768]);
    }
}
