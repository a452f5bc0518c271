//! The JSON files beside the feed: profile, follows, tombstones, reactions, history.
//!
//! Other programs may read `profile.json` and `follows.json`; the rest holds plain
//! source objects. Every writer has its reader here, and reading what was written gives
//! the same value.

use std::borrow::Cow;

use serde::Deserialize;

use super::{
    JsonError, RENDERER, canonical,
    item::{source_attachment, wire_attachment},
    read::{form, refused, renderer},
    wire::{
        FollowsFile, HistoryFile, Own, ProfileFile, ProfileOwn, ReactionsFile, SortedItem, Text,
        TombstonesFile, WireAttachment, WireFollow, Written,
    },
};
use crate::{
    account::Account,
    feed::{
        check,
        model::{Attachment, Follow, Followee, Follows, Item, Profile, Stamped, Tombstone},
    },
    time::Millis,
};

/// `profile.json`.
#[must_use]
pub fn profile(account: Account, profile: &Profile) -> Vec<u8> {
    fn picture(value: &Stamped<Option<Attachment>>) -> Option<WireAttachment<'_>> {
        value.value.as_ref().map(|a| wire_attachment(a, ""))
    }
    canonical(&ProfileFile {
        own: ProfileOwn {
            account,
            did: account.did().into(),
            more: Cow::Borrowed(&profile.more),
            renderer: RENDERER,
            written: Written {
                avatar: profile.avatar.written,
                banner: profile.banner.written,
                bio: profile.bio.written,
                display_name: profile.display_name.written,
                email: profile.email.written,
                language: profile.language.written,
                links: profile.links.written,
                names: profile.names.written,
                payments: profile.payments.written,
                tox: profile.tox.written,
            },
        },
        avatar: picture(&profile.avatar),
        banner: picture(&profile.banner),
        bio: profile.bio.value.as_str().into(),
        display_name: profile.display_name.value.as_str().into(),
        email: profile.email.value.as_deref().map(Into::into),
        language: profile.language.value.as_deref().map(Into::into),
        links: profile.links.value.as_slice().into(),
        names: profile.names.value.as_slice().into(),
        payments: profile.payments.value.iter().map(Into::into).collect(),
        tox: profile.tox.value.as_deref().map(Into::into),
    })
}

/// Reads `profile.json`.
///
/// # Errors
/// [`JsonError`].
pub fn parse_profile(bytes: &[u8]) -> Result<(Account, Profile), JsonError> {
    let file: ProfileFile<'_> = parse(bytes)?;
    let account = file.own.account;
    if file.own.did != account.did() {
        return Err(JsonError::Derived("did"));
    }
    let at = file.own.written;
    let profile = Profile {
        display_name: stamped(file.display_name.into_owned(), at.display_name),
        bio: stamped(file.bio.into_owned(), at.bio),
        avatar: stamped(picture(file.avatar)?, at.avatar),
        banner: stamped(picture(file.banner)?, at.banner),
        links: stamped(file.links.into_owned(), at.links),
        tox: stamped(file.tox.map(Text::into_owned), at.tox),
        email: stamped(file.email.map(Text::into_owned), at.email),
        payments: stamped(
            file.payments.into_iter().map(Into::into).collect(),
            at.payments,
        ),
        names: stamped(file.names.into_owned(), at.names),
        language: stamped(file.language.map(Text::into_owned), at.language),
        more: file.own.more.into_owned(),
    };
    check::profile(&profile).map_err(|error| JsonError::Check {
        what: "profile".into(),
        error,
    })?;
    spelled(bytes, &self::profile(account, &profile))?;
    Ok((account, profile))
}

/// `follows.json`, in the order of [`Followee`].
#[must_use]
pub fn follows(account: Account, follows: &Follows) -> Vec<u8> {
    let follows = follows.iter().map(|(followee, follow)| {
        let (account, feed) = match followee {
            Followee::Account(account) => (Some(*account), None),
            Followee::Feed(url) => (None, Some(url.as_str().into())),
        };
        WireFollow {
            account,
            feed,
            following: follow.value.following,
            title: follow.value.title.as_deref().map(Into::into),
            written: follow.written,
        }
    });
    canonical(&FollowsFile {
        own: own(account),
        follows: follows.collect(),
    })
}

