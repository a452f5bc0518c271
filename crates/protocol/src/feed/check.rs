//! Which values a feed may hold: every limit and every form, each refusal by its name.
//!
//! What is written and what comes from strangers passes the same functions, so that what
//! one program publishes every other accepts. [`forms`] knows single strings; this file
//! knows which string stands where. The rules are part of the format (`spec/04-feed.md`)
//! and the limits are those of [`limits`].

mod error;
pub mod forms;

use std::collections::BTreeSet;

pub use self::error::ItemError;
use super::model::{
    About, Attachment, File, Follow, Followee, Follows, Item, Kind, Labels, Profile, RENDERER,
    Stamped, Target, Tombstone,
};
use super::set::Changes;
use crate::{
    limits,
    time::{MAX_MILLIS, Millis},
};

type Checked = Result<(), ItemError>;

/// Checks an item.
///
/// # Errors
/// The first rule that it breaks.
pub fn item(item: &Item) -> Checked {
    if item.renderer == 0 || item.renderer > RENDERER {
        return Err(ItemError::Renderer(item.renderer));
    }
    date("date", item.date)?;
    if let Some(written) = item.written {
        date("written", written)?;
        if written == item.date {
            return Err(ItemError::Redundant { field: "written" });
        }
    }
    optional(item.title.as_deref(), |title| {
        forms::line("title", title, limits::LINE_BYTES)
    })?;
    forms::text("text", &item.text, limits::TEXT_BYTES)?;
    labels(&item.labels)?;
    about(item.kind, item.about.as_ref())?;
    content(item)?;
    count("attachments", item.attachments.len(), limits::ATTACHMENTS)?;
    item.attachments.iter().try_for_each(attachment)?;
    one_description(item.files())?;
    optional(item.origin.as_deref(), |origin| {
        forms::url("origin", origin)
    })?;
    count("more", item.more.len(), limits::MORE_ENTRIES)?;
    item.more.iter().try_for_each(|(name, text)| {
        if text.is_empty() {
            return Err(ItemError::Empty { field: "more" });
        }
        more(name, text)
    })
}

/// A named text.
fn more(name: &str, text: &str) -> Checked {
    forms::more_name(name)?;
    forms::text("more", text, limits::MORE_BYTES)
}

/// Checks a profile.
///
/// # Errors
/// The first rule that it breaks.
pub fn profile(profile: &Profile) -> Checked {
    let dates = [
        profile.display_name.written,
        profile.bio.written,
        profile.avatar.written,
        profile.banner.written,
        profile.links.written,
        profile.tox.written,
        profile.email.written,
        profile.payments.written,
        profile.names.written,
        profile.language.written,
    ];
    dates.into_iter().try_for_each(|at| date("written", at))?;
    if !profile.display_name.value.is_empty() {
        forms::line(
            "display_name",
            &profile.display_name.value,
            limits::LINE_BYTES,
        )?;
    }
    forms::text("bio", &profile.bio.value, limits::BIO_BYTES)?;
    picture("avatar", profile.avatar.value.as_ref())?;
    picture("banner", profile.banner.value.as_ref())?;
    // Not of both together: each is written and merged by itself.
    for picture in [&profile.avatar.value, &profile.banner.value] {
        one_description(picture.iter().flat_map(Attachment::files))?;
    }
    profile_lists(profile)?;
    optional(profile.tox.value.as_deref(), forms::tox)?;
    optional(profile.email.value.as_deref(), forms::email)?;
    optional(profile.language.value.as_deref(), forms::language)?;
    count("more", profile.more.len(), limits::MORE_ENTRIES)?;
    profile.more.iter().try_for_each(|(name, text)| {
        date("written", text.written)?;
        more(name, &text.value)
    })
}

