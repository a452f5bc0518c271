//! What lookups are for, and what came of them.

use std::{collections::BTreeSet, sync::Arc};

use ourspace_protocol::{
    machine::{density::Spacing, lookup::Lookup, rows::Key},
    time::Millis,
    verify::KnownGrants,
};

use crate::table::Id;

/// Why somebody looks for a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// They follow the account.
    Upkeep,
    /// A person wants to see it; the newest one there is was signed then.
    Sample(Millis),
}

/// The first valid record of a lookup.
#[derive(Clone, Copy, Debug)]
pub struct First {
    /// After how long.
    pub after: Millis,
    /// How many answers led to it, its own included; 0 when it was here already.
    pub depth: u32,
}

/// Somebody looks for a row.
#[derive(Debug)]
pub struct Looking {
    /// Whose, by number.
    pub author: u32,
    /// Our machine.
    pub machine: Lookup<Id>,
    /// Why.
    pub wanted: Wanted,
    /// The first answer.
    pub first: Option<First>,
    /// Nodes that had nothing.
    pub empty: Vec<Id>,
    /// When it began.
    pub begun: Millis,
    /// Questions, once the first lookup is over.
    pub requests: u32,
}

/// What a lookup is for.
#[derive(Debug)]
pub enum Goal {
    /// To find a row.
    Look(Box<Looking>),
    /// To put one.
    Put(u32, Arc<[u8]>),
    /// To learn the density, at the hash of this key.
    Probe(Key),
    /// To see a part of a region.
    Part(u64),
}

/// Why a region is searched.
#[derive(Debug)]
pub enum Purpose {
    /// To find a row.
    Look(Box<Looking>),
    /// To put one.
    Put(u32, Arc<[u8]>),
}

/// A region that is searched.
#[derive(Debug)]
pub struct Region {
    /// Who searches.
    pub by: Id,
    /// Where the row stands.
    pub place: Key,
    /// How far apart nodes stand.
    pub spacing: Spacing,
    /// Nodes next to the row.
    pub crowd: BTreeSet<Id>,
    /// Nodes that were found.
    pub found: BTreeSet<Id>,
    /// Lookups, then answers, that are waited for.
    pub open: usize,
    /// What for.
    pub purpose: Purpose,
}

/// What came of looking for somebody by chance.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// When the newest record there is was signed.
    pub wanted: Millis,
    /// When the newest that was found was signed.
    pub found: Option<Millis>,
    /// The first valid record.
    pub first: Option<First>,
    /// How long all of it took.
    pub took: Millis,
    /// Questions.
    pub requests: u32,
    /// Whether a connected node follows the account, and so had the newest.
    pub member: bool,
}

impl Looking {
    /// Takes in what a node says; whether there was something new in it.
    pub fn hear(
        &mut self,
        from: Option<Id>,
        value: &[u8],
        now: Millis,
        grants: &mut KnownGrants,
    ) -> bool {
        let new = self.machine.found(from, value, now, grants);
        new.is_ok_and(|new| !new.is_empty())
    }
}
