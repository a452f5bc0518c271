//! What the renderers are given: the contents of one file, complete and in order.
//!
//! Everything that may appear on a page is in these types; a renderer that needs more
//! than they hold would make a page depend on something that the set of items does not
//! determine.

use super::model::{Item, ItemKey, Profile};
use crate::account::Account;

/// An item and its text as HTML, made once and used by every format.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// The newest version of the item.
    pub item: &'a Item,
    /// Its text, rendered and harmless.
    pub html: String,
}

/// A closed page: what `archive/KEY.{json,xml,html}` are functions of.
///
/// It holds nothing that changes later: no profile, no counters, no link to newer pages
/// but the live feed.
#[derive(Debug, Clone)]
pub struct Archive<'a> {
    /// Whose feed it is.
    pub account: Account,
    /// Its own name: the key of its oldest item.
    pub key: ItemKey,
    /// The page before it, if there is one.
    pub previous: Option<ItemKey>,
    /// Its items, newest first.
    pub entries: &'a [Entry<'a>],
}

/// The live feed: what `feed.json`, `feed.xml` and `index.html` are functions of.
#[derive(Debug, Clone)]
pub struct Head<'a> {
    /// Whose feed it is.
    pub account: Account,
    /// Who they say they are.
    pub profile: &'a Profile,
    /// The newest closed page that is not shown here in whole.
    pub previous: Option<ItemKey>,
    /// The newest items, newest first.
    pub entries: &'a [Entry<'a>],
}
