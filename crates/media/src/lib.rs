//! Pictures, sound and video on their way into a feed: what a file is, whether it is
//! taken, and a copy of it that tells nothing but what it shows.
//!
//! This room takes bytes or readers and gives bytes or writes to a writer. It knows no
//! network, no clock, no terminal and nothing of the feed. It is called by whoever adds an
//! attachment, and by nobody who only reads: strangers' pictures are never decoded here on
//! behalf of a reader.
//!
//! - [`sniff()`] decides by content what a file is, and refuses what browsers cannot show.
//! - [`picture()`] and [`avatar`] make upright WebP variants in sRGB, and on demand a copy of
//!   the original without metadata.
//! - [`clean()`] copies video and sound: the same streams, without metadata.
//!
//! Every file is treated as a stranger's: each length is checked against what is there,
//! nothing is allocated by a number in a file beyond stated limits, and one picture is
//! decoded at a time.

mod clean;
mod error;
mod limits;
mod mp4;
mod picture;
mod sniff;
mod sound;
mod source;
mod strip;
mod title;
mod types;
mod webm;

pub use crate::{
    clean::clean,
    error::MediaError,
    limits::{PICTURE_BYTES, PICTURE_PIXELS},
    picture::{avatar, picture},
    sniff::sniff,
    types::{Clean, Encoded, Kind, Picture, Type},
};
