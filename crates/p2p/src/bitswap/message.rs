//! Bitswap's messages: what a stranger's bytes say, and how ours are written.
//!
//! Everything is bounded before it is allocated: a message has at most
//! [`MESSAGE_BYTES`], and its parts are counted before they are read. Versions 1.0.0, 1.1.0
//! and 1.2.0 of the specification are read alike; they differ in how a message is written.
//! Blocks are not checked here: who hashes them decides in which thread.

use ourspace_protocol::{
    dag::{Block, Cid, Codec},
    limits::BLOCK_BYTES,
};
use prost::{Message as _, bytes::Bytes};

use super::wire::{self, Parts, put_varint};

/// Bytes of a message, as in the other implementations.
pub const MESSAGE_BYTES: usize = 4 * 1024 * 1024;
/// Wants in one message; Kubo sends up to 1,024, older ones as many as fit into 2 MiB.
pub const MESSAGE_ENTRIES: usize = 65_536;
/// Blocks in one message.
pub const MESSAGE_BLOCKS: usize = 16_384;
/// Bytes of a CID of any kind.
pub const CID_BYTES: usize = 128;

/// Why bytes are no message of bitswap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Longer than any message may be.
    #[error("a bitswap message of {0} bytes is refused: at most {MESSAGE_BYTES} are read")]
    TooLong(usize),
    /// More wants, presences or blocks than allowed.
    #[error("a bitswap message with {0} parts of one kind is refused")]
    TooMany(usize),
    /// Not the protobuf of a message.
    #[error("not a bitswap message")]
    Malformed,
    /// A CID that is empty or too long.
    #[error("a bitswap message with a CID of {0} bytes is refused: 1 to {CID_BYTES} are read")]
    Cid(usize),
}

/// The version that was agreed on for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Blocks without CIDs, which are all CIDv0.
    V1_0,
    /// Blocks of any CID.
    V1_1,
    /// Asking whether, and saying no.
    V1_2,
}

/// A block's name as whoever asks for it spells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    /// A CID of SHA-256 over raw, dag-pb or DAG-CBOR.
    Known {
        /// The block.
        cid: Cid,
        /// Whether it is spelt as CIDv0: the answer must be too.
        v0: bool,
    },
    /// A CID of another hash or codec, which nobody here has.
    Other(Box<[u8]>),
}

impl Name {
    /// Our own spelling.
    #[must_use]
    pub const fn new(cid: Cid) -> Self {
        Self::Known { cid, v0: false }
    }

    /// Reads the bytes of a CID.
    ///
    /// # Errors
    /// [`MessageError::Cid`] when they are too many, or none.
    pub fn read(bytes: &[u8]) -> Result<Self, MessageError> {
        if bytes.is_empty() || bytes.len() > CID_BYTES {
            return Err(MessageError::Cid(bytes.len()));
        }
        if let [0x12, 0x20, digest @ ..] = bytes
            && let Ok(digest) = digest.try_into()
        {
            let cid = Cid::from_digest(Codec::DagPb, digest);
            return Ok(Self::Known { cid, v0: true });
        }
        Ok(Cid::from_bytes(bytes).map_or_else(|_| Self::Other(bytes.into()), Self::new))
    }

    /// The bytes that [`read`](Self::read) reads.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Known { cid, v0: false } => Bytes::copy_from_slice(&cid.to_bytes()),
            Self::Known { cid, v0: true } => Bytes::copy_from_slice(&cid.to_bytes()[2..]),
            Self::Other(bytes) => Bytes::copy_from_slice(bytes),
        }
    }
}

/// What is asked about a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Its bytes.
    Block,
    /// Whether it is there.
    Have,
    /// Nothing any more.
    Cancel,
}

/// One want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Of which block.
    pub name: Name,
    /// The higher, the sooner.
    pub priority: i32,
    /// What is asked.
    pub ask: Ask,
    /// Whether "I do not have it" is wanted as an answer.
    pub send_dont_have: bool,
}

