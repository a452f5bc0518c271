//! The live feed: what stands at the top of the tree.

use super::{
    error::TreeError,
    model::{Follows, Item},
    page::{Entry, Head},
    pages::List,
    render::{self, UnknownRenderer},
    state::{FeedState, Span},
};
use crate::{account::Account, limits};

/// Every file of the tree's top level. Profile and follows have a renderer of their own,
/// as tombstones do: what a post was written for says nothing about them.
pub(super) fn live_files(
    version: u32,
    head: &Head<'_>,
    follows: &Follows,
) -> Result<Vec<(String, Vec<u8>)>, UnknownRenderer> {
    let mut files = render::head_files(version, head)?;
    files.extend(render::profile_files(1, &head.account, head.profile)?);
    files.extend(render::follows_files(1, &head.account, follows)?);
    files.extend(render::asset_files(1)?);
    Ok(files)
}

/// Collects what the live feed shows and hands it to `use_head`.
///
/// # Errors
/// [`TreeError`] of the state or of `use_head`.
pub(super) fn with_head<T>(
    state: &dyn FeedState,
    account: Account,
    use_head: impl FnOnce(u32, &Head<'_>) -> Result<T, UnknownRenderer>,
) -> Result<T, TreeError> {
    let profile = state.profile()?;
    let mut items = Vec::new();
    let mut next = state.page_before(List::Posts, None)?;
    let mut until = None;
    while let Some(page) = next.filter(|_| items.len() < limits::LIVE_ITEMS) {
        let mut more = state.items(
            List::Posts,
            Span {
                after: page.before(),
                until,
            },
        )?;
        more.reverse();
        items.append(&mut more);
        until = page.before();
        next = state.page_before(List::Posts, Some(page))?;
    }
    let version = renderer(&items);
    let mut entries: Vec<Entry<'_>> = Vec::with_capacity(items.len());
    for item in &items {
        entries.push(render::entry(version, item)?);
    }
    let head = Head {
        account,
        profile: &profile,
        previous: next,
        entries: &entries,
    };
    Ok(use_head(version, &head)?)
}

/// The renderer of a file that shows these items: the highest of all.
pub(super) fn renderer(items: &[Item]) -> u32 {
    items.iter().map(|item| item.renderer).max().unwrap_or(1)
}
