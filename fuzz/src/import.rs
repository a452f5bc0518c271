//! What people bring from elsewhere: feeds and archives.

use ourspace_node::import::{Source, preview};
use ourspace_protocol::{account::Account, feed::check};

/// When everything happens.
const NOW: u64 = 1_764_000_000_000;

/// A feed or an archive: whatever is taken from it may stand in a feed.
pub fn import(mut bytes: &[u8]) {
    let account = Account([0x42; 20]);
    let source = Source::Pipe(&mut bytes);
    if let Ok(items) = preview((account, NOW), source, &std::env::temp_dir()) {
        for item in &items {
            assert_eq!(check::item(item), Ok(()), "an item came past the check");
        }
    }
}
