//! Following web feeds: publicly, as the own feed says, or quietly, as only this home knows.

use ourspace_protocol::{
    account::Account,
    feed::{model::Followee, state::FeedState as _},
    time::{Millis, rfc3339},
};
use ourspace_store::{Follow, WebFeed, Writer};
use serde::Serialize;

use super::{address, error::WebFeedError};
use crate::{compose, home::Home};

/// What is asked of a follow of a web feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebWish<'w> {
    /// Tell nobody. Addresses of paid podcasts and the like hold a secret: those must not
    /// be followed otherwise.
    pub quiet: bool,
    /// Fetch no episodes.
    pub text_only: bool,
    /// Bytes of episodes at most; what the home allows when `None`.
    pub quota: Option<u64>,
    /// Whether its host may be in a private network.
    pub private: bool,
    /// What the follower calls it, in the public list; as before when `None`.
    pub title: Option<&'w str>,
}

/// A followed web feed as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WebFeedView {
    /// Its address.
    pub url: String,
    /// The account that its posts have here.
    pub account: Account,
    /// What it calls itself; may be empty.
    pub title: String,
    /// Whether the own feed does not say that it is followed.
    pub quiet: bool,
    /// No episodes are fetched.
    pub text_only: bool,
    /// Bytes of episodes that are kept.
    pub media_bytes: u64,
    /// When it is fetched again (RFC 3339); absent when it is gone for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// What went wrong last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Follows a web feed, or changes how it is followed. It is fetched by the next
/// [`poll`](super::poll()). Gives the account that its posts have here.
///
/// # Errors
/// [`WebFeedError`].
pub fn follow(
    home: &Home,
    now: Millis,
    url: &str,
    wish: WebWish<'_>,
) -> Result<Account, WebFeedError> {
    let wrong = || WebFeedError::Address(url.chars().take(200).collect());
    let url = address::canonical(url).ok_or_else(wrong)?;
    if !wish.private && address::is_private(&url) {
        return Err(WebFeedError::Private(url));
    }
    if !wish.quiet && address::is_private(&url) {
        return Err(WebFeedError::Secret(url));
    }
    let account = address::account(&url);
    if home.store().read()?.denies_account(account)? {
        return Err(WebFeedError::Denied(account));
    }
    let who = Followee::Feed(url.clone());
    // The public list first: what it says and the home does not know yet, the next
    // `reconcile` makes up for.
    if !wish.quiet {
        compose::follow(home, now, &who, wish.title)?;
    } else if is_listed(home, &who)? {
        compose::unfollow(home, now, &who)?;
    }
    home.store()
        .write(|writer| begin(writer, now, &url, wish))?;
    Ok(account)
}

/// How a web feed is followed now; none when it is not.
///
/// # Errors
/// [`WebFeedError`] of the store.
pub fn wish_of(home: &Home, url: &str) -> Result<Option<WebWish<'static>>, WebFeedError> {
    let Some(url) = address::canonical(url) else {
        return Ok(None);
    };
    let account = address::account(&url);
    let quiet = !is_listed(home, &Followee::Feed(url))?;
    let reader = home.store().read()?;
    let (feed, follow) = (reader.web_feed(account)?, reader.follow(account)?);
    Ok(feed.zip(follow).map(|(feed, follow)| WebWish {
        quiet,
        text_only: follow.text_only,
        quota: follow.quota,
        private: feed.private,
        title: None,
    }))
}

/// Follows a web feed no longer, and forgets its posts.
///
/// # Errors
/// [`WebFeedError`].
pub fn unfollow(home: &Home, now: Millis, url: &str) -> Result<(), WebFeedError> {
    let wrong = || WebFeedError::Address(url.chars().take(200).collect());
    let url = address::canonical(url).ok_or_else(wrong)?;
    let account = address::account(&url);
    let who = Followee::Feed(url.clone());
    let listed = is_listed(home, &who)?;
    if home.store().read()?.web_feed(account)?.is_none() && !listed {
        return Err(WebFeedError::Unknown(url));
    }
    if listed {
        compose::unfollow(home, now, &who)?;
    }
    home.store().write(|writer| Ok(writer.forget(account)?))
}

/// All web feeds that the home follows, by address.
///
/// # Errors
/// [`WebFeedError`] of the store.
pub fn list_all(home: &Home) -> Result<Vec<WebFeedView>, WebFeedError> {
    let own = home.account()?;
    let reader = home.store().read()?;
    let listed = reader.feed(own)?.follows()?;
    let view = |feed: WebFeed| -> Result<WebFeedView, WebFeedError> {
        let profile = reader.feed(feed.account)?.profile()?;
        let follow = reader.follow(feed.account)?;
        let row = listed.get(&Followee::Feed(feed.url.clone()));
        Ok(WebFeedView {
            account: feed.account,
            title: profile.display_name.value,
            quiet: !row.is_some_and(|row| row.value.following),
            text_only: follow.is_some_and(|follow| follow.text_only),
            media_bytes: reader.media_bytes(feed.account)?,
            next: (!feed.gone).then(|| rfc3339(feed.next)),
            error: feed.error,
            url: feed.url,
        })
    };
    reader.web_feeds()?.into_iter().map(view).collect()
}

/// Follows the web feeds that the own feed says are followed, and no longer those of which
/// it says that this has ended: after another device has published, or a backup was
/// restored. Gives whether anything changed.
///
/// # Errors
/// [`WebFeedError`]; nothing is changed then.
pub fn reconcile(home: &Home, now: Millis) -> Result<bool, WebFeedError> {
    let own = home.account()?;
    home.store().write(|writer| {
        let mut changed = false;
        for (who, row) in writer.feed(own)?.follows()? {
            let Followee::Feed(listed) = who else {
                continue;
            };
            let Some(url) = address::canonical(&listed) else {
                continue;
            };
            let account = address::account(&url);
            let known = writer.is_web_feed(account)?;
            if row.value.following && !known && !writer.denies_account(account)? {
                begin(writer, now, &url, WebWish::default())?;
                changed = true;
            } else if !row.value.following && known && row.written > since(writer, account)? {
                writer.forget(account)?;
                changed = true;
            }
        }
        Ok(changed)
    })
}

/// Since when an account is followed.
fn since(writer: &Writer<'_>, account: Account) -> Result<Millis, WebFeedError> {
    let follow = writer.follow(account)?;
    Ok(follow.map_or(0, |follow| follow.since))
}

fn is_listed(home: &Home, who: &Followee) -> Result<bool, WebFeedError> {
    let reader = home.store().read()?;
    let follows = reader.feed(home.account()?)?.follows()?;
    Ok(follows.get(who).is_some_and(|row| row.value.following))
}

fn begin(
    writer: &Writer<'_>,
    now: Millis,
    url: &str,
    wish: WebWish<'_>,
) -> Result<(), WebFeedError> {
    let account = address::account(url);
    let known = writer.follow(account)?;
    let known = known.unwrap_or_else(|| Follow::new(account, now));
    writer.put_follow(&Follow {
        quiet: true,
        text_only: wish.text_only,
        quota: wish.quota,
        // A follow that has become quiet begins with that, so that `reconcile` does not
        // take the end of the public one for its end.
        since: if wish.quiet { now } else { known.since },
        ..known
    })?;
    let fresh = WebFeed {
        account,
        url: url.to_owned(),
        at: url.to_owned(),
        etag: None,
        modified: None,
        next: now,
        failures: 0,
        error: None,
        gone: false,
        private: wish.private,
    };
    Ok(writer.put_web_feed(&fresh)?)
}
