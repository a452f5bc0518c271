//! Lookups of places: how dense the network is, and what is done where it is crowded.

use libp2p::{PeerId, kad::QueryId};
use ourspace_protocol::{machine::density::Spacing, time::Millis};

use super::{Finding, Heard, Purpose, Queries};
use crate::{
    dht::{self, Guarded},
    task::regions::Region,
};

impl Queries {
    /// Notes which nodes are known; gives how far apart nodes stand.
    pub(in crate::task) fn note_known(
        &mut self,
        own: &PeerId,
        known: &[[u8; 32]],
    ) -> Option<Spacing> {
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

    /// How far apart nodes stand, when these stand closer than that to a row.
    pub(super) fn crowded(&self, key: &[u8], peers: &[PeerId]) -> Option<Spacing> {
        let places: Vec<[u8; 32]> = peers.iter().map(dht::place).collect();
        let spacing = self.density.spacing()?;
        let crowded = spacing.is_crowded(&dht::place_of_key(key), &places);
        crowded.then_some(spacing)
    }

    /// Looks for all nodes of a region.
    pub(super) fn widen(
        &mut self,
        rows: &mut Guarded,
        spacing: Spacing,
        mut region: Region<Purpose>,
    ) -> Vec<Heard> {
        let place = dht::place_of_key(&region.key);
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
                let Ok(key) = <[u8; 32]>::try_from(putting.key.as_ref()) else {
                    return Vec::new();
                };
                peers.truncate(self.replicas);
                match self.crowded(&key, &peers) {
                    Some(spacing) => {
                        let region = Region::new(key, peers, Purpose::Put(putting));
                        return self.widen(rows, spacing, region);
                    }
                    None => self.send_row(rows, putting, peers),
                }
            }
            Some(Finding::Part(number)) => return self.found_part(rows, number, peers),
            Some(Finding::Probe(key)) => {
                let places: Vec<[u8; 32]> = peers.iter().map(dht::place).collect();
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
