//! Putting a node together: the one place that knows every adapter.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use ourspace_http::{client::Client, site::Sites};
use ourspace_node::{
    Home,
    mirror::Served,
    network::{Input, Parts, Runtime},
    notices::{Letter, Mailroom},
};
use ourspace_p2p::{Budget, Config, Event, Ipfs, Node, Switches, Task};
use ourspace_protocol::{
    link::Address,
    seams::{self, Resolver},
};
use ourspace_store::NetworkStore;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::now,
    failure::Failure,
    link::worth_dialling,
    meet::{Meeting, MeetingWishes},
    net::{Net, ThisMachine},
};

/// The port at which other nodes are listened for, if it is free: routers may be told of it.
const PORT: u16 = 4011;
/// Nodes of the last run that are tried at the start.
pub(crate) const REMEMBERED: usize = 32;

/// The longest that is waited for the own sockets.
const LISTENING: Duration = Duration::from_secs(5);

/// What a person says of the network.
#[derive(Clone, Debug)]
pub(crate) struct Wishes {
    /// Only on this machine.
    pub(crate) local: bool,
    /// At this port.
    pub(crate) port: Option<u16>,
    /// Nodes to begin with.
    pub(crate) peers: Vec<String>,
    /// What is on.
    pub(crate) switches: Switches,
    /// How a first node is met.
    pub(crate) meeting: MeetingWishes,
}

/// A node that runs until it is told to stop.
pub(crate) struct Running {
    /// The network.
    pub(crate) node: Node,
    /// What comes to the runtime.
    pub(crate) inputs: mpsc::Sender<Input>,
    /// Ways to the newest record.
    pub(crate) ways: Vec<Arc<dyn Resolver>>,
    /// What meets others.
    pub(crate) meeting: Meeting,
    memory: Arc<NetworkStore>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// Starts a node on a home.
///
/// # Errors
/// [`Failure`].
pub(crate) fn start(home: &Arc<Home>, wishes: &Wishes) -> Result<Running, Failure> {
    let memory = Arc::new(NetworkStore::open(home.path())?);
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| Failure::refused(error.to_string()))?;
    let seed = memory.seed(|| random)?;
    let mut peers = wishes.peers.clone();
    peers.extend(memory.nodes(REMEMBERED)?);
    let served = Arc::new(Served::new(Arc::clone(home))?);
    let config = |listen: Vec<String>| -> Result<Config, Failure> {
        Ok(Config {
            seed,
            listen,
            peers: peers.clone(),
            clock: Arc::new(now),
            blocks: served.clone(),
            shelf: Some(memory.clone()),
            switches: wishes.switches,
            budget: Budget::default(),
            memory_delay: Duration::ZERO,
        })
    };
    let (node, events, task) = listen(wishes, config)?;
    let parts = parts(home, &node, wishes.local)?;
    let ways = parts.ways.clone();
    let (runtime, inputs, happened) = Runtime::new(parts)?;
    let mailer = Arc::new(node.clone());
    let (mailroom, letters) = Mailroom::new(Arc::clone(home), mailer, Arc::new(now), happened);
    let meeting = Meeting::new(
        node.clone(),
        home.account()?,
        &wishes.meeting,
        Arc::clone(&memory),
    )?;
    let stop = CancellationToken::new();
    let tasks = vec![
        tokio::spawn(task.run(stop.clone())),
        tokio::spawn(pass_on(events, inputs.clone(), letters)),
        tokio::spawn(run(runtime, stop.clone())),
        tokio::spawn(mailroom.run(stop.clone())),
        tokio::spawn(meeting.clone().run(Arc::clone(home), stop.clone())),
        tokio::spawn(dial_linked(node.clone(), memory.take_linked(REMEMBERED)?)),
        tokio::spawn(go_on_remembering(
            node.clone(),
            Arc::clone(&memory),
            served,
            stop.clone(),
        )),
    ];
    Ok(Running {
        node,
        inputs,
        ways,
        meeting,
        memory,
        stop,
        tasks,
    })
}

/// What a runtime works with.
fn parts(home: &Arc<Home>, node: &Node, local: bool) -> Result<Parts, Failure> {
    let (client, sites) = web(local)?;
    Ok(Parts {
        home: Arc::clone(home),
        push: Arc::new(node.clone()),
        transports: vec![Arc::new(node.clone()), sites.clone()],
        ways: vec![Arc::new(node.swarm()), Arc::new(node.dht()), sites],
        web: Arc::new(client),
        clock: Arc::new(now),
    })
}

/// What asks web hosts, and feeds on them.
pub(crate) fn web(local: bool) -> Result<(Client, Arc<Sites>), Failure> {
    let net: Arc<dyn seams::Net> = match local {
        true => Arc::new(ThisMachine),
        false => Arc::new(Net),
    };
    let client = Client::new(net, &[])?;
    let sites = match local {
        true => Sites::new(client.clone(), &[]).in_private_networks(),
        false => Sites::new(client.clone(), &[]),
    };
    Ok((client, Arc::new(sites)))
}

