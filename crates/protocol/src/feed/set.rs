//! Merging: how any number of histories become one set, whatever order they come in.
//!
//! An item is the set of its versions, the newest of which is shown. A tombstone beats
//! them all. Profile fields and follows go to the last writer. Every rule here is
//! commutative, associative and idempotent, which is what makes two devices agree.

use std::collections::BTreeMap;

use serde::Serialize;

use super::model::{Follows, Item, Profile, Stamped, Tombstone, canonical};
use crate::{hash::sha256, limits, time::Millis};

/// A change to a feed: what an author does, what a delta carries, what another device's
/// feed adds. Applying it twice changes nothing more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// New items and new versions of items.
    pub items: Vec<Item>,
    /// Items deleted.
    pub tombstones: Vec<Tombstone>,
    /// The profile, whole, if any of it changed.
    pub profile: Option<Profile>,
    /// The rows of the follows that changed.
    pub follows: Follows,
}

impl Changes {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The newest instant that any of it names; 0 when there is none.
    #[must_use]
    pub fn newest(&self) -> Millis {
        let items = self.items.iter().map(|item| item.date.max(item.written()));
        let dead = self.tombstones.iter().map(|tombstone| tombstone.date);
        let profile = self.profile.iter().map(Profile::written);
        let follows = self.follows.values().map(|row| row.written);
        let all = items.chain(dead).chain(profile).chain(follows);
        all.max().unwrap_or(0)
    }
}

/// The versions of one item out of any number of them: newest first, without repetitions,
/// at most the newest and [`limits::OLDER_VERSIONS`] more.
///
/// A like or vote has no history, so of those only the newest is kept, and none at all
/// beside a version that is a post: no device may end with a history that another drops.
#[must_use]
pub fn merge_versions(versions: Vec<Item>) -> Vec<Item> {
    // To rank means to serialise and hash.
    if versions.len() < 2 {
        return versions;
    }
    let mut ranked: Vec<(Rank, Item)> = versions
        .into_iter()
        .map(|item| (rank(item.written(), &item), item))
        .collect();
    ranked.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    ranked.dedup_by(|a, b| a.0 == b.0);
    if ranked.iter().any(|(_, item)| item.kind.is_post()) {
        ranked.retain(|(_, item)| item.kind.is_post());
        ranked.truncate(1 + limits::OLDER_VERSIONS);
    } else {
        ranked.truncate(1);
    }
    ranked.into_iter().map(|(_, item)| item).collect()
}

/// Whether an item of which a feed keeps the versions `known` stays as it is when
/// `versions` are added.
#[must_use]
pub fn adds_nothing(known: &[Item], versions: &[Item]) -> bool {
    if versions.iter().all(|version| known.contains(version)) {
        return true;
    }
    !known.is_empty() && merge_versions([known, versions].concat()) == known
}

/// The tombstone of an item that was deleted more than once: the earliest.
#[must_use]
pub fn merge_tombstones(a: Tombstone, b: Tombstone) -> Tombstone {
    if a.date <= b.date { a } else { b }
}

/// The profile of both: each field by its last writer, and so each named text; of more
/// than [`limits::MORE_ENTRIES`] of these the ones written last.
#[must_use]
pub fn merge_profiles(a: Profile, b: Profile) -> Profile {
    Profile {
        display_name: last_written(a.display_name, b.display_name),
        bio: last_written(a.bio, b.bio),
        avatar: last_written(a.avatar, b.avatar),
        banner: last_written(a.banner, b.banner),
        links: last_written(a.links, b.links),
        tox: last_written(a.tox, b.tox),
        email: last_written(a.email, b.email),
        payments: last_written(a.payments, b.payments),
        names: last_written(a.names, b.names),
        language: last_written(a.language, b.language),
        more: newest(last_writers(a.more, b.more), limits::MORE_ENTRIES),
    }
}

/// The follows of both: each row by its last writer, and of more than
/// [`limits::FOLLOWS`] those written last (of rows written together, those with the
/// greatest hash, then the greatest name).
#[must_use]
pub fn merge_follows(a: Follows, b: Follows) -> Follows {
    newest(last_writers(a, b), limits::FOLLOWS)
}

/// The rows of both, each by its last writer.
fn last_writers<K: Ord, T: Serialize>(mut a: Rows<K, T>, b: Rows<K, T>) -> Rows<K, T> {
    for (key, theirs) in b {
        let merged = match a.remove(&key) {
            Some(ours) => last_written(ours, theirs),
            None => theirs,
        };
        a.insert(key, merged);
    }
    a
}

/// At most `limit` rows: those of the greatest rank, then of the greatest key.
fn newest<K: Ord + Clone, T: Serialize>(mut rows: Rows<K, T>, limit: usize) -> Rows<K, T> {
    let excess = rows.len().saturating_sub(limit);
    if excess > 0 {
        let ranks = rows.iter();
        let mut ranks: Vec<(Rank, K)> = ranks
            .map(|(key, row)| (rank(row.written, &row.value), key.clone()))
            .collect();
        ranks.sort_unstable();
        for (_, key) in ranks.iter().take(excess) {
            rows.remove(key);
        }
    }
    rows
}

