//! Directories of feeds that others have signed.

use ourspace_protocol::{
    dag::{Cid, Codec},
    limits,
};
use ourspace_store::Branch;

/// One directory block, as whoever fetches a tree goes down by it: from the top, and from
/// every directory that it leads to.
pub fn branch(bytes: &[u8]) {
    let cid = Cid::of(Codec::DagPb, bytes);
    let mut level = vec![Branch::top(&cid)];
    // A stranger may link the same bytes again and again, but no deeper than a feed goes.
    for depth in 0.. {
        let mut next = Vec::new();
        for branch in &level {
            let Ok(below) = branch.below(bytes) else {
                continue;
            };
            assert!(
                below.len() <= limits::BLOCK_LINKS,
                "more branches than links"
            );
            assert!(below.iter().all(|b| b.cid().codec() == Codec::DagPb));
            next.extend(below.into_iter().take(4));
        }
        if next.is_empty() {
            return;
        }
        assert!(depth < 40, "a feed's tree without an end");
        next.truncate(16);
        level = next;
    }
}
