//! Asking web feeds for what is new.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use ourspace_protocol::{
    account::Account,
    seams::{Web, WebAnswer, WebAsk},
    time::Millis,
};
use ourspace_store::{StoreError, WebFeed};
use url::Url;

use super::{
    discover::discover,
    episodes,
    error::WebFeedError,
    schedule,
    take::{Taken, take},
};
use crate::{home::Home, import::ImportError, mirror::Quotas};

/// Bytes of a feed that are read.
const FEED_BYTES: u64 = 16 << 20;
/// Feeds that are asked at once.
const AT_ONCE: usize = 8;
/// What is asked for; a page may lead to a feed.
const ACCEPT: &str = "application/atom+xml, application/rss+xml, application/feed+json, \
    application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, text/html;q=0.5, */*;q=0.1";

/// What became of asking a feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// Posts that are new or different.
    pub posts: u64,
    /// Episodes that were fetched.
    pub episodes: u64,
    /// Feeds that could not be read.
    pub failed: u64,
}

impl Polled {
    fn and(self, other: Self) -> Self {
        Self {
            posts: self.posts + other.posts,
            episodes: self.episodes + other.episodes,
            failed: self.failed + other.failed,
        }
    }
}

/// The accounts of the feeds that are to be asked by now.
///
/// # Errors
/// [`WebFeedError`] of the store.
pub fn due(home: &Home, now: Millis) -> Result<Vec<Account>, WebFeedError> {
    let due = home.store().read()?.web_feeds_due(now)?;
    Ok(due.into_iter().map(|feed| feed.account).collect())
}

/// Asks all feeds that are due, some at once, and takes in what is new.
///
/// # Errors
/// [`WebFeedError`] when the home cannot be written; a feed that fails is only counted,
/// and says why in its own row.
pub async fn poll(
    home: &Home,
    web: &dyn Web,
    quotas: Quotas,
    now: Millis,
) -> Result<Polled, WebFeedError> {
    let due = due(home, now)?;
    let each = |account| poll_one(home, web, quotas, (account, now));
    let mut polled = stream::iter(due).map(each).buffer_unordered(AT_ONCE);
    let mut all = Polled::default();
    while let Some(one) = polled.next().await {
        all = all.and(one?);
    }
    Ok(all)
}

/// Asks one feed, whether it is due or not, and takes in what is new.
///
/// # Errors
/// As [`poll`]; [`WebFeedError::Unknown`].
pub async fn poll_one(
    home: &Home,
    web: &dyn Web,
    quotas: Quotas,
    (account, now): (Account, Millis),
) -> Result<Polled, WebFeedError> {
    let feed = home.store().read()?.web_feed(account)?;
    let feed = feed.ok_or_else(|| WebFeedError::Unknown(account.to_string()))?;
    let (outcome, came) = ask(home, web, &feed, now).await?;
    let mut new = outcome.onto(feed, now);
    let mut polled = Polled {
        failed: u64::from(new.error.is_some()),
        ..Polled::default()
    };
    if let Some(taken) = came {
        polled.posts = taken.posts;
        let fetched = episodes::fetch(home, web, quotas, (&new, &taken.episodes)).await?;
        polled.episodes = fetched.files;
        if fetched.failed {
            // The same version is read once more next time, for what is missing.
            (new.etag, new.modified) = (None, None);
        }
    }
    home.store().write(|writer| {
        // Whoever no longer follows it meanwhile has forgotten it.
        match writer.is_web_feed(account)? {
            true => writer.put_web_feed(&new),
            false => Ok::<_, StoreError>(()),
        }
    })?;
    Ok(polled)
}

/// How asking a feed ended.
enum Outcome {
    /// What is there was read, or has not changed.
    Fine {
        at: String,
        etag: Option<String>,
        modified: Option<String>,
        hints: [Option<Duration>; 2],
    },
    Gone,
    Failed {
        why: String,
        wait: Option<Duration>,
    },
}

