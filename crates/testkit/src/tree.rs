//! CBOR as a tree that tests can break: it writes what the protocol's own writer never
//! would. It shares no code with that writer, so the two also check each other.

use ourspace_protocol::{
    grant::SignedGrant, record::SignedRecord, signature::Scheme, succession::SignedSuccession,
};

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// An unsigned integer.
    Uint(u64),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A text; the bytes need not be UTF-8.
    Text(Vec<u8>),
    /// An array.
    List(Vec<Self>),
    /// Tag 42 over a byte string, in which a zero byte should stand before the CID.
    Link(Vec<u8>),
    /// Null.
    Null,
    /// Bytes that are written as they are.
    Raw(Vec<u8>),
}

impl Tree {
    /// The tree of a record.
    #[must_use]
    pub fn of_record(signed: &SignedRecord) -> Self {
        let record = &signed.record;
        let mut link = vec![0];
        link.extend_from_slice(&record.root.to_bytes());
        Self::List(vec![
            Self::Uint(1),
            Self::Bytes(record.account.0.to_vec()),
            Self::Uint(record.epoch),
            Self::Uint(record.timestamp),
            Self::Link(link),
            Self::List(
                record
                    .parents
                    .iter()
                    .map(|p| Self::Bytes(p.to_vec()))
                    .collect(),
            ),
            if record.delta == [0; 32] {
                Self::Null
            } else {
                Self::Bytes(record.delta.to_vec())
            },
            Self::List(record.locations.iter().map(|l| Self::text(l)).collect()),
            scheme(signed.scheme),
            Self::Bytes(signed.signature.0.to_vec()),
            signed.grant.as_ref().map_or(Self::Null, Self::of_grant),
        ])
    }

    /// The tree of a grant.
    #[must_use]
    pub fn of_grant(signed: &SignedGrant) -> Self {
        let grant = &signed.grant;
        Self::List(vec![
            Self::Uint(1),
            Self::Bytes(grant.account.0.to_vec()),
            Self::Bytes(grant.device.0.to_vec()),
            Self::Bytes(grant.encryption_key_hash.to_vec()),
            Self::Bytes(grant.successor_hash.to_vec()),
            Self::text(&grant.scope),
            Self::Uint(grant.issued_at),
            Self::Uint(grant.expires_at),
            Self::Uint(grant.epoch),
            scheme(signed.scheme),
            Self::Bytes(signed.signature.0.to_vec()),
        ])
    }

    /// The tree of a succession.
    #[must_use]
    pub fn of_succession(signed: &SignedSuccession) -> Self {
        let succession = &signed.succession;
        Self::List(vec![
            Self::Uint(1),
            Self::Bytes(succession.account.0.to_vec()),
            Self::Bytes(succession.successor.0.to_vec()),
            Self::Bytes(succession.salt.to_vec()),
            Self::Uint(succession.timestamp),
            scheme(signed.scheme),
            Self::Bytes(signed.signature.0.to_vec()),
        ])
    }

    /// A text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.as_bytes().to_vec())
    }

    /// The value at a path of positions; `None` where there is none.
    pub fn at(&mut self, path: &[usize]) -> Option<&mut Self> {
        let Some((first, rest)) = path.split_first() else {
            return Some(self);
        };
        match self {
            Self::List(list) => list.get_mut(*first)?.at(rest),
            _ => None,
        }
    }

    /// This tree with another value at `path`; unchanged where there is none.
    #[must_use]
    pub fn with(mut self, path: &[usize], value: Self) -> Self {
        if let Some(place) = self.at(path) {
            *place = value;
        }
        self
    }

    /// The encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Uint(number) => head(0, *number),
            Self::Bytes(bytes) => [head(2, bytes.len() as u64), bytes.clone()].concat(),
            Self::Text(bytes) => [head(3, bytes.len() as u64), bytes.clone()].concat(),
            Self::List(list) => {
                let mut out = head(4, list.len() as u64);
                list.iter().for_each(|value| out.extend(value.encode()));
                out
            }
            Self::Link(bytes) => [head(6, 42), Self::Bytes(bytes.clone()).encode()].concat(),
            Self::Null => vec![0xf6],
            Self::Raw(bytes) => bytes.clone(),
        }
    }
}

/// The shortest head of a major type.
#[must_use]
pub fn head(major: u8, value: u64) -> Vec<u8> {
    let width = match value {
        0..=23 => 0,
        24..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    long_head(major, value, width)
}

/// A head with `width` bytes (0, 1, 2, 4 or 8) for the value, however few would do.
#[must_use]
pub fn long_head(major: u8, value: u64, width: usize) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let info = match width {
        0 => bytes[7],
        1 => 24,
        2 => 25,
        4 => 26,
        _ => 27,
    };
    [&[major << 5 | info], &bytes[8 - width..]].concat()
}

fn scheme(scheme: Scheme) -> Tree {
    Tree::Uint(scheme.number())
}
