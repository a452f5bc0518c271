//! UnixFS: what the data of a dag-pb node says (UnixFS specification, `Data` message).
//!
//! Three things exist for us: files, directories and shards of directories. Symbolic
//! links, modes and times are refused: a feed has none, and they would give the same
//! files a second root.

use super::wire::{BYTES, NUMBER, PbError, Reader, key, put_bytes, put_number, varint_len};
use crate::limits::BLOCK_LINKS;

const TYPE_KEY: u8 = key(1, NUMBER);
const DATA_KEY: u8 = key(2, BYTES);
const SIZE_KEY: u8 = key(3, NUMBER);
const BLOCK_KEY: u8 = key(4, NUMBER);
const HASH_KEY: u8 = key(5, NUMBER);
const FANOUT_KEY: u8 = key(6, NUMBER);

const RAW: u64 = 0;
const DIRECTORY: u64 = 1;
const FILE: u64 = 2;
const SHARD: u64 = 5;

/// Multihash number of murmur3-x64-64, the hash that places names in shards.
const MURMUR3: u64 = 0x22;
/// Slots of a shard.
const FANOUT: u64 = 256;

/// The message of a directory that is one block.
pub(super) const DIRECTORY_DATA: [u8; 2] = [TYPE_KEY, 1];

/// The message of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnixFs<'a> {
    /// A file or a piece of one.
    File(FileData<'a>),
    /// A directory in one block; its links are the entries.
    Directory,
    /// A directory, or a part of one, spread by the hashes of its names. The links'
    /// names begin with the slot's number, two hexadecimal digits.
    Shard(Slots),
}

/// What a file's node says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileData<'a> {
    /// Whether the node calls itself a raw leaf (old tools) instead of a file.
    pub raw: bool,
    /// Bytes of the file inside of the node (old tools; ours are raw blocks).
    pub inline: &'a [u8],
    /// Bytes of the file below this node, those inside of it included.
    pub size: u64,
    /// Bytes of the file below each link.
    pub blocks: Vec<u64>,
}

impl<'a> UnixFs<'a> {
    /// Reads the message.
    ///
    /// # Errors
    /// Any other kind of node, fields that are unknown or out of order, sizes that do
    /// not add up, a shard that is not 256 wide over murmur3.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, PbError> {
        let mut reader = Reader::new(bytes);
        if !reader.take_key(TYPE_KEY) {
            return Err(reader
                .peek()
                .map_or(PbError::Missing("type"), PbError::Field));
        }
        let message = match reader.varint()? {
            kind @ (RAW | FILE) => Self::File(FileData::decode(kind == RAW, &mut reader)?),
            DIRECTORY => Self::Directory,
            SHARD => Self::Shard(decode_shard(&mut reader)?),
            _ => return Err(PbError::UnixFs("only files and directories are supported")),
        };
        match reader.peek() {
            None => Ok(message),
            Some(extra) => Err(PbError::Field(extra)),
        }
    }

    /// The message's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Directory => DIRECTORY_DATA.to_vec(),
            Self::Shard(slots) => encode_shard(slots),
            Self::File(file) => file.encode(),
        }
    }
}

impl<'a> FileData<'a> {
    fn decode(raw: bool, reader: &mut Reader<'a>) -> Result<Self, PbError> {
        let mut inline: &[u8] = &[];
        if reader.take_key(DATA_KEY) {
            inline = reader.bytes()?;
            if inline.is_empty() {
                return Err(PbError::UnixFs("empty data is left out, not written"));
            }
        }
        if !reader.take_key(SIZE_KEY) {
            return Err(PbError::Missing("file's size"));
        }
        let size = reader.varint()?;
        let mut blocks = Vec::new();
        let mut sum = inline.len() as u64;
        while reader.take_key(BLOCK_KEY) {
            let block = reader.varint()?;
            if block == 0 {
                return Err(PbError::UnixFs("a file links an empty piece"));
            }
            sum = sum
                .checked_add(block)
                .ok_or(PbError::UnixFs("the file's size does not fit 64 bits"))?;
            if blocks.len() == BLOCK_LINKS {
                return Err(PbError::TooManyLinks);
            }
            blocks.push(block);
        }
        if sum != size {
            return Err(PbError::UnixFs(
                "the sizes of a file's pieces do not add up",
            ));
        }
        Ok(Self {
            raw,
            inline,
            size,
            blocks,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.inline.len() + 24 + self.blocks.len() * 6);
        put_number(&mut out, 1, if self.raw { RAW } else { FILE });
        if !self.inline.is_empty() {
            put_bytes(&mut out, 2, self.inline);
        }
        put_number(&mut out, 3, self.size);
        for &block in &self.blocks {
            put_number(&mut out, 4, block);
        }
        out
    }
}

/// Bytes of the message of an inner node of a file, without its list of blocks.
pub(super) const fn file_head_size(size: u64) -> usize {
    2 + 1 + varint_len(size)
}

/// Bytes that one block adds to that message.
pub(super) const fn file_block_size(block: u64) -> usize {
    1 + varint_len(block)
}

fn decode_shard(reader: &mut Reader<'_>) -> Result<Slots, PbError> {
    if !reader.take_key(DATA_KEY) {
        return Err(PbError::Missing("shard's bit field"));
    }
    let slots = Slots::decode(reader.bytes()?)?;
    if !reader.take_key(HASH_KEY) || reader.varint()? != MURMUR3 {
        return Err(PbError::UnixFs("a shard's hash is murmur3-x64-64"));
    }
    if !reader.take_key(FANOUT_KEY) || reader.varint()? != FANOUT {
        return Err(PbError::UnixFs("a shard is 256 wide"));
    }
    Ok(slots)
}

fn encode_shard(slots: &Slots) -> Vec<u8> {
    let mut out = Vec::with_capacity(44);
    put_number(&mut out, 1, SHARD);
    put_bytes(&mut out, 2, slots.trimmed(&slots.to_bytes()));
    put_number(&mut out, 5, MURMUR3);
    put_number(&mut out, 6, FANOUT);
    out
}

/// Which of the 256 slots of a shard are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slots([u64; 4]);

impl Slots {
    /// Marks a slot as taken.
    pub fn set(&mut self, slot: u8) {
        self.0[usize::from(slot >> 6)] |= 1 << (slot & 63);
    }

