//! Why a file is refused, in sentences for the person who chose it.

use std::io;

/// A file that is not taken, or could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// A kind of file that is not taken.
    #[error("{found} is not taken: {advice}")]
    NotTaken {
        /// What the file is.
        found: &'static str,
        /// What to do instead.
        advice: &'static str,
    },
    /// The file ends before what it announces.
    #[error("the {what} is cut off: its end is missing; copy or export it again")]
    CutOff {
        /// The kind of file.
        what: &'static str,
    },
    /// The file contradicts itself or its format.
    #[error("the {what} is damaged ({detail}); open it in another program and export it again")]
    Damaged {
        /// The kind of file.
        what: &'static str,
        /// What is wrong with it.
        detail: &'static str,
    },
    /// More pixels than are decoded.
    #[error(
        "the picture is {width} x {height} pixels, more than is taken ({} million, no side over {}): make it smaller first",
        crate::limits::PICTURE_PIXELS / 1_000_000,
        crate::limits::PICTURE_SIDE
    )]
    TooManyPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// Decoding would need more memory than is given to one picture.
    #[error(
        "decoding the picture would need {needed} MB of memory, more than {limit} MB: {advice}"
    )]
    TooMuchMemory {
        /// Estimated need in MB.
        needed: u64,
        /// The limit in MB.
        limit: u64,
        /// What to do.
        advice: &'static str,
    },
    /// A file, or a part of it that must be held in memory, is too large.
    #[error("the {what} is {size} bytes, more than the {limit} that are taken: make it smaller")]
    TooLarge {
        /// The file or the part.
        what: &'static str,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The picture could not be decoded.
    #[error(
        "the picture could not be decoded ({0}); open it in another program and export it again"
    )]
    Decode(String),
    /// A variant could not be made.
    #[error("the picture's WebP could not be made ({0}); please report this with the picture")]
    Encode(String),
    /// The file could not be read.
    #[error("the file could not be read: {0}")]
    Read(#[source] io::Error),
    /// The copy could not be written.
    #[error("the copy could not be written: {0}")]
    Write(#[source] io::Error),
}