impl Outcome {
    /// What is known of the feed from now on.
    fn onto(self, old: WebFeed, now: Millis) -> WebFeed {
        let whose = (old.account, now);
        match self {
            Self::Fine {
                at,
                etag,
                modified,
                hints,
            } => WebFeed {
                at,
                etag,
                modified,
                next: schedule::after_answer(whose, &hints),
                failures: 0,
                error: None,
                ..old
            },
            Self::Gone => WebFeed {
                gone: true,
                error: Some("it is gone for good, says its host; its posts stay".to_owned()),
                ..old
            },
            Self::Failed { why, wait } => {
                let failures = old.failures.saturating_add(1);
                WebFeed {
                    next: schedule::after_failure(whose, failures, wait),
                    failures,
                    error: Some(why.chars().take(500).collect()),
                    ..old
                }
            }
        }
    }

    fn failed(why: &ImportError) -> Self {
        Self::Failed {
            why: why.to_string(),
            wait: None,
        }
    }
}

/// Asks, follows a page to the feed that it names, and takes in what came.
async fn ask(
    home: &Home,
    web: &dyn Web,
    feed: &WebFeed,
    now: Millis,
) -> Result<(Outcome, Option<Taken>), WebFeedError> {
    let known = (feed.etag.as_deref(), feed.modified.as_deref());
    let (mut answer, mut body) = match fetch(web, (&feed.at, known), feed.private).await {
        Ok(came) => came,
        Err(outcome) => return Ok((outcome, None)),
    };
    if answer.status == 304 {
        let hints = [answer.fresh_for, None];
        let fine = Outcome::Fine {
            at: answer.moved.unwrap_or_else(|| feed.at.clone()),
            etag: answer.etag.or_else(|| feed.etag.clone()),
            modified: answer.last_modified.or_else(|| feed.modified.clone()),
            hints,
        };
        return Ok((fine, None));
    }
    let mut at = answer.moved.clone().unwrap_or_else(|| feed.at.clone());
    let mut taken = take(home, (feed, now), &body)?;
    if taken.is_err()
        && let Some(named) = named(&body, &answer.url)
    {
        match fetch(web, (&named, (None, None)), feed.private).await {
            Ok(came) => (answer, body) = came,
            Err(outcome) => return Ok((outcome, None)),
        }
        taken = take(home, (feed, now), &body)?;
        at = named;
    }
    Ok(match taken {
        Err(why) => (Outcome::failed(&why), None),
        Ok(taken) => {
            let fine = Outcome::Fine {
                at,
                etag: answer.etag,
                modified: answer.last_modified,
                hints: [answer.fresh_for, taken.ttl],
            };
            (fine, Some(taken))
        }
    })
}

/// The first feed that a page names.
fn named(page: &[u8], url: &str) -> Option<String> {
    let base = Url::parse(url).ok()?;
    let feed = discover(page, &base).into_iter().next()?;
    (feed != base).then(|| feed.into())
}

type Known<'k> = (Option<&'k str>, Option<&'k str>);

/// An answer of 200 or 304 with its body, or how it failed.
async fn fetch(
    web: &dyn Web,
    (url, (etag, last_modified)): (&str, Known<'_>),
    private: bool,
) -> Result<(WebAnswer, Vec<u8>), Outcome> {
    let ask = WebAsk {
        url,
        accept: ACCEPT,
        etag,
        last_modified,
        limit: FEED_BYTES,
        private,
    };
    let mut body = Vec::new();
    let answer = web.fetch(ask, &mut body).await;
    let answer = answer.map_err(|error| Outcome::Failed {
        why: error.text,
        wait: error.wait,
    })?;
    match answer.status {
        200 | 304 => Ok((answer, body)),
        410 => Err(Outcome::Gone),
        status => Err(Outcome::Failed {
            why: format!("its host answered with status {status}"),
            wait: answer.retry_after,
        }),
    }
}
