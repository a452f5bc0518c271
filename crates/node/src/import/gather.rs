//! Reading a source to its end, before anything is changed.

use std::{
    fs::File,
    io::{Read as _, Seek as _},
};

use ourspace_protocol::{account::Account, time::Millis};

use super::{
    Progress, Source,
    convert::{self, Ready, Workshop},
    draft::Draft,
    error::ImportError,
    input::{Decoded, Meter},
    jsonfeed,
    report::Tally,
    source::{Form, form},
    xml,
};

/// Posts that are taken in at once.
const POSTS: u64 = 2_000_000;
/// Bytes of text that are taken in at once.
const TEXT: u64 = 2 << 30;
/// Posts between two signs of life.
const STEP: u64 = 256;

/// All posts of a source.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) ready: Vec<Ready>,
    pub(super) tally: Tally,
}

/// Takes drafts and keeps what they become.
pub(super) struct Basket<'b> {
    workshop: Workshop,
    since: Option<Millis>,
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
        let Gathered { ready, tally } = &mut self.gathered;
        tally.found += 1;
        if tally.found.is_multiple_of(STEP) {
            (self.progress)(Progress::Read(self.meter.total()));
        }
        let date = draft.published.or(draft.updated);
        if let (Some(since), Some(date)) = (self.since, date)
            && date < since
        {
            tally.before += 1;
            return Ok(());
        }
        let Some(mut post) = self.workshop.item(draft, tally) else {
            return Ok(());
        };
        for media in std::mem::take(&mut post.media) {
            match convert::link(&mut post.item, &media) {
                true => tally.linked_media += 1,
                false => tally.lost_media += 1,
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
}

/// The file to read, which can be read from its beginning.
fn open(source: Source<'_>) -> Result<File, ImportError> {
    match source {
        Source::Path(path) => File::open(path).map_err(|source| ImportError::Open {
            path: path.to_owned(),
            source,
        }),
        Source::Pipe(pipe) => {
            let mut file = tempfile::tempfile().map_err(ImportError::Read)?;
            std::io::copy(pipe, &mut file).map_err(ImportError::Read)?;
            file.rewind().map_err(ImportError::Read)?;
            Ok(file)
        }
    }
}

/// Reads a source.
///
/// # Errors
/// [`ImportError`].
pub(super) fn gather(
    source: Source<'_>,
    (account, now): (Account, Millis),
    since: Option<Millis>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Gathered, ImportError> {
    let meter = Meter::default();
    let mut basket = Basket {
        workshop: Workshop::new(account, now),
        since,
        meter: &meter,
        progress,
        bytes: 0,
        gathered: Gathered {
            ready: Vec::new(),
            tally: Tally::default(),
        },
    };
    let mut file = open(source)?;
    let mut head = Vec::new();
    file.by_ref()
        .take(4096)
        .read_to_end(&mut head)
        .map_err(ImportError::Read)?;
    let whole = std::io::Cursor::new(head.clone()).chain(file);
    let input = Decoded::new(whole, &meter).map_err(ImportError::Read)?;
    match form(&head) {
        Form::Xml => xml::read(input, &meter, &mut |draft| basket.take(draft))?,
        Form::Json => jsonfeed::read(input, &meter, &mut |draft| basket.take(draft))?,
        Form::Other => return Err(ImportError::NotAFeed),
    }
    Ok(basket.gathered)
}
