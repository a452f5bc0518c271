//! Who somebody was elsewhere, as a profile: taken only when it is asked for.

use ourspace_protocol::{
    feed::{
        clean,
        model::{Attachment, Link, Profile, Stamped},
    },
    limits,
    time::Millis,
};

use super::{error::ImportError, gather::Basket, mastodon};

/// What a profile gets from a source. What is not there stays as it is.
#[derive(Debug, Default)]
pub(super) struct Persona {
    name: Option<String>,
    bio: Option<String>,
    links: Vec<Link>,
    /// Files of the source.
    pub(super) avatar: Option<String>,
    pub(super) banner: Option<String>,
}

/// Reads who somebody was on Mastodon, if that is wanted.
///
/// # Errors
/// As [`mastodon::actor`].
pub(super) fn of_mastodon(basket: &mut Basket<'_>) -> Result<(), ImportError> {
    let vault = basket.gathered.vault.as_ref();
    let Some(vault) = vault.filter(|_| basket.wish().profile) else {
        return Ok(());
    };
    let Some(actor) = mastodon::actor(vault)? else {
        return Ok(());
    };
    let here = |file: Option<String>| file.filter(|file| vault.has(file));
    let link = |(label, url): (String, String)| {
        Some(Link {
            label: clean::line(&label, limits::LINE_BYTES)?,
            url: clean::url(&url)?,
        })
    };
    let persona = Persona {
        name: actor
            .name
            .and_then(|name| clean::line(&name, limits::LINE_BYTES)),
        bio: actor.summary.map(|html| basket.workshop.note(&html)),
        links: actor.links.into_iter().filter_map(link).collect(),
        avatar: here(actor.avatar),
        banner: here(actor.header),
    };
    basket.gathered.persona = Some(persona);
    Ok(())
}

impl Persona {
    /// The profile with what is different; `None` when nothing is.
    pub(super) fn onto(
        self,
        old: &Profile,
        (avatar, banner): (Option<Attachment>, Option<Attachment>),
        now: Millis,
    ) -> Option<Profile> {
        let mut links = old.links.value.clone();
        for link in self.links {
            if !links.contains(&link) && links.len() < limits::PROFILE_LIST {
                links.push(link);
            }
        }
        let mut profile = old.clone();
        put(&mut profile.display_name, self.name, now);
        put(&mut profile.bio, self.bio, now);
        put(&mut profile.links, Some(links), now);
        put_picture(&mut profile.avatar, avatar, now);
        put_picture(&mut profile.banner, banner, now);
        (profile != *old).then_some(profile)
    }
}

/// The same picture may lie in the folder of another month: its name says what it is.
fn put_picture(field: &mut Stamped<Option<Attachment>>, new: Option<Attachment>, now: Millis) {
    fn name(picture: Option<&Attachment>) -> Option<&str> {
        picture.and_then(|picture| picture.file.path.rsplit('/').next())
    }
    if new.is_some() && name(new.as_ref()) != name(field.value.as_ref()) {
        put(field, Some(new), now);
    }
}

fn put<T: PartialEq>(field: &mut Stamped<T>, value: Option<T>, now: Millis) {
    if let Some(value) = value.filter(|value| *value != field.value) {
        *field = Stamped {
            value,
            written: now.max(field.written + 1),
        };
    }
}
