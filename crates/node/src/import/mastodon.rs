//! The archive that Mastodon gives its people: `outbox.json`, an ActivityStreams
//! collection of what they did, `actor.json`, who they were, and their files.
//!
//! Only what everyone could see is taken. What was for followers, or for one person,
//! would be shown to everyone by a feed; it is counted and left out.

use std::{
    fmt::Write as _,
    io::{BufRead, Read as _},
};

use ourspace_protocol::{
    feed::{
        clean,
        model::{Kind, Link},
    },
    limits,
};
use serde_json::{Map, Value};

use super::{
    basket::Basket,
    dates,
    draft::{Draft, Media, Reference, Text},
    error::ImportError,
    input::Meter,
    json,
    persona::Persona,
};

/// Files, tags and poll options of one post that are looked at.
const LIST: usize = 256;

/// What may be seen by everyone.
const PUBLIC: [&str; 3] = [
    "https://www.w3.org/ns/activitystreams#Public",
    "as:Public",
    "Public",
];

/// Reads the outbox; gives every post to the basket.
///
/// # Errors
/// As [`json::read`]; [`ImportError::NotAFeed`].
pub(super) fn read<R: BufRead>(
    outbox: R,
    meter: &Meter,
    basket: &mut Basket<'_>,
) -> Result<(), ImportError> {
    let head = json::read(outbox, meter, &mut |activity, _| {
        let Value::Object(activity) = activity else {
            return Ok(());
        };
        match draft(&activity) {
            Some(Seen::Public(draft)) => basket.take(*draft),
            Some(Seen::Private) => {
                basket.leave_private();
                Ok(())
            }
            None => Ok(()),
        }
    })?;
    let kind = text(&head, "type").unwrap_or_default();
    if kind.ends_with("Collection") || kind.ends_with("CollectionPage") {
        Ok(())
    } else {
        Err(ImportError::NotAFeed(
            "this has posts like a Mastodon outbox, but is none",
        ))
    }
}

enum Seen {
    Public(Box<Draft>),
    Private,
}

/// `None` for what is no post: likes, follows.
fn draft(activity: &Map<String, Value>) -> Option<Seen> {
    let object = activity.get("object")?;
    match (text(activity, "type")?, object) {
        ("Create", Value::Object(note)) => {
            let note_says = note.contains_key("to") || note.contains_key("cc");
            let public = is_public(if note_says { note } else { activity });
            Some(match public {
                true => Seen::Public(Box::new(of_note(note))),
                false => Seen::Private,
            })
        }
        ("Announce", object) => {
            let url = match object {
                Value::String(url) => Some(url.as_str()),
                Value::Object(note) => text(note, "id"),
                _ => None,
            }?;
            if !is_public(activity) {
                return Some(Seen::Private);
            }
            Some(Seen::Public(Box::new(Draft {
                identity: text(activity, "id").map(str::to_owned),
                kind: Some(Kind::Repost),
                published: text(activity, "published").and_then(dates::parse),
                early: text(activity, "published").is_some_and(dates::is_early),
                about: Some(reference(url)),
                ..Draft::default()
            })))
        }
        _ => None,
    }
}

fn of_note(note: &Map<String, Value>) -> Draft {
    let reply = text(note, "inReplyTo");
    let quoted = ["quote", "quoteUri", "quoteUrl", "_misskey_quote"];
    let quoted = quoted.iter().find_map(|key| text(note, key));
    let (kind, about) = match (reply, quoted) {
        (Some(reply), _) => (Some(Kind::Reply), Some(reference(reply))),
        (None, Some(quoted)) => (Some(Kind::Quote), Some(reference(quoted))),
        (None, None) => (None, None),
    };
    let sensitive = note.get("sensitive") == Some(&Value::Bool(true));
    let summary = text(note, "summary").map(str::to_owned);
    let languages = note.get("contentMap").and_then(Value::as_object);
    let language = languages.and_then(|map| map.keys().next());
    Draft {
        identity: text(note, "id").map(str::to_owned),
        kind,
        title: text(note, "name").map(|name| Text::Plain(name.to_owned())),
        body: body(note),
        url: text(note, "url")
            .or_else(|| text(note, "id"))
            .map(str::to_owned),
        base: None,
        published: text(note, "published").and_then(dates::parse),
        early: text(note, "published").is_some_and(dates::is_early),
        updated: text(note, "updated").and_then(dates::parse),
        language: language.cloned(),
        tags: hashtags(note),
        warning: summary.or_else(|| sensitive.then(|| "Sensitive content".to_owned())),
        about,
        media: list(note, "attachment")
            .filter_map(media)
            .take(LIST)
            .collect(),
    }
}

fn text<'v>(map: &'v Map<String, Value>, key: &str) -> Option<&'v str> {
    let value = map.get(key)?.as_str()?.trim();
    (!value.is_empty()).then_some(value)
}

