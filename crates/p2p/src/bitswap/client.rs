//! All sessions together: what they ask goes to the peers in one message each, and what
//! the peers send goes to whoever wants it.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

use ourspace_protocol::{
    dag::{Block, Cid},
    seams::Arrival,
};

use super::{
    asked::Asked,
    limits::Limits,
    message::{Ask, Entry, Name},
    session::{self, Figures, Session, Time},
};

/// The number of a session.
pub(super) type Id = u64;

/// What happened.
#[derive(Debug)]
pub(super) enum Input<P> {
    /// A new session.
    Open(Id),
    /// A session is over.
    Close(Id),
    /// These are wanted, before all others if so.
    Want(Id, Vec<Cid>, bool),
    /// These are not wanted any more.
    Cancel(Id, Vec<Cid>),
    /// More providers.
    Providers(Id, Vec<P>),
    /// The search for more has ended.
    SearchOver(Id),
    /// A peer is connected.
    Up(P),
    /// It is not any more.
    Down(P),
    /// It cannot be dialled, or does not speak bitswap.
    Unusable(P),
    /// What a peer sent.
    Received(P, Received),
    /// A peer is in the middle of sending something.
    Heard(P),
    /// Time went by.
    Tick,
}

/// What a peer sent, blocks hashed.
#[derive(Debug, Default)]
pub(super) struct Received {
    /// Blocks, named by what they are.
    pub(super) blocks: Vec<Block>,
    /// Blocks of which it is known only that nobody here asked for them.
    pub(super) foreign: usize,
    /// Which blocks it has.
    pub(super) presences: Vec<(Cid, bool)>,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Effect<P> {
    /// Send these wants.
    Send(P, Vec<Entry>),
    /// Give this to the session's owner.
    Deliver(Id, Arrival),
    /// A session needs more providers.
    Search(Id),
    /// Connect to the peer.
    Dial(P),
    /// The peer sent a block that nobody asked it for; whether it had been asked for others.
    Unasked(P, bool),
    /// The peer never answered a session.
    Silent(P),
    /// Whether the connection to the peer is needed.
    Need(P, bool),
}

#[derive(Debug, Default)]
struct Remote {
    up: bool,
    needed: bool,
    asked: Asked,
}

/// All sessions.
#[derive(Debug)]
pub(super) struct Client<P> {
    limits: Limits,
    sessions: BTreeMap<Id, Session<P>>,
    peers: HashMap<P, Remote>,
    /// What one `handle` sends to whom.
    out: BTreeMap<P, Vec<Entry>>,
}

impl<P: Copy + Ord + Hash> Client<P> {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            sessions: BTreeMap::new(),
            peers: HashMap::new(),
            out: BTreeMap::new(),
        }
    }

    pub(super) fn figures(&self, id: Id) -> Option<Figures> {
        self.sessions.get(&id).map(Session::figures)
    }

    /// Whether a session asks this peer, or would.
    pub(super) fn uses(&self, peer: &P) -> bool {
        self.sessions.values().any(|session| session.uses(peer))
    }

    /// Whether nobody was given to a session to ask.
    pub(super) fn is_alone(&self, session: Id) -> bool {
        self.sessions.get(&session).is_some_and(Session::is_alone)
    }

    /// Whether time has to be told to it.
    pub(super) fn is_waiting(&self) -> bool {
        self.sessions.values().any(Session::is_waiting)
    }

    pub(super) fn handle(&mut self, input: Input<P>, now: Time) -> Vec<Effect<P>> {
        let mut effects = Vec::new();
        let changes_needs = !matches!(input, Input::Want(..) | Input::Heard(_));
        match input {
            Input::Open(id) => {
                self.sessions.insert(id, Session::new(self.limits));
            }
            Input::Close(id) => self.close(id),
            Input::Want(id, cids, false) => {
                self.tell(id, session::Input::Want(cids), now, &mut effects);
            }
            Input::Want(id, cids, true) => {
                self.tell(id, session::Input::Hurry(cids), now, &mut effects);
            }
            Input::Cancel(id, cids) => {
                self.tell(id, session::Input::Cancel(cids), now, &mut effects);
            }
            Input::Providers(id, peers) => {
                let up = |peer: &P| self.peers.get(peer).is_some_and(|remote| remote.up);
                let peers = peers.into_iter().map(|peer| (peer, up(&peer))).collect();
                self.tell(id, session::Input::Providers(peers), now, &mut effects);
            }
            Input::SearchOver(id) => {
                self.tell(id, session::Input::SearchOver, now, &mut effects);
            }
            Input::Up(peer) => {
                self.peers.entry(peer).or_default().up = true;
                self.tell_all(now, &mut effects, || session::Input::Up(peer));
            }
            Input::Down(peer) => {
                self.peers.remove(&peer);
                self.tell_all(now, &mut effects, || session::Input::Down(peer));
            }
            Input::Unusable(peer) => {
                self.tell_all(now, &mut effects, || session::Input::Unusable(peer));
            }
            Input::Heard(peer) => {
                self.tell_all(now, &mut effects, || session::Input::Heard(peer));
            }
            Input::Received(peer, received) => {
                self.received(peer, received, now, &mut effects);
            }
            Input::Tick => self.tell_all(now, &mut effects, || session::Input::Tick),
        }
        if changes_needs {
            self.review_needs(&mut effects);
        }
        let out = std::mem::take(&mut self.out);
        effects.extend(out.into_iter().map(|(peer, list)| Effect::Send(peer, list)));
        effects
    }

    fn close(&mut self, id: Id) {
        if let Some(session) = self.sessions.remove(&id) {
            let open: Vec<(P, Cid)> = session.open().collect();
            open.into_iter()
                .for_each(|(peer, cid)| self.take_back(peer, cid));
        }
    }

    fn tell(&mut self, id: Id, input: session::Input<P>, now: Time, effects: &mut Vec<Effect<P>>) {
        self.tell_with(id, input, (now, &mut HashMap::new()), effects);
    }

    fn tell_all(
        &mut self,
        now: Time,
        effects: &mut Vec<Effect<P>>,
        input: impl Fn() -> session::Input<P>,
    ) {
        let ids: Vec<Id> = self.sessions.keys().copied().collect();
        for id in ids {
            self.tell(id, input(), now, effects);
        }
    }

    /// Gives a session an input and carries out what it says. `blocks` are those that came,
    /// with how many sessions still get each.
    fn tell_with(
        &mut self,
        id: Id,
        input: session::Input<P>,
        (now, blocks): (Time, &mut HashMap<Cid, (Block, usize)>),
        effects: &mut Vec<Effect<P>>,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        for effect in session.handle(input, now) {
            match effect {
                session::Effect::Ask(peer, cid, urgent) => self.ask(id, peer, (cid, urgent)),
                session::Effect::TakeBack(peer, cid) => self.take_back(peer, cid),
                session::Effect::Got(cid) => {
                    if let Some(block) = take(blocks, &cid) {
                        effects.push(Effect::Deliver(id, Arrival::Block(block)));
                    }
                }
                session::Effect::Missing(cid) => {
                    effects.push(Effect::Deliver(id, Arrival::Missing(cid)));
                }
                session::Effect::Search => effects.push(Effect::Search(id)),
                session::Effect::Dial(peer) => effects.push(Effect::Dial(peer)),
                session::Effect::Silent(peer) => effects.push(Effect::Silent(peer)),
            }
        }
    }

    fn ask(&mut self, id: Id, peer: P, (cid, urgent): (Cid, bool)) {
        let Some(remote) = self.peers.get_mut(&peer) else {
            return;
        };
        // Another session has asked it already.
        if remote.asked.is_open(&cid) && !urgent {
            return;
        }
        remote.asked.ask(cid, id);
        self.out.entry(peer).or_default().push(Entry {
            name: Name::new(cid),
            priority: 1 + i32::from(urgent),
            ask: Ask::Block,
            send_dont_have: true,
        });
    }

    fn take_back(&mut self, peer: P, cid: Cid) {
        let others = self.sessions.values();
        if others.into_iter().any(|session| session.asks(&peer, &cid)) {
            return;
        }
        let Some(remote) = self.peers.get_mut(&peer) else {
            return;
        };
        remote.asked.close(&cid);
        self.out.entry(peer).or_default().push(Entry {
            name: Name::new(cid),
            priority: 0,
            ask: Ask::Cancel,
            send_dont_have: false,
        });
    }

    fn received(&mut self, peer: P, received: Received, now: Time, effects: &mut Vec<Effect<P>>) {
        let mut unasked = received.foreign > 0;
        let mut blocks: HashMap<Cid, (Block, usize)> = HashMap::new();
        let mut wanted: BTreeMap<Id, Vec<(Cid, usize)>> = BTreeMap::new();
        for block in received.blocks {
            let (cid, size) = (block.cid(), block.bytes().len());
            let remote = self.peers.get_mut(&peer);
            let asker = remote.and_then(|remote| remote.asked.got(&cid));
            let wanting = self.sessions.iter().filter(|(_, one)| one.wants(&cid));
            let wanting: Vec<Id> = wanting.map(|(id, _)| *id).collect();
            if !wanting.is_empty() && !blocks.contains_key(&cid) {
                for id in &wanting {
                    wanted.entry(*id).or_default().push((cid, size));
                }
                blocks.insert(cid, (block, wanting.len()));
            } else if let Some(session) = asker {
                if let Some(session) = self.sessions.get_mut(&session) {
                    session.count_duplicate(size);
                }
            } else {
                unasked = true;
            }
        }
        for (id, list) in wanted {
            let input = session::Input::Blocks(peer, list);
            self.tell_with(id, input, (now, &mut blocks), effects);
        }
        if !received.presences.is_empty() {
            if let Some(remote) = self.peers.get_mut(&peer) {
                let refused = received.presences.iter().filter(|(_, here)| !here);
                refused.for_each(|(cid, _)| remote.asked.close(cid));
            }
            let list = || session::Input::Presences(peer, received.presences.clone());
            self.tell_all(now, effects, list);
        }
        if unasked {
            effects.push(Effect::Unasked(peer, self.uses(&peer)));
            self.tell_all(now, effects, || session::Input::Lied(peer));
        }
    }

    fn review_needs(&mut self, effects: &mut Vec<Effect<P>>) {
        for (peer, remote) in &mut self.peers {
            let mut sessions = self.sessions.values();
            let needed = sessions.any(|session| session.uses(peer));
            if needed != remote.needed {
                remote.needed = needed;
                effects.push(Effect::Need(*peer, needed));
            }
        }
    }
}

