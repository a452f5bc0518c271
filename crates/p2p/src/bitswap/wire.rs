//! The protobuf of bitswap's messages as it lies on the wire, and nothing that it means.
//!
//! Source: the bitswap specification (1.0.0, 1.1.0, 1.2.0), `message.proto`. Numbers of
//! fields and enumerations are the specification's.

use prost::bytes::Bytes;

/// A message.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Message {
    #[prost(message, optional, tag = "1")]
    pub(super) wantlist: Option<Wantlist>,
    /// Blocks of 1.0.0: bytes only, always CIDv0.
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub(super) blocks: Vec<Bytes>,
    /// Blocks since 1.1.0.
    #[prost(message, repeated, tag = "3")]
    pub(super) payload: Vec<Payload>,
    /// Since 1.2.0.
    #[prost(message, repeated, tag = "4")]
    pub(super) presences: Vec<Presence>,
}

/// What the sender wants.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Wantlist {
    #[prost(message, repeated, tag = "1")]
    pub(super) entries: Vec<Entry>,
    /// Whether this is all that it wants, in place of what it said before.
    #[prost(bool, tag = "2")]
    pub(super) full: bool,
}

/// One want.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Entry {
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) cid: Bytes,
    #[prost(int32, tag = "2")]
    pub(super) priority: i32,
    #[prost(bool, tag = "3")]
    pub(super) cancel: bool,
    /// 0: the block; 1: whether it is there.
    #[prost(int32, tag = "4")]
    pub(super) kind: i32,
    #[prost(bool, tag = "5")]
    pub(super) send_dont_have: bool,
}

/// A block.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Payload {
    /// The CID without its digest.
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) prefix: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) data: Bytes,
}

/// Whether a block is there.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Presence {
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) cid: Bytes,
    /// 0: it is; 1: it is not.
    #[prost(int32, tag = "2")]
    pub(super) kind: i32,
}

/// How many parts a message has, counted before anything is allocated for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) entries: usize,
    pub(super) blocks: usize,
    pub(super) presences: usize,
}

impl Parts {
    /// Counts; `None` when the bytes are no message.
    pub(super) fn count(message: &[u8]) -> Option<Self> {
        let mut parts = Self::default();
        let mut fields = Fields(message);
        while !fields.0.is_empty() {
            let (tag, body) = fields.next()?;
            match tag {
                1 => {
                    let mut inner = Fields(body);
                    while !inner.0.is_empty() {
                        parts.entries += usize::from(inner.next()?.0 == 1);
                    }
                }
                2 | 3 => parts.blocks += 1,
                4 => parts.presences += 1,
                _ => {}
            }
        }
        Some(parts)
    }
}

/// The fields of a message, one after the other, without looking inside.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The number of the next field and, if it has a length, its bytes. Groups are refused:
    /// no bitswap has ever had any.
    fn next(&mut self) -> Option<(u64, &'a [u8])> {
        let key = self.varint()?;
        let body = match key & 7 {
            0 => {
                self.varint()?;
                &[]
            }
            1 => self.take(8)?,
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.take(length)?
            }
            5 => self.take(4)?,
            _ => return None,
        };
        Some((key >> 3, body))
    }

    fn varint(&mut self) -> Option<u64> {
        let (value, rest) = varint(self.0)?;
        self.0 = rest;
        Some(value)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

/// The number at the start of `bytes`, and what comes after it.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f).checked_shl(u32::try_from(at * 7).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

/// Appends a number.
pub(super) fn put_varint(out: &mut Vec<u8>, value: usize) {
    let mut rest = value as u64;
    while rest > 0x7f {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[test]
    fn parts_are_counted_as_prost_reads_them() {
        let message = Message {
            wantlist: Some(Wantlist {
                entries: vec![Entry::default(), Entry::default()],
                full: true,
            }),
            blocks: vec![Bytes::from_static(b"abc")],
            payload: vec![Payload::default(); 3],
            presences: vec![Presence::default(); 4],
        };
        let parts = Parts::count(&message.encode_to_vec()).unwrap();
        assert_eq!((parts.entries, parts.blocks, parts.presences), (2, 4, 4));
        assert_eq!(Parts::count(&[]), Some(Parts::default()));
    }

    #[test]
    fn no_message_is_no_count() {
        // A length beyond the end, a group, a key that does not end.
        for bytes in [&[0x0a, 5, 0][..], &[0x0b, 0x0c], &[0xff; 12], &[0x0a, 1, 9]] {
            assert_eq!(Parts::count(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn numbers_are_read_as_written() {
        for value in [0, 1, 127, 128, 300, 4 << 20, usize::MAX] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            out.push(7);
            assert_eq!(varint(&out), Some((value as u64, &[7][..])));
        }
    }
}
