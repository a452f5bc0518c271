//! The side of the commands.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use serde_json::Value;

use super::{Line, Request, socket_path};
use crate::{failure::Failure, net::connect_local};

/// How long a node may be silent before it is taken for stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to the node of a home.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<UnixStream>,
}

impl Client {
    /// Connects; none when no node runs.
    ///
    /// # Errors
    /// [`Failure`] when there is a node that cannot be reached.
    pub(crate) fn connect(home: &Path) -> Result<Option<Self>, Failure> {
        match connect_local(&socket_path(home)) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                Ok(Some(Self {
                    stream: BufReader::new(stream),
                }))
            }
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
                _ => Err(Failure::refused(format!(
                    "the node of this home cannot be reached: {error}"
                ))),
            },
        }
    }

    /// Asks, and gives each part of the answer to `take` as it comes.
    ///
    /// # Errors
    /// [`Failure`]: what the node says, or that it does not answer.
    pub(crate) fn ask(
        &mut self,
        request: &Request,
        mut take: impl FnMut(Value) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut line = serde_json::to_string(request)?;
        line.push('\n');
        self.stream.get_mut().write_all(line.as_bytes())?;
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(Failure::refused("the node has stopped"));
            }
            match serde_json::from_str(&line)? {
                Line::Part(value) => take(value)?,
                Line::Done => return Ok(()),
                Line::Failed(why) => return Err(Failure::refused(why)),
            }
        }
    }

    /// Asks what is answered with one part.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub(crate) fn one(&mut self, request: &Request) -> Result<Value, Failure> {
        let mut answer = Value::Null;
        self.ask(request, |part| {
            answer = part;
            Ok(())
        })?;
        Ok(answer)
    }
}

/// Tells the node, if one runs, that a command has changed something. It would find out by
/// itself in a moment, so a failure is none.
pub(crate) fn changed(home: &Path) {
    if let Ok(Some(mut client)) = Client::connect(home)
        && client.ask(&Request::Changed, |_| Ok(())).is_err()
    {
        tracing::debug!("the node will find out by itself");
    }
}
