//! Who somebody was elsewhere, as a profile: taken only when it is asked for.

use ourspace_protocol::{
    feed::model::{Attachment, Link, Profile, Stamped},
    limits,
    time::Millis,
};

/// What a profile gets from a source. What is not there stays as it is.
#[derive(Debug, Default)]
pub(super) struct Persona {
    pub(super) name: Option<String>,
    /// In Markdown.
    pub(super) bio: Option<String>,
    pub(super) links: Vec<Link>,
    /// Files of the source.
    pub(super) avatar: Option<String>,
    pub(super) banner: Option<String>,
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
