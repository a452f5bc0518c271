//! Who the author says they are.

use ourspace_protocol::{
    feed::{
        check::forms::media_cid,
        clean,
        model::{Attachment, Link, Payment, Profile, Stamped},
        set::Changes,
        state::FeedState,
    },
    time::Millis,
};
use ourspace_store::Stage;

use super::fit;
use crate::{
    home::Home,
    publish::{PublishError, Published, publish_with},
};

/// What is to be different in the profile; what is `None` stays, what is empty goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileEdit {
    /// The name that is shown.
    pub display_name: Option<String>,
    /// The biography (Markdown).
    pub bio: Option<String>,
    /// A small square picture, as [`attach`](crate::attach) made it.
    pub avatar: Option<Option<Attachment>>,
    /// A wide picture.
    pub banner: Option<Option<Attachment>>,
    /// All links.
    pub links: Option<Vec<Link>>,
    /// Tox ID.
    pub tox: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// All payment addresses.
    pub payments: Option<Vec<Payment>>,
    /// All claimed names.
    pub names: Option<Vec<String>>,
    /// The language that is mostly written in.
    pub language: Option<String>,
}

/// Publishes a new profile, and keeps the files of `stage` that it names. Only what is
/// really different gets a new date.
///
/// # Errors
/// [`PublishError`]; nothing is changed then.
pub fn edit_profile(
    home: &Home,
    now: Millis,
    edit: ProfileEdit,
    stage: Option<Stage<'_>>,
) -> Result<Published, PublishError> {
    publish_with(home, now, stage, |feed| {
        let old = feed.profile()?;
        let new = apply(old.clone(), edit, now)?;
        Ok(Changes {
            profile: (new != old).then_some(new),
            ..Changes::default()
        })
    })
}

fn apply(mut profile: Profile, edit: ProfileEdit, now: Millis) -> Result<Profile, PublishError> {
    if let Some(name) = edit.display_name {
        let name = fit::line("name", &name)?.unwrap_or_default();
        stamp(&mut profile.display_name, name, now);
    }
    if let Some(bio) = edit.bio {
        stamp(&mut profile.bio, clean::text(&bio).trim().to_owned(), now);
    }
    if let Some(avatar) = edit.avatar {
        stamp_picture(&mut profile.avatar, avatar, now);
    }
    if let Some(banner) = edit.banner {
        stamp_picture(&mut profile.banner, banner, now);
    }
    if let Some(links) = edit.links {
        stamp(&mut profile.links, links, now);
    }
    if let Some(tox) = edit.tox {
        stamp(
            &mut profile.tox,
            given(&tox).map(|tox| tox.to_ascii_uppercase()),
            now,
        );
    }
    if let Some(email) = edit.email {
        stamp(&mut profile.email, given(&email), now);
    }
    if let Some(payments) = edit.payments {
        stamp(&mut profile.payments, payments, now);
    }
    if let Some(names) = edit.names {
        let names = names.iter().map(|name| name.trim().to_lowercase());
        stamp(&mut profile.names, names.collect(), now);
    }
    if let Some(language) = edit.language {
        stamp(&mut profile.language, given(&language), now);
    }
    Ok(profile)
}

fn given(value: &str) -> Option<String> {
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

fn stamp<T: PartialEq>(field: &mut Stamped<T>, value: T, now: Millis) {
    if field.value != value {
        field.written = fit::after(field.written, now);
        field.value = value;
    }
}

/// The same picture again, under another month's path, is no change.
fn stamp_picture(field: &mut Stamped<Option<Attachment>>, new: Option<Attachment>, now: Millis) {
    let cid = |picture: &Option<Attachment>| {
        let path = picture.as_ref().map(|picture| picture.file.path.clone());
        path.and_then(|path| media_cid(&path).map(str::to_owned))
    };
    if cid(&field.value) != cid(&new) {
        stamp(field, new, now);
    }
}
