//! Rows: what a node keeps for the DHT, so that others find the newest records of accounts
//! that it need not know.
//!
//! A row is found by a key made of the account and holds the account's heads, one record a
//! signer. Nobody is believed: what comes in is verified and merged with what is there, so
//! a row can only get newer, and whoever has no key of the account can change nothing about
//! it. A node keeps rows that it is near to, a bounded number of bytes of them; when there
//! is no more room, rows that nobody here follows and that are farthest go first.

use std::collections::BTreeMap;

use crate::{
    account::Account,
    cbor::{CborError, Reader, Writer},
    hash::sha256,
    heads::{Heads, Insert},
    limits,
    record::SignedRecord,
    time::Millis,
    verify::{Context, KnownGrants, Refusal, Verified, verify},
};

/// Where a row or a node stands in the DHT: distances are the XOR of two of these.
pub type Key = [u8; 32];

/// The key of an account's row: SHA-256 of `ourspace/row/1` and the address.
#[must_use]
pub fn key_of(account: Account) -> Key {
    sha256(&[b"ourspace/row/1".as_slice(), &account.0].concat())
}

/// The encoding of a row: an array of the records' encodings, by the order of the signers.
#[must_use]
pub fn encode(heads: &Heads) -> Vec<u8> {
    let records: Vec<Vec<u8>> = heads.iter().map(|head| head.get().to_bytes()).collect();
    let mut writer = Writer::new();
    writer.array(records.len());
    for record in &records {
        writer.bytes(record);
    }
    writer.finish()
}

/// The encodings of the records of a row that somebody gave.
///
/// # Errors
/// [`CborError`] when it is no row, or one of more than [`limits::SIGNERS`] records.
pub fn decode(value: &[u8]) -> Result<Vec<&[u8]>, CborError> {
    let mut reader = Reader::new(value);
    let len = reader.array(limits::SIGNERS)?;
    let records = (0..len).map(|_| reader.bytes()).collect::<Result<_, _>>()?;
    reader.end()?;
    Ok(records)
}

/// Why a row is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowRefusal {
    /// It is none.
    #[error("the bytes are no row: {0}")]
    Malformed(#[from] CborError),
    /// It holds no record, or more bytes than [`limits::ROW_BYTES`].
    #[error("the row is empty or too large")]
    Size,
    /// A record in it is not believed.
    #[error(transparent)]
    Record(#[from] Refusal),
    /// It belongs to another key.
    #[error("a record in the row is of another account")]
    AnotherAccount,
    /// A newer one is here.
    #[error("the row is older than what is known here")]
    Older,
    /// Enough nodes are nearer to it.
    #[error("the row is far from this node")]
    Far,
    /// There is no room for it.
    #[error("there is no room for the row here")]
    Full,
}

impl RowRefusal {
    /// Whether whoever sent it should have known better.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        match self {
            Self::Malformed(_) | Self::Size | Self::AnotherAccount => true,
            Self::Record(refusal) => !matches!(
                refusal,
                Refusal::FromTheFuture | Refusal::EpochSuperseded | Refusal::UnknownVersion(_)
            ),
            Self::Older | Self::Far | Self::Full => false,
        }
    }
}

/// What is known when a row comes in.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// The time.
    pub now: Millis,
    /// Nodes known here that are nearer to the row than this one.
    pub nearer: usize,
    /// Whether somebody here follows the account, in public: then the row is kept wherever
    /// it belongs.
    pub followed: bool,
}

/// What the keeper of rows may use.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Bytes of all rows.
    pub bytes: usize,
    /// Rows are kept while at most so many known nodes are nearer.
    pub nearer: usize,
}

impl Default for Room {
    /// 16 MiB: some 30,000 rows. Twice the nodes that a record is put to.
    fn default() -> Self {
        Self {
            bytes: 16 * 1024 * 1024,
            nearer: 40,
        }
    }
}

/// What came of a row that was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// Something in it was new.
    New,
    /// All of it was here.
    Known,
}

#[derive(Debug)]
struct Row {
    heads: Heads,
    value: Vec<u8>,
    followed: bool,
    touched: Millis,
}

/// Bytes that a row takes beside its value: the heads, decoded.
const BESIDE: usize = 640;

impl Row {
    fn cost(&self) -> usize {
        self.value.len() * 2 + BESIDE
    }
}

/// The rows of one node.
#[derive(Debug)]
pub struct Rows {
    own: Key,
    room: Room,
    rows: BTreeMap<Key, Row>,
    used: usize,
    known: KnownGrants,
}

