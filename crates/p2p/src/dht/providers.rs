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
/// Bytes of a key: a CID's hash, or that of an account. Others are not kept.
const KEY: usize = 128;
/// Bytes of all that is kept, with some for what surrounds them: the key that was added first goes
/// first.
const BYTES: usize = 24 << 20;
const AROUND: usize = 96;
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
    bytes: usize,
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
        if record.key.as_ref().len() > KEY {
            return;
        }
        if !self.of_others.contains_key(&record.key) {
            self.order.push_back(record.key.clone());
            self.bytes += around_key(&record.key);
        }
        let list = self.of_others.entry(record.key.clone()).or_default();
        let mut gone = 0;
        list.retain(|known| {
            let stays = known.provider != record.provider;
            gone += if stays { 0 } else { size(known) };
            stays
        });
        self.bytes += size(&record);
        list.push_back(record);
        if list.len() > PER_KEY {
            gone += list.pop_front().as_ref().map_or(0, size);
        }
        self.bytes -= gone;
        while (self.order.len() > KEYS || self.bytes > BYTES)
            && let Some(oldest) = self.order.pop_front()
        {
            let gone = self.of_others.remove(&oldest).unwrap_or_default();
            self.bytes -= around_key(&oldest) + gone.iter().map(size).sum::<usize>();
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
            let bytes = |list: &VecDeque<ProviderRecord>| list.iter().map(size).sum::<usize>();
            let before = bytes(list);
            list.retain(|record| record.provider != *peer);
            self.bytes -= before - bytes(list);
        }
    }
}

/// What a key costs that is in both maps.
fn around_key(key: &RecordKey) -> usize {
    2 * (key.as_ref().len() + AROUND)
}

fn size(record: &ProviderRecord) -> usize {
    let addresses = record.addresses.iter().map(|one| one.len() + AROUND);
    2 * AROUND + record.key.as_ref().len() + addresses.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use libp2p::Multiaddr;

    use super::*;

    fn record(key: &[u8], peer: PeerId, addresses: usize) -> ProviderRecord {
        let address = |at: usize| -> Multiaddr {
            format!("/dns4/{}{at}.example/tcp/1", "x".repeat(150))
                .parse()
                .unwrap()
        };
        ProviderRecord {
            key: RecordKey::new(&key),
            provider: peer,
            expires: None,
            addresses: (0..addresses).map(address).collect(),
        }
    }

    #[test]
    fn floods_take_no_more_memory_than_there_is_for_them() {
        let own = PeerId::random();
        let mut providers = Providers::default();
        providers.add(record(&[7; 15_000], PeerId::random(), 1), &own);
        assert!(
            providers.order.is_empty(),
            "a key that no hash is so long as"
        );
        for peer in 0..20 {
            let peer =
                PeerId::from_multihash(libp2p::multihash::Multihash::wrap(0, &[peer; 32]).unwrap())
                    .unwrap();
            for key in 0..3_000_u32 {
                providers.add(record(&key.to_be_bytes(), peer, 30), &own);
            }
        }
        assert!(providers.bytes <= BYTES, "{}", providers.bytes);
        let counted = |providers: &Providers| {
            let keys = providers.order.iter().map(around_key).sum::<usize>();
            keys + providers
                .of_others
                .values()
                .flatten()
                .map(size)
                .sum::<usize>()
        };
        assert_eq!(providers.bytes, counted(&providers));
        // The newest are there, and going is counted.
        let newest = RecordKey::new(&2_999_u32.to_be_bytes());
        let all = providers.of(&newest);
        assert!(!all.is_empty());
        providers.remove(&newest, &all[0].provider);
        assert_eq!(providers.bytes, counted(&providers));
    }
}
