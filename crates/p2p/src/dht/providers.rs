//! Who is said to keep what: bounded, and fair to newcomers.

use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
    time::Instant,
};

use libp2p::{
    PeerId,
    kad::{ProviderRecord, RecordKey},
};

/// Providers of one key.
const PER_KEY: usize = 20;
/// Keys.
const KEYS: usize = 8_192;
/// Addresses of one provider, and bytes of one address.
const ADDRESSES: usize = 8;
const ADDRESS: usize = 256;

/// Providers by key. Of a full list the oldest one goes: else the first twenty, honest or
/// not, would keep everybody else out.
#[derive(Debug, Default)]
pub(super) struct Providers {
    of_others: HashMap<RecordKey, VecDeque<ProviderRecord>>,
    /// Keys of others by age.
    order: VecDeque<RecordKey>,
    own: HashMap<RecordKey, ProviderRecord>,
}

impl Providers {
    pub(super) fn add(&mut self, mut record: ProviderRecord, own: &PeerId) {
        record.addresses.retain(|address| address.len() <= ADDRESS);
        record.addresses.truncate(ADDRESSES);
        if record.provider == *own {
            self.own.insert(record.key.clone(), record);
            return;
        }
        if !self.of_others.contains_key(&record.key) {
            self.order.push_back(record.key.clone());
            if self.order.len() > KEYS
                && let Some(oldest) = self.order.pop_front()
            {
                self.of_others.remove(&oldest);
            }
        }
        let list = self.of_others.entry(record.key.clone()).or_default();
        list.retain(|known| known.provider != record.provider);
        list.push_back(record);
        if list.len() > PER_KEY {
            list.pop_front();
        }
    }

    pub(super) fn of(&self, key: &RecordKey) -> Vec<ProviderRecord> {
        let now = Instant::now();
        let others = self.of_others.get(key).into_iter().flatten();
        let all = others.chain(self.own.get(key));
        all.filter(|record| !record.is_expired(now))
            .cloned()
            .collect()
    }

    pub(super) fn own(&self) -> impl Iterator<Item = Cow<'_, ProviderRecord>> {
        self.own.values().map(Cow::Borrowed)
    }

    pub(super) fn remove(&mut self, key: &RecordKey, peer: &PeerId) {
        self.own
            .retain(|known, record| known != key || record.provider != *peer);
        if let Some(list) = self.of_others.get_mut(key) {
            list.retain(|record| record.provider != *peer);
        }
    }
}
