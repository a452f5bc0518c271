//! What the network looks like in JSON.

use ourspace_node::network::Way;
use ourspace_p2p::Status;
use ourspace_protocol::{account::Account, time::Millis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a node's network is doing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct NetworkView {
    /// Its peer id.
    pub(crate) peer: String,
    /// Where it can be reached, as multiaddrs with the peer id.
    pub(crate) listen: Vec<String>,
    /// Those that others have reached it at.
    pub(crate) confirmed: Vec<String>,
    /// Connected nodes.
    pub(crate) peers: Vec<PeerView>,
    /// Nodes in the routing table of the DHT.
    pub(crate) routing: usize,
    /// Rows that are kept for the DHT.
    pub(crate) rows: usize,
    /// How far other clocks are ahead, in milliseconds.
    pub(crate) clock: Option<i64>,
    /// What its own connections through relays have carried.
    pub(crate) relayed: RelayedView,
    /// What was counted.
    pub(crate) counts: BTreeMap<String, u64>,
}

/// Bytes of connections through relays since the start, as they are encrypted.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct RelayedView {
    /// That came.
    pub(crate) bytes_in: u64,
    /// That went.
    pub(crate) bytes_out: u64,
}

/// A connected node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PeerView {
    /// Its peer id.
    pub(crate) peer: String,
    /// How it is connected.
    pub(crate) address: String,
    /// Its program.
    pub(crate) agent: String,
    /// Through a relay.
    pub(crate) relayed: bool,
    /// Through a relay first, until a direct way was found.
    pub(crate) punched: bool,
    /// Speaks our protocol.
    pub(crate) ourspace: bool,
    /// Accounts that both follow in public.
    pub(crate) overlap: usize,
    /// Round trip in milliseconds.
    pub(crate) round_trip_ms: Option<f64>,
}

impl NetworkView {
    pub(crate) fn new(status: &Status) -> Self {
        let peers = status.peers.iter().map(|peer| PeerView {
            peer: peer.peer.clone(),
            address: peer.address.clone(),
            agent: peer.agent.clone(),
            relayed: peer.relayed,
            punched: peer.punched,
            ourspace: peer.speaks,
            overlap: peer.overlap,
            round_trip_ms: peer.round_trip.map(|time| time as f64 / 1000.0),
        });
        Self {
            peer: status.peer.clone(),
            listen: status.listen.clone(),
            confirmed: status.confirmed.clone(),
            peers: peers.collect(),
            routing: status.routing,
            rows: status.rows,
            clock: status.clock,
            relayed: RelayedView {
                bytes_in: status.relayed.bytes_in,
                bytes_out: status.relayed.bytes_out,
            },
            counts: status
                .counts
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect(),
        }
    }
}

/// A step of a lookup.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WayView {
    /// `found`, `refused` or `ended`.
    pub(crate) step: String,
    /// By which way.
    pub(crate) source: String,
    /// From whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    /// Since the beginning, in milliseconds.
    pub(crate) elapsed_ms: f64,
    /// Why it is not believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// What was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) record: Option<RecordView>,
}

/// A record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RecordView {
    /// Whose.
    pub(crate) account: Account,
    /// When it was signed.
    pub(crate) timestamp: Millis,
    /// Root of the feed.
    pub(crate) root: String,
    /// Where it can be had.
    pub(crate) locations: Vec<String>,
    /// Who signed it.
    pub(crate) signer: Account,
}

impl WayView {
    pub(crate) fn new(way: &Way) -> Self {
        let empty = |step: &str, source: &str, elapsed: &std::time::Duration| Self {
            step: step.to_owned(),
            source: source.to_owned(),
            from: None,
            elapsed_ms: elapsed.as_secs_f64() * 1000.0,
            why: None,
            record: None,
        };
        match way {
            Way::Found(found) => {
                let record = found.record.record();
                Self {
                    from: Some(found.from.clone()),
                    record: Some(RecordView {
                        account: record.account,
                        timestamp: record.timestamp,
                        root: record.root.to_string(),
                        locations: record.locations.clone(),
                        signer: found.record.signer(),
                    }),
                    ..empty("found", found.source, &found.elapsed)
                }
            }
            Way::Refused {
                source,
                from,
                why,
                elapsed,
            } => Self {
                from: Some(from.clone()),
                why: Some(why.clone()),
                ..empty("refused", source, elapsed)
            },
            Way::Ended {
                source,
                why,
                elapsed,
            } => Self {
                why: why.clone(),
                ..empty("ended", source, elapsed)
            },
        }
    }
}