impl Rows {
    /// None yet, of the node that stands at `own`.
    #[must_use]
    pub fn new(own: Key, room: Room) -> Self {
        Self {
            own,
            room,
            rows: BTreeMap::new(),
            used: 0,
            known: KnownGrants::new(),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A row's encoding.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&[u8]> {
        self.rows.get(key).map(|row| row.value.as_slice())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &[u8])> {
        self.rows
            .iter()
            .map(|(key, row)| (key, row.value.as_slice()))
    }

    /// Takes a row that somebody gave for `key`, or what is new in it.
    ///
    /// Rows that had to go for it are named in `gone`.
    ///
    /// # Errors
    /// [`RowRefusal`]; nothing is changed then.
    pub fn put(
        &mut self,
        key: Key,
        value: &[u8],
        situation: Situation,
        gone: &mut Vec<Key>,
    ) -> Result<Put, RowRefusal> {
        if value.len() > limits::ROW_BYTES {
            return Err(RowRefusal::Size);
        }
        let here = self.rows.get(&key);
        if here.is_some_and(|row| row.value == value) {
            self.touch(&key, situation);
            return Ok(Put::Known);
        }
        if here.is_none() && !situation.followed && situation.nearer > self.room.nearer {
            return Err(RowRefusal::Far);
        }
        let heads = self.merged(&key, value, situation.now)?;
        let row = Row {
            value: encode(&heads),
            heads,
            followed: situation.followed,
            touched: situation.now,
        };
        self.make_room(&key, &row, gone)?;
        self.used += row.cost();
        if let Some(old) = self.rows.insert(key, row) {
            self.used -= old.cost();
        }
        Ok(Put::New)
    }

    /// The heads with what is in `value`.
    fn merged(&mut self, key: &Key, value: &[u8], now: Millis) -> Result<Heads, RowRefusal> {
        let records = decode(value)?;
        if records.is_empty() {
            return Err(RowRefusal::Size);
        }
        let mut heads = self.rows.get(key).map(|row| row.heads.clone());
        let mut heads = heads.take().unwrap_or_default();
        let mut new = false;
        for bytes in records {
            let known = heads.iter().any(|head| head.get().to_bytes() == bytes);
            if known {
                continue;
            }
            // The epoch is looked at by the heads: what has ended is only older.
            let context = Context {
                now,
                highest_epoch: 0,
            };
            let record: Verified<SignedRecord> = verify(bytes, context, &mut self.known)?;
            if key_of(record.record().account) != *key {
                return Err(RowRefusal::AnotherAccount);
            }
            new |= heads.insert(record) == Insert::New;
        }
        match new {
            true => Ok(heads),
            false => Err(RowRefusal::Older),
        }
    }

    fn touch(&mut self, key: &Key, situation: Situation) {
        if let Some(row) = self.rows.get_mut(key) {
            row.touched = row.touched.max(situation.now);
            row.followed = situation.followed;
        }
    }

    /// Lets rows go until there is room, or refuses the new one when it would be the next
    /// to go.
    fn make_room(&mut self, key: &Key, new: &Row, gone: &mut Vec<Key>) -> Result<(), RowRefusal> {
        let old = self.rows.get(key).map_or(0, Row::cost);
        let needed = (self.used + new.cost() - old).saturating_sub(self.room.bytes);
        if needed == 0 {
            return Ok(());
        }
        let mut order: Vec<_> = self
            .rows
            .iter()
            .filter(|(other, _)| *other != key)
            .map(|(other, row)| {
                (
                    row.followed,
                    std::cmp::Reverse(self.distance(other)),
                    *other,
                )
            })
            .collect();
        order.sort_unstable();
        let own = (new.followed, std::cmp::Reverse(self.distance(key)), *key);
        let mut freed = 0;
        let mut going = Vec::new();
        for place in order {
            if freed >= needed || place > own {
                break;
            }
            freed += self.rows.get(&place.2).map_or(0, Row::cost);
            going.push(place.2);
        }
        if freed < needed {
            return Err(RowRefusal::Full);
        }
        for key in going {
            self.remove(&key);
            gone.push(key);
        }
        Ok(())
    }

    /// Forgets a row.
    pub fn remove(&mut self, key: &Key) {
        if let Some(row) = self.rows.remove(key) {
            self.used -= row.cost();
        }
    }

    /// The rows that nobody put again since `before`, and that nobody here follows.
    #[must_use]
    pub fn untouched(&self, before: Millis) -> Vec<Key> {
        let rows = self.rows.iter();
        rows.filter(|(_, row)| !row.followed && row.touched < before)
            .map(|(key, _)| *key)
            .collect()
    }

    fn distance(&self, key: &Key) -> Key {
        distance(&self.own, key)
    }
}

/// How far two places of the DHT are from each other: their XOR, as a big-endian number.
#[must_use]
pub fn distance(a: &Key, b: &Key) -> Key {
    let mut distance = [0; 32];
    for ((out, a), b) in distance.iter_mut().zip(a).zip(b) {
        *out = a ^ b;
    }
    distance
}
