//! Taking in the files that posts name and the source holds.
//!
//! Pictures, sounds and films go through the same door as those that a person attaches:
//! known by their content, without their metadata. The files of an exported feed are as
//! they shall be already: they are kept byte for byte, when their bytes are those that
//! their name stands for.

use std::{
    collections::{HashMap, HashSet},
    io::Read as _,
};

use ourspace_protocol::{
    feed::{
        check::forms,
        model::{Attachment, File, Item, Profile, Stamped},
    },
    limits,
    time::Millis,
};
use ourspace_store::Stage;

use super::{
    error::ImportError,
    merge::{Planned, file_name},
    persona::Persona,
    report::Tally,
    vault::Vault,
};
use crate::{
    attach::{AttachError, Attacher},
    home::Home,
};

/// Takes files for posts.
#[derive(Debug)]
pub(super) struct Porter<'h, 'v> {
    vault: &'v Vault,
    attacher: Attacher<'h>,
    tally: &'v mut Tally,
}

impl<'h, 'v> Porter<'h, 'v> {
    /// # Errors
    /// [`ImportError::Attach`] when the home cannot be written.
    pub(super) fn new(
        home: &'h Home,
        vault: &'v Vault,
        tally: &'v mut Tally,
    ) -> Result<Self, ImportError> {
        Ok(Self {
            vault,
            attacher: Attacher::new(home, 0)?,
            tally,
        })
    }

