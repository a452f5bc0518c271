//! The one door to the renderers: from items, profile and follows to files of the tree.
//!
//! Every function takes the version that a page is rendered by (the highest among its
//! items) and gives whole files by their path from the root. A version, once released,
//! gives the same bytes for ever: the golden files under `tests/golden/` hold that.

use super::{
    assets, body, html, json, markdown,
    model::{Follows, Item, ItemKey, Profile, Tombstone},
    opml,
    page::{Archive, Entry, Head},
    rss,
};
use crate::account::Account;

/// Files by their path from the root of the tree.
pub type Files = Vec<(String, Vec<u8>)>;

/// A page was written by a renderer that this program does not know, so it can be
/// fetched and shown but not computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("renderer {0} is not known to this program: update it")]
pub struct UnknownRenderer(pub u32);

fn known(version: u32) -> Result<(), UnknownRenderer> {
    match version {
        1 => Ok(()),
        _ => Err(UnknownRenderer(version)),
    }
}

/// An item with its text as HTML, to be made once and used for all its pages.
///
/// # Errors
/// [`UnknownRenderer`].
pub fn entry(version: u32, item: &Item) -> Result<Entry<'_>, UnknownRenderer> {
    known(version)?;
    Ok(Entry {
        item,
        html: markdown::content_html(item),
    })
}

/// An item in one piece of HTML, as `content_html` of JSON Feed and `content:encoded` of RSS
/// have it; `prefix` leads from where it is shown to the root of the tree.
///
/// # Errors
/// [`UnknownRenderer`].
pub fn content_html(
    version: u32,
    account: &Account,
    entry: &Entry<'_>,
    prefix: &str,
) -> Result<String, UnknownRenderer> {
    known(version)?;
    Ok(body::body(entry, &account.to_string(), prefix))
}

/// The live feed: `feed.json`, `feed.xml`, `index.html`.
///
/// # Errors
/// [`UnknownRenderer`].
pub fn head_files(version: u32, head: &Head<'_>) -> Result<Files, UnknownRenderer> {
    known(version)?;
    Ok(vec![
        ("feed.json".to_owned(), json::head(head)),
        ("feed.xml".to_owned(), rss::head(head)),
        ("index.html".to_owned(), html::head(head)),
    ])
}

/// A closed page: `archive/KEY.json`, `archive/KEY.xml`, `archive/KEY.html`.
///
/// # Errors
/// [`UnknownRenderer`].
pub fn archive_files(version: u32, archive: &Archive<'_>) -> Result<Files, UnknownRenderer> {
    known(version)?;
    let key = archive.key;
    Ok(vec![
        (format!("archive/{key}.json"), json::archive(archive)),
        (format!("archive/{key}.xml"), rss::archive(archive)),
        (format!("archive/{key}.html"), html::archive(archive)),
    ])
}

/// The permanent page of an item, `posts/ID/index.html`, and `posts/ID/history.json` when
/// there are older versions (newest first) of it.
///
/// # Errors
/// [`UnknownRenderer`].
pub fn item_files(
    version: u32,
    account: &Account,
    entry: &Entry<'_>,
    older: &[Item],
) -> Result<Files, UnknownRenderer> {
    known(version)?;
    let id = entry.item.id;
    let mut files = vec![(
        format!("posts/{id}/index.html"),
        html::item(account, entry, older),
    )];
    if !older.is_empty() {
        files.push((
            format!("posts/{id}/history.json"),
            json::history(*account, older),
        ));
    }
    Ok(files)
}

/// As [`item_files`], by the item's own renderer, whatever the page is made by that the
/// entry was made for.
///
/// # Errors
/// [`UnknownRenderer`].
pub fn own_item_files(
    page: u32,
    account: &Account,
    made: &Entry<'_>,
    older: &[Item],
) -> Result<Files, UnknownRenderer> {
    let own = made.item.renderer;
    if own == page {
        return item_files(own, account, made, older);
    }
    item_files(own, account, &entry(own, made.item)?, older)
}

/// `profile.json`.
///
/// # Errors
/// [`UnknownRenderer`].
pub fn profile_files(
    version: u32,
    account: &Account,
    profile: &Profile,
) -> Result<Files, UnknownRenderer> {
    known(version)?;
    Ok(vec![(
        "profile.json".to_owned(),
        json::profile(*account, profile),
    )])
}

/// `follows.json` and `follows.opml`.
///
/// # Errors
/// [`UnknownRenderer`].
pub fn follows_files(
    version: u32,
    account: &Account,
    follows: &Follows,
) -> Result<Files, UnknownRenderer> {
    known(version)?;
    Ok(vec![
        ("follows.json".to_owned(), json::follows(*account, follows)),
        ("follows.opml".to_owned(), opml::follows(account, follows)),
    ])
}

/// `tombstones/KEY.json`, the tombstones in the order given.
///
/// # Errors
/// [`UnknownRenderer`].
pub fn tombstone_file(
    version: u32,
    account: &Account,
    key: &ItemKey,
    tombstones: &[Tombstone],
) -> Result<Files, UnknownRenderer> {
    known(version)?;
    Ok(vec![(
        format!("tombstones/{key}.json"),
        json::tombstones(*account, tombstones),
    )])
}

/// `reactions/KEY.json`, the likes and votes in the order given.
///
/// # Errors
/// [`UnknownRenderer`].
pub fn reaction_file(
    version: u32,
    account: &Account,
    key: &ItemKey,
    reactions: &[Item],
) -> Result<Files, UnknownRenderer> {
    known(version)?;
    Ok(vec![(
        format!("reactions/{key}.json"),
        json::reactions(*account, reactions),
    )])
}

/// The style, script and transformation that all pages share: `feed.css`, `feed.js`,
/// `feed.xsl`.
///
/// # Errors
/// [`UnknownRenderer`].
pub fn asset_files(version: u32) -> Result<Files, UnknownRenderer> {
    known(version)?;
    let file = |(path, bytes): &(&str, &[u8])| ((*path).to_owned(), bytes.to_vec());
    Ok(assets::V1.iter().map(file).collect())
}