type Rows<K, T> = BTreeMap<K, Stamped<T>>;

/// When something was written, and the hash of its canonical JSON to break a tie.
type Rank = (Millis, [u8; 32]);

fn rank<T: Serialize>(written: Millis, value: &T) -> Rank {
    (written, sha256(canonical(value).as_bytes()))
}

fn last_written<T: Serialize>(a: Stamped<T>, b: Stamped<T>) -> Stamped<T> {
    match a.written.cmp(&b.written) {
        std::cmp::Ordering::Greater => a,
        std::cmp::Ordering::Less => b,
        std::cmp::Ordering::Equal if rank(0, &a.value) >= rank(0, &b.value) => a,
        std::cmp::Ordering::Equal => b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::model::{Follow, Followee, ItemId, Kind};

    fn version(kind: Kind, written: Millis) -> Item {
        let mut item = Item::new(ItemId([1; 10]), 1, "x");
        item.kind = kind;
        item.written = Some(written);
        item
    }

    fn written(versions: &[Item]) -> Vec<Millis> {
        versions.iter().map(Item::written).collect()
    }

    #[test]
    fn a_reaction_has_no_history() {
        let likes: Vec<Item> = (2..12).map(|at| version(Kind::Like, at)).collect();
        assert_eq!(written(&merge_versions(likes.clone())), [11]);
        let posts = (2..12).map(|at| version(Kind::Post, at));
        let posts = merge_versions(posts.collect());
        assert_eq!(written(&posts), [11, 10, 9, 8, 7, 6, 5, 4]);
        let mut both = likes;
        both.push(version(Kind::Quote, 3));
        assert_eq!(written(&merge_versions(both)), [3]);
    }

    #[test]
    fn what_is_older_than_eight_versions_adds_nothing() {
        let all: Vec<Item> = (2..12).map(|at| version(Kind::Post, at)).collect();
        let known = merge_versions(all.clone());
        assert!(adds_nothing(&known, &all));
        assert!(adds_nothing(&known, &[]));
        assert!(adds_nothing(&[], &[]));
        assert!(!adds_nothing(&[], &all[..1]));
        assert!(!adds_nothing(&known[1..], &all[9..]));
    }

    #[test]
    fn named_texts_are_merged_one_by_one() {
        let profile = |texts: &[(&str, &str, Millis)]| Profile {
            more: texts
                .iter()
                .map(|(name, value, written)| {
                    let value = (*value).to_owned();
                    let written = *written;
                    ((*name).to_owned(), Stamped { value, written })
                })
                .collect(),
            ..Profile::default()
        };
        let a = profile(&[("key", "old", 1), ("poll", "mine", 5)]);
        let b = profile(&[("key", "", 2), ("poll", "theirs", 4), ("z", "new", 1)]);
        let both = profile(&[("key", "", 2), ("poll", "mine", 5), ("z", "new", 1)]);
        assert_eq!(merge_profiles(a.clone(), b.clone()), both);
        assert_eq!(merge_profiles(b, a), both);
        assert_eq!(both.written(), 5);
        let names: Vec<String> = (0..40).map(|n| format!("n{n:02}")).collect();
        let all = |from: usize, to: usize| {
            let texts = names[from..to].iter().zip(from as Millis..);
            let texts: Vec<_> = texts.map(|(n, at)| (n.as_str(), "x", at)).collect();
            profile(&texts)
        };
        assert_eq!(merge_profiles(all(0, 16), all(10, 26)), all(10, 26));
        assert_eq!(merge_profiles(all(10, 26), all(0, 16)), all(10, 26));
    }

    #[test]
    fn the_follows_written_last_are_kept() {
        let row = |written, following| Stamped {
            value: Follow {
                following,
                title: None,
            },
            written,
        };
        let all = |from: usize, to: usize| -> Follows {
            let rows = from..to;
            rows.map(|n| {
                (
                    Followee::Feed(format!("https://a/{n}")),
                    row(n as u64, true),
                )
            })
            .collect()
        };
        let most = limits::FOLLOWS;
        let newest = all(20, most + 20);
        assert_eq!(merge_follows(all(0, most), all(20, most + 20)), newest);
        assert_eq!(merge_follows(all(20, most + 20), all(0, most)), newest);
        // Of rows written together those with the greatest hash, then the greatest name.
        let at = |n: u8, following| {
            let who = Followee::Account(crate::account::Account([n; 20]));
            Follows::from([(who, row(20, following))])
        };
        let hash = |following| rank(0, &row(0, following).value);
        let lesser = hash(true) < hash(false);
        let full = merge_follows(all(21, most + 20), at(2, lesser));
        let other = merge_follows(full.clone(), at(1, !lesser));
        assert_eq!(other, merge_follows(all(21, most + 20), at(1, !lesser)));
        assert_eq!(full, merge_follows(full.clone(), at(1, lesser)));
        assert_ne!(full, merge_follows(full.clone(), at(3, lesser)));
    }
}