    /// Attaches to a post the files that it names. Says whether it is to be added to the
    /// feed: not when it waited only for files and got none.
    ///
    /// # Errors
    /// [`ImportError::Attach`] when they cannot be stored; one that is no picture, sound
    /// or film is only counted.
    pub(super) fn attach(&mut self, planned: &mut Planned) -> Result<bool, ImportError> {
        self.attacher.date(planned.item.date);
        let before = match planned.had {
            Some(_) => std::mem::take(&mut planned.item.attachments),
            None => Vec::new(),
        };
        for media in std::mem::take(&mut planned.media) {
            let name = media.local.as_deref().unwrap_or_default();
            if planned.item.attachments.len() >= limits::ATTACHMENTS {
                self.lost(name, "a post holds at most 32 files");
                continue;
            }
            let Some(file) = self.vault.open(name)? else {
                self.lost(name, "it is not there");
                continue;
            };
            let mut alt = media.alt;
            ourspace_protocol::feed::clean::shorten(&mut alt, limits::ALT_BYTES);
            match self.attacher.add(file, &alt, false) {
                Ok(attachment) => planned.item.attachments.push(attachment),
                Err(error) => self.not_taken(name, error)?,
            }
        }
        let mut new = planned.item.attachments.len();
        if let Some(had) = &planned.had {
            new = complete(&mut planned.item.attachments, before, had);
        }
        self.tally.media += new as u64;
        if planned.had.is_some() && new == 0 {
            self.tally.updated -= 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// Takes the pictures of a person: the small one, and the one for the top of the page.
    ///
    /// # Errors
    /// As [`attach`](Self::attach).
    pub(super) fn portraits(
        &mut self,
        persona: &Persona,
        now: Millis,
    ) -> Result<(Option<Attachment>, Option<Attachment>), ImportError> {
        self.attacher.date(now);
        let taken = |porter: &mut Self, name: &Option<String>, wide| match name {
            Some(name) => porter.portrait(name, wide),
            None => Ok(None),
        };
        let avatar = taken(self, &persona.avatar, false)?;
        let banner = taken(self, &persona.banner, true)?;
        Ok((avatar, banner))
    }

    fn portrait(&mut self, name: &str, wide: bool) -> Result<Option<Attachment>, ImportError> {
        let Some(file) = self.vault.open(name)? else {
            return Ok(None);
        };
        let taken = match wide {
            true => self.attacher.add_banner(file),
            false => self.attacher.add_avatar(file),
        };
        match taken {
            Ok(picture) => Ok(Some(picture)),
            Err(error) => self.not_taken(name, error).map(|()| None),
        }
    }

    fn not_taken(&mut self, name: &str, error: AttachError) -> Result<(), ImportError> {
        match error {
            AttachError::Store(_) => Err(error.into()),
            error => {
                self.lost(name, &error.to_string());
                Ok(())
            }
        }
    }

    fn lost(&mut self, name: &str, why: &str) {
        self.tally.lost_media += 1;
        let name: String = name.escape_debug().take(120).collect();
        self.tally.warn(format!("{name}: {why}"));
    }

    /// What was taken.
    pub(super) fn finish(self) -> Stage<'h> {
        self.attacher.finish()
    }
}

/// Of the files that a source holds (`all`, which it leaves as the post shall have them),
/// adds to those that a post has (`before`) what no version of it `had`: what its author
/// has removed stays removed. Gives how many.
fn complete(all: &mut Vec<Attachment>, before: Vec<Attachment>, had: &HashSet<String>) -> usize {
    fn name(attachment: &Attachment) -> &str {
        file_name(&attachment.file.path)
    }
    let room = limits::ATTACHMENTS.saturating_sub(before.len());
    let mut before: Vec<Option<Attachment>> = before.into_iter().map(Some).collect();
    let mut new = 0;
    let mut whole = Vec::new();
    for attachment in std::mem::take(all) {
        let same = |known: &&mut Option<Attachment>| {
            known
                .as_ref()
                .is_some_and(|known| name(known) == name(&attachment))
        };
        // Its author may have described it anew.
        if let Some(known) = before.iter_mut().find(same) {
            whole.extend(known.take());
        } else if !had.contains(name(&attachment)) && new < room {
            new += 1;
            whole.push(attachment);
        }
    }
    whole.extend(before.into_iter().flatten());
    *all = whole;
    new
}

/// Bytes by which a file is recognised.
const HEAD: u64 = 8 * 1024;

/// Keeps the files of an exported feed that its items name; an attachment whose file is
/// not there, or is another, goes.
///
/// # Errors
/// [`ImportError::Attach`] when they cannot be stored.
pub(super) fn keep(
    stage: &mut Stage<'_>,
    vault: &Vault,
    items: &mut [Item],
    tally: &mut Tally,
) -> Result<(), ImportError> {
    let mut known = HashMap::new();
    for item in items {
        let mut kept = Vec::new();
        for attachment in std::mem::take(&mut item.attachments) {
            let mut good = true;
            for file in attachment.files() {
                let known = match known.get(&file.path) {
                    Some(known) => *known,
                    None => keep_one(stage, vault, file)?,
                };
                good &= known;
                tally.media += u64::from(known);
            }
            known.extend(attachment.files().map(|file| (file.path.clone(), good)));
            match good {
                true => kept.push(attachment),
                false => tally.lost_media += 1,
            }
        }
        item.attachments = kept;
    }
    Ok(())
}

/// Keeps the pictures of a profile; one whose files are not there is left out as if it had
/// never been written.
///
/// # Errors
/// [`ImportError::Attach`] when they cannot be stored.
pub(super) fn keep_portraits(
    stage: &mut Stage<'_>,
    vault: &Vault,
    profile: &mut Profile,
) -> Result<(), ImportError> {
    for picture in [&mut profile.avatar, &mut profile.banner] {
        let mut good = true;
        for file in picture.value.iter().flat_map(Attachment::files) {
            good &= keep_one(stage, vault, file)?;
        }
        if !good {
            *picture = Stamped::default();
        }
    }
    Ok(())
}

/// Keeps a file; says whether it is the one that its path names.
fn keep_one(stage: &mut Stage<'_>, vault: &Vault, file: &File) -> Result<bool, ImportError> {
    let Some(mut bytes) = vault.open(&file.path)? else {
        return Ok(false);
    };
    let mut head = Vec::new();
    let mut begin = (&mut bytes).take(HEAD);
    begin.read_to_end(&mut head).map_err(ImportError::Read)?;
    let right = ourspace_media::sniff(&head).is_ok_and(|found| found.mime == file.mime);
    let size = bytes.metadata().map_err(ImportError::Read)?.len();
    if !right || size != file.size {
        return Ok(false);
    }
    let mut whole = std::io::Cursor::new(head).chain(bytes);
    let dag = stage.add(&mut whole).map_err(AttachError::from)?;
    Ok(forms::media_cid(&file.path) == Some(dag.cid.to_string().as_str()))
}
