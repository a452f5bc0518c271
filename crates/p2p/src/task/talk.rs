//! Talk: what this node says to peers about records, and what it makes of what they say.
//!
//! It holds the push machine, the newest records of the accounts that the node follows in
//! public, and the questions that wait for answers. It knows no sockets: frames come in,
//! and what is to be done comes out.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
};

use libp2p::PeerId;
use ourspace_protocol::{
    account::Account,
    announcement::Announcement,
    heads::{Heads, Insert},
    limits,
    machine::{
        dice::Dice,
        push::{Effect, Input, Known, Push},
        rows,
    },
    message::{Mail, Message, Short, Topic},
    record::SignedRecord,
    seams::Candidate,
    time::Millis,
    verify::{Context, KnownGrants, Verified, verify},
};
use tokio::sync::mpsc;

use crate::{behaviour::AGENT, dht::RowStore, handle::Event};

/// Questions of this node that wait for answers; of more, the oldest is forgotten.
const QUESTIONS: usize = 512;
/// Accounts whose members are looked for; of more, those that are not followed are forgotten.
const WATCHED: usize = 16 * 1024;
/// Bytes of records in one answer's frame.
const ANSWER: usize = limits::FRAME_BYTES - 1024;

/// What is to be done.
#[derive(Debug)]
pub(super) enum Do {
    /// Send a frame.
    Send(PeerId, Arc<[u8]>),
    /// Tell the rest of the program.
    Tell(Event),
    /// A message about mailboxes came.
    Mail(PeerId, Mail),
    /// A peer should have known better.
    Fault(PeerId, &'static str),
    /// Something happened that is counted.
    Count(&'static str),
    /// What a peer's clock says.
    Clock(PeerId, Millis),
    /// End all connections to a peer but the newest.
    EndOlder(PeerId),
}

/// A question that waits for its answer.
#[derive(Debug)]
struct Question {
    peer: PeerId,
    accounts: BTreeSet<Account>,
    /// Who wants to see every record that comes; else only what is followed is taken.
    found: Option<mpsc::Sender<Candidate>>,
}

/// The machine, and what it needs.
#[derive(Debug)]
pub(super) struct Talk {
    push: Push<PeerId>,
    pub(super) heads: BTreeMap<Account, Heads>,
    /// Accounts that are followed, and those whose members are looked for.
    watched: BTreeMap<Topic, Account>,
    known: KnownGrants,
    questions: BTreeMap<u64, Question>,
    next: u64,
    /// Which run of its program each peer is.
    runs: BTreeMap<PeerId, u64>,
    /// And which one this is.
    run: u64,
}

impl Talk {
    pub(super) fn new(mut dice: Dice) -> Self {
        Self {
            push: Push::new(dice.roll()),
            heads: BTreeMap::new(),
            watched: BTreeMap::new(),
            known: KnownGrants::new(),
            questions: BTreeMap::new(),
            next: dice.roll() >> 32,
            runs: BTreeMap::new(),
            run: RandomState::new().hash_one(()),
        }
    }

    /// When it wants to be woken.
    pub(super) fn wake(&self) -> Option<Millis> {
        self.push.wake()
    }

    /// What is known of an account that is followed.
    pub(super) fn heads(&self, account: Account) -> Option<&Heads> {
        self.heads.get(&account)
    }

    /// The connected peers that follow an account too.
    pub(super) fn members(&self, account: Account) -> Vec<PeerId> {
        self.push.members(account)
    }

    /// How many accounts a peer follows too.
    pub(super) fn overlap(&self, peer: PeerId) -> usize {
        self.push.overlap(peer)
    }

    pub(super) fn join(&mut self, account: Account, heads: Heads, now: Millis) -> Vec<Do> {
        let known = heads.iter().map(|head| Known {
            signer: head.signer(),
            order: head.order(),
        });
        let known = known.collect();
        let new = self.heads.insert(account, heads).is_none();
        self.watch(account);
        let mut out = self.input(Input::Join { account, known }, now);
        if new {
            let topic = Topic::of(account);
            out.extend(self.tell_all(&Message::Interests {
                joined: vec![topic],
                left: Vec::new(),
            }));
        }
        for member in self.members(account) {
            let (peer, accounts) = (member.to_string(), vec![account]);
            out.push(Do::Tell(Event::Met { peer, accounts }));
        }
        out
    }

    pub(super) fn leave(&mut self, account: Account, now: Millis) -> Vec<Do> {
        self.heads.remove(&account);
        self.watched.remove(&Topic::of(account));
        let mut out = self.input(Input::Leave(account), now);
        let topic = Topic::of(account);
        out.extend(self.tell_all(&Message::Interests {
            joined: Vec::new(),
            left: vec![topic],
        }));
        out
    }

    /// Tells of peers that follow this account, when they are met.
    pub(super) fn watch(&mut self, account: Account) {
        if self.watched.len() >= WATCHED {
            let heads = &self.heads;
            self.watched.retain(|_, one| heads.contains_key(one));
        }
        self.watched.insert(Topic::of(account), account);
    }

    fn met(&self, peer: PeerId, topics: &[Topic]) -> Option<Do> {
        let accounts = topics.iter().filter_map(|topic| self.watched.get(topic));
        let accounts: BTreeSet<Account> = accounts.copied().collect();
        let accounts: Vec<Account> = accounts.into_iter().collect();
        let peer = peer.to_string();
        (!accounts.is_empty()).then_some(Do::Tell(Event::Met { peer, accounts }))
    }

    fn tell_all(&self, message: &Message) -> Vec<Do> {
        let frame: Arc<[u8]> = message.to_bytes().into();
        let peers = self.push.peers().into_iter();
        let send = |peer| Do::Send(peer, Arc::clone(&frame));
        peers.map(send).collect()
    }

    /// A peer speaks from now on.
    pub(super) fn opened(&mut self, peer: PeerId, now: Millis) -> Vec<Do> {
        let mut out = self.input(Input::Connected(peer), now);
        out.extend(self.introduce(peer, now));
        out
    }

    /// Says who this node is, and whose news it wants.
    pub(super) fn introduce(&self, peer: PeerId, now: Millis) -> Vec<Do> {
        let mut out = vec![self.greet(peer, now)];
        let interests = self.push.interests();
        let parts = interests.chunks(limits::TOPICS_AT_ONCE);
        out.extend(parts.map(|part| {
            let (joined, left) = (part.to_vec(), Vec::new());
            send(peer, &Message::Interests { joined, left })
        }));
        out
    }

    /// The first message on each connection.
    fn greet(&self, peer: PeerId, now: Millis) -> Do {
        let (clock, agent, run) = (now, AGENT.to_owned(), self.run);
        send(peer, &Message::Hello { clock, agent, run })
    }

    /// A peer has said which run of its program it is: after a new start it knows nothing of
    /// what it was told before, and connections to the old run lead nowhere.
    fn hello(&mut self, peer: PeerId, (clock, run): (Millis, u64), now: Millis) -> Vec<Do> {
        let mut out = vec![Do::Clock(peer, clock)];
        let before = self.runs.insert(peer, run);
        if before.is_some_and(|before| before != run) {
            out.push(Do::EndOlder(peer));
            out.extend(self.forget(peer, now));
            self.runs.insert(peer, run);
            out.extend(self.opened(peer, now));
        }
        out
    }

    pub(super) fn closed(&mut self, peer: PeerId, now: Millis) -> Vec<Do> {
        self.runs.remove(&peer);
        self.forget(peer, now)
    }

    fn forget(&mut self, peer: PeerId, now: Millis) -> Vec<Do> {
        self.questions.retain(|_, question| question.peer != peer);
        self.input(Input::Gone(peer), now)
    }

    pub(super) fn publish(&mut self, news: Arc<Announcement>, now: Millis) -> Vec<Do> {
        let record = news.record();
        if let Some(heads) = self.heads.get_mut(&record.record().account) {
            heads.insert(record.clone());
        }
        self.input(Input::Publish(news), now)
    }

    pub(super) fn awake(&mut self, now: Millis) -> Vec<Do> {
        self.input(Input::Wake, now)
    }

    /// A record that was learnt by another way: whether it was new of an account that is
    /// followed.
    pub(super) fn learnt(
        &mut self,
        record: &Verified<SignedRecord>,
        from: PeerId,
        now: Millis,
    ) -> Vec<Do> {
        let account = record.record().account;
        let Some(heads) = self.heads.get_mut(&account) else {
            return Vec::new();
        };
        if heads.insert(record.clone()) != Insert::New {
            return Vec::new();
        }
        let Ok(news) = Announcement::of(record.clone(), None) else {
            return Vec::new();
        };
        let news = Arc::new(news);
        let mut out = vec![Do::Tell(Event::News {
            news: Arc::clone(&news),
            from: from.to_string(),
        })];
        out.extend(self.input(Input::Learnt(news), now));
        out
    }

    /// News that the rest of the program has learnt by another way.
    pub(super) fn take_in(&mut self, news: Arc<Announcement>, now: Millis) -> Vec<Do> {
        let account = news.record().record().account;
        let heads = self.heads.get_mut(&account);
        let new = heads.map(|heads| heads.insert(news.record().clone()));
        match new {
            Some(Insert::New) => self.input(Input::Learnt(news), now),
            _ => Vec::new(),
        }
    }

    /// Asks peers that follow an account what is new; `found` gets every record.
    pub(super) fn ask(
        &mut self,
        peers: &[PeerId],
        account: Account,
        found: &mpsc::Sender<Candidate>,
    ) -> Vec<Do> {
        let asks = peers.iter();
        asks.map(|peer| self.question(*peer, &[account], Some(found.clone())))
            .collect()
    }

    fn question(
        &mut self,
        peer: PeerId,
        accounts: &[Account],
        found: Option<mpsc::Sender<Candidate>>,
    ) -> Do {
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        // Who wants to see all shall see all.
        let all = found.is_some();
        let known = |account: &Account| match self.heads.get(account) {
            Some(heads) if !all => Short::of_heads(heads),
            _ => Short([0; 8]),
        };
        let message = Message::Ask {
            id,
            accounts: accounts.iter().map(|one| (*one, known(one))).collect(),
        };
        let question = Question {
            peer,
            accounts: accounts.iter().copied().collect(),
            found,
        };
        self.questions.insert(id, question);
        if self.questions.len() > QUESTIONS {
            self.questions.pop_first();
        }
        send(peer, &message)
    }

    /// A frame came.
    pub(super) fn frame(
        &mut self,
        peer: PeerId,
        frame: &[u8],
        rows: &RowStore,
        now: Millis,
    ) -> Vec<Do> {
        use ourspace_protocol::message::MessageError;
        let message = match Message::from_bytes(frame) {
            Ok(message) => message,
            Err(MessageError::Unknown(_)) => return vec![Do::Count("messages_unknown")],
            Err(_) => return vec![Do::Fault(peer, "messages_malformed")],
        };
        match message {
            Message::Hello { clock, run, .. } => self.hello(peer, (clock, run), now),
            Message::Interests { joined, left } => {
                let met = self.met(peer, &joined);
                let mut out = self.input(Input::Interests { peer, joined, left }, now);
                out.extend(met);
                out
            }
            Message::News { record, delta } => self.news(peer, &record, delta.as_deref(), now),
            Message::Have(entries) => self.input(Input::Have { peer, entries }, now),
            Message::Graft(entries) => self.input(Input::Graft { peer, entries }, now),
            Message::Prune(topics) => self.input(Input::Prune { peer, topics }, now),
            Message::Sum(sum) => self.input(Input::Sum { peer, sum }, now),
            Message::Ask { id, accounts } => self.answer((peer, id), &accounts, rows),
            Message::Told { id, records, last } => self.told((peer, id), &records, last, now),
            Message::Mail(mail) => vec![Do::Mail(peer, mail)],
        }
    }

    fn news(&mut self, peer: PeerId, record: &[u8], delta: Option<&[u8]>, now: Millis) -> Vec<Do> {
        let context = Context {
            now,
            highest_epoch: 0,
        };
        let news = match Announcement::check(record, delta, context, &mut self.known) {
            Ok(news) => Arc::new(news),
            Err(error) if error.is_fault() => return vec![Do::Fault(peer, error.name())],
            Err(error) => return vec![Do::Count(error.name())],
        };
        let mut out = vec![Do::Count("news_received")];
        out.extend(self.input(Input::News { peer, news }, now));
        out
    }

    /// Answers with what is followed in public, and with rows of the DHT.
    fn answer(
        &self,
        (peer, id): (PeerId, u64),
        accounts: &[(Account, Short)],
        rows: &RowStore,
    ) -> Vec<Do> {
        let mut records = Vec::new();
        for (account, known) in accounts {
            match self.heads.get(account) {
                Some(heads) if Short::of_heads(heads) == *known => {}
                Some(heads) => records.extend(heads.iter().map(|head| head.get().to_bytes())),
                None => {
                    let row = rows.row(&rows::key_of(*account)).map(rows::decode);
                    let all = row.and_then(Result::ok).unwrap_or_default();
                    records.extend(all.into_iter().map(<[u8]>::to_vec));
                }
            }
        }
        let mut out = Vec::new();
        let mut part = Vec::new();
        let mut size = 0;
        for record in records {
            if size + record.len() > ANSWER {
                let records = std::mem::take(&mut part);
                let last = false;
                out.push(send(peer, &Message::Told { id, records, last }));
                size = 0;
            }
            size += record.len() + 8;
            part.push(record);
        }
        let last = true;
        let records = part;
        out.push(send(peer, &Message::Told { id, records, last }));
        out
    }

    fn told(
        &mut self,
        (peer, id): (PeerId, u64),
        records: &[Vec<u8>],
        last: bool,
        now: Millis,
    ) -> Vec<Do> {
        let asked = self.questions.get(&id).filter(|asked| asked.peer == peer);
        let Some(asked) = asked else {
            return vec![Do::Count("answers_unasked")];
        };
        let (accounts, found) = (asked.accounts.clone(), asked.found.clone());
        if last {
            self.questions.remove(&id);
        }
        let mut out = Vec::new();
        for bytes in records {
            let context = Context {
                now,
                highest_epoch: 0,
            };
            let record = match verify(bytes, context, &mut self.known) {
                Ok(record) => record,
                Err(refusal) => {
                    let why = rows::RowRefusal::Record(refusal);
                    out.push(match why.is_fault() {
                        true => Do::Fault(peer, refusal.name()),
                        false => Do::Count(refusal.name()),
                    });
                    continue;
                }
            };
            if !accounts.contains(&record.record().account) {
                out.push(Do::Fault(peer, "answers_of_another_account"));
                continue;
            }
            if let Some(found) = &found {
                // Who does not take what was asked for has seen enough.
                drop(found.try_send(Candidate {
                    bytes: bytes.clone(),
                    from: peer.to_string(),
                }));
            }
            out.extend(self.learnt(&record, peer, now));
        }
        out
    }

    /// A head, for a peer that has heard of it. Its delta is not at hand any more.
    fn recall(&self, peer: PeerId, account: Account, short: Short) -> Option<Do> {
        let mut heads = self.heads.get(&account)?.iter();
        let head = heads.find(|head| Short::of(&head.digest()) == short)?;
        let (record, delta) = (head.get().to_bytes(), None);
        Some(send(peer, &Message::News { record, delta }))
    }

    fn input(&mut self, input: Input<PeerId>, now: Millis) -> Vec<Do> {
        let effects = self.push.handle(input, now);
        let mut frames: BTreeMap<[u8; 32], Arc<[u8]>> = BTreeMap::new();
        let mut out = Vec::new();
        for effect in effects {
            match effect {
                Effect::News(peer, news) => {
                    let frame = frames.entry(news.record().digest()).or_insert_with(|| {
                        let record = news.record().get().to_bytes();
                        let delta = news.delta().map(<[u8]>::to_vec);
                        Message::News { record, delta }.to_bytes().into()
                    });
                    out.push(Do::Send(peer, Arc::clone(frame)));
                    out.push(Do::Count("news_sent"));
                }
                Effect::Send(peer, message) => out.push(send(peer, &message)),
                Effect::Deliver(peer, news) => {
                    if let Some(heads) = self.heads.get_mut(&news.record().record().account) {
                        heads.insert(news.record().clone());
                    }
                    let from = peer.to_string();
                    out.push(Do::Tell(Event::News { news, from }));
                }
                Effect::Recall(peer, account, short) => {
                    out.extend(self.recall(peer, account, short));
                }
                Effect::Ask(peer, accounts) => {
                    for part in accounts.chunks(limits::ACCOUNTS_AT_ONCE) {
                        out.push(self.question(peer, part, None));
                    }
                }
            }
        }
        out
    }
}

fn send(peer: PeerId, message: &Message) -> Do {
    Do::Send(peer, message.to_bytes().into())
}
