//! The body of an answer, as it comes.

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use tokio::time::{self, Instant};

use super::{
    ask::Limits,
    decode::{DecodeError, Decoder},
    pool::Lease,
};
use crate::error::HttpError;

/// How long a body may be slower than the slowest.
const WINDOW: Duration = Duration::from_secs(20);
/// What comes packed may be so much longer than what comes out of it: a body that never
/// unpacks to anything has to end too.
const PACKED_MORE: u64 = 64 * 1024;

/// How fast a body comes, counting only the time in which it is waited for.
#[derive(Debug)]
struct Pace {
    slowest: u64,
    /// In this window.
    waited: Duration,
    bytes: u64,
    /// In all.
    left: Duration,
}

impl Pace {
    const fn new(limits: &Limits) -> Self {
        Self {
            slowest: limits.slowest,
            waited: Duration::ZERO,
            bytes: 0,
            left: limits.total,
        }
    }

    /// How long may be waited now.
    fn patience(&self) -> Duration {
        WINDOW.saturating_sub(self.waited).min(self.left)
    }

    /// So many bytes came after this time; false when that is too few.
    fn came(&mut self, bytes: usize, waited: Duration) -> bool {
        self.waited += waited;
        self.bytes = self.bytes.saturating_add(bytes as u64);
        self.left = self.left.saturating_sub(waited);
        if self.bytes >= self.slowest.saturating_mul(WINDOW.as_secs()) {
            self.waited = Duration::ZERO;
            self.bytes = 0;
        }
        self.waited < WINDOW && !self.left.is_zero()
    }
}

/// The body of an answer. Dropping it before its end closes the connection.
#[derive(Debug)]
pub struct Body {
    host: String,
    incoming: Incoming,
    decoder: Decoder,
    limit: u64,
    packed_left: u64,
    pace: Pace,
    /// None after the end.
    lease: Option<Lease>,
}

impl Body {
    pub(super) fn new(
        incoming: Incoming,
        encoding: &str,
        limits: &Limits,
        lease: Lease,
    ) -> Result<Self, HttpError> {
        let host = lease.origin.host.clone();
        let decoder = Decoder::new(encoding, limits.body);
        Ok(Self {
            decoder: decoder.map_err(|error| of_decoder(error, &host, limits.body))?,
            host,
            incoming,
            limit: limits.body,
            packed_left: limits.body.saturating_add(PACKED_MORE),
            pace: Pace::new(limits),
            lease: Some(lease),
        })
    }

    /// What comes next, unpacked; none at the end. May be dropped while it waits.
    ///
    /// # Errors
    /// [`HttpError`] when the body is too long, too slow, packed wrongly or cut off. Then
    /// nothing more comes of it.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        loop {
            if self.lease.is_none() {
                return Ok(None);
            }
            let out = match self.data().await? {
                Some(data) => self.decoder.push(data),
                None => {
                    let end = self.decoder.finish();
                    if let Some(lease) = self.lease.take() {
                        lease.end();
                    }
                    end
                }
            };
            let out = out.map_err(|error| of_decoder(error, &self.host, self.limit))?;
            if !out.is_empty() {
                return Ok(Some(out));
            }
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// As [`chunk`](Self::chunk).
    pub async fn whole(mut self) -> Result<Vec<u8>, HttpError> {
        let mut whole = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            whole.extend_from_slice(&chunk);
        }
        Ok(whole)
    }

    async fn data(&mut self) -> Result<Option<Bytes>, HttpError> {
        loop {
            let begun = Instant::now();
            let came = time::timeout(self.pace.patience(), self.incoming.frame()).await;
            let slow = || HttpError::Slow(self.host.clone());
            let frame = match came.map_err(|_| slow())? {
                None => return Ok(None),
                Some(Ok(frame)) => frame,
                Some(Err(source)) => {
                    return Err(HttpError::Http {
                        host: self.host.clone(),
                        source,
                    });
                }
            };
            let data = frame.into_data().unwrap_or_default();
            if !self.pace.came(data.len(), begun.elapsed()) {
                return Err(slow());
            }
            let left = self.packed_left.checked_sub(data.len() as u64);
            self.packed_left =
                left.ok_or_else(|| of_decoder(DecodeError::TooLarge, &self.host, self.limit))?;
            if !data.is_empty() {
                return Ok(Some(data));
            }
        }
    }
}

fn of_decoder(error: DecodeError, host: &str, limit: u64) -> HttpError {
    let host = host.to_owned();
    match error {
        DecodeError::TooLarge => HttpError::TooLarge { host, limit },
        DecodeError::Broken | DecodeError::Unknown => HttpError::Packed(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trickle_is_no_stream() {
        let limits = Limits {
            slowest: 100,
            ..Limits::bytes(1 << 30)
        };
        let mut pace = Pace::new(&limits);
        // A byte a second: 19 times fine, then too few for the window.
        let second = Duration::from_secs(1);
        assert!((0..19).all(|_| pace.came(1, second)));
        assert!(!pace.came(1, second));
        // Fast ones may go on until the time for all is over.
        let mut pace = Pace::new(&limits);
        assert!((0..299).all(|_| pace.came(10_000, second)));
        assert_eq!(pace.patience(), second);
        assert!(!pace.came(10_000, second));
    }
}
