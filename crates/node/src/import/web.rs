//! Posts of an ordinary feed of the web, against what is here of it: read and converted as
//! an import reads them, but nothing is anybody's own.

use std::{collections::HashMap, io::Cursor, path::Path};

use ourspace_protocol::{
    account::Account,
    feed::{
        model::{Item, ItemId},
        state::{FeedState, StateError},
    },
    time::Millis,
};

use super::{
    basket::{Basket, Gathered, Wish},
    error::ImportError,
    input::{Decoded, Meter},
    jsonfeed,
    merge::Planner,
    of_state,
    source::{Form, form},
    xml,
};

/// What an ordinary feed says that is new or different here.
#[derive(Debug, Default)]
pub(crate) struct WebPosts {
    /// Posts to take in.
    pub(crate) items: Vec<Item>,
    /// Files that posts link to, of all posts of the feed: the newest post first.
    pub(crate) episodes: Vec<Episode>,
    /// What the feed is called.
    pub(crate) title: Option<String>,
    /// For how many minutes it need not be read again.
    pub(crate) minutes: Option<u32>,
}

/// A sound or film that a post links to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Episode {
    /// The post.
    pub(crate) id: ItemId,
    /// Its address.
    pub(crate) url: String,
}

/// Reads a feed and compares it with `feed`, what is here of it. Its posts have ids that
/// follow from what it calls them, so that they are known again.
///
/// # Errors
/// [`ImportError`]; of an archive too: a feed is text.
pub(crate) fn read(
    bytes: &[u8],
    feed: &dyn FeedState,
    (account, now): (Account, Millis),
) -> Result<WebPosts, ImportError> {
    let wish = Wish {
        account,
        now,
        since: None,
        profile: false,
        linked: true,
        // Only archives are put anywhere.
        scratch: Path::new(""),
    };
    let meter = Meter::default();
    let mut silent = |_| {};
    let mut basket = Basket::new(wish, &meter, &mut silent);
    let input = Decoded::new(Cursor::new(bytes), &meter).map_err(ImportError::Read)?;
    basket.gathered.feed = match form(head(bytes)) {
        Form::Xml => xml::read(input, &meter, &mut |draft| basket.take(draft))?,
        Form::Json => jsonfeed::read(input, &meter, &mut |draft| basket.take(draft))?,
        Form::Outbox | Form::Other => {
            return Err(ImportError::NotAFeed("this is no feed that is known"));
        }
    };
    plan(basket.gathered, feed, (account, now)).map_err(of_state)
}

/// Bytes by which a format is recognised.
fn head(bytes: &[u8]) -> &[u8] {
    bytes.get(..8 * 1024).unwrap_or(bytes)
}

fn plan(
    mut gathered: Gathered,
    feed: &dyn FeedState,
    (account, now): (Account, Millis),
) -> Result<WebPosts, StateError> {
    let mut ready = std::mem::take(&mut gathered.ready);
    // The planner gives ids to those that only their feed names: by the same rule here.
    let mut linked: HashMap<ItemId, (Millis, Vec<String>)> = HashMap::new();
    for post in &mut ready {
        if let Some(bare) = post.bare.take() {
            post.item.id = gathered.feed.id_of(&bare);
        }
        let media = post.linked.take().unwrap_or_default().into_vec();
        let played = media.into_iter().filter(|media| {
            let mime = media.mime.as_deref().unwrap_or_default();
            mime.starts_with("audio/") || mime.starts_with("video/")
        });
        let urls: Vec<String> = played.map(|media| media.url).collect();
        if !urls.is_empty() {
            linked.insert(post.item.id, (post.item.date, urls));
        }
    }
    let mut planner = Planner {
        feed,
        account,
        now,
        scope: &gathered.feed,
        tally: &mut gathered.tally,
        fresh: false,
    };
    let planned = planner.plan(ready)?;
    let mut items = Vec::new();
    for post in planned {
        items.push(with_files(post.item, feed)?);
    }
    let mut episodes: Vec<_> = linked.into_iter().collect();
    episodes.sort_by_key(|(id, (date, _))| (std::cmp::Reverse(*date), *id));
    let each = |(id, (_, urls)): (ItemId, (Millis, Vec<String>))| {
        urls.into_iter().map(move |url| Episode { id, url })
    };
    Ok(WebPosts {
        items,
        episodes: episodes.into_iter().flat_map(each).collect(),
        title: gathered.feed.title,
        minutes: gathered.feed.minutes,
    })
}

/// A post that was edited at its source keeps the files that were fetched for it.
fn with_files(mut item: Item, feed: &dyn FeedState) -> Result<Item, StateError> {
    if item.attachments.is_empty()
        && let Some(newest) = feed.versions(item.id)?.into_iter().next()
    {
        item.attachments = newest.attachments;
    }
    Ok(item)
}
