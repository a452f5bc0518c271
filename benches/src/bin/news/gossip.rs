//! The same with libp2p's gossipsub in its default configuration, over the same transport.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use futures::StreamExt as _;
use libp2p::{
    Multiaddr, PeerId, Swarm, Transport as _,
    core::{transport::MemoryTransport, upgrade::Version},
    identity::Keypair,
    noise,
    swarm::{Config, SwarmEvent},
    yamux,
};
use libp2p_gossipsub::{
    Behaviour, ConfigBuilder, Event, IdentTopic, Message as Gossip, MessageAcceptance,
    MessageAuthenticity, MessageId, MetricsConfig,
};
use ourspace_p2p::{Meter, Slow};
use ourspace_protocol::{
    announcement::Announcement,
    message::Message,
    time::Millis,
    verify::{Context, KnownGrants},
};
use ourspace_testkit::random::Random;
use prometheus_client::{encoding::text::encode, registry::Registry};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use super::{DELAY, PATIENCE, Spread, WORD};

/// The mesh is given so long to be made.
const SETTLED: Duration = Duration::from_secs(20);

/// What a node is told.
enum Order {
    Dial(Multiaddr),
    Publish(Vec<u8>),
    Links(oneshot::Sender<usize>),
}

/// A node, and what is counted of it.
struct Running {
    orders: mpsc::Sender<Order>,
    address: Multiaddr,
    registry: Registry,
    meter: Meter,
}

fn swarm(registry: &mut Registry, meter: Meter) -> Result<Swarm<Behaviour>> {
    let key = Keypair::generate_ed25519();
    let own = key.public().to_peer_id();
    let transport = Slow::new(MemoryTransport::default(), DELAY)
        .map(move |connection, _| meter.count(connection))
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(&key)?)
        .multiplex(yamux::Config::default())
        .boxed();
    // All as it is by default, but that only what was verified is passed on.
    let settings = ConfigBuilder::default().validate_messages().build()?;
    let behaviour = Behaviour::new(MessageAuthenticity::Signed(key), settings);
    let behaviour = behaviour.map_err(anyhow::Error::msg)?;
    let metrics = MetricsConfig::default();
    let mut behaviour = behaviour.with_metrics(registry, metrics);
    behaviour.subscribe(&topic())?;
    let settings = Config::with_tokio_executor().with_idle_connection_timeout(PATIENCE * 60);
    Ok(Swarm::new(transport, behaviour, own, settings))
}

fn topic() -> IdentTopic {
    IdentTopic::new("news")
}

/// Whether a message is an announcement that is to be believed.
fn is_valid(message: &Gossip, now: Millis, known: &mut KnownGrants) -> bool {
    let Ok(Message::News { record, delta }) = Message::from_bytes(&message.data) else {
        return false;
    };
    let context = Context {
        now,
        highest_epoch: 0,
    };
    Announcement::check(&record, delta.as_deref(), context, known).is_ok()
}

async fn run(
    mut swarm: Swarm<Behaviour>,
    mut orders: mpsc::Receiver<Order>,
    got: mpsc::UnboundedSender<(usize, Instant)>,
    at: usize,
) -> Result<()> {
    let mut known = KnownGrants::new();
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Dial(address)) => swarm.dial(address)?,
                Some(Order::Publish(data)) => {
                    swarm.behaviour_mut().publish(topic(), data)?;
                }
                Some(Order::Links(tell)) => drop(tell.send(swarm.connected_peers().count())),
                None => return Ok(()),
            },
            event = swarm.select_next_some() => {
                if let SwarmEvent::Behaviour(Event::Message {
                    propagation_source,
                    message_id,
                    message,
                }) = event
                {
                    let valid = is_valid(&message, super::now(), &mut known);
                    if valid {
                        got.send((at, Instant::now()))?;
                    }
                    judge(&mut swarm, (&message_id, &propagation_source), valid);
                }
            }
        }
    }
}

