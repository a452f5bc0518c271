//! What the nodes do and send, counted.
//!
//! Bytes are those of IP packets: the messages as `protocol` and libp2p encode them, with
//! what TCP, noise and yamux put around them.

/// Bytes around one message: IP and TCP (40), yamux (12), noise (18), and the packet that
/// acknowledges it (40).
pub const AROUND: u64 = 110;
/// A question of Kademlia: key, kind, and the name of the protocol on its stream.
pub const QUESTION: u64 = 110 + AROUND;
/// One node in an answer: its id and four addresses.
pub const NAMED: u64 = 100;
/// An answer that names twenty nodes.
pub const ANSWER: u64 = 20 * NAMED + 20 + 2 * AROUND;
/// A new connection: TCP, noise, yamux, what both say of themselves (identify), interests.
pub const DIAL: u64 = 4_500;

/// Why something is looked up or stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Routing tables are refreshed.
    Refresh,
    /// Rows that are followed are looked for.
    Look,
    /// Rows are put.
    Put,
    /// The density is learnt.
    Probe,
    /// Others who keep a feed are looked for.
    Search,
    /// This node says that it keeps a feed.
    Provide,
    /// Somebody looks for somebody whom they do not follow.
    Sample,
    /// Parts of the region around a row are searched, where those next to it are a crowd.
    Part,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Lookups, by why.
    pub lookups: [u64; 8],
    /// Questions of these.
    pub questions: [u64; 8],
    /// Rows and provider records that were sent, and their bytes.
    pub stores: u64,
    /// Bytes of these.
    pub store_bytes: u64,
    /// New connections.
    pub dials: u64,
    /// Regions that were searched.
    pub regions: u64,
    /// Time that nodes were there, added up, in milliseconds.
    pub online: u64,
    /// Rows that were refused, by why.
    pub refused: std::collections::BTreeMap<String, u64>,
}

impl Tally {
    /// IP bytes of a question and its answer.
    pub const QUESTION_AND_ANSWER: f64 = (QUESTION + ANSWER) as f64;

    /// A lookup that took so many questions.
    pub fn lookup(&mut self, why: Why, questions: u64) {
        self.lookups[why as usize] += 1;
        self.questions[why as usize] += questions;
    }

    /// Questions of a lookup, on average over those that were really done.
    #[must_use]
    pub fn mean(&self) -> f64 {
        let really =
            [Why::Look, Why::Put, Why::Probe, Why::Sample, Why::Part].map(|why| why as usize);
        let lookups: u64 = really.iter().map(|why| self.lookups[*why]).sum();
        let questions: u64 = really.iter().map(|why| self.questions[*why]).sum();
        questions as f64 / lookups.max(1) as f64
    }

    /// Bytes of the questions that were asked for a reason, and of their answers.
    #[must_use]
    pub fn bytes(&self, why: Why) -> f64 {
        self.questions[why as usize] as f64 * Self::QUESTION_AND_ANSWER
    }

    /// Days that nodes were there.
    #[must_use]
    pub fn days(&self) -> f64 {
        self.online as f64 / (24.0 * 60.0 * 60.0 * 1000.0)
    }
}
