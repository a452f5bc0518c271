//! Pictures, sound and video of strangers.

use std::io::Cursor;

use ourspace_media::{clean as clean_stream, picture as make_picture, sniff};

/// Larger pictures are for the tests of the media crate.
const LARGEST: usize = 64 * 1024;

/// A picture: what comes out is a picture of the sizes that feeds hold.
pub fn picture(bytes: &[u8]) {
    if bytes.len() > LARGEST {
        return;
    }
    let Ok(picture) = make_picture(bytes, true) else {
        return;
    };
    for made in [Some(&picture.wide), picture.small.as_ref()]
        .into_iter()
        .flatten()
    {
        assert!(made.width.max(made.height) <= 1600);
        assert!(sniff(&made.bytes).is_ok_and(|kind| kind.mime == made.mime));
    }
    if let Some(original) = &picture.original {
        let again = make_picture(&original.bytes, true);
        assert!(again.is_ok(), "a cleaned original is no picture any more");
    }
}

/// Sound or video: what is clean stays as it is when it is cleaned again.
pub fn stream(bytes: &[u8]) {
    let mut once = Vec::new();
    let Ok(first) = clean_stream(Cursor::new(bytes), &mut once) else {
        return;
    };
    assert_eq!(first.size, once.len() as u64);
    let mut twice = Vec::new();
    // A broken file may be noticed only now, where it is read from another place.
    if clean_stream(Cursor::new(&once), &mut twice).is_err() {
        return;
    }
    assert!(once == twice, "cleaned twice it is different");
}
