//! The nouns of this crate: what a file is, and what came of it.

/// What a file is, decided by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A still or moving picture without sound: JPEG, PNG, GIF, WebP.
    Picture,
    /// Moving pictures, mostly with sound: MP4, MOV, WebM.
    Video,
    /// Sound alone: MP3, M4A, AAC, OGG, Opus, FLAC, WAV, WebM.
    Audio,
}

/// A kind of file that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Type {
    /// What it is.
    pub kind: Kind,
    /// Its media type as browsers expect it, such as `video/mp4`.
    pub mime: &'static str,
    /// The usual ending of its name, without a dot.
    pub extension: &'static str,
}

impl Type {
    pub(crate) const JPEG: Self = Self::new(Kind::Picture, "image/jpeg", "jpg");
    pub(crate) const PNG: Self = Self::new(Kind::Picture, "image/png", "png");
    pub(crate) const GIF: Self = Self::new(Kind::Picture, "image/gif", "gif");
    pub(crate) const WEBP: Self = Self::new(Kind::Picture, "image/webp", "webp");
    pub(crate) const MP4: Self = Self::new(Kind::Video, "video/mp4", "mp4");
    pub(crate) const MOV: Self = Self::new(Kind::Video, "video/quicktime", "mov");
    pub(crate) const M4A: Self = Self::new(Kind::Audio, "audio/mp4", "m4a");
    pub(crate) const WEBM: Self = Self::new(Kind::Video, "video/webm", "webm");
    pub(crate) const WEBM_SOUND: Self = Self::new(Kind::Audio, "audio/webm", "webm");
    pub(crate) const MP3: Self = Self::new(Kind::Audio, "audio/mpeg", "mp3");
    pub(crate) const AAC: Self = Self::new(Kind::Audio, "audio/aac", "aac");
    pub(crate) const OGG: Self = Self::new(Kind::Audio, "audio/ogg", "ogg");
    pub(crate) const OPUS: Self = Self::new(Kind::Audio, "audio/ogg", "opus");
    pub(crate) const FLAC: Self = Self::new(Kind::Audio, "audio/flac", "flac");
    pub(crate) const WAV: Self = Self::new(Kind::Audio, "audio/wav", "wav");

    const fn new(kind: Kind, mime: &'static str, extension: &'static str) -> Self {
        Self {
            kind,
            mime,
            extension,
        }
    }
}

/// A picture file that was made here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub mime: &'static str,
    /// The usual ending of its name, without a dot.
    pub extension: &'static str,
    /// Width in pixels as shown (for an original: after its orientation is applied).
    pub width: u32,
    /// Height in pixels as shown.
    pub height: u32,
}

/// What a picture becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Lossy WebP, upright, sRGB, at most 1600 px on its longer side.
    pub wide: Encoded,
    /// The same at 480 px; `None` when `wide` is not larger than that.
    pub small: Option<Encoded>,
    /// The thumbhash (about 25 bytes): colours and shape to show while the picture loads.
    pub thumbhash: Vec<u8>,
    /// The file as it was taken, without metadata, its pixels untouched; only on demand.
    pub original: Option<Encoded>,
}

/// What is known of a video or sound after it was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clean {
    /// What it is: an MP4 or WebM without pictures is sound.
    pub media: Type,
    /// Bytes written.
    pub size: u64,
    /// Length in milliseconds, when the file tells.
    pub duration: Option<u64>,
    /// Width and height as shown, of the first picture stream.
    pub pixels: Option<(u32, u32)>,
    /// The title that the file carried. It is not in the copy; ask the author before it is
    /// published.
    pub title: Option<String>,
}
