//! Reading the tree without having kept it: any rendered file by its path.
//!
//! Rendered files are pure functions of the state, so nobody needs to store them.

use super::{
    all::live,
    error::TreeError,
    live::renderer,
    model::{ItemId, ItemKey},
    page::{Archive, Entry},
    pages::List,
    render,
    state::{FeedState, Span},
};
use crate::account::Account;

/// The rendered file at `path` of the feed's tree; `None` when there is none, or when the
/// file is one that is kept and not rendered (`media/…`).
///
/// # Errors
/// [`TreeError`] when the state fails or a renderer is unknown.
pub fn rendered(
    state: &dyn FeedState,
    account: Account,
    path: &str,
) -> Result<Option<Vec<u8>>, TreeError> {
    let parts: Vec<&str> = path.split('/').collect();
    let files = match parts[..] {
        ["archive", name] => archive(state, account, name)?,
        ["posts", id, _] => item(state, account, id)?,
        ["reactions", name] => reactions(state, account, name)?,
        ["tombstones", name] => tombstones(state, account, name)?,
        [_] => live(state, account)?,
        _ => Vec::new(),
    };
    Ok(files
        .into_iter()
        .find(|(name, _)| name == path)
        .map(|(_, bytes)| bytes))
}

type Files = Vec<(String, Vec<u8>)>;

fn item(state: &dyn FeedState, account: Account, id: &str) -> Result<Files, TreeError> {
    let Ok(id) = id.parse::<ItemId>() else {
        return Ok(Vec::new());
    };
    let versions = state.versions(id)?;
    match versions.split_first() {
        Some((newest, older)) if newest.kind.is_post() => {
            let version = newest.renderer;
            let entry = render::entry(version, newest)?;
            Ok(render::item_files(version, &account, &entry, older)?)
        }
        _ => Ok(Vec::new()),
    }
}

/// The page that a file name speaks of, and the span of its entries.
fn page(
    state: &dyn FeedState,
    list: List,
    name: &str,
) -> Result<Option<(ItemKey, Span, bool)>, TreeError> {
    let stem = name.split('.').next().unwrap_or(name);
    let Ok(key) = stem.parse::<ItemKey>() else {
        return Ok(None);
    };
    let only = Span {
        after: key.before(),
        until: Some(key),
    };
    if state.pages(list, only)?.is_empty() {
        return Ok(None);
    }
    let next = state.page_after(list, key)?;
    let span = Span {
        after: key.before(),
        until: next.and_then(ItemKey::before),
    };
    Ok(Some((key, span, next.is_none())))
}

fn archive(state: &dyn FeedState, account: Account, name: &str) -> Result<Files, TreeError> {
    let Some((key, span, newest)) = page(state, List::Posts, name)? else {
        return Ok(Vec::new());
    };
    let items = state.items(List::Posts, span)?;
    if newest && items.last().is_none_or(|item| !item.key().id.ends_page()) {
        return Ok(Vec::new());
    }
    let version = renderer(&items);
    let mut entries: Vec<Entry<'_>> = Vec::with_capacity(items.len());
    for item in items.iter().rev() {
        entries.push(render::entry(version, item)?);
    }
    let previous = state.page_before(List::Posts, Some(key))?;
    let archive = Archive {
        account,
        key,
        previous,
        entries: &entries,
    };
    Ok(render::archive_files(version, &archive)?)
}

fn reactions(state: &dyn FeedState, account: Account, name: &str) -> Result<Files, TreeError> {
    let Some((key, span, _)) = page(state, List::Reactions, name)? else {
        return Ok(Vec::new());
    };
    let items = state.items(List::Reactions, span)?;
    Ok(render::reaction_file(
        renderer(&items),
        &account,
        &key,
        &items,
    )?)
}

fn tombstones(state: &dyn FeedState, account: Account, name: &str) -> Result<Files, TreeError> {
    let Some((key, span, _)) = page(state, List::Tombstones, name)? else {
        return Ok(Vec::new());
    };
    let tombstones = state.tombstones(span)?;
    Ok(render::tombstone_file(1, &account, &key, &tombstones)?)
}
