//! What can go wrong between a question to a web host and the end of its answer.

use std::{io, time::Duration};

/// Why a web host gave no answer that could be used. An answer that says "not found" is
/// an answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address is none that is asked.
    #[error("{url} is not asked: {why}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The host is in a private network, and must not be.
    #[error("{0} is in a private network; allow that for this address if it is meant")]
    Private(String),
    /// No connection came about.
    #[error("could not connect to {host}: {source}")]
    Connect {
        /// The host.
        host: String,
        /// What the network or TLS said.
        source: io::Error,
    },
    /// The host did not follow HTTP, or the connection broke.
    #[error("{host} did not answer as a web server should: {source}")]
    Http {
        /// The host.
        host: String,
        /// What was wrong.
        source: hyper::Error,
    },
    /// The answer did not begin in time, or went on too slowly.
    #[error("{0} answers too slowly; try again later")]
    Slow(String),
    /// The answer is longer than whoever asked can use.
    #[error("the answer of {host} is longer than {limit} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// What was allowed, after unpacking.
        limit: u64,
    },
    /// The answer is packed in a way that was not asked for, or wrongly.
    #[error("the answer of {0} cannot be unpacked")]
    Packed(String),
    /// The host sends on to an address that is not followed.
    #[error("{host} sends on to where nobody follows: {why}")]
    Redirect {
        /// The host.
        host: String,
        /// Why not.
        why: &'static str,
    },
    /// The host wants to be left alone, or failed often: it is not asked before.
    #[error("{host} is not asked again before {} seconds have passed", .wait.as_secs())]
    Later {
        /// The host.
        host: String,
        /// How long.
        wait: Duration,
    },
    /// Where the answer was to be written could not be written to.
    #[error("could not keep what came: {0}")]
    Keep(#[source] io::Error),
}

impl HttpError {
    /// Whether the host may answer better some time later, so that it need not be given
    /// up.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. } | Self::Http { .. } | Self::Slow(_) | Self::Later { .. }
        )
    }
}
