//! The newest record, from beside the feed.

use ourspace_protocol::{
    limits::RECORD_BYTES,
    seams::{BoxFuture, Candidate, Lookup},
};
use tokio::task::JoinSet;
use url::Url;

use super::door::Door;
use crate::client::Limits;

/// Asking some places at once.
pub(super) struct WebLookup(JoinSet<Option<Candidate>>);

impl WebLookup {
    pub(super) fn new(door: &Door, records: impl Iterator<Item = Url>) -> Self {
        let mut asked = JoinSet::new();
        for url in records {
            let door = door.clone();
            asked.spawn(async move { record(&door, url).await });
        }
        Self(asked)
    }
}

impl Lookup for WebLookup {
    fn next(&mut self) -> BoxFuture<'_, Option<Candidate>> {
        Box::pin(async move {
            while let Some(asked) = self.0.join_next().await {
                if let Ok(Some(candidate)) = asked {
                    return Some(candidate);
                }
            }
            None
        })
    }
}

async fn record(door: &Door, url: Url) -> Option<Candidate> {
    let limits = Limits::bytes(RECORD_BYTES as u64);
    let whole = async {
        let answer = door.client.get(door.ask(&url, limits)).await?;
        match answer.head.status {
            200 => answer.body.whole().await.map(Some),
            _ => Ok(None),
        }
    };
    match whole.await {
        Ok(bytes) => Some(Candidate {
            bytes: bytes?,
            from: url.into(),
        }),
        Err(error) => {
            tracing::debug!(%url, %error, "a record did not come");
            None
        }
    }
}
