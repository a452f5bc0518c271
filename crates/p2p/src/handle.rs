//! What the rest of the program holds of a node: a cheap handle.

use std::sync::Arc;

use libp2p::PeerId;
use ourspace_protocol::{
    account::Account,
    announcement::Announcement,
    heads::Heads,
    link::{self, Address},
    message::Mail,
    seams::{BoxFuture, Candidate, Lookup, Mailer, Member, Push, Resolver, Session, Transport},
};
use tokio::sync::{mpsc, oneshot};

use crate::{NodeError, bitswap, status::Status};

/// Found records that wait for whoever asked.
pub(crate) const FOUND: usize = 64;

/// Which way a lookup takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The DHT.
    Dht,
    /// Connected peers that follow the account.
    Swarm,
}

/// What is said of an account that is followed from now on.
#[derive(Debug)]
pub(crate) struct Join {
    pub(crate) heads: Heads,
    pub(crate) own: bool,
}

/// What a node is asked to do.
#[derive(Debug)]
pub(crate) enum Command {
    Join(Account, Join),
    Leave(Account),
    Publish(Arc<Announcement>),
    Learnt(Arc<Announcement>),
    Put(Account, oneshot::Sender<Stored>),
    Resolve(Account, Way, mpsc::Sender<Candidate>),
    Providers(u64, Option<Account>),
    /// Connects to a node that a stranger's record names.
    Meet(String),
    Dial(String, oneshot::Sender<Result<(), NodeError>>),
    Status(oneshot::Sender<Status>),
    Post(Post),
}

/// What a node is asked to do for notices.
#[derive(Debug)]
pub(crate) enum Post {
    Members(Account, oneshot::Sender<Vec<Member>>),
    SeekMembers(Account),
    SeekSenders(Account),
    Word(Account, bool),
    Send(String, Mail),
    Fault(String, &'static str),
}

/// Where a row was put.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Nodes that have it now.
    pub holders: usize,
    /// Nodes that were asked to take it.
    pub asked: usize,
}

/// What a node tells by itself.
#[derive(Clone, Debug)]
pub enum Event {
    /// News of an account that was joined: verified, not applied. Without its delta when it
    /// came by a way that carries none.
    News {
        /// What.
        news: Arc<Announcement>,
        /// Who sent it: a peer id.
        from: String,
    },
    /// A message about mailboxes: nothing of it is verified.
    Mail {
        /// Who sent it: a peer id.
        from: String,
        /// Stands for the part of the network that they are in.
        origin: u64,
        /// What.
        mail: Mail,
    },
    /// A peer keeps the mailboxes of accounts that this node follows in public, or whose
    /// members it looks for.
    Met {
        /// Who: a peer id.
        peer: String,
        /// Whose.
        accounts: Vec<Account>,
    },
}

/// A node that runs.
#[derive(Clone, Debug)]
pub struct Node {
    commands: mpsc::Sender<Command>,
    bitswap: bitswap::Handle,
    own: Arc<str>,
}

impl Node {
    pub(crate) fn new(
        commands: mpsc::Sender<Command>,
        bitswap: bitswap::Handle,
        own: &PeerId,
    ) -> Self {
        Self {
            commands,
            bitswap,
            own: own.to_string().into(),
        }
    }

    async fn ask(&self, command: Command) -> Result<(), NodeError> {
        let sent = self.commands.send(command).await;
        sent.map_err(|_| NodeError::Stopped)
    }

    /// To a node that has stopped, nothing is said.
    fn quietly(&self, command: Command) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if self.ask(command).await.is_err() {
                tracing::debug!("the node has stopped");
            }
        })
    }

    /// Puts the newest records of an account that was joined into the DHT. Takes as long as
    /// the slowest node that is asked.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn put(&self, account: Account) -> Result<Stored, NodeError> {
        let (tell, told) = oneshot::channel();
        self.ask(Command::Put(account, tell)).await?;
        told.await.map_err(|_| NodeError::Stopped)
    }

    /// Connects to a node.
    ///
    /// # Errors
    /// [`NodeError::Address`], [`NodeError::Stopped`].
    pub async fn dial(&self, address: String) -> Result<(), NodeError> {
        let (tell, told) = oneshot::channel();
        self.ask(Command::Dial(address, tell)).await?;
        told.await.map_err(|_| NodeError::Stopped)?
    }

    /// How it is doing.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn status(&self) -> Result<Status, NodeError> {
        let (tell, told) = oneshot::channel();
        self.ask(Command::Status(tell)).await?;
        told.await.map_err(|_| NodeError::Stopped)
    }

    /// The way by the DHT.
    #[must_use]
    pub fn dht(&self) -> impl Resolver + use<> {
        ByNode {
            node: self.clone(),
            way: Way::Dht,
        }
    }

    /// The way by connected peers that follow the account.
    #[must_use]
    pub fn swarm(&self) -> impl Resolver + use<> {
        ByNode {
            node: self.clone(),
            way: Way::Swarm,
        }
    }
}

