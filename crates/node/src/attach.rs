//! Attaching: from a file of a person's machine to files of the feed and what an item says
//! of them.
//!
//! What is published is decided by the content, never by the name, and holds nothing of
//! the file but what it shows or sounds like: that is the work of the media crate. The
//! files lie in a stage of the store until the item that names them is published.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use data_encoding::BASE64;
use ourspace_media::{Clean, Encoded, Kind, MediaError, PICTURE_BYTES, Picture};
use ourspace_protocol::{
    feed::{
        clean,
        model::{Attachment, File as FeedFile},
    },
    limits,
    time::{Millis, year_month},
};
use ourspace_store::{Stage, StoreError};

use crate::home::Home;

/// Bytes by which a file is recognised.
const HEAD: u64 = 8 * 1024;

/// A file cannot be attached; nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// There is no such file.
    #[error("there is no file {}", .0.display())]
    Absent(PathBuf),
    /// A folder, a device, a pipe.
    #[error("{} is {what}, not a file: name the file itself", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// It cannot be opened or read.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not taken, or damaged.
    #[error(transparent)]
    Media(MediaError),
    /// A description that is too long.
    #[error("the description has {0} bytes, but may have at most {max}: shorten it", max = limits::ALT_BYTES)]
    Alt(usize),
    /// It cannot be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<MediaError> for AttachError {
    fn from(error: MediaError) -> Self {
        match error {
            MediaError::Write(error) if is_full(&error) => Self::Store(StoreError::Full),
            error => Self::Media(error),
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Opens a file that is to be attached. Never waits, as opening a pipe would.
///
/// # Errors
/// [`AttachError::Absent`], [`AttachError::NotAFile`], [`AttachError::Read`].
pub fn open(path: &Path) -> Result<File, AttachError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => AttachError::Absent(path.to_owned()),
        _ => AttachError::Read {
            path: path.to_owned(),
            source,
        },
    };
    let found = fs::metadata(path).map_err(failed)?;
    if !found.is_file() {
        return Err(AttachError::NotAFile {
            path: path.to_owned(),
            what: if found.is_dir() {
                "a folder"
            } else {
                "a pipe or a device"
            },
        });
    }
    File::open(path).map_err(failed)
}

/// Takes files for one item.
#[derive(Debug)]
pub struct Attacher<'h> {
    stage: Stage<'h>,
    /// Where copies lie while they are made: on the disk of the home, without a name.
    scratch: &'h Path,
    /// The folder of the tree.
    folder: String,
}

impl<'h> Attacher<'h> {
    /// Takes files for an item of this date, or for the profile.
    ///
    /// # Errors
    /// [`AttachError::Store`] when the home was opened for reading only.
    pub fn new(home: &'h Home, date: Millis) -> Result<Self, AttachError> {
        let (year, month) = year_month(date);
        Ok(Self {
            stage: home.store().stage()?,
            scratch: home.path(),
            folder: format!("media/{year:04}/{month:02}"),
        })
    }

    /// What is taken from now on is for an item of this date.
    pub fn date(&mut self, date: Millis) {
        let (year, month) = year_month(date);
        self.folder = format!("media/{year:04}/{month:02}");
    }

    /// Takes a picture, sound or video; `original` keeps a picture as it was taken beside
    /// its smaller sizes, without its metadata.
    ///
    /// # Errors
    /// [`AttachError`], which says what to do; what was taken before is still there.
    pub fn add(
        &mut self,
        mut input: impl Read + Seek,
        alt: &str,
        original: bool,
    ) -> Result<Attachment, AttachError> {
        let alt = description(alt)?;
        let mut head = Vec::new();
        input.seek(SeekFrom::Start(0)).map_err(MediaError::Read)?;
        let mut begin = input.by_ref().take(HEAD);
        begin.read_to_end(&mut head).map_err(MediaError::Read)?;
        let media = ourspace_media::sniff(&head)?;
        input.seek(SeekFrom::Start(0)).map_err(MediaError::Read)?;
        let mut attachment = match media.kind {
            Kind::Picture => {
                let picture = ourspace_media::picture(&whole(input)?, original)?;
                self.picture(&picture)?
            }
            Kind::Video | Kind::Audio => self.stream(input)?,
        };
        attachment.alt = alt;
        Ok(attachment)
    }

