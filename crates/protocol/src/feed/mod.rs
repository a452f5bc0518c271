//! The feed: posts, profile and follows as a tree of ordinary files.
//!
//! Data goes one way: [`model`] says what a feed holds, [`set`] merges histories into one
//! set, [`pages`] cuts the sorted set into pages, the renderers ([`json`], [`rss`],
//! [`html`], [`opml`]) are pure functions of a page, and [`tree`] joins their files into
//! the directory whose CID a record names. Nothing here reads a file or asks the time.

pub mod model;
pub mod page;
pub mod pages;
pub mod set;
pub mod state;
