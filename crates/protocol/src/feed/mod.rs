//! The feed: posts, profile and follows as a tree of ordinary files.
//!
//! Data goes one way: [`model`] says what a feed holds, [`set`] merges histories into one
//! set, [`pages`] cuts the sorted set into pages, the renderers ([`json`], [`rss`],
//! [`html`], [`opml`]) are pure functions of a page, and [`tree`] joins their files into
//! the directory whose CID a record names. Nothing here reads a file or asks the time.

pub mod all;
pub mod assets;
mod body;
pub mod check;
pub mod clean;
pub mod error;
pub mod html;
pub mod id;
pub mod json;
mod live;
pub mod markdown;
pub mod model;
pub mod opml;
pub mod page;
pub mod pages;
mod parts;
pub mod read;
pub mod render;
pub mod rss;
#[cfg(test)]
pub(crate) mod samples;
pub mod set;
pub mod state;
pub mod text;
pub mod tree;
