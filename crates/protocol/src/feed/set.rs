//! Merging: how any number of histories become one set, whatever order they come in.
//!
//! An item is the set of its versions, the newest of which is shown. A tombstone beats
//! them all. Profile fields and follows go to the last writer. Every rule here is
//! commutative, associative and idempotent, which is what makes two devices agree.

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
}

/// The versions of one item out of any number of them: newest first, without repetitions,
/// at most the newest and [`limits::OLDER_VERSIONS`] more.
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
    ranked.truncate(1 + limits::OLDER_VERSIONS);
    ranked.into_iter().map(|(_, item)| item).collect()
}

/// The tombstone of an item that was deleted more than once: the earliest.
#[must_use]
pub fn merge_tombstones(a: Tombstone, b: Tombstone) -> Tombstone {
    if a.date <= b.date { a } else { b }
}

/// The profile of both: each field by its last writer.
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
    }
}

/// The follows of both: each row by its last writer.
#[must_use]
pub fn merge_follows(mut a: Follows, b: Follows) -> Follows {
    for (followee, theirs) in b {
        let merged = match a.remove(&followee) {
            Some(ours) => last_written(ours, theirs),
            None => theirs,
        };
        a.insert(followee, merged);
    }
    a
}

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
