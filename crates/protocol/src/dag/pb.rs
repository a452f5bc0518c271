//! dag-pb: the one byte form of a node with links (IPLD dag-pb specification).
//!
//! Reading is strict: links before data, fields in order, shortest numbers, nothing
//! unknown, links sorted by name. So whatever decodes encodes to the same bytes again,
//! and a block with a second spelling of the same node does not exist for us.

use super::cid::{CID_BYTES, Cid};
use super::wire::{
    BYTES, NUMBER, PbError, Reader, key, put_bytes, put_number, put_varint, varint_len,
};
use crate::limits::{BLOCK_BYTES, BLOCK_LINKS, TSIZE};

/// One link of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PbLink<'a> {
    /// The block that is linked.
    pub cid: Cid,
    /// Its name; empty in files.
    pub name: &'a str,
    /// Cumulative size: bytes of that block and of all that it links, as often as linked.
    pub tsize: u64,
}

/// A node: links and data, borrowed from the block's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PbNode<'a> {
    /// Sorted by the bytes of the names; equal names keep their order.
    pub links: Vec<PbLink<'a>>,
    /// The UnixFS message.
    pub data: &'a [u8],
}

const LINKS_KEY: u8 = key(2, BYTES);
const DATA_KEY: u8 = key(1, BYTES);
const HASH_KEY: u8 = key(1, BYTES);
const NAME_KEY: u8 = key(2, BYTES);
const TSIZE_KEY: u8 = key(3, NUMBER);

impl<'a> PbNode<'a> {
    /// Reads a block.
    ///
    /// # Errors
    /// Anything that [`encode`](Self::encode) would not have written, and anything above
    /// the limits of a block.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, PbError> {
        if bytes.len() > BLOCK_BYTES {
            return Err(PbError::TooLarge(bytes.len()));
        }
        let mut reader = Reader::new(bytes);
        let mut links: Vec<PbLink<'a>> = Vec::new();
        while reader.take_key(LINKS_KEY) {
            let link = decode_link(reader.bytes()?)?;
            if links
                .last()
                .is_some_and(|last| last.name.as_bytes() > link.name.as_bytes())
            {
                return Err(PbError::Order);
            }
            if links.len() == BLOCK_LINKS {
                return Err(PbError::TooManyLinks);
            }
            links.push(link);
        }
        if !reader.take_key(DATA_KEY) {
            return Err(reader
                .peek()
                .map_or(PbError::Missing("data"), PbError::Field));
        }
        let data = reader.bytes()?;
        match reader.peek() {
            None => Ok(Self { links, data }),
            Some(extra) => Err(PbError::Field(extra)),
        }
    }

    /// The node's block. Links are written in the order in which they are.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let links: usize = self
            .links
            .iter()
            .map(|link| link_size(link.name.len(), link.tsize))
            .sum();
        let mut out = Vec::with_capacity(links + bytes_field_size(self.data.len()));
        for link in &self.links {
            put_link(&mut out, link.cid, ["", link.name], link.tsize);
        }
        put_data(&mut out, self.data);
        out
    }
}

fn decode_link(bytes: &[u8]) -> Result<PbLink<'_>, PbError> {
    let mut reader = Reader::new(bytes);
    let expect = |reader: &mut Reader<'_>, wanted: u8, what: &'static str| {
        if reader.take_key(wanted) {
            return Ok(());
        }
        Err(reader.peek().map_or(PbError::Missing(what), PbError::Field))
    };
    expect(&mut reader, HASH_KEY, "link's hash")?;
    let cid = Cid::from_bytes(reader.bytes()?)?;
    expect(&mut reader, NAME_KEY, "link's name")?;
    let name = core::str::from_utf8(reader.bytes()?).map_err(|_| PbError::Name)?;
    expect(&mut reader, TSIZE_KEY, "link's size")?;
    let tsize = reader.varint()?;
    if tsize > TSIZE {
        return Err(PbError::Tsize);
    }
    match reader.peek() {
        None => Ok(PbLink { cid, name, tsize }),
        Some(extra) => Err(PbError::Field(extra)),
    }
}

/// Bytes of a field of `len` bytes, key and length included.
const fn bytes_field_size(len: usize) -> usize {
    1 + varint_len(len as u64) + len
}

const fn link_body_size(name_len: usize, tsize: u64) -> usize {
    bytes_field_size(CID_BYTES) + bytes_field_size(name_len) + 1 + varint_len(tsize)
}