fn judge(swarm: &mut Swarm<Behaviour>, (id, from): (&MessageId, &PeerId), valid: bool) {
    let verdict = match valid {
        true => MessageAcceptance::Accept,
        false => MessageAcceptance::Reject,
    };
    let behaviour = swarm.behaviour_mut();
    behaviour.report_message_validation_result(id, from, verdict);
}

/// So many nodes, each connected with about so many others.
async fn start(
    nodes: usize,
    links: usize,
    got: &mpsc::UnboundedSender<(usize, Instant)>,
    tasks: &mut JoinSet<Result<()>>,
) -> Result<Vec<Running>> {
    let (mut all, mut random): (Vec<Running>, _) = (Vec::new(), Random::new(4));
    for at in 0..nodes {
        let (mut registry, meter) = (Registry::default(), Meter::default());
        let mut swarm = swarm(&mut registry, meter.clone())?;
        swarm.listen_on("/memory/0".parse()?)?;
        let address = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                break address;
            }
        };
        let (orders, come) = mpsc::channel(nodes);
        // Each dials half of them.
        let mut whom: BTreeSet<usize> = BTreeSet::new();
        while whom.len() < (links / 2).min(at) {
            whom.insert(random.below(at));
        }
        for other in whom {
            orders.send(Order::Dial(all[other].address.clone())).await?;
        }
        tasks.spawn(run(swarm, come, got.clone(), at));
        all.push(Running {
            orders,
            address,
            registry,
            meter,
        });
    }
    Ok(all)
}

/// The sum of a counter over all nodes.
fn counted(all: &[Running], name: &str) -> Result<f64> {
    let mut sum = 0.0;
    for node in all {
        let mut text = String::new();
        encode(&mut text, &node.registry)?;
        let lines = text.lines().filter(|line| line.starts_with(name));
        let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        sum += values.sum::<f64>();
    }
    Ok(sum)
}

fn bytes(all: &[Running]) -> f64 {
    all.iter().map(|node| node.meter.read().0 as f64).sum()
}

async fn links(all: &[Running]) -> Result<f64> {
    let mut sum = 0;
    for node in all {
        let (tell, told) = oneshot::channel();
        node.orders.send(Order::Links(tell)).await?;
        sum += told.await?;
    }
    Ok(sum as f64 / all.len() as f64)
}

/// Spreads all the news.
pub(crate) async fn measure(
    nodes: usize,
    degree: usize,
    all_news: &[Arc<Announcement>],
) -> Result<Spread> {
    const RECEIVED: &str = "topic_msg_recv_counts_unfiltered_total";
    let (give, mut got) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    let all = start(nodes, degree, &give, &mut tasks).await?;
    tokio::time::sleep(SETTLED).await;
    let mut pieces = Vec::new();
    while got.try_recv().is_ok() {}
    for news in all_news {
        let idle = bytes(&all);
        tokio::time::sleep(WORD).await;
        let (before, received) = (bytes(&all), counted(&all, RECEIVED)?);
        let message = Message::News {
            record: news.record().get().to_bytes(),
            delta: news.delta().map(<[u8]>::to_vec),
        };
        let begin = Instant::now();
        let first = all.first().context("no nodes")?;
        first
            .orders
            .send(Order::Publish(message.to_bytes()))
            .await?;
        tokio::time::sleep(WORD).await;
        let mut after = Vec::new();
        while let Ok((_, at)) = got.try_recv() {
            after.push((at - begin).as_secs_f64() * 1e3);
        }
        let silent = before - idle;
        pieces.push(Spread {
            after,
            copies: (counted(&all, RECEIVED)? - received) / (nodes as f64 - 1.0),
            bytes: (bytes(&all) - before - silent) / nodes as f64,
            idle: silent / nodes as f64,
            links: links(&all).await?,
        });
    }
    drop(all);
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(Spread::of(&pieces))
}