/// Connects to nodes that links have named while no node ran, those that are worth it from where
/// this one listens.
async fn dial_linked(node: Node, linked: Vec<String>) {
    let linked: Vec<Address> = linked.iter().filter_map(|text| text.parse().ok()).collect();
    let until = Instant::now() + LISTENING;
    let mut listen = Vec::new();
    while !linked.is_empty() && Instant::now() < until {
        match node.status().await {
            Ok(status) if status.listen.is_empty() => tokio::time::sleep(LISTENING / 50).await,
            Ok(status) => {
                listen = status.listen;
                break;
            }
            Err(_) => return,
        }
    }
    for peer in worth_dialling(&linked, &listen) {
        if let Err(error) = node.dial(peer.as_str().to_owned()).await {
            tracing::debug!(%error, "a linked node is not dialled");
        }
    }
}

async fn run(runtime: Runtime, stop: CancellationToken) {
    if let Err(error) = runtime.run(stop).await {
        tracing::error!(%error, "the node does nothing more by itself");
    }
}

/// What the network tells goes to the runtime and to the mailroom. A mailroom that does not
/// keep up holds up nobody: mailboxes are compared again.
async fn pass_on(
    mut events: mpsc::Receiver<Event>,
    inputs: mpsc::Sender<Input>,
    letters: mpsc::Sender<Letter>,
) {
    while let Some(event) = events.recv().await {
        let letter = match event {
            Event::News { news, .. } => {
                if inputs.send(Input::News(news)).await.is_err() {
                    return;
                }
                continue;
            }
            Event::Mail { from, origin, mail } => Letter::Mail { from, origin, mail },
            Event::Met { peer, accounts } => Letter::Met { peer, accounts },
        };
        if letters.try_send(letter).is_err() {
            tracing::debug!("a message about notices was dropped");
        }
    }
}

/// At the usual port, or at any that is free.
fn listen(
    wishes: &Wishes,
    config: impl Fn(Vec<String>) -> Result<Config, Failure>,
) -> Result<(Node, mpsc::Receiver<Event>, Task), Failure> {
    let address = |port: u16| {
        let host = if wishes.local { "127.0.0.1" } else { "0.0.0.0" };
        vec![
            format!("/ip4/{host}/tcp/{port}"),
            format!("/ip4/{host}/udp/{port}/quic-v1"),
        ]
    };
    if let Some(port) = wishes.port {
        return Ok(Task::new(&config(address(port))?)?);
    }
    match Task::new(&config(address(PORT))?) {
        Ok(made) => Ok(made),
        Err(ourspace_p2p::NodeError::Listen(..)) => Ok(Task::new(&config(address(0))?)?),
        Err(error) => Err(error.into()),
    }
}

/// Whether others are connected is looked at so soon, then after twice as long each time, but never
/// later than this.
const REMEMBER_FIRST: Duration = Duration::from_secs(1);
const REMEMBER_AGAIN: Duration = Duration::from_secs(10);

/// So long is waited for the sockets to be open.
const OPENING: Duration = Duration::from_secs(3);

impl Running {
    /// Where other nodes reach this one: addresses of other machines' networks first.
    pub(crate) async fn listening(&self) -> Vec<String> {
        let ask = async {
            loop {
                match self.node.status().await {
                    Ok(status) if status.listen.len() >= 2 => return status.listen,
                    Ok(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                    Err(_) => return Vec::new(),
                }
            }
        };
        let mut listen = tokio::time::timeout(OPENING, ask).await.unwrap_or_default();
        listen.sort_by_key(|address| address.starts_with("/ip4/127."));
        listen
    }

    /// Ends it: what is known of the network is remembered.
    pub(crate) async fn stop(self) {
        remember(&self.node, &self.memory, &mut BTreeSet::new()).await;
        self.stop.cancel();
        for task in self.tasks {
            // It has ended, or panicked, which was told then.
            drop(task.await);
        }
    }
}

/// Notes the nodes that are connected now and then: whoever is killed remembers them, too. And ends
/// what was put aside of the own feed for long enough.
async fn go_on_remembering(
    node: Node,
    memory: Arc<NetworkStore>,
    served: Arc<Served>,
    stop: CancellationToken,
) {
    let mut wait = REMEMBER_FIRST;
    let mut noted = BTreeSet::new();
    while tokio::time::timeout(wait, stop.cancelled()).await.is_err() {
        remember(&node, &memory, &mut noted).await;
        served.tidy();
        wait = (wait * 2).min(REMEMBER_AGAIN);
    }
}

/// Notes the nodes that are connected, for the next start, if they are not those that were `noted`.
async fn remember(node: &Node, memory: &NetworkStore, noted: &mut BTreeSet<String>) {
    let Ok(status) = node.status().await else {
        return;
    };
    let peers = status
        .peers
        .iter()
        .filter(|peer| peer.speaks && peer.lasting);
    let addresses: BTreeSet<String> = peers
        .map(|peer| match peer.address.contains("/p2p/") {
            true => peer.address.clone(),
            false => format!("{}/p2p/{}", peer.address, peer.peer),
        })
        .collect();
    if addresses.is_subset(noted) {
        return;
    }
    let all: Vec<String> = addresses.iter().cloned().collect();
    match memory.put_nodes(&all, now()) {
        Ok(()) => *noted = addresses,
        Err(error) => tracing::warn!(%error, "the nodes that were met are not remembered"),
    }
}

/// No network beyond this machine's own, and no IPFS.
pub(crate) fn loopback() -> Switches {
    Switches {
        relay: true,
        ipfs: Ipfs::Lan,
        ..Switches::OFF
    }
}
