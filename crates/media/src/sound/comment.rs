//! Vorbis comments, as OGG and FLAC carry them: the title is read, nothing is kept.

use crate::{source::le32, title};

/// The value of TITLE.
pub(crate) fn title(block: &[u8]) -> Option<String> {
    let vendor = le32(block, 0)? as usize;
    let count = le32(block, vendor.checked_add(4)?)?;
    let mut at = vendor.checked_add(8)?;
    for _ in 0..count {
        let len = le32(block, at)? as usize;
        let start = at.checked_add(4)?;
        at = start.checked_add(len)?;
        let comment = block.get(start..at)?;
        let name = comment.get(..6).unwrap_or_default();
        if name.eq_ignore_ascii_case(b"TITLE=") {
            return title::from_utf8(&comment[6..]);
        }
    }
    None
}
