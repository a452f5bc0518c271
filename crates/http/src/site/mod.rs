//! Feeds of OurSpace at any web host (spec, chapter 7), and blocks from IPFS gateways.
//!
//! A host needs to know nothing of us: it gives files. Each block is checked against its
//! name, wherever in whichever file it lay. A host whose bytes are not the signed ones is
//! not asked again for that tree, and that is counted.

mod counts;
mod door;
mod line;
mod lookup;
mod plan;
mod session;
mod source;

use std::sync::Arc;

use ourspace_protocol::{
    account::Account,
    seams::{Lookup, Resolver, Session, Transport},
};

pub use self::counts::Counts;
use self::{counts::Counters, door::Door, lookup::WebLookup, session::WebSession, source::Source};
use crate::client::Client;

/// Places of one feed that are asked.
const PLACES: usize = 12;

/// Finds and fetches feeds at web hosts.
#[derive(Clone, Debug)]
pub struct Sites {
    door: Door,
    gateways: Vec<Source>,
    counters: Arc<Counters>,
}

impl Sites {
    /// Asks through `client`. `gateways` are trustless gateways of IPFS (`https://…/ipfs/`)
    /// that are asked for every block too, after the feed's own places; what is no such
    /// address is left out.
    #[must_use]
    pub fn new(client: Client, gateways: &[String]) -> Self {
        let gateways = gateways.iter().filter_map(|text| Source::of_location(text));
        Self {
            door: Door {
                client,
                private: false,
            },
            gateways: gateways
                .filter(|source| matches!(source, Source::Gateway(_)))
                .collect(),
            counters: Arc::default(),
        }
    }

    /// Lets locations lead into private networks and to this machine: for networks of one's
    /// own alone, since records of strangers name locations, too.
    #[must_use]
    pub fn in_private_networks(mut self) -> Self {
        self.door.private = true;
        self
    }

    /// What came so far, of all trees.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counters.counts()
    }

    fn sources(&self, locations: &[String]) -> Vec<Source> {
        let mut sources: Vec<Source> = Vec::new();
        let named = locations
            .iter()
            .filter_map(|text| Source::of_location(text));
        for source in named.chain(self.gateways.iter().cloned()) {
            if !sources.contains(&source) && sources.len() < PLACES {
                sources.push(source);
            }
        }
        sources
    }
}

impl Resolver for Sites {
    fn name(&self) -> &'static str {
        "http"
    }

    fn resolve(&self, _account: Account, locations: &[String]) -> Box<dyn Lookup> {
        let sources = self.sources(locations);
        let records = sources.iter().filter_map(Source::record);
        Box::new(WebLookup::new(&self.door, records))
    }
}

impl Transport for Sites {
    fn name(&self) -> &'static str {
        "http"
    }

    fn open(&self, _account: Option<Account>, locations: &[String]) -> Box<dyn Session> {
        let sources = self.sources(locations);
        let counters = Arc::clone(&self.counters);
        Box::new(WebSession::new(self.door.clone(), sources, counters))
    }
}
