//! What nodes say to each other about records: the messages of `/ourspace/peer/1`.
//!
//! Each is one deterministic CBOR array that begins with the number of its kind, in a
//! frame of at most [`limits::FRAME_BYTES`]. Nothing in a message is believed: records are
//! verified, deltas hashed, peers' addresses only tried. A kind that is not known is
//! ignored, so that later versions can say more. Blocks do not travel here but by bitswap.

mod decode;
mod encode;

use crate::{
    account::Account, cbor::CborError, hash::sha256, heads::Heads, limits, time::Millis,
    verify::Verified,
};

/// What stands for an account where only those who know it need to: the first 16 bytes of
/// SHA-256 of `ourspace/topic/1` and the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(pub [u8; 16]);

impl Topic {
    /// The topic of an account.
    #[must_use]
    pub fn of(account: Account) -> Self {
        let hash = sha256(&[b"ourspace/topic/1".as_slice(), &account.0].concat());
        let mut topic = [0; 16];
        topic.copy_from_slice(&hash[..16]);
        Self(topic)
    }
}

/// The first 8 bytes of a record's digest: enough to tell records of one topic apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Short(pub [u8; 8]);

impl Short {
    /// Of a digest.
    #[must_use]
    pub fn of(digest: &[u8; 32]) -> Self {
        let mut short = [0; 8];
        short.copy_from_slice(&digest[..8]);
        Self(short)
    }

    /// Stands for all heads of an account: the first 8 bytes of SHA-256 of their digests,
    /// ascending; zeros when there are none.
    #[must_use]
    pub fn of_heads(heads: &Heads) -> Self {
        let mut digests: Vec<_> = heads.iter().map(Verified::digest).collect();
        if digests.is_empty() {
            return Self([0; 8]);
        }
        digests.sort_unstable();
        Self::of(&sha256(&digests.concat()))
    }
}

/// What stands for each part of a mailbox; zeros for an empty one.
pub type Sums = [Short; limits::MAILBOX_PARTS];

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The first one on a connection.
    Hello {
        /// What the sender's clock says.
        clock: Millis,
        /// The sender's program and version.
        agent: String,
        /// A random number of this run of the program: where it is another one than before,
        /// the sender was started anew and has forgotten what it was told.
        run: u64,
    },
    /// Which accounts' news the sender wants, and may be asked about, from now on.
    Interests {
        /// New ones.
        joined: Vec<Topic>,
        /// No longer.
        left: Vec<Topic>,
    },
    /// An announcement, passed on.
    News {
        /// The record's encoding.
        record: Vec<u8>,
        /// The delta's.
        delta: Option<Vec<u8>>,
    },
    /// The sender has these, and has not sent them here.
    Have(Vec<(Topic, Short)>),
    /// Send the news of these topics here at once from now on, and the records that are
    /// named: the sender has heard of them and not received them.
    Graft(Vec<(Topic, Option<Short>)>),
    /// The news of these topics comes by other ways already: only tell of it.
    Prune(Vec<Topic>),
    /// The XOR of the newest records of each signer of all topics that both sides follow:
    /// whoever finds another one answers with what it has.
    Sum(Short),
    /// What are the newest records of these accounts?
    Ask {
        /// Repeated in the answer.
        id: u64,
        /// Accounts, each with what the asker has of it ([`Short::of_heads`]).
        accounts: Vec<(Account, Short)>,
    },
    /// Records that the asker did not have.
    Told {
        /// Of the question.
        id: u64,
        /// The encodings of records.
        records: Vec<Vec<u8>>,
        /// Whether this is all of the answer.
        last: bool,
    },
    /// About mailboxes.
    Mail(Mail),
}

/// A message about the mailbox of an account, where notices wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mail {
    /// Keep this notice.
    Notice {
        /// For whom.
        target: Account,
        /// The sender's record, in its encoding.
        record: Vec<u8>,
        /// Its delta.
        delta: Vec<u8>,
    },
    /// What became of a notice.
    Kept {
        /// Whose mailbox it was for.
        target: Account,
        /// The first 8 bytes of SHA-256 of its record, as it was sent.
        record: Short,
        /// What became of it.
        answer: Answer,
    },
    /// What stands for each of the sender's mailboxes that both may keep.
    Mailboxes(Vec<(Topic, Short)>),
    /// The sums of the parts of the sender's mailbox of an account.
    Sums {
        /// Whose it is.
        target: Account,
        /// The sums.
        sums: Sums,
    },
    /// What the sender has in some parts of it.
    Marks {
        /// Whose it is.
        target: Account,
        /// Which parts: a bit for each.
        parts: u64,
        /// All the marks in them.
        marks: Vec<Short>,
    },
    /// The sender wants the notices with these marks.
    Wanted {
        /// In whose mailbox they are.
        target: Account,
        /// The marks.
        marks: Vec<Short>,
    },
}

/// What became of a notice that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is kept, whatever happens to the process.
    Kept,
    /// There is no room for it, or something later is known of its items.
    Passed,
    /// This node does not keep the mailbox.
    Elsewhere,
}

/// Why a frame is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// More than [`limits::FRAME_BYTES`].
    #[error("a message of more than {} bytes", limits::FRAME_BYTES)]
    TooLarge,
    /// Of a kind that this version does not know: ignore it.
    #[error("a message of the unknown kind {0}")]
    Unknown(u64),
    /// Not the deterministic encoding.
    #[error("a malformed message: {0}")]
    Malformed(#[from] CborError),
}
