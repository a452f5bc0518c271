//! JSON Feed 1.0 and 1.1, and what is often done in its name.

use std::io::BufRead;

use serde_json::{Map, Value};

use super::{
    dates,
    draft::{Draft, Media, Reference, Text},
    error::ImportError,
    input::Meter,
    json,
    scope::Scope,
    xml::join,
};

/// Files that a post names at most; a feed item has 32.
const FILES: usize = 64;
/// Tags that are looked at.
const TAGS: usize = 256;

/// Reads a feed; gives every post to `take`.
///
/// # Errors
/// As [`json::read`]; [`ImportError::NotAFeed`].
pub(super) fn read<R: BufRead>(
    input: R,
    meter: &Meter,
    take: &mut dyn FnMut(Draft) -> Result<(), ImportError>,
) -> Result<Scope, ImportError> {
    let head = json::read(input, meter, &mut |post, head| match post {
        Value::Object(post) => take(draft(&post, head)),
        _ => Ok(()),
    })?;
    let version = text(&head, "version").unwrap_or_default();
    if version.contains("jsonfeed.org/version/") {
        let kept = |key| text(&head, key).map(str::to_owned);
        return Ok(Scope {
            address: kept("feed_url"),
            home: kept("home_page_url"),
            id: None,
            title: kept("title"),
            minutes: None,
        });
    }
    Err(ImportError::NotAFeed(
        "this is JSON, but no JSON Feed (which names its version) and no Mastodon outbox",
    ))
}

fn draft(post: &Map<String, Value>, head: &Map<String, Value>) -> Draft {
    let home = text(head, "home_page_url").or_else(|| text(head, "feed_url"));
    let url = text(post, "url").map(|url| join(home, url));
    let base = url.as_deref().or(home).map(str::to_owned);
    let mut media = Vec::new();
    for attachment in list(post, "attachments").take(FILES) {
        media.extend(attachment_of(attachment, base.as_deref()));
    }
    let published = text(post, "date_published");
    let updated = text(post, "date_modified");
    let external = text(post, "external_url").map(|url| join(base.as_deref(), url));
    Draft {
        identity: identity(post).or_else(|| url.clone()),
        kind: None,
        title: text(post, "title").map(|title| Text::Plain(title.to_owned())),
        body: body(post, external.as_deref()),
        url,
        published: published.and_then(dates::parse),
        early: published.or(updated).is_some_and(dates::is_early),
        updated: updated.and_then(dates::parse),
        language: text(post, "language")
            .or_else(|| text(head, "language"))
            .map(str::to_owned),
        tags: list(post, "tags")
            .filter_map(Value::as_str)
            .take(TAGS)
            .map(str::to_owned)
            .collect(),
        warning: None,
        about: reply(post),
        media: with_picture(post, media, base.as_deref()),
        base,
    }
}

fn text<'v>(map: &'v Map<String, Value>, key: &str) -> Option<&'v str> {
    let value = map.get(key)?.as_str()?.trim();
    (!value.is_empty()).then_some(value)
}

fn list<'v>(map: &'v Map<String, Value>, key: &str) -> impl Iterator<Item = &'v Value> {
    map.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// Many feeds number their posts, against the specification.
fn identity(post: &Map<String, Value>) -> Option<String> {
    match post.get("id")? {
        Value::Number(number) => Some(number.to_string()),
        Value::String(id) if !id.trim().is_empty() => Some(id.clone()),
        _ => None,
    }
}

/// The text, with the page that a link post is about behind it.
fn body(post: &Map<String, Value>, external: Option<&str>) -> Option<Text> {
    let html = text(post, "content_html").map(|html| Text::Html(html.to_owned()));
    let plain = || text(post, "content_text").map(|text| Text::Plain(text.to_owned()));
    let summary = || text(post, "summary").map(|text| Text::Plain(text.to_owned()));
    let body = html.or_else(plain).or_else(summary);
    let Some(external) = external else {
        return body;
    };
    match body {
        Some(body) if body.source().contains(external) => Some(body),
        Some(Text::Html(html)) => Some(Text::Html(format!(
            "{html}<p><a href=\"{0}\">{0}</a></p>",
            external.replace('&', "&amp;").replace('"', "%22")
        ))),
        Some(Text::Plain(text)) => Some(Text::Plain(format!("{text}\n\n{external}"))),
        _ => Some(Text::Plain(external.to_owned())),
    }
}

fn attachment_of(value: &Value, base: Option<&str>) -> Option<Media> {
    let map = value.as_object()?;
    let seconds = map.get("duration_in_seconds").and_then(Value::as_f64);
    let own = map.get("_ourspace").and_then(Value::as_object);
    let alt = own.and_then(|own| text(own, "alt")).unwrap_or_default();
    Some(Media {
        url: join(base, text(map, "url")?),
        local: None,
        mime: text(map, "mime_type").map(str::to_owned),
        alt: alt.to_owned(),
        title: text(map, "title").map(str::to_owned),
        duration: seconds
            .filter(|s| *s > 0.0 && *s < 1e9)
            .map(|s| std::time::Duration::from_secs_f64(s).as_millis() as u64),
    })
}

/// `image` is the picture of the post, where its text and attachments do not show it.
fn with_picture(
    post: &Map<String, Value>,
    mut media: Vec<Media>,
    base: Option<&str>,
) -> Vec<Media> {
    let Some(picture) = text(post, "image") else {
        return media;
    };
    let url = join(base, picture);
    let shown = text(post, "content_html").is_some_and(|html| html.contains(picture));
    if !shown && media.iter().all(|known| known.url != url) {
        media.push(Media {
            url,
            mime: Some("image/*".to_owned()),
            ..Media::default()
        });
    }
    media
}

/// Extensions in which feeds of today say what a post answers.
fn reply(post: &Map<String, Value>) -> Option<Reference> {
    let own = post.get("_ourspace").and_then(|own| own.get("about"));
    let target = own
        .and_then(|about| about.get("target"))
        .and_then(Value::as_str);
    let other = post.get("_in_reply_to").or_else(|| post.get("in_reply_to"));
    let answered = target.or_else(|| other.and_then(Value::as_str))?;
    Some(Reference {
        identity: Some(answered.to_owned()),
        url: Some(answered.to_owned()),
    })
}
