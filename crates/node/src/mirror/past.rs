//! The own feed as it was a little while ago.
//!
//! Whoever fetches a large feed goes on from the root with which it began, and a root that was
//! announced in the DHT of IPFS stays announced for minutes after it was replaced. So of roots that
//! somebody has asked for a snapshot is put aside, from which their blocks are still given.
//! Nothing is given from before a deletion, and nothing of the feeds of others. Snapshots keep the
//! log of changes from being taken over: they are few, end soon, and end at once when the log grows
//! large.

use std::{
    fs,
    time::{Duration, Instant},
};

use ourspace_protocol::{account::Account, dag::Cid};
use ourspace_store::{Aside, Reader, StoreError};

use crate::home::Home;

/// Snapshots that are put aside.
const KEPT: usize = 6;
/// So long is each.
const AGE: Duration = Duration::from_secs(30 * 60);
/// Bytes of the log of changes, above which there are none.
const LOG: u64 = 64 << 20;

/// A snapshot.
#[derive(Debug)]
struct Before {
    root: Cid,
    /// Deletions there were.
    deleted: u64,
    since: Instant,
    aside: Option<Aside>,
}

/// All of them, oldest first.
#[derive(Debug, Default)]
pub(super) struct Past {
    all: Vec<Before>,
    /// The newest root for which it was looked whether anything was deleted.
    seen: Option<Cid>,
}

impl Past {
    /// The block was given. Where it is the own feed's root, its state is put aside.
    pub(super) fn note(
        &mut self,
        home: &Home,
        own: Account,
        (reader, cid): (Reader<'_>, &Cid),
    ) -> Result<(), StoreError> {
        let known = self.all.iter().any(|one| one.root == *cid);
        if known || reader.root(own)?.is_none_or(|root| root.cid != *cid) {
            return Ok(());
        }
        self.tidy(home);
        self.all.push(Before {
            root: *cid,
            deleted: reader.counts(own)?.tombstones,
            since: Instant::now(),
            aside: Some(reader.put_aside()?),
        });
        if self.all.len() > KEPT {
            self.thin();
        }
        Ok(())
    }

    /// Those that lie close together are the least use.
    fn thin(&mut self) {
        let gaps = self.all.windows(3).map(|three| match three {
            [before, _, after] => after.since.duration_since(before.since),
            _ => Duration::MAX,
        });
        let closest = gaps.enumerate().min_by_key(|(_, gap)| *gap);
        self.all.remove(closest.map_or(0, |(at, _)| at + 1));
    }

    /// Looks for something in the snapshots, the latest first.
    pub(super) fn find<T, E: From<StoreError>>(
        &mut self,
        home: &Home,
        (own, now): (Account, &Reader<'_>),
        find: impl Fn(&Reader<'_>) -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        if self.all.is_empty() {
            return Ok(None);
        }
        let root = now.root(own)?.map(|root| root.cid);
        if self.seen != root {
            let deleted = now.counts(own)?.tombstones;
            self.all.retain(|one| one.deleted == deleted);
            self.seen = root;
        }
        for one in self.all.iter_mut().rev() {
            if Some(one.root) == root {
                continue;
            }
            let Some(aside) = one.aside.take() else {
                continue;
            };
            let before = home.store().take_up(aside);
            let found = find(&before);
            one.aside = Some(before.put_aside()?);
            if let Some(found) = found? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Ends those that are old, and all where the log has grown large.
    pub(super) fn tidy(&mut self, home: &Home) {
        self.all.retain(|one| one.since.elapsed() < AGE);
        let log = fs::metadata(home.path().join("store.db-wal"));
        if log.is_ok_and(|log| log.len() > LOG) {
            self.all.clear();
        }
    }
}