    /// Whether a slot is taken.
    #[must_use]
    pub fn has(&self, slot: u8) -> bool {
        self.0[usize::from(slot >> 6)] & (1 << (slot & 63)) != 0
    }

    /// How many slots are taken.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(self.0.iter().rev()) {
            chunk.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }

    /// A big-endian number without leading zero bytes.
    fn trimmed<'b>(&self, bytes: &'b [u8; 32]) -> &'b [u8] {
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
        &bytes[zeros..]
    }

    fn decode(bytes: &[u8]) -> Result<Self, PbError> {
        if bytes.is_empty() || bytes.len() > 32 || bytes[0] == 0 {
            return Err(PbError::UnixFs(
                "a shard's bit field is not in its shortest form",
            ));
        }
        let mut words = [0u64; 4];
        for (at, &byte) in bytes.iter().rev().enumerate() {
            words[at / 8] |= u64::from(byte) << (8 * (at % 8));
        }
        Ok(Self(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_messages() {
        assert_eq!(UnixFs::Directory.encode(), [8, 1]);
        let file = FileData {
            raw: false,
            inline: &[],
            size: 1_048_577,
            blocks: vec![1_048_576, 1],
        };
        let bytes = [
            8, 2, 0x18, 0x81, 0x80, 0x40, 0x20, 0x80, 0x80, 0x40, 0x20, 1,
        ];
        assert_eq!(UnixFs::File(file).encode(), bytes);
        let mut slots = Slots::default();
        slots.set(0);
        slots.set(9);
        assert_eq!(
            UnixFs::Shard(slots).encode(),
            [8, 5, 0x12, 2, 2, 1, 0x28, 0x22, 0x30, 0x80, 2]
        );
    }

    #[test]
    fn refuses_what_the_profile_has_not() {
        let bad: &[&[u8]] = &[
            &[],
            &[8],
            &[8, 3],
            &[8, 4, 0x12, 1, b'x'],
            &[8, 1, 0x38, 0xed, 3],
            &[8, 1, 0x42, 2, 8, 1],
            &[8, 2],
            &[8, 2, 0x12, 0, 0x18, 0],
            &[8, 2, 0x18, 1],
            &[8, 2, 0x18, 0, 0x20, 0],
            &[8, 2, 0x18, 1, 0x22, 1, 1],
            &[8, 2, 0x20, 1, 0x18, 1],
            &[8, 5, 0x12, 0, 0x28, 0x22, 0x30, 0x80, 2],
            &[8, 5, 0x12, 2, 0, 1, 0x28, 0x22, 0x30, 0x80, 2],
            &[8, 5, 0x12, 1, 1, 0x28, 0x12, 0x30, 0x80, 2],
            &[8, 5, 0x12, 1, 1, 0x28, 0x22, 0x30, 0x80, 1],
            &[8, 5, 0x12, 1, 1, 0x28, 0x22],
        ];
        for bytes in bad {
            assert!(UnixFs::decode(bytes).is_err(), "{bytes:x?}");
        }
        let long = [
            &[8, 5, 0x12, 33][..],
            &[1; 33],
            &[0x28, 0x22, 0x30, 0x80, 2],
        ]
        .concat();
        assert!(UnixFs::decode(&long).is_err());
        let most = [u64::MAX, 1];
        let mut overflow = vec![8, 2, 0x18, 0];
        for block in most {
            put_number(&mut overflow, 4, block);
        }
        assert!(UnixFs::decode(&overflow).is_err());
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_to_the_same(
            kind in prop::sample::select(vec![0u8, 1, 2, 5]),
            rest in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let bytes = [&[8, kind][..], &rest].concat();
            if let Ok(message) = UnixFs::decode(&bytes) {
                prop_assert_eq!(message.encode(), bytes);
            }
        }

        #[test]
        fn files_round_trip(inline in prop::collection::vec(any::<u8>(), 0..9),
                            blocks in prop::collection::vec(1u64..1 << 40, 0..9), raw: bool) {
            let size = inline.len() as u64 + blocks.iter().sum::<u64>();
            let file = UnixFs::File(FileData { raw, inline: &inline, size, blocks });
            let bytes = file.encode();
            prop_assert_eq!(UnixFs::decode(&bytes), Ok(file));
        }

        #[test]
        fn slots_round_trip(taken in prop::collection::btree_set(any::<u8>(), 1..40)) {
            let mut slots = Slots::default();
            taken.iter().for_each(|&slot| slots.set(slot));
            prop_assert_eq!(slots.count(), taken.len());
            prop_assert!((0..=255).all(|slot| slots.has(slot) == taken.contains(&slot)));
            let bytes = UnixFs::Shard(slots).encode();
            prop_assert_eq!(UnixFs::decode(&bytes), Ok(UnixFs::Shard(slots)));
        }
    }
}
