//! Queries of the DHT that go on: lookups of rows, and rows being put.

mod crowds;

use std::collections::{BTreeMap, HashMap};

use libp2p::{
    PeerId,
    kad::{self, GetRecordOk, QueryId, Quorum, Record, RecordKey},
};
use ourspace_protocol::{
    account::Account,
    heads::Heads,
    machine::{density::Density, dice::Dice, lookup::Lookup, rows},
    record::SignedRecord,
    seams::Candidate,
    time::Millis,
    verify::{KnownGrants, Verified},
};
use tokio::sync::{mpsc, oneshot};

use super::regions::{Region, Regions};
use crate::{dht::Guarded, handle::Stored};

/// For what nodes are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// To know how many keep the feed of an account, and to meet them.
    Upkeep(Account),
    /// For a session that fetches blocks.
    Session(u64),
    /// To hand notices over, or to get them.
    Mail,
}

/// A lookup that somebody waits for, or that this node does for its own sake.
#[derive(Debug)]
struct Looking {
    machine: Lookup<PeerId>,
    found: Option<mpsc::Sender<Candidate>>,
    /// It was told to finish.
    ending: bool,
}

/// A row on its way.
#[derive(Debug)]
struct Putting {
    row: Vec<u8>,
    key: RecordKey,
    tell: Option<oneshot::Sender<Stored>>,
    asked: usize,
}

/// What is to be done after a query has said something.
#[derive(Debug)]
pub(super) enum Heard {
    /// A record that is new to the lookup, and who gave it.
    Record(Box<Verified<SignedRecord>>, PeerId),
    /// A node gave something that is no row of the account.
    Fault(PeerId, &'static str),
    /// A look for this node's own sake has found the newest row at so many nodes.
    Looked(Account, usize),
    /// The nodes of a region that should be asked for an account's row, because those
    /// nearest to it are a crowd; and who wants to see what they say.
    Region(Account, Vec<PeerId>, Option<mpsc::Sender<Candidate>>),
    /// Nodes that are said to have what was looked for, and for what.
    Providers(Vec<PeerId>, For),
    /// Nodes that are said to keep the feed of an account; and who wants to see what they say.
    Keepers(Vec<PeerId>, Account, mpsc::Sender<Candidate>),
    /// There are no more for a session.
    SearchOver(u64),
}

/// Why a region is searched.
#[derive(Debug)]
enum Purpose {
    /// To put a row there.
    Put(Putting),
    /// To ask for the row of an account, for somebody or for this node's own sake.
    Read(Account, Option<mpsc::Sender<Candidate>>),
}

/// Why the nodes nearest to a place are looked for.
#[derive(Debug)]
enum Finding {
    /// To put a row there.
    Put(Putting),
    /// To see a part of a region.
    Part(u64),
    /// To learn how dense the network is.
    Probe([u8; 32]),
}

/// All of them.
#[derive(Debug)]
pub(super) struct Queries {
    looking: HashMap<QueryId, Looking>,
    finding: HashMap<QueryId, Finding>,
    putting: HashMap<QueryId, Putting>,
    /// For what, and whether any node was named.
    providers: HashMap<QueryId, (For, bool)>,
    /// Keepers of whose feed, and who wants to see their rows.
    seeking: HashMap<QueryId, (Account, mpsc::Sender<Candidate>)>,
    known: KnownGrants,
    regions: Regions<Purpose>,
    density: Density,
    dice: Dice,
    /// Nodes that a row should be at.
    replicas: usize,
}

impl Queries {
    /// None yet; rows are kept at so many nodes.
    pub(super) fn new(replicas: usize, dice: Dice) -> Self {
        Self {
            looking: HashMap::new(),
            finding: HashMap::new(),
            putting: HashMap::new(),
            providers: HashMap::new(),
            seeking: HashMap::new(),
            known: KnownGrants::new(),
            regions: Regions::default(),
            density: Density::new(replicas),
            dice,
            replicas,
        }
    }

    /// Looks for the row of an account, for somebody who wants to see what is found.
    pub(super) fn look(
        &mut self,
        rows: &mut Guarded,
        account: Account,
        found: mpsc::Sender<Candidate>,
    ) {
        self.look_with(rows, Lookup::new(account), Some(found));
    }

    /// Looks whether enough nodes have the newest records of an account, which are these.
    pub(super) fn look_after(&mut self, rows: &mut Guarded, account: Account, heads: Heads) {
        let machine = match heads.is_empty() {
            true => Lookup::new(account),
            false => Lookup::knowing(account, heads, self.replicas),
        };
        self.look_with(rows, machine, None);
    }

    fn look_with(
        &mut self,
        rows: &mut Guarded,
        machine: Lookup<PeerId>,
        found: Option<mpsc::Sender<Candidate>>,
    ) {
        let account = machine.account();
        let key = RecordKey::new(&rows::key_of(account));
        let query = rows.get_record(key);
        let looking = Looking {
            machine,
            found,
            ending: false,
        };
        self.looking.insert(query, looking);
    }

