//! Records: the signed row that says what an account's newest feed is.
//!
//! [`Record`] is a draft, [`SignedRecord`] is what was received, and only
//! [`verify`](crate::verify::verify) makes a `Verified<Record>` of it.

use std::sync::LazyLock;

use crate::{
    account::Account,
    cbor::{CborError, Reader, Writer},
    dag::cid::Cid,
    eip712::{TypedData, Value},
    grant::SignedGrant,
    hash::keccak256,
    limits,
    signature::{Scheme, Signature},
    time::Millis,
};

/// What an account says of its feed at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose feed it is.
    pub account: Account,
    /// Raised by a revocation; records of lower epochs no longer count.
    pub epoch: u64,
    /// When it was signed; strictly increasing for each signer.
    pub timestamp: Millis,
    /// Root of the feed tree (a UnixFS directory).
    pub root: Cid,
    /// Digests of the records that it follows, ascending, no two alike.
    pub parents: Vec<[u8; 32]>,
    /// SHA-256 of the delta from a feed before it, which the delta names; zero when there
    /// is none.
    pub delta: [u8; 32],
    /// Where the feed can be had, besides the networks it is found on.
    pub locations: Vec<String>,
    /// Digest of the grant of the device that signs; zero when the wallet signs itself.
    pub grant: [u8; 32],
}

impl TypedData for Record {
    const PRIMARY_TYPE: &'static str = "FeedRecord";
    const TYPE: &'static str = "FeedRecord(address account,uint64 epoch,uint64 timestamp,string root,\
        bytes32[] parents,bytes32 delta,string[] locations,bytes32 grant)";
    const TITLE: &'static str = "publish a version of a feed";

    fn type_hash() -> &'static [u8; 32] {
        static HASH: LazyLock<[u8; 32]> = LazyLock::new(|| keccak256(Record::TYPE.as_bytes()));
        &HASH
    }

    fn fields(&self) -> Vec<(&'static str, Value<'_>)> {
        vec![
            ("account", Value::Address(self.account)),
            ("epoch", Value::Uint64(self.epoch)),
            ("timestamp", Value::Uint64(self.timestamp)),
            ("root", Value::Text(self.root.to_string().into())),
            ("parents", Value::Bytes32List(&self.parents)),
            ("delta", Value::Bytes32(self.delta)),
            ("locations", Value::TextList(&self.locations)),
            ("grant", Value::Bytes32(self.grant)),
        ]
    }
}

/// A record with its signature and grant, as received: nothing about it is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRecord {
    /// What is claimed.
    pub record: Record,
    /// What was signed: typed data, or a text.
    pub scheme: Scheme,
    /// The signature of the device, or of the wallet when there is no grant.
    pub signature: Signature,
    /// The grant of the device that signed.
    pub grant: Option<SignedGrant>,
}

impl SignedRecord {
    /// The encoding: an array of the version (1), account, epoch, timestamp, root,
    /// parents, delta, locations, scheme, signature, grant or null.
    ///
    /// The grant's digest is not written: it follows from the grant itself.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let record = &self.record;
        let mut writer = Writer::new();
        writer.array(11);
        writer.uint(1);
        writer.bytes(&record.account.0);
        writer.uint(record.epoch);
        writer.uint(record.timestamp);
        writer.link(&record.root);
        writer.array(record.parents.len());
        for parent in &record.parents {
            writer.bytes(parent);
        }
        if record.delta == [0; 32] {
            writer.null();
        } else {
            writer.bytes(&record.delta);
        }
        writer.array(record.locations.len());
        for location in &record.locations {
            writer.text(location);
        }
        writer.uint(self.scheme.number());
        writer.bytes(&self.signature.0);
        match &self.grant {
            Some(grant) => writer.raw(&grant.to_bytes()),
            None => writer.null(),
        }
        writer.finish()
    }

    /// Decodes a record.
    ///
    /// # Errors
    /// [`CborError`] when the bytes are not the deterministic encoding of a record, or a
    /// list is longer than its limit.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CborError> {
        Self::decode(bytes, |_, signed| signed.grant.digest())
    }

    /// Decodes a record; `digest` gives the digest of the grant that it is shown, as bytes
    /// and decoded, because whoever has seen the grant before need not compute it again.
    pub(crate) fn decode(
        bytes: &[u8],
        digest: impl FnOnce(&[u8], &SignedGrant) -> [u8; 32],
    ) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes);
        reader.version_1(11)?;
        let mut record = Record {
            account: Account(reader.array_bytes()?),
            epoch: reader.uint()?,
            timestamp: reader.uint()?,
            root: reader.link()?,
            parents: list(&mut reader, limits::PARENTS, |r| r.array_bytes())?,
            delta: read_delta_hash(&mut reader)?,
            locations: list(&mut reader, limits::LOCATIONS, |r| {
                r.text(limits::LOCATION_BYTES).map(str::to_owned)
            })?,
            grant: [0; 32],
        };
        let scheme = Scheme::from_number(reader.uint()?).ok_or(CborError::Type)?;
        let signature = Signature(reader.array_bytes()?);
        let grant = if reader.null() {
            None
        } else {
            Some(reader.span(SignedGrant::read)?)
        };
        reader.end()?;
        if let Some((signed, encoded)) = &grant {
            record.grant = digest(encoded, signed);
        }
        let grant = grant.map(|(signed, _)| signed);
        Ok(Self {
            record,
            scheme,
            signature,
            grant,
        })
    }

    /// The address that should have signed: the device of the grant, else the account.
    #[must_use]
    pub fn claimed_signer(&self) -> Account {
        self.grant
            .as_ref()
            .map_or(self.record.account, |signed| signed.grant.device)
    }
}

fn list<T>(
    reader: &mut Reader<'_>,
    limit: usize,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, CborError>,
) -> Result<Vec<T>, CborError> {
    let len = reader.array(limit)?;
    (0..len).map(|_| read(reader)).collect()
}

/// Null stands for "no delta"; thirty-two zero bytes would be a second spelling of it.
fn read_delta_hash(reader: &mut Reader<'_>) -> Result<[u8; 32], CborError> {
    if reader.null() {
        return Ok([0; 32]);
    }
    let hash = reader.array_bytes()?;
    if hash == [0; 32] {
        Err(CborError::NotCanonical)
    } else {
        Ok(hash)
    }
}
