//! The DHT of IPFS: libp2p's Kademlia with a store that keeps providers only.
//!
//! In the public one this node only asks: it has no room for what would be its share of
//! billions of keys, and who takes a record and forgets it harms those who believe it kept.
//! In private networks it keeps what it is told.

use std::{borrow::Cow, iter, time::Duration};

use libp2p::{
    PeerId, StreamProtocol,
    kad::{
        self, ProviderRecord, Record, RecordKey,
        store::{Error, RecordStore, Result},
    },
};
use ourspace_protocol::dag::Cid;

use super::{QUERY, providers::Providers};
use crate::config::Ipfs;

/// The routing table is looked after so often.
const REFRESH: Duration = Duration::from_secs(30 * 60);

/// Kademlia over a [`Providing`].
pub(crate) type Behaviour = kad::Behaviour<Providing>;

/// Joins it, or not.
pub(crate) fn join(own: PeerId, which: Ipfs) -> Option<Behaviour> {
    let (name, mode) = match which {
        Ipfs::Off => return None,
        Ipfs::Public => ("/ipfs/kad/1.0.0", kad::Mode::Client),
        Ipfs::Lan => ("/ipfs/lan/kad/1.0.0", kad::Mode::Server),
    };
    let mut settings = kad::Config::new(StreamProtocol::new(name));
    // What is said again, and when, is decided elsewhere.
    settings
        .set_provider_publication_interval(None)
        .set_query_timeout(QUERY)
        .set_periodic_bootstrap_interval(Some(REFRESH));
    let store = Providing {
        own,
        providers: Providers::default(),
    };
    let mut kademlia = kad::Behaviour::with_config(own, store, settings);
    kademlia.set_mode(Some(mode));
    Some(kademlia)
}

/// Under which key providers of a block are found: its multihash.
pub(crate) fn key(cid: &Cid) -> RecordKey {
    let [_version, _codec, multihash @ ..] = cid.to_bytes();
    RecordKey::new(&multihash)
}

/// Who is said to have what, bounded. It takes no records: names of IPNS would have to be
/// verified first.
pub(crate) struct Providing {
    own: PeerId,
    providers: Providers,
}

impl RecordStore for Providing {
    type RecordsIter<'a> = iter::Empty<Cow<'a, Record>>;
    type ProvidedIter<'a> = iter::Empty<Cow<'a, ProviderRecord>>;

    fn get(&self, _key: &RecordKey) -> Option<Cow<'_, Record>> {
        None
    }

    fn put(&mut self, _record: Record) -> Result<()> {
        Err(Error::MaxRecords)
    }

    fn remove(&mut self, _key: &RecordKey) {}

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

    /// Kademlia would say them again with this.
    fn provided(&self) -> Self::ProvidedIter<'_> {
        iter::empty()
    }

    fn remove_provider(&mut self, key: &RecordKey, peer: &PeerId) {
        self.providers.remove(key, peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_looked_for_by_its_multihash() {
        let cid = Cid::from_digest(ourspace_protocol::dag::Codec::DagPb, [7; 32]);
        let found = key(&cid);
        let (head, digest) = found.as_ref().split_at(2);
        assert_eq!(head, [0x12, 0x20]);
        assert_eq!(digest, [7; 32]);
    }
}
