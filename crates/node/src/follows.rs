//! Whom the home follows: publicly, as the own feed says, or quietly, as only this home
//! knows.
//!
//! A public follow is a row of the own `follows.json` and a row of the store, changed
//! together. Whoever is followed is mirrored; whoever is no longer followed is forgotten.

use ourspace_protocol::{
    account::Account,
    feed::{
        model::{Follow as PublicFollow, Followee, Follows, Stamped},
        set::Changes,
        state::FeedState as _,
    },
    time::{Millis, rfc3339},
};
use ourspace_store::{Feed, Follow, StoreError, Writer};
use serde::Serialize;

use crate::{
    home::{Home, HomeError},
    identity::{Identity, IdentityError},
    publish::{PublishError, When, publish_as},
};

/// A follow could not be begun, changed or ended; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The own feed could not be changed.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// See [`HomeError`].
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The store says no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The own account.
    #[error("that is your own account: its posts are shown without a follow")]
    Own,
    /// It is on the deny-list.
    #[error("{0} is on the deny-list of this home; take it off there first")]
    Denied(Account),
    /// There is no such follow.
    #[error("you do not follow {0}")]
    Unknown(Account),
}

impl From<IdentityError> for FollowError {
    fn from(error: IdentityError) -> Self {
        Self::Publish(error.into())
    }
}

impl From<ourspace_protocol::feed::state::StateError> for FollowError {
    fn from(error: ourspace_protocol::feed::state::StateError) -> Self {
        Self::Publish(error.into())
    }
}

/// What is asked of a follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish<'w> {
    /// Tell nobody.
    pub quiet: bool,
    /// Fetch no media.
    pub text_only: bool,
    /// Never evict anything of it.
    pub pinned: bool,
    /// Bytes of media at most; what the home allows when `None`.
    pub quota: Option<u64>,
    /// What the follower calls it, in the public list; as before when `None`.
    pub title: Option<&'w str>,
}

/// A follow as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FollowedView {
    /// Who is followed.
    pub account: Account,
    /// The name that they show; may be empty.
    pub display_name: String,
    /// What this home's person calls them in the public list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Nobody else learns of it.
    pub quiet: bool,
    /// No media are fetched.
    pub text_only: bool,
    /// Nothing of it is evicted.
    pub pinned: bool,
    /// Bytes of media at most; absent where the home's own limit holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<u64>,
    /// Bytes of media that are kept.
    pub media_bytes: u64,
    /// Whether a whole version of the feed's text is here.
    pub mirrored: bool,
    /// Since when (RFC 3339).
    pub since: String,
}

/// Follows an account, or changes how it is followed.
///
/// # Errors
/// [`FollowError`]; nothing is changed then.
pub fn follow(
    home: &Home,
    now: Millis,
    account: Account,
    wish: Wish<'_>,
) -> Result<(), FollowError> {
    if home.account()? == account {
        return Err(FollowError::Own);
    }
    let public = !wish.quiet;
    let listed = is_listed(home, account)?;
    let identity = match public || listed {
        true => Some(Identity::load(home)?),
        false => None,
    };
    home.store().write(|writer| {
        if writer.denies_account(account)? {
            return Err(FollowError::Denied(account));
        }
        if let Some(identity) = &identity {
            list(writer, identity, now, (account, public, wish.title))?;
        }
        let known = writer.follow(account)?;
        let follow = Follow {
            quiet: wish.quiet,
            text_only: wish.text_only,
            pinned: wish.pinned,
            quota: wish.quota,
            ..known.unwrap_or_else(|| Follow::new(account, now))
        };
        Ok(writer.put_follow(&follow)?)
    })
}

/// How an account is followed now; none when it is not.
///
/// # Errors
/// [`FollowError`] of the store.
pub fn wish_of(home: &Home, account: Account) -> Result<Option<Wish<'static>>, FollowError> {
    let known = home.store().read()?.follow(account)?;
    Ok(known.map(|follow| Wish {
        quiet: follow.quiet,
        text_only: follow.text_only,
        pinned: follow.pinned,
        quota: follow.quota,
        title: None,
    }))
}

/// Notes web hosts that have the feed of somebody who is followed: the node looks there now and
/// then, and begins at once. At most eight of an account.
///
/// # Errors
/// [`FollowError`]; nothing is changed then.
pub fn found_at(home: &Home, account: Account, urls: &[String]) -> Result<(), FollowError> {
    home.store()
        .write(|writer| Ok(writer.put_locations(account, urls)?))
}

