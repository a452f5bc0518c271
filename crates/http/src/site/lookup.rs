//! The newest record, from beside the feed.

use ourspace_protocol::{
    limits::RECORD_BYTES,
    seams::{BoxFuture, Candidate, Lookup},
};
use tokio::task::JoinSet;
use url::Url;

use super::door::Door;
use crate::client::Limits;

/// A record, or why none came.
type Asked = Result<Candidate, String>;

/// Asking some places at once.
pub(super) struct WebLookup {
    asked: JoinSet<Asked>,
    trouble: Option<String>,
}

impl WebLookup {
    pub(super) fn new(door: &Door, records: impl Iterator<Item = Url>) -> Self {
        let mut asked = JoinSet::new();
        for url in records {
            let door = door.clone();
            asked.spawn(async move { record(&door, url).await });
        }
        Self {
            asked,
            trouble: None,
        }
    }
}

impl Lookup for WebLookup {
    fn next(&mut self) -> BoxFuture<'_, Option<Candidate>> {
        Box::pin(async move {
            while let Some(asked) = self.asked.join_next().await {
                match asked {
                    Ok(Ok(candidate)) => return Some(candidate),
                    Ok(Err(trouble)) => self.trouble = Some(trouble),
                    Err(_) => {}
                }
            }
            None
        })
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.clone()
    }
}

async fn record(door: &Door, url: Url) -> Asked {
    let limits = Limits::bytes(RECORD_BYTES as u64);
    let whole = async {
        let answer = door.client.get(door.ask(&url, limits)).await?;
        match answer.head.status {
            200 => answer.body.whole().await.map(Ok),
            status => Ok(Err(status)),
        }
    };
    match whole.await {
        Ok(Ok(bytes)) => Ok(Candidate {
            bytes,
            from: url.into(),
        }),
        Ok(Err(status)) => Err(format!(
            "{url}: it answers {status}; a feed that `ourspace export` made has a record there"
        )),
        Err(error) => Err(format!("{url}: {error}")),
    }
}
