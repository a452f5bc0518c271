//! Reading a source to its end, before anything is changed.

use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read as _, Seek as _},
    path::Path,
};

use ourspace_protocol::{
    account::Account,
    feed::{model::Profile, set::Changes},
    time::Millis,
};

use super::{
    Progress, Source,
    convert::{self, Ready, Workshop},
    draft::{Draft, Media},
    error::ImportError,
    input::{Decoded, Meter},
    jsonfeed, mastodon, persona,
    persona::Persona,
    report::Tally,
    site,
    source::{Form, form},
    vault::{Packing, Vault},
    xml,
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
    pub(super) tally: Tally,
    /// The source's files.
    pub(super) vault: Option<Vault>,
    /// Who somebody was there, if that is wanted.
    pub(super) persona: Option<Persona>,
    /// What an exported feed of the same account holds, as it stands.
    pub(super) own: Changes,
    /// The profile in it.
    pub(super) own_profile: Option<Profile>,
}

/// What is wanted of a source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'w> {
    pub(super) account: Account,
    pub(super) now: Millis,
    pub(super) since: Option<Millis>,
    pub(super) profile: bool,
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

impl Basket<'_> {
    /// Takes a post.
    ///
    /// # Errors
    /// [`ImportError::TooMuch`].
    pub(super) fn take(&mut self, draft: Draft) -> Result<(), ImportError> {
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
        for media in std::mem::take(&mut post.media) {
            if let Some(name) = lies_in(vault.as_ref(), &media) {
                let local = Some(name);
                post.media.push(Media { local, ..media });
            } else if convert::link(&mut post.item, &media) {
                tally.linked_media += 1;
            } else {
                tally.lost_media += 1;
            }
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

/// Reads a source.
///
/// # Errors
/// [`ImportError`].
pub(super) fn gather(
    source: Source<'_>,
    wish: Wish<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Gathered, ImportError> {
    let meter = Meter::default();
    let mut basket = Basket {
        workshop: Workshop::new(wish.account, wish.now),
        wish,
        meter: &meter,
        progress,
        bytes: 0,
        gathered: Gathered::default(),
    };
    match source {
        Source::Path(path) if path.is_dir() => {
            let vault = Vault::folder(path, wish.scratch)?;
            of_vault(vault, &meter, &mut basket)?;
        }
        Source::Path(path) => {
            let file = File::open(path).map_err(|source| ImportError::Open {
                path: path.to_owned(),
                source,
            })?;
            let beside = path
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            let beside = Vault::folder(beside.unwrap_or(Path::new(".")), wish.scratch)?;
            of_file(file, Some(beside), &meter, &mut basket)?;
        }
        Source::Pipe(pipe) => {
            let mut file = tempfile::tempfile().map_err(ImportError::Read)?;
            io::copy(pipe, &mut file).map_err(ImportError::Read)?;
            file.rewind().map_err(ImportError::Read)?;
            of_file(file, None, &meter, &mut basket)?;
        }
    }
    Ok(basket.gathered)
}

fn of_file(
    mut file: File,
    beside: Option<Vault>,
    meter: &Meter,
    basket: &mut Basket<'_>,
) -> Result<(), ImportError> {
    let mut head = Vec::new();
    let mut begin = file.by_ref().take(4096);
    begin.read_to_end(&mut head).map_err(ImportError::Read)?;
    if let Some(packing) = Packing::of(&head) {
        file.rewind().map_err(ImportError::Read)?;
        let vault = Vault::archive(file, packing, basket.wish.scratch)?;
        return of_vault(vault, meter, basket);
    }
    basket.gathered.vault = beside;
    let input = Decoded::new(Cursor::new(&head).chain(&file), meter).map_err(ImportError::Read)?;
    match form(&head) {
        Form::Xml => xml::read(input, meter, &mut |draft| basket.take(draft)),
        Form::Json => jsonfeed::read(input, meter, &mut |draft| basket.take(draft)),
        Form::Outbox => {
            mastodon::read(input, meter, basket)?;
            persona::of_mastodon(basket)
        }
        Form::Other => Err(ImportError::NotAFeed),
    }
}

/// The names under which a folder of files has its feed, the most telling first.
const FEEDS: [&str; 6] = [
    "feed.json",
    "feed.xml",
    "rss.xml",
    "atom.xml",
    "index.xml",
    "feed.rss",
];

fn of_vault(mut vault: Vault, meter: &Meter, basket: &mut Basket<'_>) -> Result<(), ImportError> {
    if vault.find("outbox.json")
        && let Some(outbox) = vault.open("outbox.json")?
    {
        basket.gathered.vault = Some(vault);
        let input = Decoded::new(BufReader::new(outbox), meter).map_err(ImportError::Read)?;
        mastodon::read(input, meter, basket)?;
        return persona::of_mastodon(basket);
    }
    if vault.find("feed.json") && site::is_ours(&vault)? {
        return site::read(vault, basket);
    }
    for name in FEEDS {
        if vault.find(name)
            && let Some(file) = vault.open(name)?
        {
            return of_file(file, Some(vault), meter, basket);
        }
    }
    Err(ImportError::NotAFeed)
}

impl<'b> Basket<'b> {
    /// What is wanted.
    pub(super) fn wish(&self) -> Wish<'b> {
        self.wish
    }
}
