//! The side of the node.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::Path,
    sync::Arc,
};

use ourspace_node::{Home, network::Input};
use ourspace_p2p::Node;
use ourspace_protocol::{account::Account, seams::Resolver};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::mpsc,
};

use super::{Line, REQUEST, Request, socket_path};
use crate::{failure::Failure, look::Looking, meet::Meeting, net::listen_local};

/// What answers commands.
#[derive(Clone)]
pub(crate) struct Control {
    /// The home.
    pub(crate) home: Arc<Home>,
    /// The network.
    pub(crate) node: Node,
    /// What comes to the runtime.
    pub(crate) inputs: mpsc::Sender<Input>,
    /// Ways to the newest record.
    pub(crate) ways: Vec<Arc<dyn Resolver>>,
    /// What meets others.
    pub(crate) meeting: Meeting,
}

/// Answers commands until the program ends.
///
/// # Errors
/// [`Failure`] when the socket cannot be made.
pub(crate) fn serve(control: Control) -> Result<(), Failure> {
    let path = socket_path(control.home.path());
    let listener = listen(&path)?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let control = control.clone();
            tokio::spawn(async move {
                if let Err(error) = control.serve(stream).await {
                    tracing::debug!(%error, "a command has gone");
                }
            });
        }
    });
    Ok(())
}

/// Whoever holds the home's lock is its only node: what lies here was left by one that was
/// killed.
fn listen(path: &Path) -> Result<UnixListener, Failure> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let listener = listen_local(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

impl Control {
    async fn serve(self, stream: UnixStream) -> std::io::Result<()> {
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        loop {
            let mut line = String::new();
            if (&mut read).take(REQUEST).read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let (tell, mut told) = mpsc::channel(16);
            match serde_json::from_str::<Request>(&line) {
                Ok(request) => {
                    let control = self.clone();
                    tokio::spawn(async move { control.answer(request, tell).await });
                }
                Err(error) => {
                    let why = format!("the node does not understand this: {error}");
                    drop(tell.send(Line::Failed(why)).await);
                }
            }
            while let Some(line) = told.recv().await {
                let mut text = serde_json::to_string(&line)?;
                text.push('\n');
                write.write_all(text.as_bytes()).await?;
            }
        }
    }

    async fn answer(self, request: Request, tell: mpsc::Sender<Line>) {
        let done = match request {
            Request::Changed => self.input(Input::Changed).await,
            Request::Again => self.input(Input::Again).await,
            Request::Find { account, locations } => {
                let home = Arc::clone(&self.home);
                tokio::spawn(self.meeting.clone().find_at_last(home, vec![account]));
                self.input(Input::Find(account, locations)).await
            }
            Request::Network => self.network(&tell).await,
            Request::Dial { address } => {
                let dialled = self.node.dial(address).await;
                dialled.map_err(|error| error.to_string())
            }
            Request::Resolve { account, locations } => {
                self.resolve(account, locations, &tell).await
            }
            Request::Publish => self.publish(&tell).await,
        };
        let last = match done {
            Ok(()) => Line::Done,
            Err(why) => Line::Failed(why),
        };
        // Whoever asked may have gone.
        drop(tell.send(last).await);
    }

    async fn input(&self, input: Input) -> Result<(), String> {
        let sent = self.inputs.send(input).await;
        sent.map_err(|_| "the node is stopping".to_owned())
    }

    async fn network(&self, tell: &mpsc::Sender<Line>) -> Result<(), String> {
        let status = self
            .node
            .status()
            .await
            .map_err(|error| error.to_string())?;
        let value = serde_json::to_value(crate::view::NetworkView::new(&status));
        let value = value.map_err(|error| error.to_string())?;
        drop(tell.send(Line::Part(value)).await);
        Ok(())
    }

    async fn resolve(
        &self,
        account: Account,
        locations: Vec<String>,
        tell: &mpsc::Sender<Line>,
    ) -> Result<(), String> {
        let wanted = (account, locations);
        let looking = Looking::begin(&self.home, &self.ways, wanted);
        let mut looking = looking.map_err(|error| error.to_string())?;
        looking.pass_on(self.inputs.clone());
        while let Some(step) = looking.next().await {
            let value = serde_json::to_value(step).map_err(|error| error.to_string())?;
            if tell.send(Line::Part(value)).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    async fn publish(&self, tell: &mpsc::Sender<Line>) -> Result<(), String> {
        let account = self.home.account().map_err(|error| error.to_string())?;
        let stored = self
            .node
            .put(account)
            .await
            .map_err(|error| error.to_string())?;
        let part = json!({ "holders": stored.holders, "asked": stored.asked });
        drop(tell.send(Line::Part(part)).await);
        Ok(())
    }
}
