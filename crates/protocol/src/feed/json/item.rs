//! One item or attachment between its source form and its place in a JSON Feed.

use std::borrow::Cow;

use super::{
    JsonError,
    wire::{AttachmentOwn, ItemOwn, Text, WireAttachment, WireFile, WireItem},
};
use crate::{
    feed::{
        body, check,
        model::{Attachment, File, Item, ItemId, Labels},
        page::Entry,
        parts::seconds,
        text,
    },
    time::{Millis, parse_rfc3339},
};

/// An item as a feed shows it; `prefix` leads from the file to the root of the tree.
pub(super) fn wire_item<'a>(entry: &'a Entry<'_>, account: &str, prefix: &str) -> WireItem<'a> {
    let item = entry.item;
    let picture = item
        .attachments
        .iter()
        .find(|a| check::forms::is_picture(&a.file.mime));
    WireItem {
        own: ItemOwn {
            about: item.about.clone(),
            edits: item.edits,
            kind: item.kind,
            mentions: item.labels.mentions.as_slice().into(),
            more: Cow::Borrowed(&item.more),
            renderer: item.renderer,
            warning: item.labels.warning.as_deref().map(Into::into),
        },
        attachments: item
            .attachments
            .iter()
            .map(|a| wire_attachment(a, prefix))
            .collect(),
        content_html: body::body(entry, account, prefix).into(),
        content_text: item.text.as_str().into(),
        date_modified: item.written.map(|at| date(at).into()),
        date_published: date(item.date).into(),
        external_url: item.origin.as_deref().map(Into::into),
        id: format!("ourspace:{account}/{}", item.id).into(),
        image: picture.map(|a| at(&a.file.path, prefix)),
        language: item.labels.language.as_deref().map(Into::into),
        tags: item.labels.tags.as_slice().into(),
        title: item.title.as_deref().map(Into::into),
        url: format!("{prefix}posts/{}/", item.id).into(),
    }
}

/// The source of an item of the feed of `account` (its address, as EIP-55 spells it).
pub(super) fn source_item(
    wire: WireItem<'_>,
    account: &str,
    prefix: &str,
) -> Result<Item, JsonError> {
    let own = wire.id.strip_prefix("ourspace:");
    let own = own.and_then(|rest| rest.strip_prefix(account)?.strip_prefix('/'));
    let id: Option<ItemId> = own.and_then(|id| id.parse().ok());
    let id = id.ok_or(JsonError::Derived("id"))?;
    if *wire.url != format!("{prefix}posts/{id}/") {
        return Err(JsonError::Derived("url"));
    }
    let attachments = wire
        .attachments
        .into_iter()
        .map(|a| source_attachment(a, prefix));
    let item = Item {
        id,
        kind: wire.own.kind,
        date: parse_date("date_published", &wire.date_published)?,
        written: match wire.date_modified {
            Some(date) => Some(parse_date("date_modified", &date)?),
            None => None,
        },
        edits: wire.own.edits,
        title: wire.title.map(Text::into_owned),
        text: wire.content_text.into_owned(),
        labels: Labels {
            language: wire.language.map(Text::into_owned),
            tags: wire.tags.into_owned(),
            warning: wire.own.warning.map(Text::into_owned),
            mentions: wire.own.mentions.into_owned(),
        },
        about: wire.own.about,
        attachments: attachments.collect::<Result<_, _>>()?,
        origin: wire.external_url.map(Text::into_owned),
        renderer: wire.own.renderer,
        more: wire.own.more.into_owned(),
    };
    Ok(item)
}

pub(super) fn wire_attachment<'a>(a: &'a Attachment, prefix: &str) -> WireAttachment<'a> {
    WireAttachment {
        own: AttachmentOwn {
            alt: a.alt.as_str().into(),
            duration: a.duration,
            height: a.file.pixels.map(|(_, height)| height),
            original: a.original.as_ref().map(|file| wire_file(file, prefix)),
            poster: a.poster.as_ref().map(|file| wire_file(file, prefix)),
            thumbhash: a.thumbhash.as_deref().map(Into::into),
            variants: a
                .variants
                .iter()
                .map(|file| wire_file(file, prefix))
                .collect(),
            width: a.file.pixels.map(|(width, _)| width),
        },
        duration_in_seconds: a.duration.map(seconds),
        mime_type: a.file.mime.as_str().into(),
        size_in_bytes: a.file.size,
        title: a.title.as_deref().map(Into::into),
        url: at(&a.file.path, prefix),
    }
}

pub(super) fn source_attachment(
    wire: WireAttachment<'_>,
    prefix: &str,
) -> Result<Attachment, JsonError> {
    let own = wire.own;
    if wire.duration_in_seconds != own.duration.map(seconds) {
        return Err(JsonError::Derived("duration_in_seconds"));
    }
    let file = |wire: WireFile<'_>| -> Result<File, JsonError> {
        Ok(File {
            path: path(&wire.url, prefix)?,
            size: wire.size_in_bytes,
            mime: wire.mime_type.into_owned(),
            pixels: pixels(wire.width, wire.height)?,
        })
    };
    Ok(Attachment {
        file: File {
            path: path(&wire.url, prefix)?,
            size: wire.size_in_bytes,
            mime: wire.mime_type.into_owned(),
            pixels: pixels(own.width, own.height)?,
        },
        alt: own.alt.into_owned(),
        title: wire.title.map(Text::into_owned),
        duration: own.duration,
        thumbhash: own.thumbhash.map(Text::into_owned),
        variants: own
            .variants
            .into_iter()
            .map(file)
            .collect::<Result<_, _>>()?,
        original: own.original.map(file).transpose()?,
        poster: own.poster.map(file).transpose()?,
    })
}

fn wire_file<'a>(file: &'a File, prefix: &str) -> WireFile<'a> {
    WireFile {
        height: file.pixels.map(|(_, height)| height),
        mime_type: file.mime.as_str().into(),
        size_in_bytes: file.size,
        url: at(&file.path, prefix),
        width: file.pixels.map(|(width, _)| width),
    }
}

fn at<'a>(path: &'a str, prefix: &str) -> Text<'a> {
    if prefix.is_empty() {
        path.into()
    } else {
        format!("{prefix}{path}").into()
    }
}

fn path(url: &str, prefix: &str) -> Result<String, JsonError> {
    let path = url.strip_prefix(prefix).ok_or(JsonError::Derived("url"))?;
    Ok(path.to_owned())
}

fn pixels(width: Option<u32>, height: Option<u32>) -> Result<Option<(u32, u32)>, JsonError> {
    match (width, height) {
        (Some(width), Some(height)) => Ok(Some((width, height))),
        (None, None) => Ok(None),
        _ => Err(JsonError::Derived("height")),
    }
}

fn date(at: Millis) -> String {
    let mut out = String::with_capacity(24);
    text::push_rfc3339(&mut out, at);
    out
}

fn parse_date(field: &'static str, value: &str) -> Result<Millis, JsonError> {
    let at = parse_rfc3339(value).ok_or(JsonError::Date(field))?;
    if date(at) == value {
        Ok(at)
    } else {
        Err(JsonError::Date(field))
    }
}