fn profile_lists(profile: &Profile) -> Checked {
    let (links, payments, names) = (
        &profile.links.value,
        &profile.payments.value,
        &profile.names.value,
    );
    count("links", links.len(), limits::PROFILE_LIST)?;
    for link in links {
        forms::line("label", &link.label, limits::LINE_BYTES)?;
        forms::url("link", &link.url)?;
    }
    distinct("links", links.iter())?;
    count("payments", payments.len(), limits::PROFILE_LIST)?;
    for payment in payments {
        forms::payment_kind(&payment.kind)?;
        forms::payment_address(&payment.address)?;
    }
    distinct("payments", payments.iter())?;
    count("names", names.len(), limits::PROFILE_LIST)?;
    names.iter().try_for_each(|name| forms::name(name))?;
    distinct("names", names.iter())
}

/// Checks the public follows.
///
/// # Errors
/// The first rule that they break.
pub fn follows(follows: &Follows) -> Checked {
    count("follows", follows.len(), limits::FOLLOWS)?;
    follows
        .iter()
        .try_for_each(|(followee, row)| follow(followee, row))
}

/// Checks one follow: a delta carries them one by one.
///
/// # Errors
/// The first rule that it breaks.
pub fn follow(followee: &Followee, row: &Stamped<Follow>) -> Checked {
    date("written", row.written)?;
    if let Followee::Feed(url) = followee {
        forms::url("feed", url)?;
    }
    optional(row.value.title.as_deref(), |title| {
        forms::line("title", title, limits::LINE_BYTES)
    })
}

/// Checks a tombstone.
///
/// # Errors
/// [`ItemError::Date`].
pub fn tombstone(tombstone: &Tombstone) -> Checked {
    date("date", tombstone.date)
}

/// Checks that nothing of a change is after the record that it comes with.
///
/// What is dated ahead would win every later merge and stand on top of the feed until its
/// day comes, so a record that is believed bounds all that it brings.
///
/// # Errors
/// [`ItemError::AheadOfRecord`].
pub fn bounded(changes: &Changes, at: Millis) -> Checked {
    let within = |field, instant: Millis| {
        if instant > at {
            return Err(ItemError::AheadOfRecord { field });
        }
        Ok(())
    };
    for item in &changes.items {
        within("the date of an item", item.date)?;
        within("an edit", item.written())?;
    }
    for tombstone in &changes.tombstones {
        within("a deletion", tombstone.date)?;
    }
    if let Some(profile) = &changes.profile {
        within("the profile", profile.written())?;
    }
    for row in changes.follows.values() {
        within("a follow", row.written)?;
    }
    Ok(())
}

fn labels(labels: &Labels) -> Checked {
    optional(labels.language.as_deref(), forms::language)?;
    optional(labels.warning.as_deref(), |warning| {
        forms::line("warning", warning, limits::LINE_BYTES)
    })?;
    count("tags", labels.tags.len(), limits::TAGS)?;
    labels.tags.iter().try_for_each(|tag| forms::tag(tag))?;
    distinct("tags", labels.tags.iter())?;
    count("mentions", labels.mentions.len(), limits::MENTIONS)?;
    distinct("mentions", labels.mentions.iter())
}

fn about(kind: Kind, about: Option<&About>) -> Checked {
    let Some(about) = about else {
        return match kind {
            Kind::Post => Ok(()),
            _ => Err(ItemError::AboutMissing(kind_name(kind))),
        };
    };
    if kind == Kind::Post {
        return Err(ItemError::AboutUnexpected);
    }
    target("about", &about.target)?;
    if let Some(thread) = &about.thread {
        target("thread", thread)?;
        if *thread == about.target {
            return Err(ItemError::Redundant { field: "thread" });
        }
    }
    match (kind, &about.value) {
        (Kind::Vote, None) => Err(ItemError::ValueMissing),
        (Kind::Like | Kind::Vote, Some(value)) => forms::line("value", value, limits::VALUE_BYTES),
        (_, Some(_)) => Err(ItemError::ValueUnexpected),
        (_, None) => Ok(()),
    }
}

/// A repost is without a word; a like and a vote are nothing but what they are about.
fn content(item: &Item) -> Checked {
    let refuse = |present: bool, field| match present {
        true => Err(ItemError::Content {
            kind: kind_name(item.kind),
            field,
        }),
        false => Ok(()),
    };
    if matches!(item.kind, Kind::Post | Kind::Reply | Kind::Quote) {
        return Ok(());
    }
    refuse(item.title.is_some(), "title")?;
    refuse(!item.text.is_empty(), "text")?;
    refuse(!item.attachments.is_empty(), "attachments")?;
    if item.kind == Kind::Repost {
        return Ok(());
    }
    refuse(!item.labels.is_empty(), "labels")
}

