//! What others hold of bitswap: a cheap handle, and sessions.

use std::{
    collections::{HashMap, HashSet},
    future::pending,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::{
    StreamExt as _,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
};
use libp2p::{Multiaddr, PeerId, multiaddr};
use ourspace_protocol::{
    dag::Cid,
    seams::{Arrival, BoxFuture, Session, Want},
};

use super::{client::Id, server::Served, session::Figures};

/// What a handle asks of the behaviour.
#[derive(Debug)]
pub(super) enum Command {
    Open(Id, Owner),
    Close(Id),
    Want(Id, Vec<Cid>, bool),
    Cancel(Id, Vec<Cid>),
    Providers(Id, Vec<(PeerId, Option<Multiaddr>)>),
    SearchOver(Id),
}

/// Where a session's blocks and figures go.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) arrivals: UnboundedSender<Arrival>,
    pub(super) figures: Arc<Mutex<Figures>>,
}

/// Bytes to and from one peer, or all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes of messages that were sent.
    pub sent: u64,
    /// Bytes of messages that came.
    pub received: u64,
}

/// Figures that the behaviour writes and handles read.
#[derive(Debug, Default)]
pub(super) struct Board {
    pub(super) served: Served,
    pub(super) peers: HashMap<PeerId, Traffic>,
    /// With those who are gone.
    pub(super) all: Traffic,
}

/// Opens sessions and tells figures; cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    commands: UnboundedSender<Command>,
    next: Arc<AtomicU64>,
    board: Arc<Mutex<Board>>,
}

impl Handle {
    pub(super) fn new() -> (Self, UnboundedReceiver<Command>, Arc<Mutex<Board>>) {
        let (commands, received) = unbounded();
        let board = Arc::<Mutex<Board>>::default();
        let handle = Self {
            commands,
            next: Arc::default(),
            board: Arc::clone(&board),
        };
        (handle, received, board)
    }

    /// Opens a session that asks these peers; more can come later. A provider is a peer id,
    /// or an address that ends with one. What is neither is left out.
    #[must_use]
    pub fn open(&self, providers: &[String]) -> BitswapSession {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (arrivals, received) = unbounded();
        let figures = Arc::<Mutex<Figures>>::default();
        let owner = Owner {
            arrivals,
            figures: Arc::clone(&figures),
        };
        self.tell(Command::Open(id, owner));
        self.add_providers(id, providers);
        BitswapSession {
            id,
            handle: self.clone(),
            arrivals: received,
            figures,
            wanted: HashSet::new(),
        }
    }

    /// Gives a session more peers to ask; says how many of the texts are peers.
    pub fn add_providers(&self, session: u64, providers: &[String]) -> usize {
        let providers: Vec<_> = providers.iter().filter_map(|text| provider(text)).collect();
        let count = providers.len();
        if count > 0 {
            self.tell(Command::Providers(session, providers));
        }
        count
    }

    /// Says that the search for more providers of a session has ended: what nobody has is
    /// then missing at once.
    pub fn search_is_over(&self, session: u64) {
        self.tell(Command::SearchOver(session));
    }

    /// What was sent to others.
    #[must_use]
    pub fn served(&self) -> Served {
        self.board().served
    }

    /// Bytes to and from every peer that is connected, by its id.
    #[must_use]
    pub fn traffic(&self) -> Vec<(String, Traffic)> {
        let board = self.board();
        let peers = board.peers.iter();
        peers
            .map(|(peer, traffic)| (peer.to_string(), *traffic))
            .collect()
    }

    /// Bytes to and from everybody since the start.
    #[must_use]
    pub fn all_traffic(&self) -> Traffic {
        self.board().all
    }

    fn board(&self) -> std::sync::MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the behaviour is gone, there is nobody to tell: sessions then find that out.
    fn tell(&self, command: Command) {
        drop(self.commands.unbounded_send(command));
    }
}

/// A peer id, or an address that ends with one.
fn provider(text: &str) -> Option<(PeerId, Option<Multiaddr>)> {
    if let Ok(peer) = text.parse() {
        return Some((peer, None));
    }
    let address: Multiaddr = text.parse().ok()?;
    match address.iter().last()? {
        multiaddr::Protocol::P2p(peer) => Some((peer, Some(address))),
        _ => None,
    }
}

/// Fetching blocks of one tree from some peers. Dropping it takes back what is asked.
#[derive(Debug)]
pub struct BitswapSession {
    id: Id,
    handle: Handle,
    arrivals: UnboundedReceiver<Arrival>,
    figures: Arc<Mutex<Figures>>,
    wanted: HashSet<Cid>,
}

impl BitswapSession {
    /// Its number, by which events name it.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Gives it more peers to ask; says how many of the texts are peers.
    pub fn add_providers(&self, providers: &[String]) -> usize {
        self.handle.add_providers(self.id, providers)
    }

    /// What came so far.
    #[must_use]
    pub fn figures(&self) -> Figures {
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&mut self, wants: Vec<Want>, first: bool) {
        let cids: Vec<Cid> = wants.into_iter().map(|want| want.cid).collect();
        self.wanted.extend(&cids);
        self.handle.tell(Command::Want(self.id, cids, first));
    }
}

impl Session for BitswapSession {
    fn want(&mut self, wants: Vec<Want>) {
        self.ask(wants, false);
    }

    fn hurry(&mut self, wants: Vec<Want>) {
        self.ask(wants, true);
    }

    fn cancel(&mut self, cids: &[Cid]) {
        for cid in cids {
            self.wanted.remove(cid);
        }
        self.handle.tell(Command::Cancel(self.id, cids.to_vec()));
    }

    fn next(&mut self) -> BoxFuture<'_, Arrival> {
        Box::pin(async move {
            while let Some(arrival) = self.arrivals.next().await {
                let cid = match &arrival {
                    Arrival::Block(block) => block.cid(),
                    Arrival::Missing(cid) => *cid,
                };
                // What was cancelled while it came is not given.
                if self.wanted.remove(&cid) {
                    return arrival;
                }
            }
            // The network has been shut down: nothing comes any more.
            match self.wanted.iter().next().copied() {
                Some(cid) => {
                    self.wanted.remove(&cid);
                    Arrival::Missing(cid)
                }
                None => pending().await,
            }
        })
    }
}

impl Drop for BitswapSession {
    fn drop(&mut self) {
        self.handle.tell(Command::Close(self.id));
    }
}