fn list<'v>(map: &'v Map<String, Value>, key: &str) -> impl Iterator<Item = &'v Value> {
    map.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn reference(url: &str) -> Reference {
    Reference {
        identity: Some(url.to_owned()),
        url: Some(url.to_owned()),
    }
}

fn is_public(map: &Map<String, Value>) -> bool {
    let named = |value: &Value| value.as_str().is_some_and(|who| PUBLIC.contains(&who));
    ["to", "cc"].iter().any(|key| match map.get(*key) {
        Some(Value::Array(all)) => all.iter().any(named),
        Some(one) => named(one),
        None => false,
    })
}

/// The text, with the choices of a poll below it.
fn body(note: &Map<String, Value>) -> Option<Text> {
    let content = text(note, "content").map(str::to_owned);
    let languages = note.get("contentMap").and_then(Value::as_object);
    let other = || languages?.values().next()?.as_str().map(str::to_owned);
    let mut html = content.or_else(other).unwrap_or_default();
    let choices: Vec<&Value> = list(note, "oneOf")
        .chain(list(note, "anyOf"))
        .take(LIST)
        .collect();
    if !choices.is_empty() {
        html.push_str("<ul>");
        for choice in choices {
            let name = choice
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let votes = choice
                .pointer("/replies/totalItems")
                .and_then(Value::as_u64);
            let name = quick_xml::escape::escape(name);
            match votes {
                Some(votes) => write!(html, "<li>{name} ({votes})</li>").ok(),
                None => write!(html, "<li>{name}</li>").ok(),
            };
        }
        html.push_str("</ul>");
    }
    (!html.is_empty()).then_some(Text::Html(html))
}

fn hashtags(note: &Map<String, Value>) -> Vec<String> {
    let is_tag = |tag: &&Value| tag.get("type").and_then(Value::as_str) == Some("Hashtag");
    let names = list(note, "tag")
        .filter(is_tag)
        .filter_map(|tag| tag.get("name"));
    names
        .filter_map(Value::as_str)
        .take(LIST)
        .map(str::to_owned)
        .collect()
}

fn media(attachment: &Value) -> Option<Media> {
    let map = attachment.as_object()?;
    let url = text(map, "url")?;
    Some(Media {
        url: url.to_owned(),
        local: Some(place(url)),
        mime: text(map, "mediaType").map(str::to_owned),
        alt: text(map, "name").unwrap_or_default().to_owned(),
        title: None,
        duration: None,
    })
}

/// Where a file lies in the archive: servers put other folders before it.
fn place(url: &str) -> String {
    let from = url.find("media_attachments/").unwrap_or(0);
    url.get(from..)
        .unwrap_or(url)
        .trim_start_matches('/')
        .to_owned()
}

/// Bytes of an `actor.json`; real ones have ten thousand.
const ACTOR: u64 = 4 << 20;

/// Reads who somebody was there, if that is wanted and said.
///
/// # Errors
/// [`ImportError::Syntax`], [`ImportError::Read`], [`ImportError::Archive`].
pub(super) fn person(basket: &mut Basket<'_>) -> Result<(), ImportError> {
    let vault = basket.gathered.vault.as_ref();
    let Some(vault) = vault.filter(|_| basket.wish().profile) else {
        return Ok(());
    };
    let Some(file) = vault.open("actor.json")? else {
        return Ok(());
    };
    let mut bytes = Vec::new();
    let mut limited = file.take(ACTOR);
    limited.read_to_end(&mut bytes).map_err(ImportError::Read)?;
    let actor: Value = serde_json::from_slice(&bytes).map_err(json::syntax)?;
    let Value::Object(actor) = actor else {
        return Ok(());
    };
    let picture = |key: &str| {
        let url = actor.get(key)?.get("url")?.as_str()?;
        let name = url.trim_start_matches('/').to_owned();
        vault.has(&name).then_some(name)
    };
    let persona = Persona {
        name: text(&actor, "name").and_then(|name| clean::line(name, limits::LINE_BYTES)),
        bio: text(&actor, "summary").map(|html| basket.workshop.note(html)),
        links: list(&actor, "attachment")
            .filter_map(link)
            .take(LIST)
            .collect(),
        avatar: picture("icon"),
        banner: picture("image"),
    };
    basket.gathered.persona = Some(persona);
    Ok(())
}

/// A field of somebody's page, if it is a link.
fn link(field: &Value) -> Option<Link> {
    let label = field.get("name")?.as_str()?;
    let (_, rest) = field.get("value")?.as_str()?.split_once("href=\"")?;
    let (href, _) = rest.split_once('"')?;
    Some(Link {
        label: clean::line(label, limits::LINE_BYTES)?,
        url: clean::url(&href.replace("&amp;", "&"))?,
    })
}