    /// Puts the newest records of an account where they belong.
    pub(super) fn put(
        &mut self,
        rows: &mut Guarded,
        (account, heads): (Account, &Heads),
        tell: Option<oneshot::Sender<Stored>>,
    ) {
        let key = RecordKey::new(&rows::key_of(account));
        let query = rows.get_closest_peers(key.to_vec());
        let putting = Putting {
            row: rows::encode(heads),
            key,
            tell,
            asked: 0,
        };
        self.finding.insert(query, Finding::Put(putting));
    }

    /// Looks for nodes that have said that they have something: the feed of an account, under
    /// the key of its row; notices for it, under that of its inbox.
    /// Looks for nodes that keep the feed of an account, to ask them for its row.
    pub(super) fn seek(
        &mut self,
        rows: &mut Guarded,
        (account, key): (Account, RecordKey),
        found: mpsc::Sender<Candidate>,
    ) {
        let query = rows.get_providers(key);
        self.seeking.insert(query, (account, found));
    }

    pub(super) fn find_providers(&mut self, rows: &mut Guarded, key: RecordKey, why: For) {
        let query = rows.get_providers(key);
        self.providers.insert(query, (why, false));
    }

    /// When a lookup settles next.
    pub(super) fn wake(&self) -> Option<Millis> {
        let lookups = self.looking.values().filter(|one| !one.ending);
        lookups.filter_map(|one| one.machine.settles_at()).min()
    }

    /// Ends lookups that have heard enough: what they have heard comes with their last word.
    pub(super) fn settle(&mut self, rows: &mut Guarded, now: Millis) -> Vec<Heard> {
        let settled: Vec<QueryId> = self
            .looking
            .iter()
            .filter(|(_, one)| !one.ending && (one.machine.is_settled(now) || one.is_unwanted()))
            .map(|(query, _)| *query)
            .collect();
        let mut heard = Vec::new();
        for query in settled {
            heard.extend(self.finish(rows, query));
        }
        heard
    }

    fn finish(&mut self, rows: &mut Guarded, query: QueryId) -> Vec<Heard> {
        match (rows.query_mut(&query), self.looking.get_mut(&query)) {
            (Some(mut running), Some(looking)) => {
                running.finish();
                looking.ending = true;
                Vec::new()
            }
            _ => self.end_lookup(rows, query, Vec::new()),
        }
    }

    /// A query has said something.
    pub(super) fn progress(
        &mut self,
        rows: &mut Guarded,
        (query, last): (QueryId, bool),
        result: kad::QueryResult,
        now: Millis,
    ) -> Vec<Heard> {
        match result {
            kad::QueryResult::GetRecord(result) => self.looked(rows, (query, last), result, now),
            kad::QueryResult::GetClosestPeers(result) => {
                let peers = match result {
                    Ok(found) => found.peers,
                    Err(kad::GetClosestPeersError::Timeout { peers, .. }) => peers,
                };
                let peers = peers.into_iter().map(|peer| peer.peer_id).collect();
                match last {
                    true => self.found_nearest(rows, query, peers),
                    false => Vec::new(),
                }
            }
            kad::QueryResult::PutRecord(result) => {
                self.stored(query, &result);
                Vec::new()
            }
            kad::QueryResult::GetProviders(result) => self.kept_by(query, last, result),
            _ => Vec::new(),
        }
    }

    fn looked(
        &mut self,
        rows: &mut Guarded,
        (query, last): (QueryId, bool),
        result: kad::GetRecordResult,
        now: Millis,
    ) -> Vec<Heard> {
        let Some(looking) = self.looking.get_mut(&query) else {
            return Vec::new();
        };
        let mut heard = Vec::new();
        let mut empty = Vec::new();
        match result {
            Ok(GetRecordOk::FoundRecord(found)) => {
                let value = &found.record.value;
                let new = looking
                    .machine
                    .found(found.peer, value, now, &mut self.known);
                match (new, found.peer) {
                    (Ok(new), peer) => looking.pass_on(new, peer, &mut heard),
                    (Err(why), Some(peer)) if why.is_fault() => {
                        heard.push(Heard::Fault(peer, "rows_refused"));
                    }
                    (Err(_), _) => {}
                }
            }
            Ok(GetRecordOk::FinishedWithNoAdditionalRecord { cache_candidates }) => {
                empty = cache_candidates.into_values().collect();
            }
            Err(kad::GetRecordError::NotFound { closest_peers, .. }) => empty = closest_peers,
            Err(kad::GetRecordError::Timeout { .. }) => {}
        }
        let settled = !looking.ending && looking.machine.is_settled(now);
        match (last, settled) {
            (true, _) => heard.extend(self.end_lookup(rows, query, empty)),
            (false, true) => heard.extend(self.finish(rows, query)),
            (false, false) => {}
        }
        heard
    }

