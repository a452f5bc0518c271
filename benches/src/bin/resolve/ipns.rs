//! IPNS beside it: Kubo nodes that make up the DHT, and Helia that publishes and resolves.

use std::thread;

use anyhow::{Context as _, Result};
use ourspace_testkit::{lab::Host, peers::IpfsNode};
use serde_json::json;

use super::{Layout, Measured, SETTLED, connections, number};

/// Kubo nodes; IPFS keeps a record at 20.
const NODES: usize = 30;
/// Names.
const NAMES: usize = 20;
/// Kubo nodes that are started at once.
const AT_ONCE: usize = 5;
/// What the names stand for: the empty folder.
const VALUE: &str = "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn";

/// Kubo nodes that know each other.
pub(crate) struct Network {
    nodes: Vec<IpfsNode>,
}

fn kubo(host: Option<&Host>) -> Result<IpfsNode> {
    host.map_or_else(|| IpfsNode::kubo(false), IpfsNode::kubo_on)
}

fn helia(host: Option<&Host>) -> Result<IpfsNode> {
    host.map_or_else(IpfsNode::helia, IpfsNode::helia_on)
}

impl Network {
    pub(crate) fn start(layout: &Layout) -> Result<Self> {
        let mut nodes: Vec<IpfsNode> = Vec::new();
        while nodes.len() < NODES {
            let started = thread::scope(|scope| {
                let begin = || scope.spawn(|| kubo(layout.far()));
                let begun: Vec<_> = (0..AT_ONCE).map(|_| begin()).collect();
                let ended = begun.into_iter().map(|one| match one.join() {
                    Ok(started) => started,
                    Err(panic) => std::panic::resume_unwind(panic),
                });
                ended.collect::<Result<Vec<_>>>()
            });
            nodes.extend(started.context("Kubo does not start")?);
        }
        for at in 1..nodes.len() {
            for known in [0, at / 2, at - 1] {
                let address = nodes[known].address.clone();
                let connected = nodes[at].connect(&address);
                connected.with_context(|| format!("Kubo {at} to {known}"))?;
            }
        }
        Ok(Self { nodes })
    }

    /// Helia, connected to a few of them.
    fn helia(&self, layout: &Layout) -> Result<IpfsNode> {
        let mut helia = helia(layout.near())?;
        for node in self.nodes.iter().step_by(10) {
            helia.connect(&node.address)?;
        }
        thread::sleep(SETTLED);
        Ok(helia)
    }

    pub(crate) fn measure(self, layout: &Layout) -> Result<Measured> {
        let mut measured = Measured::default();
        let mut author = self.helia(layout)?;
        let mut keys = Vec::new();
        for at in 0..NAMES {
            let order = json!({ "do": "publish", "name": format!("name-{at}"), "cid": VALUE });
            let told = author.order(&order)?;
            measured.put.push(number(&told, "ms"));
            keys.push(told["key"].clone());
        }
        drop(author);
        let mut asker = self.helia(layout)?;
        for key in keys {
            let before = connections(&mut asker)?;
            match asker.order(&json!({ "do": "resolve", "key": key })) {
                Ok(told) => {
                    measured.found.push(number(&told, "ms"));
                    measured.connections.push(before);
                }
                Err(error) => {
                    println!("IPNS, lost: {error:#}");
                    measured.lost += 1;
                }
            }
        }
        Ok(measured)
    }
}