/// The block for one more session; the last one gets it without a copy.
fn take(blocks: &mut HashMap<Cid, (Block, usize)>, cid: &Cid) -> Option<Block> {
    let (block, left) = blocks.get_mut(cid)?;
    *left -= 1;
    if *left > 0 {
        return Some(block.clone());
    }
    blocks.remove(cid).map(|(block, _)| block)
}

#[cfg(test)]
mod tests {
    use ourspace_protocol::dag::Codec;

    use super::*;

    fn block(n: u8) -> Block {
        Block::new(Codec::Raw, vec![n; 9])
    }

    /// A client with a session that asks peer 1 for the blocks 0, 1 and 2.
    fn client() -> Client<u8> {
        let mut client = Client::new(Limits::default());
        give(&mut client, Input::Up(1));
        give(&mut client, Input::Open(7));
        give(&mut client, Input::Providers(7, vec![1]));
        let cids = (0..3).map(|n| block(n).cid()).collect();
        let effects = give(&mut client, Input::Want(7, cids, false));
        let [Effect::Send(1, entries)] = &effects[..] else {
            panic!("{effects:?}");
        };
        assert_eq!(entries.len(), 3);
        client
    }

    fn give(client: &mut Client<u8>, input: Input<u8>) -> Vec<Effect<u8>> {
        client.handle(input, Time::ZERO)
    }