/// Follows an account no longer, and forgets its feed.
///
/// # Errors
/// [`FollowError`]; nothing is changed then.
pub fn unfollow(home: &Home, now: Millis, account: Account) -> Result<(), FollowError> {
    let known = home.store().read()?.follow(account)?.is_some();
    let listed = is_listed(home, account)?;
    if !known && !listed {
        return Err(FollowError::Unknown(account));
    }
    let identity = match listed {
        true => Some(Identity::load(home)?),
        false => None,
    };
    home.store().write(|writer| {
        if let Some(identity) = &identity {
            list(writer, identity, now, (account, false, None))?;
        }
        Ok(writer.forget(account)?)
    })
}

/// Takes an account out of the public list, where it stands there; nothing else changes.
///
/// # Errors
/// [`FollowError`]; nothing is changed then.
pub fn unlist(home: &Home, now: Millis, account: Account) -> Result<(), FollowError> {
    if !is_listed(home, account)? {
        return Ok(());
    }
    let identity = Identity::load(home)?;
    home.store()
        .write(|writer| Ok(list(writer, &identity, now, (account, false, None))?))
}

/// Notes up to which date an account's posts were read.
///
/// # Errors
/// [`FollowError::Unknown`].
pub fn mark_read(home: &Home, account: Account, date: Millis) -> Result<(), FollowError> {
    home.store().write(|writer| {
        let known = writer
            .follow(account)?
            .ok_or(FollowError::Unknown(account))?;
        let follow = Follow {
            read: known.read.max(date),
            ..known
        };
        Ok(writer.put_follow(&follow)?)
    })
}

/// Everybody whom the home follows, by address.
///
/// # Errors
/// [`FollowError`] of the store.
pub fn list_all(home: &Home) -> Result<Vec<FollowedView>, FollowError> {
    let reader = home.store().read()?;
    let follows = reader.follows()?.into_iter();
    let listed = reader.feed(home.account()?)?.follows()?;
    let view = |follow: Follow| -> Result<FollowedView, FollowError> {
        let row = listed.get(&Followee::Account(follow.account));
        let profile = reader.feed(follow.account)?.profile()?;
        Ok(FollowedView {
            account: follow.account,
            display_name: profile.display_name.value,
            title: row.and_then(|row| row.value.title.clone()),
            quiet: follow.quiet,
            text_only: follow.text_only,
            pinned: follow.pinned,
            quota: follow.quota,
            mirrored: reader.root(follow.account)?.is_some(),
            media_bytes: reader.media_bytes(follow.account)?,
            since: rfc3339(follow.since),
        })
    };
    follows.map(view).collect()
}

/// Follows what the own feed says is followed, and no longer what it says has ended: after
/// another device has published, or a backup was restored. Gives whether anything changed.
///
/// # Errors
/// [`FollowError`]; nothing is changed then.
pub fn reconcile(home: &Home) -> Result<bool, FollowError> {
    let own = home.account()?;
    home.store().write(|writer| {
        let rows = writer.feed(own)?.follows()?;
        let mut changed = false;
        for (who, row) in &rows {
            let Followee::Account(account) = *who else {
                continue;
            };
            let known = writer.follow(account)?;
            let begins = row.value.following && known.is_none() && account != own;
            let ends = !row.value.following && known.is_some_and(|follow| !follow.quiet);
            if begins && !writer.denies_account(account)? {
                writer.put_follow(&Follow::new(account, row.written))?;
                changed = true;
            } else if ends {
                writer.forget(account)?;
                changed = true;
            }
        }
        Ok(changed)
    })
}

/// Whether the own feed says that an account is followed.
fn is_listed(home: &Home, account: Account) -> Result<bool, FollowError> {
    let reader = home.store().read()?;
    let follows = reader.feed(home.account()?)?.follows()?;
    let row = follows.get(&Followee::Account(account));
    Ok(row.is_some_and(|row| row.value.following))
}

/// Says in the own feed whether an account is followed.
fn list(
    writer: &Writer<'_>,
    identity: &Identity,
    now: Millis,
    (account, following, title): (Account, bool, Option<&str>),
) -> Result<(), PublishError> {
    let who = Followee::Account(account);
    let change = |feed: &Feed<'_>| {
        let old = feed.follows()?.remove(&who);
        let before = old.as_ref().map_or(0, |old| old.written);
        let kept = old.as_ref().and_then(|old| old.value.title.clone());
        let title = match title {
            Some(title) => Some(title.trim().to_owned()).filter(|title| !title.is_empty()),
            None => kept,
        };
        let value = PublicFollow {
            following,
            title: title.filter(|_| following),
        };
        let mut follows = Follows::new();
        if old.is_none_or(|old| old.value != value) {
            let written = now.max(before.saturating_add(1));
            follows.insert(who.clone(), Stamped { value, written });
        }
        Ok(Changes {
            follows,
            ..Changes::default()
        })
    };
    publish_as(writer, identity, When::at(now), None, change)?;
    Ok(())
}
