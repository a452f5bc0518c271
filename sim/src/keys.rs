//! Places in the DHT, short: of 256 bits the first 128 tell ten thousand nodes apart.

use ourspace_protocol::{hash::sha256, machine::rows::Key};

/// The first half of a place; distances are their XOR.
pub type Place = u128;

/// The first half of a key.
#[must_use]
pub fn place(key: &Key) -> Place {
    let mut first = [0; 16];
    first.copy_from_slice(&key[..16]);
    Place::from_be_bytes(first)
}

/// Where node number `node` stands: a hash, as that of a peer id.
#[must_use]
pub fn of_node(node: u64) -> Key {
    sha256(&[b"sim/node".as_slice(), &node.to_le_bytes()].concat())
}

/// Where a row stands: Kademlia hashes its key again.
#[must_use]
pub fn of_row(key: &Key) -> Key {
    sha256(key)
}