/// A block as it came, not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// How it is to be read.
    pub codec: Codec,
    /// Whether its name is spelt as CIDv0.
    pub v0: bool,
    /// Its bytes, at most [`BLOCK_BYTES`].
    pub data: Bytes,
}

impl Payload {
    /// Hashes the bytes: the block that they are, whatever the sender meant.
    #[must_use]
    pub fn into_block(self) -> Block {
        Block::new(self.codec, self.data.to_vec())
    }
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Whether `entries` are all that the sender wants.
    pub full: bool,
    /// What it wants.
    pub entries: Vec<Entry>,
    /// Blocks.
    pub blocks: Vec<Payload>,
    /// Which blocks are there (true) and which are not.
    pub presences: Vec<(Name, bool)>,
    /// Blocks that were left out in reading: of other hashes or codecs, or too large.
    pub foreign: usize,
}

impl Message {
    /// Reads one message, without the length before it.
    ///
    /// # Errors
    /// [`MessageError`]; a message that is wrong in one part is refused whole.
    pub fn decode(bytes: Bytes) -> Result<Self, MessageError> {
        if bytes.len() > MESSAGE_BYTES {
            return Err(MessageError::TooLong(bytes.len()));
        }
        let parts = Parts::count(&bytes).ok_or(MessageError::Malformed)?;
        let most = parts.entries.max(parts.presences);
        if most > MESSAGE_ENTRIES || parts.blocks > MESSAGE_BLOCKS {
            return Err(MessageError::TooMany(most.max(parts.blocks)));
        }
        let read = wire::Message::decode(bytes).map_err(|_| MessageError::Malformed)?;
        let mut message = Self::default();
        if let Some(list) = read.wantlist {
            message.full = list.full;
            message.entries = entries(&list.entries)?;
        }
        for presence in &read.presences {
            let name = Name::read(&presence.cid)?;
            message.presences.push((name, presence.kind == 0));
        }
        let old = read.blocks.into_iter().map(|data| payload(None, data));
        let new = read.payload.into_iter();
        let new = new.map(|block| payload(Some(block.prefix), block.data));
        for block in old.chain(new) {
            match block {
                Some(block) => message.blocks.push(block),
                None => message.foreign += 1,
            }
        }
        Ok(message)
    }

    /// The message with its length before it, in pieces: those of the blocks are not
    /// copied. What the version does not know is left out.
    #[must_use]
    pub fn encode(&self, version: Version) -> Vec<Bytes> {
        let head = self.head(version).encode_to_vec();
        let mut heads = Vec::with_capacity(self.blocks.len());
        let mut length = head.len();
        for block in &self.blocks {
            let head = block_head(block, version);
            length += head.len() + block.data.len();
            heads.push(head);
        }
        let mut start = Vec::with_capacity(head.len() + 5);
        put_varint(&mut start, length);
        start.extend_from_slice(&head);
        let mut pieces = Vec::with_capacity(1 + 2 * heads.len());
        pieces.push(Bytes::from(start));
        for (head, block) in heads.into_iter().zip(&self.blocks) {
            pieces.push(Bytes::from(head));
            pieces.push(block.data.clone());
        }
        pieces
    }

    /// All but the blocks.
    fn head(&self, version: Version) -> wire::Message {
        let entries: Vec<wire::Entry> = self
            .entries
            .iter()
            .filter(|entry| version == Version::V1_2 || entry.ask != Ask::Have)
            .map(|entry| wire::Entry {
                cid: entry.name.to_bytes(),
                priority: entry.priority,
                cancel: entry.ask == Ask::Cancel,
                kind: i32::from(entry.ask == Ask::Have),
                send_dont_have: entry.send_dont_have && version == Version::V1_2,
            })
            .collect();
        let presence = |(name, here): &(Name, bool)| wire::Presence {
            cid: name.to_bytes(),
            kind: i32::from(!here),
        };
        let presences = match version {
            Version::V1_2 => self.presences.iter().map(presence).collect(),
            Version::V1_0 | Version::V1_1 => Vec::new(),
        };
        let full = self.full;
        wire::Message {
            wantlist: (full || !entries.is_empty()).then_some(wire::Wantlist { entries, full }),
            presences,
            ..wire::Message::default()
        }
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        !self.full && self.entries.is_empty() && self.blocks.is_empty() && self.presences.is_empty()
    }
}

