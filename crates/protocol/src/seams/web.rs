//! What is fetched from the ordinary web.

use core::time::Duration;
use std::io;

use super::BoxFuture;

/// Fetches pages, feeds and files of ordinary web hosts. Nothing that they give is
/// believed: it is a stranger's.
pub trait Web: Send + Sync {
    /// Fetches what is at an address and writes it to `body`: only what was asked for
    /// (status 200), not what a host says with another status.
    ///
    /// # Errors
    /// [`WebError`] when there is no answer, or it cannot be used; `body` may have a part
    /// of it then.
    fn fetch<'a>(
        &'a self,
        ask: WebAsk<'a>,
        body: &'a mut (dyn io::Write + Send),
    ) -> BoxFuture<'a, Result<WebAnswer, WebError>>;
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct WebAsk<'a> {
    /// The address: `http:` or `https:`.
    pub url: &'a str,
    /// Kinds of content that are wanted, as in the header `Accept`.
    pub accept: &'a str,
    /// The entity tag of the version that is known.
    pub etag: Option<&'a str>,
    /// The date of the version that is known, as the host wrote it.
    pub last_modified: Option<&'a str>,
    /// Bytes that are taken at most.
    pub limit: u64,
    /// Whether the host may be in a private network, because a person named it.
    pub private: bool,
}

/// What a host said beside the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebAnswer {
    /// The status: 200 for all of it, 304 when the known version is still the newest, 404,
    /// 410 when it is gone for good, and any other.
    pub status: u16,
    /// The address that answered, after redirects.
    pub url: String,
    /// Where the address that was asked for has moved to for ever.
    pub moved: Option<String>,
    /// The entity tag of this version.
    pub etag: Option<String>,
    /// The date of this version, as the host wrote it.
    pub last_modified: Option<String>,
    /// For how long this version holds, as the host says.
    pub fresh_for: Option<Duration>,
    /// For how long the host wants to be left alone.
    pub retry_after: Option<Duration>,
}

/// There is no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct WebError {
    /// What went wrong and what to do.
    pub text: String,
    /// For how long the host is not asked again, if it is known.
    pub wait: Option<Duration>,
}
