//! What Kademlia keeps rows and providers in.

use std::{borrow::Cow, collections::BTreeSet, iter, sync::Arc};

use libp2p::{
    PeerId,
    kad::{
        ProviderRecord, Record, RecordKey,
        store::{Error, RecordStore, Result},
    },
};
use ourspace_protocol::{
    machine::{
        density::{self, Spacing},
        rows::{Key, Put, Room, RowRefusal, Rows, Situation},
    },
    seams::RowShelf,
};

use super::{budget::Budgets, place, place_of_key, providers::Providers};
use crate::config::Clock;

/// Refusals that wait to be looked at.
const REFUSALS: usize = 256;

/// A row of somebody that was not taken.
#[derive(Debug)]
pub(crate) struct Refused {
    /// Who sent it; nobody when it came from here.
    pub(crate) peer: Option<PeerId>,
    /// Why.
    pub(crate) why: RowRefusal,
}

/// Rows and providers of one node.
pub(crate) struct RowStore {
    own: PeerId,
    rows: Rows,
    providers: Providers,
    shelf: Option<Arc<dyn RowShelf>>,
    clock: Clock,
    /// Where the nodes stand that are known.
    known: Vec<Key>,
    /// How far apart nodes stand.
    spacing: Option<Spacing>,
    /// Keys of the accounts that this node follows in public.
    followed: BTreeSet<Key>,
    pub(super) budgets: Budgets,
    refused: Vec<Refused>,
}

impl RowStore {
    /// The store of a node, with what is on its shelf.
    pub(crate) fn new(
        own: PeerId,
        room: Room,
        shelf: Option<Arc<dyn RowShelf>>,
        clock: Clock,
    ) -> Self {
        let mut store = Self {
            own,
            rows: Rows::new(place(&own), room),
            providers: Providers::default(),
            shelf: None,
            clock,
            known: Vec::new(),
            spacing: None,
            followed: BTreeSet::new(),
            budgets: Budgets::default(),
            refused: Vec::new(),
        };
        for (key, value) in shelf.iter().flat_map(|shelf| shelf.load()) {
            // What lies on the disk is believed no more than what a stranger sends.
            if let Err(why) = store.take(key, &value) {
                tracing::debug!(%why, "a kept row is left out");
            }
        }
        store.shelf = shelf;
        store
    }

    /// Says which nodes are known, and how far apart nodes stand.
    pub(crate) fn set_known(&mut self, known: Vec<Key>, spacing: Option<Spacing>) {
        self.known = known;
        self.spacing = spacing;
    }

    /// Says whether an account with this key is followed in public.
    pub(crate) fn set_followed(&mut self, key: Key, followed: bool) {
        match followed {
            true => self.followed.insert(key),
            false => self.followed.remove(&key),
        };
    }

    /// What was refused since it was last asked.
    pub(crate) fn take_refused(&mut self) -> Vec<Refused> {
        std::mem::take(&mut self.refused)
    }

    /// How many rows of peers that send too many were not looked at since it was last asked.
    pub(crate) fn take_over_budget(&mut self) -> u64 {
        std::mem::take(&mut self.budgets.refused)
    }

    /// The row of a key.
    pub(crate) fn row(&self, key: &Key) -> Option<&[u8]> {
        self.rows.get(key)
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Forgets the rows that nobody has put again since `before`.
    pub(crate) fn expire(&mut self, before: ourspace_protocol::time::Millis) {
        for key in self.rows.untouched(before) {
            self.forget(&key);
        }
    }

    fn forget(&mut self, key: &Key) {
        self.rows.remove(key);
        if let Some(shelf) = &self.shelf {
            shelf.remove(key);
        }
    }

    /// Takes a row, and writes it down before it is acknowledged.
    pub(crate) fn take(&mut self, key: Key, value: &[u8]) -> std::result::Result<Put, RowRefusal> {
        let (own, row) = (place(&self.own), place_of_key(&key));
        let nearer = density::nearer(&own, &row, &self.known, self.spacing);
        let situation = Situation {
            now: (self.clock)(),
            nearer,
            followed: self.followed.contains(&key),
        };
        let mut gone = Vec::new();
        let put = self.rows.put(key, value, situation, &mut gone)?;
        if let Some(shelf) = &self.shelf {
            for key in &gone {
                shelf.remove(key);
            }
            if let (Put::New, Some(row)) = (put, self.rows.get(&key)) {
                shelf.put(&key, row);
            }
        }
        Ok(put)
    }
}

/// Other keys than those of rows are nobody's here.
fn key(key: &RecordKey) -> Option<Key> {
    key.as_ref().try_into().ok()
}

impl RecordStore for RowStore {
    type RecordsIter<'a> = iter::Empty<Cow<'a, Record>>;
    type ProvidedIter<'a> = Box<dyn Iterator<Item = Cow<'a, ProviderRecord>> + 'a>;

