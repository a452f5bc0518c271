//! The ordinary web behind its seam: feeds, pages and files of whoever.

use std::{io, time::Duration};

use ourspace_protocol::seams::{BoxFuture, Web, WebAnswer, WebAsk, WebError};
use url::Url;

use crate::{
    HttpError,
    client::{Answer, Ask, Client, Limits, Validators},
};

/// Bytes of an answer that may take longer than a page or a feed.
const LARGE: u64 = 64 << 20;
/// How long may be waited for all of a large answer.
const LARGE_TIME: Duration = Duration::from_secs(6 * 3600);

impl Web for Client {
    fn fetch<'a>(
        &'a self,
        ask: WebAsk<'a>,
        body: &'a mut (dyn io::Write + Send),
    ) -> BoxFuture<'a, Result<WebAnswer, WebError>> {
        Box::pin(async move { fetch(self, ask, body).await.map_err(|error| told(&error)) })
    }
}

async fn fetch(
    client: &Client,
    ask: WebAsk<'_>,
    body: &mut (dyn io::Write + Send),
) -> Result<WebAnswer, HttpError> {
    let url = Url::parse(ask.url).map_err(|_| HttpError::Url {
        url: ask.url.chars().take(200).collect(),
        why: "that is no address",
    })?;
    let mut limits = Limits::bytes(ask.limit);
    if ask.limit > LARGE {
        limits.total = LARGE_TIME;
    }
    let question = Ask {
        accept: ask.accept,
        private: ask.private,
        known: Validators {
            etag: ask.etag.map(str::to_owned),
            last_modified: ask.last_modified.map(str::to_owned),
        },
        ..Ask::new(&url, limits)
    };
    let Answer { head, body: mut it } = client.get(question).await?;
    if head.status == 200 {
        while let Some(chunk) = it.chunk().await? {
            body.write_all(&chunk).map_err(HttpError::Keep)?;
        }
    }
    Ok(WebAnswer {
        status: head.status,
        url: head.url.into(),
        moved: head.moved.map(String::from),
        etag: head.validators.etag,
        last_modified: head.validators.last_modified,
        fresh_for: head.fresh_for,
        retry_after: head.retry_after,
    })
}

fn told(error: &HttpError) -> WebError {
    WebError {
        text: error.to_string(),
        wait: match error {
            HttpError::Later { wait, .. } => Some(*wait),
            _ => None,
        },
    }
}
