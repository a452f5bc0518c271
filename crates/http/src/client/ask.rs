//! What is asked of a web host.

use std::time::Duration;

use url::Url;

/// What an answer may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the body, unpacked.
    pub body: u64,
    /// How long the answer may take to begin, connecting included; of a redirect each
    /// step.
    pub head: Duration,
    /// How long may be waited for the body in all.
    pub total: Duration,
    /// Bytes each second that the body must bring, over twenty seconds.
    pub slowest: u64,
}

impl Limits {
    /// For answers of at most so many bytes.
    #[must_use]
    pub const fn bytes(body: u64) -> Self {
        Self {
            body,
            head: Duration::from_secs(20),
            total: Duration::from_secs(300),
            slowest: 1024,
        }
    }
}

/// How an answer that is known already is recognised (RFC 9110, 8.8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// The entity tag.
    pub etag: Option<String>,
    /// The date of the last change, as the host wrote it.
    pub last_modified: Option<String>,
}

/// A question.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The address: `http` or `https`.
    pub url: &'a Url,
    /// Kinds of content (`Accept`).
    pub accept: &'a str,
    /// Whether the host may be in a private network, because a person named it.
    pub private: bool,
    /// What is known: if it is still so, the answer is 304 and has no body.
    pub known: Validators,
    /// The first and, perhaps, the last byte that is wanted. The answer may be the whole
    /// all the same: its status is 206 if not.
    pub range: Option<(u64, Option<u64>)>,
    /// What the answer may cost.
    pub limits: Limits,
}

impl<'a> Ask<'a> {
    /// Asks for anything at an address, from the open internet.
    #[must_use]
    pub fn new(url: &'a Url, limits: Limits) -> Self {
        Self {
            url,
            accept: "*/*",
            private: false,
            known: Validators::default(),
            range: None,
            limits,
        }
    }
}
