//! Reading: what is shown comes from the store, never from elsewhere.

use std::collections::BTreeMap;

use ourspace_protocol::{
    account::Account,
    feed::{
        model::{ItemId, ItemKey},
        state::{FeedState as _, StateError},
    },
};
use ourspace_store::{Cursor, Hit, Search, SearchCursor, StoreError};

use crate::{
    home::{Home, HomeError},
    view::{ItemView, ProfileView},
};

/// Nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// See [`HomeError`].
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The feed cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self::Home(error.into())
    }
}

/// Posts of an account (the own one when `None`) before `before`, newest first, at most
/// `limit`.
///
/// # Errors
/// [`ReadError`].
pub fn timeline(
    home: &Home,
    account: Option<Account>,
    before: Option<ItemKey>,
    limit: usize,
) -> Result<Vec<ItemView>, ReadError> {
    let account = match account {
        Some(account) => account,
        None => home.account()?,
    };
    let items = home.store().read()?.timeline(account, before, limit)?;
    Ok(items
        .iter()
        .map(|item| ItemView::new(account, item))
        .collect())
}

/// The newest posts of everybody whom the home follows, and the own ones, before `from`, at
/// most `limit`, and where to go on when there is more. Newest first.
///
/// # Errors
/// [`ReadError`].
pub fn home_timeline(
    home: &Home,
    from: Option<Cursor>,
    limit: usize,
) -> Result<(Vec<ItemView>, Option<Cursor>), ReadError> {
    let found = home
        .store()
        .read()?
        .home_timeline(home.account()?, from, limit)?;
    let shown = |hit: &Hit| ItemView::new(hit.account, &hit.item);
    Ok((found.hits.iter().map(shown).collect(), found.next))
}

/// Where the timeline goes on before a post; none when it is not here.
///
/// # Errors
/// [`ReadError`].
pub fn before(home: &Home, account: Account, id: ItemId) -> Result<Option<Cursor>, ReadError> {
    Ok(home.store().read()?.cursor(account, id)?)
}

/// How people call the authors of items: the name that they show with their address, or the name
/// of a feed of the ordinary web with its URL.
///
/// # Errors
/// [`ReadError`].
pub fn names(home: &Home, items: &[ItemView]) -> Result<BTreeMap<Account, String>, ReadError> {
    let reader = home.store().read()?;
    let mut names = BTreeMap::new();
    for account in items.iter().map(|item| item.account) {
        if names.contains_key(&account) {
            continue;
        }
        let name = reader.feed(account)?.profile()?.display_name.value;
        let whose = match reader.web_feed(account)? {
            Some(feed) => feed.url,
            None => account.to_string(),
        };
        let shown = match name.is_empty() {
            true => whose,
            false => format!("{name}  {whose}"),
        };
        names.insert(account, shown);
    }
    Ok(names)
}

/// The profile of an account that the home keeps a feed of; an empty one of any other.
///
/// # Errors
/// [`ReadError`].
pub fn profile_of(home: &Home, account: Account) -> Result<ProfileView, ReadError> {
    let reader = home.store().read()?;
    let root = reader.root(account)?.map(|link| link.cid);
    let feed = reader.feed(account)?;
    let follows = feed.follows()?;
    Ok(ProfileView::new(account, root, feed.profile()?, &follows))
}

/// One item.
///
/// # Errors
/// [`ReadError`].
pub fn item(home: &Home, account: Account, id: ItemId) -> Result<Option<ItemView>, ReadError> {
    let item = home.store().read()?.item(account, id)?;
    Ok(item.map(|item| ItemView::new(account, &item)))
}

/// Where an item stands in its feed.
///
/// # Errors
/// [`ReadError`].
pub fn key(home: &Home, account: Account, id: ItemId) -> Result<Option<ItemKey>, ReadError> {
    let item = home.store().read()?.item(account, id)?;
    Ok(item.map(|item| item.key()))
}

/// Posts with all of the words of `query`, newest first, at most `limit`, and where to go
/// on when there may be more.
///
/// # Errors
/// [`ReadError`].
pub fn search(
    home: &Home,
    query: &str,
    from: Option<SearchCursor>,
    limit: usize,
) -> Result<(Vec<ItemView>, Option<SearchCursor>), ReadError> {
    let reader = home.store().read()?;
    let mut views = Vec::new();
    let mut from = from;
    loop {
        let found = reader.search(&Search {
            query,
            account: None,
            from,
            limit: limit.saturating_sub(views.len()),
        })?;
        let shown = |hit: &Hit| ItemView::new(hit.account, &hit.item);
        views.extend(found.hits.iter().map(shown));
        from = found.next;
        if from.is_none() || views.len() >= limit {
            return Ok((views, from));
        }
    }
}

/// The own profile.
///
/// # Errors
/// [`ReadError`].
pub fn profile(home: &Home) -> Result<ProfileView, ReadError> {
    profile_of(home, home.account()?)
}
