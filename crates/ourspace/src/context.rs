//! What every command is given: where the home is, how to answer, what time it is.

use std::{
    env,
    io::{self, IsTerminal as _},
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::Args;
use ourspace_node::{Home, HomeError, account};
use ourspace_protocol::time::{Millis, rfc3339};

use crate::{failure::Failure, output::Output};

/// The environment variable that may say where the home is.
const VARIABLE: &str = "OURSPACE_HOME";

/// No machine has this program before 2024: a clock that says so was reset, by an empty
/// battery for example. How far a clock is *ahead* nothing here can tell.
const EARLIEST: Millis = 1_704_067_200_000;

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The folder that holds everything [default: OURSPACE_HOME, or the platform's data folder]
    // Not clap's `env`: it would show the option in every usage line as if it were required.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Answer with one JSON document
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What every command is given.
#[derive(Debug)]
pub(crate) struct Context {
    /// The home's folder, which may not be there yet.
    pub(crate) home: PathBuf,
    /// Whether answers are JSON.
    pub(crate) json: bool,
    /// Where answers go.
    pub(crate) output: Output,
}

impl Context {
    /// Reads what holds for every command.
    pub(crate) fn new(global: &Global) -> Result<Self, Failure> {
        let named = env::var_os(VARIABLE).filter(|name| !name.is_empty());
        let home = match (&global.home, named) {
            (Some(home), _) => home.clone(),
            (None, Some(home)) => PathBuf::from(home),
            (None, None) => default_home()?,
        };
        Ok(Self {
            home,
            json: global.json,
            output: Output::new(global.json),
        })
    }

    /// The time of the machine's clock.
    pub(crate) fn now(&self) -> Result<Millis, Failure> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| {
            Failure::refused("the clock of this machine says a time before 1970: set it right")
        })?;
        Ok(Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX))
    }

    /// The time of the machine's clock, to sign with.
    pub(crate) fn signing_time(&self) -> Result<Millis, Failure> {
        plausible(self.now()?)
    }

    /// Whether a person sits at a terminal who can be asked.
    pub(crate) fn can_ask(&self) -> bool {
        !self.json && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// The home, to read and write.
    pub(crate) fn open(&self) -> Result<Home, Failure> {
        Home::open(&self.home).map_err(|error| self.unopened(error))
    }

    /// Why a home does not open; where it waits for something, that is said.
    fn unopened(&self, error: HomeError) -> Failure {
        let waits = match error {
            HomeError::NoAccount(_) => account::unfinished(&self.home).ok().flatten(),
            _ => None,
        };
        match waits {
            Some(waits) => Failure::refused(format!(
                "there is no account in {} yet: {waits}",
                self.home.display()
            )),
            None => error.into(),
        }
    }

    /// The home, to read.
    pub(crate) fn open_reader(&self) -> Result<Home, Failure> {
        Home::open_reader(&self.home).map_err(|error| self.unopened(error))
    }
}

/// What is signed bears this time for ever, and a year from it a grant ends.
fn plausible(now: Millis) -> Result<Millis, Failure> {
    match now < EARLIEST {
        true => Err(Failure::refused(format!(
            "the clock of this machine says {}, which cannot be: set it right first, because \
             what is signed bears its time (nothing was changed)",
            rfc3339(now)
        ))),
        false => Ok(now),
    }
}

/// The platform's folder for an application's data.
fn default_home() -> Result<PathBuf, Failure> {
    let folder = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute())
    };
    let base = if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        folder("XDG_DATA_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/share")))
    };
    base.map(|base| base.join("ourspace")).ok_or_else(|| {
        Failure::usage("there is no home folder: say where with --home DIR or OURSPACE_HOME")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_signed_by_a_clock_that_was_reset() {
        for reset in [0, 946_684_800_000, EARLIEST - 1] {
            let Err(Failure::Refused(error)) = plausible(reset) else {
                panic!("{reset}");
            };
            assert!(error.to_string().contains("set it right"), "{error}");
        }
        assert_eq!(plausible(EARLIEST).unwrap(), EARLIEST);
    }
}
