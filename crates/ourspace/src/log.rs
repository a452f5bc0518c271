//! The log: what the libraries note, on standard error. Warnings and errors, unless
//! `OURSPACE_LOG` names another level; of what libp2p notes, errors only, since what is
//! wrong on the other side of a connection is none of a person's business.

use std::{env, io};

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// The environment variable with a level: off, error, warn, info, debug or trace.
const VARIABLE: &str = "OURSPACE_LOG";

/// Begins it. Nothing is written to a file, and nothing secret is noted by anybody.
pub(crate) fn begin() {
    let level = env::var(VARIABLE).ok().and_then(|name| name.parse().ok());
    let own = level.unwrap_or(LevelFilter::WARN);
    let filter = Targets::new()
        .with_default(own)
        .with_target("libp2p", level.unwrap_or(LevelFilter::ERROR))
        // It repeats each minute that nobody answers, which `doctor` says in plain words.
        .with_target("mainline", level.unwrap_or(LevelFilter::OFF));
    let log = tracing_subscriber::fmt()
        .with_max_level(own)
        .with_writer(io::stderr)
        .with_target(false)
        .without_time()
        .finish()
        .with(filter);
    // Fails only where there is one already.
    log.try_init().unwrap_or(());
}
