//! What strangers' bytes are fed to: one function for each parser.
//!
//! A target takes any bytes. It panics when a rule is broken that must hold for all bytes
//! (what was read is written again as the same bytes, what was accepted passes the checks),
//! and the parser itself must neither panic nor hang nor take memory by a stranger's word.
//! The corpus of each target is replayed, whole and broken in thousands of ways, by this
//! crate's tests; `cargo xtask fuzz` searches on with coverage.

pub mod dag;
pub mod feed;
pub mod import;
pub mod media;
pub mod mirror;
pub mod network;
pub mod signed;
pub mod web;

/// A parser with a name.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and that of its corpus folder.
    pub name: &'static str,
    /// Feeds it.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target {
        name: "record",
        run: signed::record,
    },
    Target {
        name: "grant",
        run: signed::grant,
    },
    Target {
        name: "succession",
        run: signed::succession,
    },
    Target {
        name: "delta",
        run: signed::delta,
    },
    Target {
        name: "page",
        run: feed::page,
    },
    Target {
        name: "profile",
        run: feed::profile,
    },
    Target {
        name: "follows",
        run: feed::follows,
    },
    Target {
        name: "lists",
        run: feed::lists,
    },
    Target {
        name: "item",
        run: feed::item,
    },
    Target {
        name: "cid",
        run: dag::cid,
    },
    Target {
        name: "node",
        run: dag::node,
    },
    Target {
        name: "tree",
        run: dag::tree,
    },
    Target {
        name: "branch",
        run: mirror::branch,
    },
    Target {
        name: "picture",
        run: media::picture,
    },
    Target {
        name: "stream",
        run: media::stream,
    },
    Target {
        name: "bitswap",
        run: network::bitswap,
    },
    Target {
        name: "message",
        run: network::message,
    },
    Target {
        name: "row",
        run: network::row,
    },
    Target {
        name: "link",
        run: network::link,
    },
    Target {
        name: "import",
        run: import::import,
    },
    Target {
        name: "answer",
        run: web::answer,
    },
    Target {
        name: "webpage",
        run: web::page,
    },
];

/// The target with this name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|target| target.name == name).copied()
}
