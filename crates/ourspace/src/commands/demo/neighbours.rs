//! A neighbour: a node on loopback, and the page of its home.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use ourspace_node::{Home, running::Running as Claim};
use ourspace_web::{Hosts, Site};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::samples::Person;
use crate::{
    control::{self, Control},
    failure::Failure,
    meet::MeetingWishes,
    net::Net,
    wire::{self, Wishes},
};

/// A neighbour who is there.
pub(super) struct Neighbour {
    pub(super) person: Person,
    pub(super) url: String,
    pub(super) listen: Vec<String>,
    node: wire::Running,
    stop: CancellationToken,
    pages: JoinHandle<()>,
    _claim: Claim,
}

impl Neighbour {
    /// Starts the node of a person, who knows these nodes.
    pub(super) async fn start(person: Person, peers: Vec<String>) -> Result<Self, Failure> {
        let claim = Claim::claim(&Home::open_reader(&person.home)?)?;
        let home = Arc::new(Home::open_resident(&person.home)?);
        let site = Arc::new(Site::new(Arc::clone(&home))?);
        let node = wire::start(&home, &wishes(peers))?;
        control::serve(Control {
            home,
            node: node.node.clone(),
            inputs: node.inputs.clone(),
            ways: node.ways.clone(),
            meeting: node.meeting.clone(),
        })?;
        let listener = Net
            .listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .await?;
        let address = listener.local_addr()?;
        let url = format!("http://{address}/");
        claim.announce(&url)?;
        let stop = CancellationToken::new();
        let router = ourspace_web::router(site, Hosts::loopback(address));
        let until = stop.clone().cancelled_owned();
        let pages = tokio::spawn(ourspace_web::serve(listener, router, until));
        Ok(Self {
            listen: node.listening().await,
            person,
            url,
            node,
            stop,
            pages,
            _claim: claim,
        })
    }

    pub(super) async fn stop(self) {
        self.stop.cancel();
        self.node.stop().await;
        // It has ended, or panicked, which was told then.
        drop(self.pages.await);
    }
}

/// On this machine only, and announced nowhere.
fn wishes(peers: Vec<String>) -> Wishes {
    Wishes {
        local: true,
        port: Some(0),
        peers,
        switches: wire::loopback(),
        meeting: MeetingWishes {
            on: false,
            dht_nodes: Vec::new(),
            well_known: false,
            private: true,
        },
    }
}
