//! Talking to the node that runs: commands ask it over a socket in the home.
//!
//! A request is one line of JSON, its answers are lines of JSON, the last one says so. Only
//! whoever may read the home can reach the socket. What a command writes, it writes itself;
//! the node is only told that there is something new, or asked what it alone knows.

mod client;
mod server;

pub(crate) use client::{Client, changed};
pub(crate) use server::{Control, serve};

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
};

use ourspace_protocol::account::Account;
use serde::{Deserialize, Serialize};

/// Bytes of a request.
const REQUEST: u64 = 16 * 1024;
/// Longer paths cannot be those of sockets everywhere.
const LONGEST: usize = 100;

/// What a node is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Something was changed in the home.
    Changed,
    /// There may be more to fetch of everybody.
    Again,
    /// How is it doing?
    Network,
    /// Connect to a node.
    Dial {
        /// Its address.
        address: String,
    },
    /// Look for the newest records of an account.
    Resolve {
        /// Whose.
        account: Account,
        /// Where the feed may be, besides.
        locations: Vec<String>,
    },
    /// Put the newest record of an account into the DHT, and announce it.
    Publish,
    /// Look for an account's newest records, and fetch what is missing of its feed.
    Find {
        /// Whose.
        account: Account,
        /// Where the feed may be, besides.
        locations: Vec<String>,
    },
}

/// One line of an answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// A part.
    Part(serde_json::Value),
    /// It is done.
    Done,
    /// It was not done.
    Failed(String),
}

/// Where the socket of a home is.
pub(crate) fn socket_path(home: &Path) -> PathBuf {
    let path = home.join("node.sock");
    if path.as_os_str().len() <= LONGEST {
        return path;
    }
    let mut hasher = DefaultHasher::new();
    home.hash(&mut hasher);
    let folder = std::env::temp_dir().join(format!("ourspace-{:016x}", hasher.finish()));
    folder.join("node.sock")
}
