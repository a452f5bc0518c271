//! Lookups of places: how dense the network is, and what is done where it is crowded.

use libp2p::{PeerId, kad::QueryId};
use ourspace_protocol::{
    machine::{
        density::Spacing,
        rows::{Key, distance},
    },
    time::Millis,
};

use super::{Finding, Heard, Purpose, Queries};
use crate::{
    dht::{self, Guarded},
    task::regions::Region,
};

impl Queries {
    /// Notes which nodes are known; gives how far apart nodes stand.
    pub(in crate::task) fn note_known(&mut self, own: &PeerId, known: &[Key]) -> Option<Spacing> {
        self.density.note_known(&dht::place(own), known);
        self.density.spacing()
    }

    /// Looks up a place by chance now and then, to learn how dense the network is.
    pub(in crate::task) fn probe(&mut self, rows: &mut Guarded, now: Millis) {
        if self.density.take_probe(now) {
            let mut key = [0; 32];
            for part in key.chunks_mut(8) {
                part.copy_from_slice(&self.dice.roll().to_le_bytes());
            }
            let query = rows.get_closest_peers(key.to_vec());
            self.finding.insert(query, Finding::Probe(key));
        }
    }

    /// Those of these nodes that are near enough to a row to keep it. A lookup that has ended
    /// early has only asked nodes on the way.
    pub(super) fn near(&self, key: &[u8], mut peers: Vec<PeerId>) -> Vec<PeerId> {
        if let Some(spacing) = self.density.spacing() {
            let place = dht::place_of_key(key);
            peers.retain(|peer| spacing.holds(self.replicas, &dht::place(peer), &place));
        }
        peers
    }

    /// How far apart nodes stand, when these stand closer than that to a row; and how far from
    /// it the last of the crowd is.
    pub(super) fn crowded(&self, key: &[u8], peers: &[PeerId]) -> Option<(Spacing, Key)> {
        let places: Vec<Key> = peers.iter().map(dht::place).collect();
        let spacing = self.density.spacing()?;
        let far = spacing.crowd(&dht::place_of_key(key), &places)?;
        Some((spacing, far))
    }

    /// Looks for all nodes of a region.
    pub(super) fn widen(
        &mut self,
        rows: &mut Guarded,
        (spacing, far): (Spacing, Key),
        mut region: Region<Purpose>,
    ) -> Vec<Heard> {
        let place = dht::place_of_key(&region.key);
        // Of a quarter of the region, for a crowd may be larger than what was seen of it.
        let near = |node: &Key| {
            distance(node, &place) <= far || spacing.holds(self.replicas / 4, node, &place)
        };
        forget(rows, near);
        let aims = spacing.aims(&place, self.replicas, &mut self.dice);
        region.spacing = Some(spacing);
        let number = self.regions.begin(region, aims.len());
        if aims.is_empty() {
            return self.found_part(rows, number, Vec::new());
        }
        for aim in aims {
            let query = rows.get_closest_peers(aim.to_vec());
            self.finding.insert(query, Finding::Part(number));
        }
        Vec::new()
    }

    pub(super) fn found_nearest(
        &mut self,
        rows: &mut Guarded,
        query: QueryId,
        mut peers: Vec<PeerId>,
    ) -> Vec<Heard> {
        match self.finding.remove(&query) {
            Some(Finding::Put(putting)) => {
                let Ok(key) = <Key>::try_from(putting.key.as_ref()) else {
                    return Vec::new();
                };
                peers.truncate(self.replicas);
                match self.crowded(&key, &peers) {
                    Some(crowd) => {
                        let region = Region::new(key, peers, Purpose::Put(putting));
                        return self.widen(rows, crowd, region);
                    }
                    None => self.send_row(rows, putting, peers),
                }
            }
            Some(Finding::Part(number)) => return self.found_part(rows, number, peers),
            Some(Finding::Probe(key)) => {
                let places: Vec<Key> = peers.iter().map(dht::place).collect();
                self.density.note_probe(&dht::place_of_key(&key), &places);
            }
            None => {}
        }
        Vec::new()
    }

    /// A part of a region was seen; with the last one, what it was looked for is done.
    fn found_part(&mut self, rows: &mut Guarded, number: u64, peers: Vec<PeerId>) -> Vec<Heard> {
        let Some(seen) = self.regions.found(number, peers, self.replicas) else {
            return Vec::new();
        };
        match seen.purpose {
            Purpose::Put(putting) => {
                let peers = seen.crowd.into_iter().chain(seen.others).collect();
                self.send_row(rows, putting, peers);
                Vec::new()
            }
            Purpose::Read(account, found) => vec![Heard::Region(account, seen.others, found)],
        }
    }
}

/// Takes those who stand near to a row out of the routing table: a lookup begins with the
/// nearest nodes that are known, and would hear of nobody but the crowd.
fn forget(rows: &mut Guarded, near: impl Fn(&Key) -> bool) {
    let mut crowd = Vec::new();
    for bucket in rows.kbuckets() {
        let peers = bucket.iter().map(|entry| *entry.node.key.preimage());
        crowd.extend(peers.filter(|peer| near(&dht::place(peer))));
    }
    for peer in crowd {
        rows.remove_peer(&peer);
    }
}