    fn blocks(list: &[u8]) -> Received {
        Received {
            blocks: list.iter().map(|n| block(*n)).collect(),
            ..Received::default()
        }
    }

    #[test]
    fn blocks_go_to_all_who_want_them() {
        let mut client = client();
        give(&mut client, Input::Open(8));
        give(&mut client, Input::Providers(8, vec![1]));
        // It is asked already: nothing is sent again.
        let effects = give(&mut client, Input::Want(8, vec![block(1).cid()], false));
        assert!(effects.is_empty(), "{effects:?}");
        let effects = give(&mut client, Input::Received(1, blocks(&[1, 0])));
        let mut got: Vec<(Id, Arrival)> = Vec::new();
        for effect in effects {
            if let Effect::Deliver(id, arrival) = effect {
                got.push((id, arrival));
            }
        }
        let expected = [(7, 1), (7, 0), (8, 1)].map(|(id, n)| (id, Arrival::Block(block(n))));
        assert_eq!(got, expected);
    }

    #[test]
    fn a_want_that_another_session_has_is_not_taken_back() {
        let mut client = client();
        give(&mut client, Input::Open(8));
        give(&mut client, Input::Providers(8, vec![1]));
        give(&mut client, Input::Want(8, vec![block(1).cid()], false));
        let effects = give(&mut client, Input::Close(7));
        let [Effect::Send(1, entries)] = &effects[..] else {
            panic!("{effects:?}");
        };
        assert_eq!(entries.len(), 2);
        assert!(entries.iter().all(|entry| entry.ask == Ask::Cancel));
        let effects = give(&mut client, Input::Close(8));
        assert_eq!(effects.len(), 2, "{effects:?}");
        assert!(matches!(effects[0], Effect::Need(1, false)));
    }