impl Push for Node {
    fn join(&self, account: Account, heads: Heads, own: bool) -> BoxFuture<'_, ()> {
        self.quietly(Command::Join(account, Join { heads, own }))
    }

    fn leave(&self, account: Account) -> BoxFuture<'_, ()> {
        self.quietly(Command::Leave(account))
    }

    fn learnt(&self, news: Arc<Announcement>) -> BoxFuture<'_, ()> {
        self.quietly(Command::Learnt(news))
    }

    fn publish(&self, news: Arc<Announcement>) -> BoxFuture<'_, ()> {
        self.quietly(Command::Publish(news))
    }
}

impl Mailer for Node {
    fn own(&self) -> String {
        self.own.to_string()
    }

    fn members(&self, account: Account) -> BoxFuture<'_, Vec<Member>> {
        Box::pin(async move {
            let (tell, told) = oneshot::channel();
            self.quietly(Command::Post(Post::Members(account, tell)))
                .await;
            told.await.unwrap_or_default()
        })
    }

    fn seek_members(&self, account: Account) -> BoxFuture<'_, ()> {
        self.quietly(Command::Post(Post::SeekMembers(account)))
    }

    fn seek_senders(&self, account: Account) -> BoxFuture<'_, ()> {
        self.quietly(Command::Post(Post::SeekSenders(account)))
    }

    fn leave_word(&self, account: Account, on: bool) -> BoxFuture<'_, ()> {
        self.quietly(Command::Post(Post::Word(account, on)))
    }

    fn send(&self, peer: String, mail: Mail) -> BoxFuture<'_, ()> {
        self.quietly(Command::Post(Post::Send(peer, mail)))
    }

    fn fault(&self, peer: String, what: &'static str) -> BoxFuture<'_, ()> {
        self.quietly(Command::Post(Post::Fault(peer, what)))
    }
}

impl Transport for Node {
    fn name(&self) -> &'static str {
        "ipfs"
    }

    /// The peers that follow the account are asked, and nodes among the locations; where
    /// these do not have all, those that the DHT names.
    fn open(&self, account: Option<Account>, locations: &[String]) -> Box<dyn Session> {
        let session = self.bitswap.open(&nodes(locations));
        // A node that has more to do than it can: the session then waits in vain and ends.
        if self
            .commands
            .try_send(Command::Providers(session.id(), account))
            .is_err()
        {
            tracing::debug!("a session begins without providers");
        }
        Box::new(session)
    }
}

/// Nodes that a record names, as multiaddrs with a peer id at the end: the first few.
fn nodes(locations: &[String]) -> Vec<String> {
    let nodes = locations
        .iter()
        .filter(|one| one.parse::<Address>().is_ok());
    nodes.take(link::PEERS).cloned().collect()
}

struct ByNode {
    node: Node,
    way: Way,
}

impl Resolver for ByNode {
    fn name(&self) -> &'static str {
        match self.way {
            Way::Dht => "dht",
            Way::Swarm => "swarm",
        }
    }

    fn resolve(&self, account: Account, locations: &[String]) -> Box<dyn Lookup> {
        let (found, come) = mpsc::channel(FOUND);
        let command = Command::Resolve(account, self.way, found);
        let mut begin = vec![command];
        // Once is enough, for both ways.
        if self.way == Way::Swarm {
            begin.extend(nodes(locations).into_iter().map(Command::Meet));
        }
        Box::new(Pending {
            begin: Some((self.node.clone(), begin)),
            come,
        })
    }
}

struct Pending {
    begin: Option<(Node, Vec<Command>)>,
    come: mpsc::Receiver<Candidate>,
}

impl Lookup for Pending {
    fn next(&mut self) -> BoxFuture<'_, Option<Candidate>> {
        Box::pin(async {
            if let Some((node, commands)) = self.begin.take() {
                for command in commands {
                    node.ask(command).await.ok()?;
                }
            }
            self.come.recv().await
        })
    }
}
