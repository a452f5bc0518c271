//! What is gathered from a source, post by post.

use std::path::Path;

use ourspace_protocol::{
    account::Account,
    feed::{
        model::{Profile, Target},
        set::Changes,
    },
    time::Millis,
};

use super::{
    Progress,
    convert::{self, Ready, Workshop},
    draft::{Draft, Media},
    error::ImportError,
    input::Meter,
    persona::Persona,
    report::Tally,
    scope::Scope,
    vault::Vault,
};

/// Posts that are taken in at once.
const POSTS: u64 = 2_000_000;
/// Bytes of text that are taken in at once.
const TEXT: u64 = 2 << 30;
/// Posts between two signs of life.
const STEP: u64 = 256;

/// All that a source holds.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) ready: Vec<Ready>,
    /// What the feed says of itself.
    pub(super) feed: Scope,
    pub(super) tally: Tally,
    /// The source's files.
    pub(super) vault: Option<Vault>,
    /// Who somebody was there, if that is wanted.
    pub(super) persona: Option<Persona>,
    /// What an exported feed of the same account holds, as it stands.
    pub(super) own: Changes,
    /// The profile in it.
    pub(super) own_profile: Option<Profile>,
    /// When the record of that feed was signed, if it was checked by it.
    pub(super) signed: Option<Millis>,
}

/// What is wanted of a source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'w> {
    pub(super) account: Account,
    pub(super) now: Millis,
    pub(super) since: Option<Millis>,
    pub(super) profile: bool,
    /// Whether files that stay where they are, are to be told of.
    pub(super) linked: bool,
    /// Where files may lie for a while.
    pub(super) scratch: &'w Path,
}

/// Takes drafts and keeps what they become.
pub(super) struct Basket<'b> {
    pub(super) workshop: Workshop,
    wish: Wish<'b>,
    meter: &'b Meter,
    progress: &'b mut dyn FnMut(Progress),
    bytes: u64,
    pub(super) gathered: Gathered,
}

impl<'b> Basket<'b> {
    /// An empty one.
    pub(super) fn new(
        wish: Wish<'b>,
        meter: &'b Meter,
        progress: &'b mut dyn FnMut(Progress),
    ) -> Self {
        Self {
            workshop: Workshop::new(wish.account, wish.now),
            wish,
            meter,
            progress,
            bytes: 0,
            gathered: Gathered::default(),
        }
    }

    /// What is wanted.
    pub(super) fn wish(&self) -> Wish<'b> {
        self.wish
    }

    /// Takes a post.
    ///
    /// # Errors
    /// [`ImportError::TooMuch`], [`ImportError::OwnPart`].
    pub(super) fn take(&mut self, draft: Draft) -> Result<(), ImportError> {
        if self.is_own(&draft) {
            return Err(ImportError::OwnPart);
        }
        if !self.count(draft.published.or(draft.updated)) {
            return Ok(());
        }
        let Gathered {
            ready,
            tally,
            vault,
            ..
        } = &mut self.gathered;
        let Some(mut post) = self.workshop.item(draft, tally) else {
            return Ok(());
        };
        let mut linked = Vec::new();
        for media in std::mem::take(&mut post.media) {
            if let Some(name) = lies_in(vault.as_ref(), &media) {
                let local = Some(name);
                post.media.push(Media { local, ..media });
            } else if convert::link(&mut post.item, &media) {
                tally.linked_media += 1;
                linked.push(media);
            } else {
                post.missing = true;
                tally.lost_media += 1;
            }
        }
        if self.wish.linked {
            // So the files that are fetched of them are no difference from the source.
            post.missing |= !linked.is_empty();
            post.linked = (!linked.is_empty()).then(|| linked.into_boxed_slice());
        }
        self.bytes += post.item.text.len() as u64;
        ready.push(post);
        let too_much = |what, limit| Err(ImportError::TooMuch { what, limit });
        match (ready.len() as u64 > POSTS, self.bytes > TEXT) {
            (true, _) => too_much("posts", POSTS),
            (_, true) => too_much("bytes of text", TEXT),
            _ => Ok(()),
        }
    }

    /// Whether a draft is an item of this very account: a single file of an exported feed
    /// says less than the item is, and would become a worse version of it.
    fn is_own(&self, draft: &Draft) -> bool {
        let identity = draft.identity.as_deref().map(str::parse);
        matches!(identity, Some(Ok(Target::Item(account, _))) if account == self.wish.account)
    }

    /// Leaves out a post that not everyone could see.
    pub(super) fn leave_private(&mut self) {
        self.gathered.tally.found += 1;
        self.gathered.tally.private += 1;
    }

    /// Counts a post; says whether it is wanted.
    pub(super) fn count(&mut self, date: Option<Millis>) -> bool {
        let tally = &mut self.gathered.tally;
        tally.found += 1;
        if tally.found.is_multiple_of(STEP) {
            (self.progress)(Progress::Read(self.meter.total()));
        }
        let wanted = match (self.wish.since, date) {
            (Some(since), Some(date)) => date >= since,
            _ => true,
        };
        tally.before += u64::from(!wanted);
        wanted
    }
}

/// The file of the source that a post names, if it is there.
fn lies_in(vault: Option<&Vault>, media: &Media) -> Option<String> {
    let relative = (!media.url.contains(':')).then_some(&media.url);
    let name = media.local.as_ref().or(relative)?;
    vault?.has(name).then(|| name.clone())
}