    #[test]
    fn what_nobody_asked_for_is_told_and_its_sender_left() {
        let mut client = client();
        let effects = give(&mut client, Input::Received(1, blocks(&[99])));
        assert!(
            matches!(effects[0], Effect::Unasked(1, true)),
            "{effects:?}"
        );
        assert!(matches!(effects[1], Effect::Search(7)), "{effects:?}");
        let effects = give(&mut client, Input::Received(2, blocks(&[99])));
        assert!(matches!(effects[..], [Effect::Unasked(2, false)]));
    }

    #[test]
    fn late_and_double_blocks_are_duplicates_and_no_lies() {
        let mut client = client();
        give(&mut client, Input::Cancel(7, vec![block(0).cid()]));
        let effects = give(&mut client, Input::Received(1, blocks(&[0])));
        assert!(effects.is_empty(), "{effects:?}");
        assert_eq!(client.figures(7).unwrap().duplicates, 1);
        // After the session is gone, too.
        give(&mut client, Input::Close(7));
        let effects = give(&mut client, Input::Received(1, blocks(&[1, 2])));
        assert!(effects.is_empty(), "{effects:?}");
        // But each only once.
        let effects = give(&mut client, Input::Received(1, blocks(&[1])));
        assert!(matches!(effects[..], [Effect::Unasked(1, false)]));
    }

    #[test]
    fn a_lost_connection_is_made_again_and_what_was_asked_is_asked_again() {
        let mut client = client();
        let effects = give(&mut client, Input::Down(1));
        assert!(matches!(effects[..], [Effect::Dial(1)]), "{effects:?}");
        let effects = give(&mut client, Input::Up(1));
        let sent = effects.iter().find_map(|effect| match effect {
            Effect::Send(1, entries) => Some(entries.len()),
            _ => None,
        });
        assert_eq!(sent, Some(3), "{effects:?}");
    }
}
