//! Directory blocks at rest, without what can be made again: a link of a feed's posts
//! takes 47 bytes instead of 66 (32 of them its hash).
//!
//! Packing is for dag-pb nodes only and is tried out at once: a block that does not come
//! back byte for byte is kept as it is. The first byte says which.

use data_encoding::{BASE32_NOPAD, HEXUPPER};
use ourspace_protocol::dag::{
    Cid, Codec,
    pb::{PbLink, PbNode},
};

const PLAIN: u8 = 0;
const PACKED: u8 = 1;

/// How a link's name is written: the high bits of its first byte.
mod name {
    /// Length and bytes.
    pub(super) const TEXT: u8 = 0;
    /// Two hex digits: a shard below.
    pub(super) const SLOT: u8 = 1;
    /// Sixteen base32 digits: an item's id.
    pub(super) const ID: u8 = 2;
    /// Both: an item's id in a shard.
    pub(super) const SLOT_AND_ID: u8 = 3;
}

/// A block as it is kept.
pub(crate) fn pack(bytes: &[u8]) -> Vec<u8> {
    let packed = PbNode::decode(bytes).ok().map(|node| pack_node(&node));
    match packed {
        Some(packed)
            if packed.len() <= bytes.len() && unpack(&packed).as_deref() == Some(bytes) =>
        {
            packed
        }
        _ => [&[PLAIN], bytes].concat(),
    }
}

/// The block that was packed; `None` when the bytes are damaged.
pub(crate) fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    match packed.split_first()? {
        (&PLAIN, bytes) => Some(bytes.to_vec()),
        (&PACKED, packed) => unpack_node(packed),
        _ => None,
    }
}

fn pack_node(node: &PbNode<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(node.links.len() * 48 + 64);
    out.push(PACKED);
    put_number(&mut out, node.data.len() as u64);
    out.extend_from_slice(node.data);
    for link in &node.links {
        put_link(&mut out, link);
    }
    out
}

fn put_link(out: &mut Vec<u8>, link: &PbLink<'_>) {
    let codec = match link.cid.codec() {
        Codec::Raw => 0,
        Codec::DagPb => 1,
        Codec::DagCbor => 2,
    };
    let slot = |text: &str| HEXUPPER.decode(text.as_bytes()).ok();
    let id = |text: &str| {
        let lower = !text.bytes().any(|b| b.is_ascii_uppercase());
        let digits = text.to_ascii_uppercase();
        lower
            .then(|| BASE32_NOPAD.decode(digits.as_bytes()).ok())
            .flatten()
    };
    let name = link.name;
    let short = match name.len() {
        2 => slot(name).map(|slot| (name::SLOT, slot)),
        16 => id(name).map(|id| (name::ID, id)),
        18 if name.is_char_boundary(2) => {
            let (digits, rest) = name.split_at(2);
            slot(digits)
                .zip(id(rest))
                .map(|(slot, id)| (name::SLOT_AND_ID, [slot, id].concat()))
        }
        _ => None,
    };
    match short {
        Some((form, bytes)) => {
            out.push(form << 2 | codec);
            out.extend_from_slice(&bytes);
        }
        None => {
            out.push(name::TEXT << 2 | codec);
            put_number(out, name.len() as u64);
            out.extend_from_slice(name.as_bytes());
        }
    }
    put_number(out, link.tsize);
    out.extend_from_slice(link.cid.digest());
}

fn unpack_node(mut packed: &[u8]) -> Option<Vec<u8>> {
    let size = take_number(&mut packed)?;
    let data = take(&mut packed, usize::try_from(size).ok()?)?;
    let mut names = Vec::new();
    let mut links = Vec::new();
    while let Some((&first, rest)) = packed.split_first() {
        packed = rest;
        let codec = match first & 3 {
            0 => Codec::Raw,
            1 => Codec::DagPb,
            2 => Codec::DagCbor,
            _ => return None,
        };
        let hex = |packed: &mut &[u8]| Some(HEXUPPER.encode(take(packed, 1)?));
        let id =
            |packed: &mut &[u8]| Some(BASE32_NOPAD.encode(take(packed, 10)?).to_ascii_lowercase());
        names.push(match first >> 2 {
            name::SLOT => hex(&mut packed)?,
            name::ID => id(&mut packed)?,
            name::SLOT_AND_ID => hex(&mut packed)? + &id(&mut packed)?,
            name::TEXT => {
                let size = usize::try_from(take_number(&mut packed)?).ok()?;
                String::from_utf8(take(&mut packed, size)?.to_vec()).ok()?
            }
            _ => return None,
        });
        let tsize = take_number(&mut packed)?;
        let digest = take(&mut packed, 32)?.try_into().ok()?;
        links.push((Cid::from_digest(codec, digest), tsize));
    }
    let links = links
        .iter()
        .zip(&names)
        .map(|(&(cid, tsize), name)| PbLink { cid, name, tsize })
        .collect();
    Some(PbNode { links, data }.encode())
}

fn take<'b>(bytes: &mut &'b [u8], size: usize) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(size)?;
    *bytes = rest;
    Some(taken)
}

/// LEB128.
fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use ourspace_protocol::dag::{Link, update_tree};
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn a_feed_of_posts_is_packed_well() {
        let mut blocks = HashMap::new();
        let names: Vec<String> = (0u64..6000)
            .map(|n| {
                let id = ourspace_protocol::hash::sha256(&n.to_le_bytes());
                let id = BASE32_NOPAD.encode(&id[..10]).to_ascii_lowercase();
                format!("posts/{id}")
            })
            .collect();
        let link = Link {
            cid: Cid::of(Codec::DagPb, b"x"),
            tsize: 4711,
        };
        let mut changes: Vec<_> = names
            .iter()
            .map(|name| (name.as_str(), Some(link)))
            .collect();
        changes.sort_unstable();
        let mut out = |block: ourspace_protocol::dag::Block| {
            blocks.insert(block.cid(), block.into_bytes());
        };
        update_tree(&HashMap::new(), None, &changes, &mut out).unwrap();
        let packed: usize = blocks.values().map(|block| pack(block).len()).sum();
        for block in blocks.values() {
            assert_eq!(unpack(&pack(block)).as_ref(), Some(block));
        }
        assert!(
            packed < 6000 * 53,
            "{} bytes a post",
            packed as f64 / 6000.0
        );
    }

    proptest! {
        #[test]
        fn anything_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..99)) {
            prop_assert_eq!(unpack(&pack(&bytes)), Some(bytes.clone()));
            // Damage is no panic and no endless allocation.
            drop(unpack(&[&[PACKED], &bytes[..]].concat()));
        }

        #[test]
        fn nodes_come_back(
            mut names in proptest::collection::vec("[0-9A-F]{2}|[a-z2-7]{16}|[0-9A-F]{2}[a-z2-7]{16}|[A-Za-z0-9é]{0,20}", 0..9),
            codec in 0usize..3, tsize in 0u64..1 << 53, data in proptest::collection::vec(any::<u8>(), 0..9),
        ) {
            names.sort_unstable();
            let codec = [Codec::Raw, Codec::DagPb, Codec::DagCbor][codec];
            let cid = Cid::of(codec, b"");
            let links = names.iter().map(|name| PbLink { cid, name, tsize }).collect();
            let bytes = PbNode { links, data: &data }.encode();
            let packed = pack(&bytes);
            prop_assert!(packed.len() <= bytes.len() + 1);
            prop_assert_eq!(unpack(&packed), Some(bytes));
        }
    }
}
