//! The files that are the same in every feed: style, script, transformation.
//!
//! They are part of the renderer version and so never change for it. A later version's
//! replace them at the same place, and must style the pages of the earlier ones too.

/// The files of renderer 1 by their path from the root of the tree.
pub const V1: [(&str, &[u8]); 3] = [
    ("feed.css", include_bytes!("assets/v1/feed.css")),
    ("feed.js", include_bytes!("assets/v1/feed.js")),
    ("feed.xsl", include_bytes!("assets/v1/feed.xsl")),
];
