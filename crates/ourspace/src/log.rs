//! The log: what the libraries note, on standard error. Warnings and errors, unless
//! `OURSPACE_LOG` names another level.

use std::{env, io};

use tracing_subscriber::filter::LevelFilter;

/// The environment variable with a level: off, error, warn, info, debug or trace.
const VARIABLE: &str = "OURSPACE_LOG";

/// Begins it. Nothing is written to a file, and nothing secret is noted by anybody.
pub(crate) fn begin() {
    let level = env::var(VARIABLE).ok().and_then(|name| name.parse().ok());
    let log = tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(LevelFilter::WARN))
        .with_writer(io::stderr)
        .with_target(false)
        .without_time();
    // Fails only where there is one already.
    log.try_init().unwrap_or(());
}
