//! The whole tree's rendered files in one pass, for whoever writes them out.
//!
//! Every item is rendered once and held no longer than its page, so a feed of any length
//! takes the memory of its largest page.

use super::{
    error::TreeError,
    live::{live_files, renderer, with_head},
    model::{Item, ItemKey},
    page::Archive,
    pages::List,
    render,
    render::Files,
    rss,
    state::{FeedState, Span},
};
use crate::account::Account;

/// Calls `visit` with all rendered files of the tree below its folders: those of one post
/// together, then those of its page, and so on through every list. What stands at the
/// top of the tree, [`live`] gives.
///
/// # Errors
/// [`TreeError`] of the state or of an unknown renderer, or what `visit` fails with.
pub fn each_file<E: From<TreeError>>(
    state: &dyn FeedState,
    account: Account,
    visit: &mut dyn FnMut(Files) -> Result<(), E>,
) -> Result<(), E> {
    for list in List::ALL {
        let all = Span {
            after: None,
            until: None,
        };
        let pages = state.pages(list, all).map_err(TreeError::from)?;
        for (at, key) in pages.iter().enumerate() {
            let page = Place {
                list,
                key: *key,
                previous: at.checked_sub(1).map(|before| pages[before]),
                next: pages.get(at + 1).copied(),
            };
            page.files(state, account, visit)?;
        }
    }
    Ok(())
}

/// The files at the top of the tree: the live feed, profile, follows, style and script.
///
/// # Errors
/// [`TreeError`] of the state or of an unknown renderer.
pub fn live(state: &dyn FeedState, account: Account) -> Result<Files, TreeError> {
    let follows = state.follows()?;
    with_head(state, account, |version, head| {
        live_files(version, head, &follows)
    })
}

/// `feed.xml` with absolute addresses; see [`rss::absolute`]. It is not a part of the tree.
///
/// # Errors
/// [`TreeError`] of the state or of an unknown renderer.
pub fn absolute(state: &dyn FeedState, account: Account, base: &str) -> Result<Vec<u8>, TreeError> {
    with_head(state, account, |_, head| Ok(rss::absolute(head, base)))
}

/// A page among its neighbours.
struct Place {
    list: List,
    key: ItemKey,
    previous: Option<ItemKey>,
    next: Option<ItemKey>,
}

impl Place {
    fn files<E: From<TreeError>>(
        &self,
        state: &dyn FeedState,
        account: Account,
        visit: &mut dyn FnMut(Files) -> Result<(), E>,
    ) -> Result<(), E> {
        let span = Span {
            after: self.key.before(),
            until: self.next.and_then(ItemKey::before),
        };
        if self.list == List::Tombstones {
            let tombstones = state.tombstones(span).map_err(TreeError::from)?;
            let files = render::tombstone_file(1, &account, &self.key, &tombstones);
            return visit(files.map_err(TreeError::from)?);
        }
        let items = state.items(self.list, span).map_err(TreeError::from)?;
        if self.list == List::Reactions {
            let files = render::reaction_file(renderer(&items), &account, &self.key, &items);
            return visit(files.map_err(TreeError::from)?);
        }
        self.posts(state, account, &items, visit)
    }

    fn posts<E: From<TreeError>>(
        &self,
        state: &dyn FeedState,
        account: Account,
        items: &[Item],
        visit: &mut dyn FnMut(Files) -> Result<(), E>,
    ) -> Result<(), E> {
        let version = renderer(items);
        let mut entries = Vec::with_capacity(items.len());
        for item in items.iter().rev() {
            let entry = render::entry(version, item).map_err(TreeError::from)?;
            let versions = state.versions(item.id).map_err(TreeError::from)?;
            let older = versions.get(1..).unwrap_or_default();
            let files = render::own_item_files(version, &account, &entry, older);
            visit(files.map_err(TreeError::from)?)?;
            entries.push(entry);
        }
        let closed = self.next.is_some() || items.last().is_some_and(|last| last.id.ends_page());
        if !closed {
            return Ok(());
        }
        let archive = Archive {
            account,
            key: self.key,
            previous: self.previous,
            entries: &entries,
        };
        let files = render::archive_files(version, &archive);
        visit(files.map_err(TreeError::from)?)
    }
}