/// Reads `follows.json`.
///
/// # Errors
/// [`JsonError`].
pub fn parse_follows(bytes: &[u8]) -> Result<(Account, Follows), JsonError> {
    let file: FollowsFile<'_> = parse(bytes)?;
    let mut follows = Follows::new();
    for row in file.follows {
        let followee = match (row.account, row.feed) {
            (Some(account), None) => Followee::Account(account),
            (None, Some(url)) => Followee::Feed(url.into_owned()),
            _ => return Err(JsonError::Derived("account")),
        };
        if follows
            .last_key_value()
            .is_some_and(|(last, _)| *last >= followee)
        {
            return Err(JsonError::Order("follows"));
        }
        let title = row.title.map(Text::into_owned);
        let follow = Follow {
            following: row.following,
            title,
        };
        follows.insert(followee, stamped(follow, row.written));
    }
    check::follows(&follows).map_err(|error| JsonError::Check {
        what: "follows".into(),
        error,
    })?;
    spelled(bytes, &self::follows(file.own.account, &follows))?;
    Ok((file.own.account, follows))
}

/// `tombstones/KEY.json`, in the order given.
#[must_use]
pub fn tombstones(account: Account, tombstones: &[Tombstone]) -> Vec<u8> {
    canonical(&TombstonesFile {
        own: own(account),
        tombstones: tombstones.into(),
    })
}

/// Reads `tombstones/KEY.json`.
///
/// # Errors
/// [`JsonError`].
pub fn parse_tombstones(bytes: &[u8]) -> Result<(Account, Vec<Tombstone>), JsonError> {
    let file: TombstonesFile<'_> = parse(bytes)?;
    for tombstone in file.tombstones.iter() {
        check::tombstone(tombstone).map_err(|error| JsonError::Check {
            what: format!("tombstone {}", tombstone.id),
            error,
        })?;
    }
    spelled(bytes, &tombstones(file.own.account, &file.tombstones))?;
    Ok((file.own.account, file.tombstones.into_owned()))
}

/// `reactions/KEY.json`, in the order given.
#[must_use]
pub fn reactions(account: Account, items: &[Item]) -> Vec<u8> {
    canonical(&ReactionsFile {
        own: own(account),
        reactions: sorted(items),
    })
}

/// Reads `reactions/KEY.json`.
///
/// # Errors
/// [`JsonError`]; a post among the reactions is one.
pub fn parse_reactions(bytes: &[u8]) -> Result<(Account, Vec<Item>), JsonError> {
    let file: ReactionsFile = parse(bytes)?;
    if file.reactions.iter().any(|item| item.0.kind.is_post()) {
        return Err(JsonError::Derived("kind"));
    }
    let items = checked(file.reactions)?;
    spelled(bytes, &reactions(file.own.account, &items))?;
    Ok((file.own.account, items))
}

/// `posts/ID/history.json`: the older versions of an item, in the order given.
#[must_use]
pub fn history(account: Account, older: &[Item]) -> Vec<u8> {
    canonical(&HistoryFile {
        own: own(account),
        versions: sorted(older),
    })
}

/// Reads `posts/ID/history.json`.
///
/// # Errors
/// [`JsonError`]; versions of more than one item are one.
pub fn parse_history(bytes: &[u8]) -> Result<(Account, Vec<Item>), JsonError> {
    let file: HistoryFile = parse(bytes)?;
    if file
        .versions
        .windows(2)
        .any(|pair| pair[0].0.id != pair[1].0.id)
    {
        return Err(JsonError::Derived("id"));
    }
    let older = checked(file.versions)?;
    spelled(bytes, &history(file.own.account, &older))?;
    Ok((file.own.account, older))
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, JsonError> {
    let renderer = renderer(bytes)?;
    if renderer != RENDERER {
        return Err(JsonError::Renderer(renderer));
    }
    serde_json::from_slice(bytes).map_err(form)
}

/// What is accepted is what would be written.
fn spelled(bytes: &[u8], written: &[u8]) -> Result<(), JsonError> {
    if bytes == written {
        Ok(())
    } else {
        Err(JsonError::Spelling)
    }
}

fn own(account: Account) -> Own {
    Own {
        account,
        renderer: RENDERER,
    }
}

fn sorted(items: &[Item]) -> Vec<SortedItem> {
    items.iter().cloned().map(SortedItem).collect()
}

fn checked(items: Vec<SortedItem>) -> Result<Vec<Item>, JsonError> {
    let items: Vec<Item> = items.into_iter().map(|item| item.0).collect();
    for item in &items {
        check::item(item).map_err(|error| refused(item, error))?;
    }
    Ok(items)
}

fn stamped<T>(value: T, written: Millis) -> Stamped<T> {
    Stamped { value, written }
}

fn picture(wire: Option<WireAttachment<'_>>) -> Result<Option<Attachment>, JsonError> {
    wire.map(|wire| source_attachment(wire, "")).transpose()
}
