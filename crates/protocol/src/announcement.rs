//! Announcements: a record and its delta, as they travel to followers.
//!
//! An announcement proves itself. Whoever passes it on checks the signature, the delta's
//! size and its hash, and nothing more; what the delta does to a feed is looked at only by
//! those who keep that feed.

use crate::{
    delta::DeltaError,
    hash::sha256,
    limits,
    record::SignedRecord,
    verify::{Context, KnownGrants, Refusal, Verified, verify},
};

/// Why an announcement is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnnouncementError {
    /// The record is not.
    #[error(transparent)]
    Record(#[from] Refusal),
    /// The delta is not the one that the record names.
    #[error(transparent)]
    Delta(#[from] DeltaError),
}

impl AnnouncementError {
    /// The name in traces and in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Record(refusal) => refusal.name(),
            Self::Delta(error) => error.name(),
        }
    }

    /// Whether whoever sent it should have known better. What is from the future, or of an
    /// epoch that has ended, may only show that two clocks differ or that news travels.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        !matches!(
            self,
            Self::Record(
                Refusal::FromTheFuture | Refusal::EpochSuperseded | Refusal::UnknownVersion(_)
            )
        )
    }
}

/// A verified record and, where there is one at hand, its delta with the right hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    record: Verified<SignedRecord>,
    delta: Option<Vec<u8>>,
}

impl Announcement {
    /// Checks what somebody sent.
    ///
    /// # Errors
    /// [`AnnouncementError`].
    pub fn check(
        record: &[u8],
        delta: Option<&[u8]>,
        context: Context,
        known: &mut KnownGrants,
    ) -> Result<Self, AnnouncementError> {
        // The cheap refusals first.
        if delta.is_some_and(|delta| delta.len() > limits::DELTA_BYTES) {
            return Err(DeltaError::TooLarge.into());
        }
        let record = verify(record, context, known)?;
        Self::of(record, delta.map(<[u8]>::to_vec)).map_err(Into::into)
    }

    /// Puts a verified record and its delta together.
    ///
    /// # Errors
    /// [`DeltaError::TooLarge`], [`DeltaError::HashMismatch`].
    pub fn of(record: Verified<SignedRecord>, delta: Option<Vec<u8>>) -> Result<Self, DeltaError> {
        if let Some(delta) = &delta {
            if delta.len() > limits::DELTA_BYTES {
                return Err(DeltaError::TooLarge);
            }
            if sha256(delta) != record.record().delta {
                return Err(DeltaError::HashMismatch);
            }
        }
        Ok(Self { record, delta })
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> &Verified<SignedRecord> {
        &self.record
    }

    /// The delta in its encoding. A record may name one that is not here.
    #[must_use]
    pub fn delta(&self) -> Option<&[u8]> {
        self.delta.as_deref()
    }

    /// Bytes of both.
    #[must_use]
    pub fn size(&self) -> usize {
        self.record.get().to_bytes().len() + self.delta.as_ref().map_or(0, Vec::len)
    }
}
