//! What a node tells of itself.

use std::collections::BTreeMap;

/// How a node is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Its peer id.
    pub peer: String,
    /// Where it can be reached, with the peer id at the end.
    pub listen: Vec<String>,
    /// Addresses without a relay at which others were seen to reach it.
    pub confirmed: Vec<String>,
    /// Connected peers.
    pub peers: Vec<Peer>,
    /// Nodes in the routing table of the DHT.
    pub routing: usize,
    /// Rows that it keeps for the DHT.
    pub rows: usize,
    /// How far most peers' clocks are from the one here, in milliseconds: above zero when
    /// they are ahead. None before three peers have told.
    pub clock: Option<i64>,
    /// What this node's own connections through relays have carried since the start.
    pub relayed: Relayed,
    /// What was counted since the start, by name.
    pub counts: BTreeMap<&'static str, u64>,
}

/// Bytes of connections through relays, as they are encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relayed {
    /// That came.
    pub bytes_in: u64,
    /// That went.
    pub bytes_out: u64,
}

/// A connected peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its peer id.
    pub peer: String,
    /// Where it is.
    pub address: String,
    /// Whether the address is one to come back to: this node has dialled it, or the peer listens
    /// there, as it says.
    pub lasting: bool,
    /// Its program, as it says.
    pub agent: String,
    /// Whether the connection goes through a relay.
    pub relayed: bool,
    /// Whether it went through one until a direct way was found.
    pub punched: bool,
    /// Whether it speaks our protocol.
    pub speaks: bool,
    /// How many accounts both follow in public.
    pub overlap: usize,
    /// Round trip in microseconds, where it was measured.
    pub round_trip: Option<u64>,
}
