//! A node: our own machines, and what the model adds.

use ourspace_protocol::{
    machine::{
        density::Density,
        dice::Dice,
        rows::{Key, Room, Rows},
        upkeep::Upkeep,
    },
    time::Millis,
    verify::KnownGrants,
};

use crate::{
    keys::{self, Place},
    table::{Id, Table},
};

/// What a node is up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It does as the program does.
    Honest,
    /// It keeps nothing, names only its own kind, and tells the old or nothing.
    Hostile,
}

/// The machines of a node, as the program runs them.
#[derive(Debug)]
pub struct Machines {
    /// Rows of the DHT.
    pub rows: Rows,
    /// How dense the network is.
    pub density: Density,
    /// What is done for accounts that are followed.
    pub upkeep: Upkeep,
    /// Grants that were seen.
    pub grants: KnownGrants,
}

/// A connection.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// With whom.
    pub peer: Id,
    /// How many accounts both follow.
    pub overlap: u16,
    /// Since when.
    pub since: Millis,
}

/// A node.
#[derive(Debug)]
pub struct Node {
    /// Where it stands.
    pub key: Key,
    /// The same, short.
    pub place: Place,
    /// What it is up to.
    pub kind: Kind,
    /// Whether it is there.
    pub online: bool,
    /// Whom it knows.
    pub table: Table,
    /// What is ours in it.
    pub machines: Machines,
    /// Whom it follows, by number and in order, and of when the newest record is that it has.
    pub follows: Vec<(u32, Millis)>,
    /// With whom it is connected.
    pub links: Vec<Link>,
    /// When its upkeep is woken next.
    pub wake_at: Option<Millis>,
}

impl Node {
    /// Node number `id`, of a network that keeps a row at `replicas` nodes.
    #[must_use]
    pub fn new(id: u64, replicas: usize) -> Self {
        let key = keys::of_node(id);
        Self::at(key, id, replicas)
    }

    /// A node that stands there.
    #[must_use]
    pub fn at(key: Key, id: u64, replicas: usize) -> Self {
        let place = keys::place(&key);
        Self {
            key,
            place,
            kind: Kind::Honest,
            online: true,
            table: Table::new(place, replicas),
            machines: Machines {
                rows: Rows::new(key, Room::default()),
                density: Density::new(replicas),
                upkeep: Upkeep::new(Dice::new(id * 77 + 3)),
                grants: KnownGrants::new(),
            },
            follows: Vec::new(),
            links: Vec::new(),
            wake_at: None,
        }
    }

    /// Whether it is connected with a node.
    #[must_use]
    pub fn is_connected(&self, peer: Id) -> bool {
        self.links.iter().any(|link| link.peer == peer)
    }

    /// Where in the list of those whom it follows an author stands.
    #[must_use]
    pub fn follow(&self, author: u32) -> Option<usize> {
        self.follows.binary_search_by_key(&author, |one| one.0).ok()
    }
}