    /// Takes a picture of a person: cut to a square.
    ///
    /// # Errors
    /// As [`add`](Self::add); sound and video are refused.
    pub fn add_avatar(&mut self, input: impl Read + Seek) -> Result<Attachment, AttachError> {
        let picture = ourspace_media::avatar(&whole(input)?)?;
        self.picture(&picture)
    }

    /// Takes a picture for the top of the page.
    ///
    /// # Errors
    /// As [`add`](Self::add); sound and video are refused.
    pub fn add_banner(&mut self, input: impl Read + Seek) -> Result<Attachment, AttachError> {
        let picture = ourspace_media::picture(&whole(input)?, false)?;
        self.picture(&picture)
    }

    /// What was taken, for [`publish_with`](crate::publish::publish_with).
    #[must_use]
    pub fn finish(self) -> Stage<'h> {
        self.stage
    }

    fn picture(&mut self, picture: &Picture) -> Result<Attachment, AttachError> {
        let mut attachment = Attachment::new(self.encoded(&picture.wide)?, "");
        attachment.thumbhash = Some(BASE64.encode(&picture.thumbhash));
        if let Some(small) = &picture.small {
            attachment.variants.push(self.encoded(small)?);
        }
        if let Some(original) = &picture.original {
            attachment.original = Some(self.encoded(original)?);
        }
        Ok(attachment)
    }

    fn encoded(&mut self, encoded: &Encoded) -> Result<FeedFile, AttachError> {
        let pixels = Some((encoded.width, encoded.height));
        self.keep(
            &mut encoded.bytes.as_slice(),
            (encoded.mime, encoded.extension),
            pixels,
        )
    }

    fn stream(&mut self, input: impl Read + Seek) -> Result<Attachment, AttachError> {
        let failed = |error: io::Error| AttachError::from(MediaError::Write(error));
        let mut copy = tempfile::tempfile_in(self.scratch).map_err(failed)?;
        let mut out = io::BufWriter::with_capacity(256 * 1024, &mut copy);
        let Clean {
            media,
            duration,
            pixels,
            ..
        } = ourspace_media::clean(input, &mut out)?;
        out.into_inner()
            .map_err(|error| failed(error.into_error()))?;
        copy.seek(SeekFrom::Start(0)).map_err(failed)?;
        let file = self.keep(&mut copy, (media.mime, media.extension), pixels)?;
        let mut attachment = Attachment::new(file, "");
        attachment.duration = duration.filter(|ms| *ms > 0);
        Ok(attachment)
    }

    fn keep(
        &mut self,
        input: &mut dyn Read,
        (mime, extension): (&str, &str),
        pixels: Option<(u32, u32)>,
    ) -> Result<FeedFile, AttachError> {
        let dag = self.stage.add(input)?;
        Ok(FeedFile {
            path: format!("{}/{}.{extension}", self.folder, dag.cid),
            size: dag.size,
            mime: mime.to_owned(),
            pixels,
        })
    }
}

fn description(alt: &str) -> Result<String, AttachError> {
    let alt = clean::text(alt.trim());
    if alt.len() > limits::ALT_BYTES {
        return Err(AttachError::Alt(alt.len()));
    }
    Ok(alt)
}

/// All of a picture; one byte more than is taken where it is larger, so that it is refused.
fn whole(input: impl Read) -> Result<Vec<u8>, AttachError> {
    let mut bytes = Vec::new();
    let mut limited = input.take(PICTURE_BYTES + 1);
    limited.read_to_end(&mut bytes).map_err(MediaError::Read)?;
    Ok(bytes)
}
