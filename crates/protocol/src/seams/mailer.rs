//! Carrying notices between nodes.

use super::BoxFuture;
use crate::{account::Account, message::Mail};

/// A connected peer that keeps a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The text of its id.
    pub peer: String,
    /// Stands for the part of the network that it is in.
    pub origin: u64,
}

/// What carries messages about mailboxes to peers. What peers send comes by a channel that
/// whoever builds it connects. Peers are called by the text of their ids.
pub trait Mailer: Send + Sync {
    /// The own id: of two, the smaller begins.
    fn own(&self) -> String;

    /// The connected peers that keep the mailbox of an account: they follow it in public.
    fn members(&self, account: Account) -> BoxFuture<'_, Vec<Member>>;

    /// Connects to peers that keep the mailbox of an account. Whoever is met is told of as
    /// met; so are those who come by themselves.
    fn seek_members(&self, account: Account) -> BoxFuture<'_, ()>;

    /// Connects to peers that left word that they have notices for an account.
    fn seek_senders(&self, account: Account) -> BoxFuture<'_, ()>;

    /// Leaves word that this node has notices for an account whose mirrors are not there, or
    /// does so no longer.
    fn leave_word(&self, account: Account, on: bool) -> BoxFuture<'_, ()>;

    /// Sends a message; to a peer that is gone, nothing.
    fn send(&self, peer: String, mail: Mail) -> BoxFuture<'_, ()>;

    /// Says that a peer should have known better.
    fn fault(&self, peer: String, what: &'static str) -> BoxFuture<'_, ()>;
}
