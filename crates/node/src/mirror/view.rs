//! What is mirrored, as it is shown.

use ourspace_protocol::{account::Account, feed::state::FeedState as _};
use ourspace_store::{Tree, TreeState};
use serde::Serialize;

use super::media::Quotas;
use crate::{home::Home, read::ReadError};

/// All that is mirrored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MirrorsView {
    /// Each account, by address.
    pub accounts: Vec<MirrorView>,
    /// Bytes of media that are kept of others.
    pub media_bytes: u64,
    /// Bytes of media that are kept of others at most.
    pub quota: u64,
}

/// What of one account is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MirrorView {
    /// Whose.
    pub account: Account,
    /// The name that they show; may be empty.
    pub display_name: String,
    /// Whether a whole version of the feed's text is here.
    pub mirrored: bool,
    /// Posts that are here.
    pub posts: u64,
    /// Whether others get it from here: not what is followed quietly.
    pub served: bool,
    /// Nothing of it makes room for others.
    pub pinned: bool,
    /// No media are fetched.
    pub text_only: bool,
    /// Bytes of media at most.
    pub quota: u64,
    /// Its media.
    #[serde(flatten)]
    pub media: MediaView,
    /// How far the node has come.
    #[serde(flatten)]
    pub state: StateView,
}

/// How far a node has come with a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StateView {
    /// Why nothing came from the web hosts that were named for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// The node has tried all that it wants: what is not here was left out.
    #[serde(skip)]
    pub settled: bool,
}

/// How much media a feed names, and how much is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MediaView {
    /// Files that the feed names.
    pub media_files: u64,
    /// Bytes of these.
    pub media_bytes: u64,
    /// Files that are here.
    pub media_files_here: u64,
    /// Bytes of these.
    pub media_bytes_here: u64,
}

impl MirrorView {
    /// Whether all is here that is wanted.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let media = &self.media;
        let all = media.media_files_here == media.media_files;
        self.mirrored && (self.text_only || all || media.media_bytes > self.quota)
    }
}

/// What is mirrored of each account that is followed.
///
/// # Errors
/// [`ReadError`].
pub fn mirrors(home: &Home) -> Result<MirrorsView, ReadError> {
    let reader = home.store().read()?;
    let quotas = Quotas::of(home)?;
    let mut accounts = Vec::new();
    let mut named = reader.locations()?;
    for follow in reader.follows()? {
        let account = follow.account;
        let trees = reader.trees(account)?;
        let is_whole = |tree: &Tree| tree.state == TreeState::Whole;
        let media = reader.media(account)?;
        accounts.push(MirrorView {
            account,
            display_name: reader.feed(account)?.profile()?.display_name.value,
            mirrored: reader.root(account)?.is_some(),
            posts: reader.counts(account)?.posts,
            served: !follow.quiet,
            state: StateView {
                settled: !trees.is_empty() && trees.iter().all(is_whole),
                trouble: named.remove(&account).and_then(|named| named.trouble),
            },
            pinned: follow.pinned,
            text_only: follow.text_only,
            quota: follow.quota.unwrap_or(quotas.account),
            media: MediaView {
                media_files: media.files,
                media_bytes: media.bytes,
                media_files_here: media.files_here,
                media_bytes_here: media.bytes_here,
            },
        });
    }
    let here = accounts.iter().map(|one| one.media.media_bytes_here);
    Ok(MirrorsView {
        media_bytes: here.sum(),
        accounts,
        quota: quotas.total,
    })
}
