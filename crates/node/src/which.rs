//! Which item a person means: by its id, the beginning of its id, its name in every feed,
//! or the address of its page.

use data_encoding::BASE32_NOPAD;
use ourspace_protocol::{
    account::Account,
    feed::{
        clean,
        model::{ItemId, Target},
        state::{FeedState as _, StateError},
    },
    time::{Millis, rfc3339},
};
use ourspace_store::{Reader, StoreError};

use crate::home::{Home, HomeError};

/// Fewer characters of an id are no name for an item.
pub const SHORTEST: usize = 4;

/// No item, or more than one, is what the person means.
#[derive(Debug, thiserror::Error)]
pub enum WhichError {
    /// See [`HomeError`].
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The feed cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// Not the form of a name.
    #[error(
        "\"{0}\" names no item: give its id or at least {SHORTEST} characters of its beginning, ourspace:ADDRESS/ID, or the address of its page"
    )]
    Form(String),
    /// There is none.
    #[error("there is no item {0} here; `ourspace timeline` lists what there is")]
    Unknown(String),
    /// It was deleted.
    #[error("{id} was deleted on {}", rfc3339(*.date))]
    Deleted {
        /// Its id.
        id: ItemId,
        /// When.
        date: Millis,
    },
    /// More than one id begins like this.
    #[error("{begin} is the beginning of more than one id ({}): give more of it", list(.ids))]
    Ambiguous {
        /// What was given.
        begin: String,
        /// Some of the ids.
        ids: Vec<ItemId>,
    },
    /// An item of another account, where only one's own can be meant.
    #[error("{0} is not in your own feed: only its author can change it")]
    NotOwn(String),
}

impl From<StoreError> for WhichError {
    fn from(error: StoreError) -> Self {
        Self::Home(error.into())
    }
}

fn list(ids: &[ItemId]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    ids.join(", ")
}

/// An item that the store has, of whichever account.
///
/// # Errors
/// [`WhichError`], which says what to give.
pub fn item(home: &Home, text: &str) -> Result<(Account, ItemId), WhichError> {
    let own = home.account()?;
    let reader = home.store().read()?;
    let mine = own_or_named(&reader, own, text);
    let Err(WhichError::Unknown(_)) = mine else {
        return mine;
    };
    // Not in the own feed: as the timeline shows it, it is somebody else's.
    let (first, last, begin) = match named(text) {
        Some(Name::Own(id)) => (id, id, id.to_string()),
        Some(Name::Begin(begin)) => {
            let (first, last) = range(&begin)?;
            (first, last, begin)
        }
        _ => return mine,
    };
    let mut found = Vec::new();
    for follow in reader.follows_and_web_feeds()? {
        let ids = reader.ids(follow.account, (first, last), 4)?;
        found.extend(ids.into_iter().map(|id| (follow.account, id)));
    }
    match found[..] {
        [] => mine,
        [(account, id)] => {
            there(&reader, account, id)?;
            Ok((account, id))
        }
        _ => Err(WhichError::Ambiguous {
            begin,
            ids: found.into_iter().take(4).map(|(_, id)| id).collect(),
        }),
    }
}

/// An item of the own feed, or one that is named with its account.
fn own_or_named(
    reader: &Reader<'_>,
    own: Account,
    text: &str,
) -> Result<(Account, ItemId), WhichError> {
    let (account, id) = match named(text) {
        Some(Name::Item(account, id)) => (account, id),
        Some(Name::Own(id)) => (own, id),
        Some(Name::Begin(begin)) => (own, complete(reader, own, &begin)?),
        None => return Err(WhichError::Form(shown(text))),
    };
    there(reader, account, id)?;
    Ok((account, id))
}

/// An item of the own feed.
///
/// # Errors
/// [`WhichError`], which says what to give.
pub fn own_item(home: &Home, text: &str) -> Result<ItemId, WhichError> {
    let own = home.account()?;
    if let Some(Name::Item(account, _)) = named(text)
        && account != own
    {
        return Err(WhichError::NotOwn(shown(text)));
    }
    match item(home, text)? {
        (account, id) if account == own => Ok(id),
        _ => Err(WhichError::NotOwn(shown(text))),
    }
}

/// What an item is about: an item of any feed, also one that is not here, or a web page.
/// The address of a page of one's own item means the item.
///
/// # Errors
/// [`WhichError`], which says what to give.
pub fn target(home: &Home, text: &str) -> Result<Target, WhichError> {
    let own = home.account()?;
    if let Some(Name::Item(account, id)) = named(text)
        && account != own
    {
        return Ok(Target::Item(account, id));
    }
    let is_url = text.contains("://");
    match item(home, text) {
        Ok((account, id)) => Ok(Target::Item(account, id)),
        Err(WhichError::Form(_) | WhichError::Unknown(_)) if is_url => {
            // What passes for an address in an old feed is none that a person means.
            let url = clean::url(text).filter(|url| url::Url::parse(url).is_ok());
            url.map(Target::Url)
                .ok_or_else(|| WhichError::Form(shown(text)))
        }
        Err(error) => Err(error),
    }
}

/// The forms of a name.
enum Name {
    Item(Account, ItemId),
    Own(ItemId),
    Begin(String),
}

fn named(text: &str) -> Option<Name> {
    let text = text.trim();
    if let Ok(Target::Item(account, id)) = text.parse() {
        return Some(Name::Item(account, id));
    }
    if let Some((_, rest)) = text.rsplit_once("posts/") {
        let id = rest.split(['/', '?', '#']).next().unwrap_or_default();
        return id.parse().ok().map(Name::Own);
    }
    let begin = text.to_ascii_lowercase();
    if let Ok(id) = begin.parse() {
        return Some(Name::Own(id));
    }
    let is_begin = (SHORTEST..16).contains(&begin.len())
        && begin
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'));
    is_begin.then_some(Name::Begin(begin))
}

/// The least and the greatest id that begin so.
fn range(begin: &str) -> Result<(ItemId, ItemId), WhichError> {
    let end = |fill: &str| -> Option<ItemId> {
        let text = format!(
            "{begin}{}",
            fill.repeat(16usize.saturating_sub(begin.len()))
        );
        let bytes = BASE32_NOPAD
            .decode(text.to_ascii_uppercase().as_bytes())
            .ok()?;
        bytes.try_into().ok().map(ItemId)
    };
    match (end("a"), end("7")) {
        (Some(first), Some(last)) => Ok((first, last)),
        _ => Err(WhichError::Form(begin.to_owned())),
    }
}

fn complete(reader: &Reader<'_>, account: Account, begin: &str) -> Result<ItemId, WhichError> {
    let ids = reader.ids(account, range(begin)?, 4)?;
    match ids[..] {
        [] => Err(WhichError::Unknown(begin.to_owned())),
        [id] => Ok(id),
        _ => Err(WhichError::Ambiguous {
            begin: begin.to_owned(),
            ids,
        }),
    }
}

fn there(reader: &Reader<'_>, account: Account, id: ItemId) -> Result<(), WhichError> {
    if reader.item(account, id)?.is_some() {
        return Ok(());
    }
    Err(match reader.feed(account)?.tombstone(id)? {
        Some(tombstone) => WhichError::Deleted {
            id,
            date: tombstone.date,
        },
        None => WhichError::Unknown(id.to_string()),
    })
}

/// What a person typed, fit for a terminal.
fn shown(text: &str) -> String {
    let text: String = text.chars().take(100).collect();
    text.escape_debug().to_string()
}
