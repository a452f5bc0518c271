//! Pages of items out of strangers' bytes.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    JsonError, RENDERER, VERSION,
    item::source_item,
    wire::{Feed, WireItem},
};
use crate::{
    account::Account,
    feed::{
        check,
        model::{Item, ItemKey},
    },
    limits,
};

/// What a page of a feed holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Whose feed it says it is; who may say so is the record's matter.
    pub account: Account,
    /// The renderer it was written by.
    pub renderer: u32,
    /// Whether everything in it was understood. If not, its items may lack fields and it
    /// may lack items: show them, never merge or write them.
    pub exact: bool,
    /// The page before it.
    pub previous: Option<ItemKey>,
    /// Its items, newest first, each one checked.
    pub items: Vec<Item>,
}

/// Reads `feed.json` or `archive/KEY.json` of a renderer that this program knows.
///
/// # Errors
/// [`JsonError`] for everything that this renderer never writes, by the first fault.
pub fn parse_page(bytes: &[u8]) -> Result<Page, JsonError> {
    let renderer = renderer(bytes)?;
    if renderer != RENDERER {
        return Err(JsonError::Renderer(renderer));
    }
    let feed: Feed<'_> = serde_json::from_slice(bytes).map_err(form)?;
    if feed.version != VERSION {
        return Err(JsonError::Derived("version"));
    }
    let account = feed.own.account;
    let place = Place::of(&feed.feed_url)?;
    let own = account.to_string();
    let mut items = Vec::with_capacity(feed.items.len());
    for wire in feed.items {
        let item = source_item(wire, &own, place.prefix)?;
        check::item(&item).map_err(|error| refused(&item, error))?;
        items.push(item);
    }
    let previous = feed
        .next_url
        .as_deref()
        .map(|url| place.previous(url))
        .transpose()?;
    ordered(&items)?;
    Ok(Page {
        account,
        renderer,
        exact: true,
        previous,
        items,
    })
}

/// Reads a page as [`parse_page`] does, and takes from a page of an unknown renderer
/// what it understands.
///
/// # Errors
/// [`JsonError`]; an unknown renderer is none.
pub fn read_page(bytes: &[u8]) -> Result<Page, JsonError> {
    let renderer = renderer(bytes)?;
    if renderer == RENDERER {
        return parse_page(bytes);
    }
    let mut feed: Value = serde_json::from_slice(bytes).map_err(form)?;
    let account = field::<Account>(&feed["_ourspace"]["account"])?;
    let place = Place::of(feed["feed_url"].as_str().unwrap_or_default())?;
    let previous = feed["next_url"]
        .as_str()
        .and_then(|url| place.previous(url).ok());
    let Value::Array(list) = feed["items"].take() else {
        return Err(JsonError::Form("`items` is no list".to_owned()));
    };
    let own = account.to_string();
    let mut items: Vec<Item> = list
        .into_iter()
        .filter_map(|value| understood(value, &own, place.prefix))
        .collect();
    items.sort_by_key(|item| std::cmp::Reverse(item.key()));
    items.dedup_by_key(|item| item.id);
    Ok(Page {
        account,
        renderer,
        exact: false,
        previous,
        items,
    })
}

/// The renderer that a file names, whatever else is in it.
///
/// # Errors
/// [`JsonError::TooLong`], or [`JsonError::Form`] when it names none.
pub(super) fn renderer(bytes: &[u8]) -> Result<u32, JsonError> {
    #[derive(Deserialize)]
    struct Peek {
        #[serde(rename = "_ourspace")]
        own: PeekOwn,
    }
    #[derive(Deserialize)]
    struct PeekOwn {
        renderer: u32,
    }
    if bytes.len() > limits::JSON_BYTES {
        return Err(JsonError::TooLong(bytes.len()));
    }
    let peek: Peek = serde_json::from_slice(bytes).map_err(form)?;
    Ok(peek.own.renderer)
}

/// Where a page stands in the tree.
struct Place {
    prefix: &'static str,
    archive: &'static str,
}

impl Place {
    fn of(feed_url: &str) -> Result<Self, JsonError> {
        match feed_url {
            "feed.json" => Ok(Self {
                prefix: "",
                archive: "archive/",
            }),
            "../feed.json" => Ok(Self {
                prefix: "../",
                archive: "",
            }),
            _ => Err(JsonError::Derived("feed_url")),
        }
    }

    fn previous(&self, url: &str) -> Result<ItemKey, JsonError> {
        url.strip_prefix(self.archive)
            .and_then(|name| name.strip_suffix(".json"))
            .and_then(|key| key.parse().ok())
            .ok_or(JsonError::Derived("next_url"))
    }
}

/// An item of a newer renderer by the fields that this one has; `None` when that does
/// not make an item.
fn understood(mut value: Value, account: &str, prefix: &str) -> Option<Item> {
    const ITEM: [&str; 13] = [
        "_ourspace",
        "attachments",
        "content_html",
        "content_text",
        "date_modified",
        "date_published",
        "external_url",
        "id",
        "image",
        "language",
        "tags",
        "title",
        "url",
    ];
    const OWN: [&str; 7] = [
        "about", "edits", "kind", "mentions", "more", "renderer", "warning",
    ];
    const ATTACHMENT: [&str; 6] = [
        "_ourspace",
        "duration_in_seconds",
        "mime_type",
        "size_in_bytes",
        "title",
        "url",
    ];
    const ATTACHMENT_OWN: [&str; 8] = [
        "alt",
        "duration",
        "height",
        "original",
        "poster",
        "thumbhash",
        "variants",
        "width",
    ];
    only(&mut value, &ITEM);
    only(&mut value["_ourspace"], &OWN);
    for attachment in value["attachments"].as_array_mut().into_iter().flatten() {
        only(attachment, &ATTACHMENT);
        if let Some(own) = attachment.get_mut("_ourspace") {
            only(own, &ATTACHMENT_OWN);
        }
    }
    let wire = WireItem::deserialize(value).ok()?;
    let mut item = source_item(wire, account, prefix).ok()?;
    let renderer = std::mem::replace(&mut item.renderer, RENDERER);
    check::item(&item).ok()?;
    item.renderer = renderer;
    Some(item)
}

fn only(value: &mut Value, keys: &[&str]) {
    if let Value::Object(map) = value {
        let all: Map<String, Value> = std::mem::take(map);
        *map = all
            .into_iter()
            .filter(|(key, _)| keys.contains(&key.as_str()))
            .collect();
    }
}

fn field<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, JsonError> {
    T::deserialize(value).map_err(form)
}

pub(super) fn ordered(items: &[Item]) -> Result<(), JsonError> {
    let right = items.windows(2).all(|pair| pair[0].key() > pair[1].key());
    if right {
        Ok(())
    } else {
        Err(JsonError::Order("items"))
    }
}

pub(super) fn refused(item: &Item, error: check::ItemError) -> JsonError {
    JsonError::Check {
        what: format!("item {}", item.id),
        error,
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err asks for"
)]
pub(super) fn form(error: serde_json::Error) -> JsonError {
    JsonError::Form(error.to_string())
}