    /// Ends a lookup: who had something older gets the newest. Where those who answered are
    /// a crowd, the region around them is asked as well.
    fn end_lookup(&mut self, rows: &mut Guarded, query: QueryId, empty: Vec<PeerId>) -> Vec<Heard> {
        let Some(looking) = self.looking.remove(&query) else {
            return Vec::new();
        };
        let (account, holders) = (looking.machine.account(), looking.machine.holders());
        let key = rows::key_of(account);
        let mut heard = Vec::new();
        if looking.found.is_none() {
            heard.push(Heard::Looked(account, holders));
        }
        let answered: Vec<PeerId> = looking.machine.answered().chain(empty.clone()).collect();
        if let Some(crowd) = self.crowded(&key, &answered) {
            let purpose = Purpose::Read(account, looking.found);
            heard.extend(self.widen(rows, crowd, Region::new(key, answered, purpose)));
        }
        let near = self.near(&key, empty);
        if let Some((row, peers)) = looking.machine.repair(near) {
            let putting = Putting {
                row,
                key: RecordKey::new(&key),
                tell: None,
                asked: 0,
            };
            self.send_row(rows, putting, peers);
        }
        heard
    }

    fn send_row(&mut self, rows: &mut Guarded, mut putting: Putting, peers: Vec<PeerId>) {
        // Here as well, if this node is among the nearest.
        if let Ok(key) = <[u8; 32]>::try_from(putting.key.as_ref())
            && let Err(why) = rows.store_mut().take(key, &putting.row)
        {
            tracing::debug!(%why, "the row is not kept here");
        }
        putting.asked = peers.len();
        if peers.is_empty() {
            putting.done(0);
            return;
        }
        let record = Record {
            key: putting.key.clone(),
            value: putting.row.clone(),
            publisher: None,
            expires: None,
        };
        let query = rows.put_record_to(record, peers.into_iter(), Quorum::All);
        self.putting.insert(query, putting);
    }

    fn stored(&mut self, query: QueryId, result: &kad::PutRecordResult) {
        let Some(mut putting) = self.putting.remove(&query) else {
            return;
        };
        let holders = match result {
            Ok(_) => putting.asked,
            Err(
                kad::PutRecordError::QuorumFailed { success, .. }
                | kad::PutRecordError::Timeout { success, .. },
            ) => success.len(),
        };
        putting.done(holders);
    }

    fn kept_by(
        &mut self,
        query: QueryId,
        last: bool,
        result: kad::GetProvidersResult,
    ) -> Vec<Heard> {
        if let Some((account, found)) = self.seeking.get(&query) {
            let mut heard = Vec::new();
            if let Ok(kad::GetProvidersOk::FoundProviders { providers, .. }) = result {
                let peers = providers.into_iter().collect();
                heard.push(Heard::Keepers(peers, *account, found.clone()));
            }
            if last {
                self.seeking.remove(&query);
            }
            return heard;
        }
        let Some((why, named)) = self.providers.get_mut(&query) else {
            return Vec::new();
        };
        let why = *why;
        let mut heard = Vec::new();
        if let Ok(kad::GetProvidersOk::FoundProviders { providers, .. }) = result {
            *named |= !providers.is_empty();
            let peers = providers.into_iter().collect();
            heard.push(Heard::Providers(peers, why));
        }
        if last {
            match why {
                For::Session(session) => heard.push(Heard::SearchOver(session)),
                For::Upkeep(_) if !*named => heard.push(Heard::Providers(Vec::new(), why)),
                For::Upkeep(_) | For::Mail => {}
            }
            self.providers.remove(&query);
        }
        heard
    }

    /// How many are under way, by kind.
    pub(super) fn counts(&self) -> BTreeMap<&'static str, u64> {
        BTreeMap::from([
            ("regions_searched", self.regions.searched()),
            ("lookups_open", self.looking.len() as u64),
            (
                "puts_open",
                (self.finding.len() + self.putting.len()) as u64,
            ),
        ])
    }
}

impl Looking {
    /// Whoever asked has gone.
    fn is_unwanted(&self) -> bool {
        self.found.as_ref().is_some_and(mpsc::Sender::is_closed)
    }

    fn pass_on(
        &self,
        new: Vec<Verified<SignedRecord>>,
        peer: Option<PeerId>,
        heard: &mut Vec<Heard>,
    ) {
        for record in new {
            if let Some(found) = &self.found {
                // Who does not take what was asked for has seen enough.
                drop(found.try_send(Candidate {
                    bytes: record.get().to_bytes(),
                    from: peer.map_or_else(|| "here".to_owned(), |peer| peer.to_string()),
                }));
            }
            if let Some(peer) = peer {
                heard.push(Heard::Record(Box::new(record), peer));
            }
        }
    }
}

impl Putting {
    fn done(&mut self, holders: usize) {
        if let Some(tell) = self.tell.take() {
            let stored = Stored {
                holders,
                asked: self.asked,
            };
            if tell.send(stored).is_err() {
                tracing::debug!("whoever asked for a put has gone");
            }
        }
    }
}