/// The name of a kind, as it is in the source.
#[must_use]
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Post => "post",
        Kind::Reply => "reply",
        Kind::Repost => "repost",
        Kind::Quote => "quote",
        Kind::Like => "like",
        Kind::Vote => "vote",
    }
}

fn target(field: &'static str, target: &Target) -> Checked {
    match target {
        Target::Item(..) => Ok(()),
        Target::Url(url) => forms::url(field, url),
    }
}

fn attachment(attachment: &Attachment) -> Checked {
    file(&attachment.file)?;
    forms::text("alt", &attachment.alt, limits::ALT_BYTES)?;
    optional(attachment.title.as_deref(), |title| {
        forms::line("attachment title", title, limits::LINE_BYTES)
    })?;
    if attachment
        .duration
        .is_some_and(|ms| ms == 0 || ms > limits::EXACT_NUMBER)
    {
        return Err(ItemError::Number { field: "duration" });
    }
    optional(attachment.thumbhash.as_deref(), forms::thumbhash)?;
    count("variants", attachment.variants.len(), limits::VARIANTS)?;
    attachment.files().skip(1).try_for_each(file)?;
    for (field, extra) in attachment
        .variants
        .iter()
        .map(|file| ("variant", file))
        .chain(attachment.original.iter().map(|file| ("original", file)))
        .chain(attachment.poster.iter().map(|file| ("poster", file)))
    {
        if !forms::is_picture(&extra.mime) {
            return Err(ItemError::NotPicture { field });
        }
    }
    Ok(())
}

fn picture(field: &'static str, attachment: Option<&Attachment>) -> Checked {
    let Some(picture) = attachment else {
        return Ok(());
    };
    self::attachment(picture)?;
    if forms::is_picture(&picture.file.mime) {
        return Ok(());
    }
    Err(ItemError::NotPicture { field })
}

fn file(file: &File) -> Checked {
    forms::media_path(&file.path)?;
    forms::media_type(&file.mime)?;
    forms::ending(&file.path, &file.mime)?;
    if file.size > limits::EXACT_NUMBER {
        return Err(ItemError::Number { field: "size" });
    }
    forms::codec(&file.path, file.size)?;
    let sane = |n: u32| (1..=limits::PIXELS).contains(&n);
    if file
        .pixels
        .is_some_and(|(width, height)| !sane(width) || !sane(height))
    {
        return Err(ItemError::Number { field: "pixels" });
    }
    Ok(())
}

/// A path is a content: it has one size and one type.
fn one_description<'a>(files: impl Iterator<Item = &'a File>) -> Checked {
    let mut files: Vec<&File> = files.collect();
    if files.len() < 2 {
        return Ok(());
    }
    files.sort_unstable();
    let conflict = |pair: &[&File]| pair[0].path == pair[1].path && pair[0] != pair[1];
    if files.windows(2).any(conflict) {
        return Err(ItemError::FileConflict);
    }
    Ok(())
}

fn date(field: &'static str, at: Millis) -> Checked {
    if at > MAX_MILLIS {
        return Err(ItemError::Date { field });
    }
    Ok(())
}

fn count(field: &'static str, length: usize, limit: usize) -> Checked {
    if length > limit {
        return Err(ItemError::TooMany { field, limit });
    }
    Ok(())
}

fn distinct<T: Ord>(field: &'static str, values: impl Iterator<Item = T>) -> Checked {
    let mut seen = BTreeSet::new();
    for value in values {
        if !seen.insert(value) {
            return Err(ItemError::Duplicate { field });
        }
    }
    Ok(())
}

fn optional(value: Option<&str>, check: impl Fn(&str) -> Checked) -> Checked {
    value.map_or(Ok(()), check)
}

#[cfg(test)]
mod tests;
