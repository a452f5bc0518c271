//! Deltas: what changed between a feed and the one before it.
//!
//! A delta travels with its record, and the record holds its hash: so it proves itself
//! and is shown at once. Applied to the tree it is based on, it gives the new root without
//! a single block being fetched.

use crate::{
    cbor::{CborError, Reader, Writer},
    dag::cid::Cid,
    feed::{
        check,
        model::{Follows, ItemId, Tombstone, canonical},
        set::Changes,
    },
    hash::sha256,
    limits,
    time::Millis,
};

/// What changed. Every part is source; files are named by the items and the profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// Root of the tree that it changes: that of one of the record's parents. `None` for
    /// the first version of a feed.
    pub base: Option<Cid>,
    /// What is changed.
    pub changes: Changes,
}

/// Why bytes are no delta.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeltaError {
    /// More than [`limits::DELTA_BYTES`].
    #[error("the delta is larger than {} bytes", limits::DELTA_BYTES)]
    TooLarge,
    /// Its SHA-256 is not the one in the record.
    #[error("the delta is not the one that the record names")]
    HashMismatch,
    /// Not the deterministic encoding.
    #[error("the bytes are not a delta: {0}")]
    Malformed(#[from] CborError),
    /// An item, profile or follow inside is not the canonical JSON of one.
    #[error("the delta holds a malformed {0}")]
    Source(&'static str),
}

impl DeltaError {
    /// The name in the test vectors and in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::HashMismatch => "hash_mismatch",
            Self::Malformed(CborError::Version(_)) => "unknown_version",
            Self::Malformed(_) => "malformed",
            Self::Source(_) => "malformed_source",
        }
    }
}

impl Delta {
    /// Whether all that it brings obeys the rules of feeds, in a record of the instant `at`.
    #[must_use]
    pub fn is_allowed(&self, at: Millis) -> bool {
        let changes = &self.changes;
        let profile = changes.profile.as_ref();
        changes.items.iter().all(|item| check::item(item).is_ok())
            && changes
                .tombstones
                .iter()
                .all(|dead| check::tombstone(dead).is_ok())
            && profile.is_none_or(|profile| check::profile(profile).is_ok())
            && check::follows(&changes.follows).is_ok()
            && check::bounded(changes, at).is_ok()
    }

    /// The encoding: an array of the version (1), base or null, items as canonical JSON,
    /// tombstones as pairs of date and id, profile and follows as canonical JSON or null.
    ///
    /// # Errors
    /// [`DeltaError::TooLarge`]: the change then travels as a tree only.
    pub fn to_bytes(&self) -> Result<Vec<u8>, DeltaError> {
        let mut writer = Writer::new();
        writer.array(6);
        writer.uint(1);
        match &self.base {
            Some(base) => writer.link(base),
            None => writer.null(),
        }
        writer.array(self.changes.items.len());
        for item in &self.changes.items {
            writer.text(&canonical(item));
            // An import may have a hundred thousand.
            if writer.size() > limits::DELTA_BYTES {
                return Err(DeltaError::TooLarge);
            }
        }
        writer.array(self.changes.tombstones.len());
        for tombstone in &self.changes.tombstones {
            writer.array(2);
            writer.uint(tombstone.date);
            writer.bytes(&tombstone.id.0);
        }
        match &self.changes.profile {
            Some(profile) => writer.text(&canonical(profile)),
            None => writer.null(),
        }
        if self.changes.follows.is_empty() {
            writer.null();
        } else {
            writer.text(&canonical(&self.changes.follows));
        }
        let bytes = writer.finish();
        if bytes.len() > limits::DELTA_BYTES {
            Err(DeltaError::TooLarge)
        } else {
            Ok(bytes)
        }
    }

    /// Decodes the delta whose hash a verified record holds.
    ///
    /// Items are well-formed but not yet [checked](crate::feed::check) against their
    /// limits.
    ///
    /// # Errors
    /// [`DeltaError`] when the bytes are another delta, or none.
    pub fn from_bytes(bytes: &[u8], hash: &[u8; 32]) -> Result<Self, DeltaError> {
        if bytes.len() > limits::DELTA_BYTES {
            return Err(DeltaError::TooLarge);
        }
        if sha256(bytes) != *hash {
            return Err(DeltaError::HashMismatch);
        }
        let mut reader = Reader::new(bytes);
        reader.version_1(6)?;
        let base = if reader.null() {
            None
        } else {
            Some(reader.link()?)
        };
        let mut items = Vec::new();
        for _ in 0..reader.array(bytes.len())? {
            items.push(source(&mut reader, "item")?);
        }
        let mut tombstones = Vec::new();
        for _ in 0..reader.array(bytes.len())? {
            reader.array_of(2)?;
            let date = reader.uint()?;
            tombstones.push(Tombstone {
                date,
                id: ItemId(reader.array_bytes()?),
            });
        }
        let profile = if reader.null() {
            None
        } else {
            Some(source(&mut reader, "profile")?)
        };
        let follows: Follows = if reader.null() {
            Follows::new()
        } else {
            let follows = source(&mut reader, "follow list")?;
            if follows == Follows::new() {
                // Null is the one spelling of "none".
                return Err(DeltaError::Source("follow list"));
            }
            follows
        };
        reader.end()?;
        Ok(Self {
            base,
            changes: Changes {
                items,
                tombstones,
                profile,
                follows,
            },
        })
    }
}

/// Reads a text that must be the canonical JSON of a source value.
fn source<T: serde::Serialize + serde::de::DeserializeOwned>(
    reader: &mut Reader<'_>,
    what: &'static str,
) -> Result<T, DeltaError> {
    let text = reader.text(limits::DELTA_BYTES)?;
    let value: T = serde_json::from_str(text).map_err(|_| DeltaError::Source(what))?;
    // One value, one spelling: else two deltas with different hashes would be the same.
    if canonical(&value) == text {
        Ok(value)
    } else {
        Err(DeltaError::Source(what))
    }
}