    fn get(&self, k: &RecordKey) -> Option<Cow<'_, Record>> {
        let row = self.rows.get(&key(k)?)?;
        Some(Cow::Owned(Record {
            key: k.clone(),
            value: row.to_vec(),
            publisher: None,
            expires: None,
        }))
    }

    fn put(&mut self, record: Record) -> Result<()> {
        let key = key(&record.key).ok_or(Error::ValueTooLarge)?;
        if !self.budgets.take_one((self.clock)()) {
            return Err(Error::MaxRecords);
        }
        match self.take(key, &record.value) {
            Ok(_) => Ok(()),
            Err(why) => {
                if self.refused.len() < REFUSALS {
                    let peer = self.budgets.sender;
                    self.refused.push(Refused { peer, why });
                }
                // The error's kind goes nowhere: it only keeps the request from being
                // acknowledged.
                Err(Error::MaxRecords)
            }
        }
    }

    fn remove(&mut self, k: &RecordKey) {
        if let Some(key) = key(k) {
            self.forget(&key);
        }
    }

    /// Kademlia copies them to others with this; that is done by our own rules.
    fn records(&self) -> Self::RecordsIter<'_> {
        iter::empty()
    }

    fn add_provider(&mut self, record: ProviderRecord) -> Result<()> {
        self.providers.add(record, &self.own);
        Ok(())
    }

    fn providers(&self, key: &RecordKey) -> Vec<ProviderRecord> {
        self.providers.of(key)
    }

    fn provided(&self) -> Self::ProvidedIter<'_> {
        Box::new(self.providers.own())
    }

    fn remove_provider(&mut self, key: &RecordKey, peer: &PeerId) {
        self.providers.remove(key, peer);
    }
}

#[cfg(test)]
mod tests {
    use ourspace_protocol::{cbor::Writer, machine::rows::key_of};
    use ourspace_testkit::signing::{NOW, TestKey, record, sign_record};

    use super::*;

    fn row(author: &TestKey) -> Record {
        let mut value = Writer::new();
        value.array(1);
        value.bytes(&sign_record(record(author), None, author).to_bytes());
        Record::new(key_of(author.address()).to_vec(), value.finish())
    }

    /// Counts, not times: of a flood of rows only so many are verified, and those of others
    /// are all taken beside it.
    #[test]
    fn rows_of_others_are_taken_beside_a_flood() {
        let clock: Clock = Arc::new(|| NOW);
        let mut store = RowStore::new(PeerId::random(), Room::default(), None, clock);
        let (flood, honest) = (PeerId::random(), PeerId::random());
        let spam = row(&TestKey::named("spam"));
        let mut taken = 0;
        for number in 0..5_000_u32 {
            store.budgets.sender = Some(flood);
            let mut forged = spam.clone();
            forged.value.extend(number.to_be_bytes());
            drop(store.put(forged));
            if number % 50 == 0 {
                store.budgets.sender = Some(honest);
                let author = TestKey::named(&format!("author {number}"));
                taken += usize::from(store.put(row(&author)).is_ok());
            }
        }
        assert_eq!((taken, store.len()), (100, 100));
        assert_eq!(store.take_over_budget(), 4_000);
        assert_eq!(store.take_over_budget(), 0);
    }
}