fn entries(list: &[wire::Entry]) -> Result<Vec<Entry>, MessageError> {
    let read = |entry: &wire::Entry| {
        Ok(Entry {
            name: Name::read(&entry.cid)?,
            priority: entry.priority,
            ask: match (entry.cancel, entry.kind) {
                (true, _) => Ask::Cancel,
                (false, 1) => Ask::Have,
                (false, _) => Ask::Block,
            },
            send_dont_have: entry.send_dont_have,
        })
    };
    list.iter().map(read).collect()
}

/// A block that we could want, if it is one.
fn payload(prefix: Option<Bytes>, data: Bytes) -> Option<Payload> {
    let (codec, v0) = match prefix {
        None => (Codec::DagPb, true),
        Some(prefix) => read_prefix(&prefix)?,
    };
    (data.len() <= BLOCK_BYTES).then_some(Payload { codec, v0, data })
}

/// Version, codec, hash and length of the digest; all below 128 for what we know.
fn read_prefix(prefix: &[u8]) -> Option<(Codec, bool)> {
    match prefix {
        [0, 0x70, 0x12, 0x20] => Some((Codec::DagPb, true)),
        [1, codec, 0x12, 0x20] => Some((Codec::from_code(*codec)?, false)),
        _ => None,
    }
}

/// What stands before a block's bytes.
fn block_head(block: &Payload, version: Version) -> Vec<u8> {
    let length = block.data.len();
    let mut inner = vec![0x0a, 4, u8::from(!block.v0), block.codec as u8, 0x12, 0x20];
    if version == Version::V1_0 {
        inner.clear();
        inner.push(0x12);
        put_varint(&mut inner, length);
        return inner;
    }
    inner.push(0x12);
    put_varint(&mut inner, length);
    let mut head = Vec::with_capacity(inner.len() + 6);
    head.push(0x1a);
    put_varint(&mut head, inner.len() + length);
    head.extend_from_slice(&inner);
    head
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cid(seed: u8) -> Cid {
        Cid::of(Codec::DagPb, &[seed])
    }

    fn sample() -> Message {
        let entry = |seed, ask, v0| Entry {
            name: Name::Known { cid: cid(seed), v0 },
            priority: i32::from(seed) - 2,
            ask,
            send_dont_have: ask != Ask::Cancel,
        };
        let other = Name::Other(vec![1, 0x55, 0x1e, 2, 7, 7].into());
        Message {
            full: true,
            entries: vec![
                entry(1, Ask::Block, false),
                entry(2, Ask::Have, true),
                entry(3, Ask::Cancel, false),
            ],
            blocks: vec![
                Payload {
                    codec: Codec::Raw,
                    v0: false,
                    data: Bytes::from_static(b"abc"),
                },
                Payload {
                    codec: Codec::DagPb,
                    v0: true,
                    data: Bytes::from(vec![7; 300]),
                },
            ],
            presences: vec![(other, false), (Name::new(cid(4)), true)],
            foreign: 0,
        }
    }

    fn join(pieces: &[Bytes]) -> Bytes {
        let all = pieces.concat();
        let (length, rest) = wire::varint(&all).unwrap();
        assert_eq!(length as usize, rest.len());
        Bytes::copy_from_slice(rest)
    }

    #[test]
    fn what_is_written_is_read() {
        let message = sample();
        let bytes = join(&message.encode(Version::V1_2));
        assert_eq!(Message::decode(bytes.clone()).unwrap(), message);
        // The same bytes as the library writes.
        let read = wire::Message::decode(bytes.clone()).unwrap();
        assert_eq!(read.payload[0].prefix.as_ref(), [1, 0x55, 0x12, 0x20]);
        assert_eq!(read.payload[1].prefix.as_ref(), [0, 0x70, 0x12, 0x20]);
        assert_eq!(read.encoded_len(), bytes.len());
    }

    #[test]
    fn older_versions_leave_out_what_they_do_not_know() {
        let message = sample();
        let old = Message::decode(join(&message.encode(Version::V1_1))).unwrap();
        assert_eq!((old.entries.len(), old.presences.len()), (2, 0));
        assert_eq!(old.blocks, message.blocks);
        assert!(!old.entries[0].send_dont_have);
        let oldest = Message::decode(join(&message.encode(Version::V1_0))).unwrap();
        assert!(oldest.blocks.iter().all(|block| block.v0));
        assert_eq!(oldest.blocks[1], message.blocks[1]);
    }

    #[test]
    fn a_cid_of_version_0_keeps_its_spelling() {
        let v0 = Name::Known {
            cid: cid(9),
            v0: true,
        };
        assert_eq!(v0.to_bytes().len(), 34);
        assert_eq!(Name::read(&v0.to_bytes()), Ok(v0));
        assert_eq!(Name::read(&[]), Err(MessageError::Cid(0)));
        assert_eq!(Name::read(&[1; 129]), Err(MessageError::Cid(129)));
        assert!(matches!(Name::read(&[1; 128]), Ok(Name::Other(_))));
    }

    #[test]
    fn blocks_of_other_hashes_are_left_out_and_counted() {
        let mut wire = wire::Message::default();
        for prefix in [
            &[1, 0x55, 0x1e, 0x20][..],
            &[1, 0x99, 1, 0x12, 0x20],
            &[],
            &[1, 0x55, 0x12, 0x10],
        ] {
            wire.payload.push(wire::Payload {
                prefix: Bytes::copy_from_slice(prefix),
                data: Bytes::from_static(b"abc"),
            });
        }
        wire.payload.push(wire::Payload {
            prefix: Bytes::from_static(&[1, 0x55, 0x12, 0x20]),
            data: Bytes::from(vec![0; BLOCK_BYTES + 1]),
        });
        let read = Message::decode(wire.encode_to_vec().into()).unwrap();
        assert_eq!((read.blocks.len(), read.foreign), (0, 5));
    }

    #[test]
    fn messages_beyond_the_limits_are_refused() {
        let long = Bytes::from(vec![0; MESSAGE_BYTES + 1]);
        assert_eq!(
            Message::decode(long),
            Err(MessageError::TooLong(MESSAGE_BYTES + 1))
        );
        // The smallest parts: two bytes each, so that millions would fit.
        let many = |tag: u8, count: usize| Bytes::from([tag, 0].repeat(count));
        assert_eq!(
            Message::decode(many(0x1a, MESSAGE_BLOCKS + 1)),
            Err(MessageError::TooMany(MESSAGE_BLOCKS + 1))
        );
        assert_eq!(
            Message::decode(many(0x22, MESSAGE_ENTRIES + 1)),
            Err(MessageError::TooMany(MESSAGE_ENTRIES + 1))
        );
        assert_eq!(Message::decode(many(0x22, 1)), Err(MessageError::Cid(0)));
    }

    proptest! {
        #[test]
        fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(Message::decode(bytes.into()));
        }

        #[test]
        fn broken_messages_never_panic(at in 0usize..600, byte: u8, cut in 0usize..600) {
            let mut bytes = join(&sample().encode(Version::V1_2)).to_vec();
            let length = bytes.len();
            bytes[at % length] = byte;
            bytes.truncate(length - cut % length);
            if let Ok(read) = Message::decode(bytes.into()) {
                let again = Message::decode(join(&read.encode(Version::V1_2))).unwrap();
                prop_assert_eq!(again, Message { foreign: 0, ..read });
            }
        }
    }
}
