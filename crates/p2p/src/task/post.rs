//! Notices: only carried here. Who keeps them and why is decided by the rest of the program.

use libp2p::{PeerId, kad::RecordKey, multiaddr::Protocol};
use ourspace_protocol::{
    account::Account,
    hash::sha256,
    message::{Mail, Message},
    seams::Member,
};

use super::{Task, queries::For, swarm::row_key};
use crate::handle::{Event, Post};

impl Task {
    pub(super) fn post(&mut self, post: Post) {
        match post {
            // Whoever asked may have gone.
            Post::Members(account, tell) => {
                let members = self.talk.members(account).into_iter();
                let members = members.map(|peer| Member {
                    peer: peer.to_string(),
                    origin: self.origin(&peer),
                });
                drop(tell.send(members.collect()));
            }
            Post::SeekMembers(account) => {
                self.talk.watch(account);
                let rows = &mut self.swarm.behaviour_mut().rows;
                self.queries
                    .find_providers(rows, row_key(account), For::Mail);
            }
            Post::SeekSenders(account) => {
                let rows = &mut self.swarm.behaviour_mut().rows;
                self.queries
                    .find_providers(rows, inbox_key(account), For::Mail);
            }
            Post::Word(account, true) => {
                if let Err(error) = self.rows().start_providing(inbox_key(account)) {
                    tracing::debug!(%error, "no word is left");
                }
            }
            Post::Word(account, false) => self.rows().stop_providing(&inbox_key(account)),
            Post::Send(peer, mail) => {
                if let Ok(peer) = peer.parse::<PeerId>() {
                    let frame = Message::Mail(mail).to_bytes();
                    self.count("bytes_mailed", frame.len() as u64);
                    self.swarm.behaviour_mut().lines.send(peer, frame.into());
                }
            }
            Post::Fault(peer, what) => {
                if let Ok(peer) = peer.parse() {
                    self.fault(peer, what);
                }
            }
        }
    }

    /// A message about mailboxes came.
    pub(super) fn mail(&mut self, peer: PeerId, mail: Mail) {
        let now = self.now();
        let (may, what) = match &mail {
            // What is for nobody here is answered, and takes nothing of what all share.
            Mail::Notice { target, delta, .. } => {
                let kept = self.talk.heads(*target).is_some();
                let size = (delta.len(), kept);
                (self.peers.may_notify(&peer, size, now), "notices_too_many")
            }
            // An answer to what this node has sent.
            Mail::Kept { .. } => (true, ""),
            _ => (self.peers.may_compare(&peer, now), "mail_too_much"),
        };
        if !may {
            self.too_much(peer, what);
            return;
        }
        let origin = self.origin(&peer);
        let from = peer.to_string();
        self.tell(Event::Mail { from, origin, mail });
    }

    /// A peer has sent more than it, or its part of the network, may. It is not to blame at
    /// once, for others may have used that up; who goes on and on is hung up on.
    pub(super) fn too_much(&mut self, peer: PeerId, what: &'static str) {
        match self.peers.overflows(&peer) {
            true => self.fault(peer, what),
            false => self.count(what, 1),
        }
    }

    /// Stands for the part of the network that a peer is in: whoever floods from one part
    /// crowds out nobody in another.
    fn origin(&mut self, peer: &PeerId) -> u64 {
        let mut part = Vec::new();
        if let Some(peer) = self.peers.get_mut(peer) {
            for protocol in peer.address.iter() {
                match protocol {
                    Protocol::Ip4(address) => part.extend(&address.octets()[..3]),
                    Protocol::Ip6(address) => part.extend(&address.octets()[..6]),
                    Protocol::Memory(port) => part.extend(port.to_be_bytes()),
                    _ => continue,
                }
                break;
            }
        }
        // With the own id, so that what is on the disk does not show it to a reader at a glance.
        part.extend(self.swarm.local_peer_id().to_bytes());
        let mut number = [0; 8];
        number.copy_from_slice(&sha256(&part)[..8]);
        u64::from_be_bytes(number)
    }
}

/// Under which a node says that it has notices for an account: SHA-256 of
/// `ourspace/inbox/1` and the address.
fn inbox_key(account: Account) -> RecordKey {
    let key = sha256(&[b"ourspace/inbox/1".as_slice(), &account.0].concat());
    RecordKey::new(&key)
}