/// Bytes that one link adds to its node's block.
#[must_use]
pub const fn link_size(name_len: usize, tsize: u64) -> usize {
    bytes_field_size(link_body_size(name_len, tsize))
}

/// Bytes that the data adds to its node's block.
#[must_use]
pub const fn data_size(len: usize) -> usize {
    bytes_field_size(len)
}

/// Appends one link; the name comes in two pieces (a shard's slot and the entry's name).
pub(super) fn put_link(out: &mut Vec<u8>, cid: Cid, name: [&str; 2], tsize: u64) {
    let [prefix, rest] = name;
    let name_len = prefix.len() + rest.len();
    out.push(LINKS_KEY);
    put_varint(out, link_body_size(name_len, tsize) as u64);
    put_bytes(out, 1, &cid.to_bytes());
    out.push(NAME_KEY);
    put_varint(out, name_len as u64);
    out.extend_from_slice(prefix.as_bytes());
    out.extend_from_slice(rest.as_bytes());
    put_number(out, 3, tsize);
}

/// Appends the data, which ends the node.
pub(super) fn put_data(out: &mut Vec<u8>, data: &[u8]) {
    put_bytes(out, 1, data);
}

#[cfg(test)]
mod tests {
    use super::super::cid::Codec;
    use super::*;
    use proptest::prelude::*;

    fn cid(seed: u8) -> Cid {
        Cid::of(Codec::Raw, &[seed])
    }

    fn sample() -> Vec<u8> {
        let link = |seed, name, tsize| PbLink {
            cid: cid(seed),
            name,
            tsize,
        };
        let links = vec![link(1, "a", 1), link(2, "ab", 300), link(3, "b", 0)];
        PbNode {
            links,
            data: b"\x08\x01",
        }
        .encode()
    }

    #[test]
    fn sizes_are_those_of_the_encoding() {
        for (name, tsize) in [
            ("", 0),
            ("x", 127),
            ("name", 128),
            (&*"n".repeat(255), TSIZE),
        ] {
            let mut out = Vec::new();
            put_link(&mut out, cid(0), ["", name], tsize);
            assert_eq!(out.len(), link_size(name.len(), tsize));
        }
        assert_eq!(link_size(11, 1), 55);
        assert_eq!(link_size(255, 0), 301);
        assert_eq!(data_size(2), 4);
    }

    #[test]
    fn every_truncation_is_refused() {
        let good = sample();
        assert!(PbNode::decode(&good).is_ok());
        for len in 0..good.len() {
            assert!(PbNode::decode(&good[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn order_and_repetition_are_checked() {
        let block = |names: &[&str]| {
            let mut out = Vec::new();
            for name in names {
                put_link(&mut out, cid(0), ["", name], 1);
            }
            put_data(&mut out, &[8, 1]);
            out
        };
        assert_eq!(PbNode::decode(&block(&["b", "a"])), Err(PbError::Order));
        assert!(PbNode::decode(&block(&["a", "a"])).is_ok());
        let mut data_first = Vec::new();
        put_data(&mut data_first, &[8, 1]);
        put_link(&mut data_first, cid(0), ["", "a"], 1);
        assert_eq!(PbNode::decode(&data_first), Err(PbError::Field(0x12)));
        let mut twice = block(&[]);
        put_data(&mut twice, &[8, 1]);
        assert_eq!(PbNode::decode(&twice), Err(PbError::Field(0x0a)));
        assert_eq!(PbNode::decode(&[]), Err(PbError::Missing("data")));
        let many = block(&vec![""; BLOCK_LINKS + 1]);
        assert_eq!(PbNode::decode(&many), Err(PbError::TooManyLinks));
        let big = vec![0; BLOCK_BYTES + 1];
        assert_eq!(
            PbNode::decode(&big),
            Err(PbError::TooLarge(BLOCK_BYTES + 1))
        );
        let mut size = Vec::new();
        put_link(&mut size, cid(0), ["", ""], TSIZE + 1);
        put_data(&mut size, &[]);
        assert_eq!(PbNode::decode(&size), Err(PbError::Tsize));
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_to_the_same(at in 0usize..200, flip: u8, insert: bool) {
            let mut bytes = sample();
            let at = at % bytes.len();
            if insert { bytes.insert(at, flip) } else { bytes[at] ^= flip }
            if let Ok(node) = PbNode::decode(&bytes) {
                prop_assert_eq!(node.encode(), bytes);
            }
        }

        #[test]
        fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(node) = PbNode::decode(&bytes) {
                prop_assert_eq!(node.encode(), bytes);
            }
        }
    }
}
