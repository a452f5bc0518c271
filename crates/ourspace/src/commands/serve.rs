//! `ourspace` without a command: serves the own feed to this machine.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
    sync::Arc,
};

use clap::Args;
use ourspace_node::{Home, HomeError, running::Running};
use ourspace_protocol::account::Account;
use ourspace_store::StoreError;
use ourspace_web::{Hosts, Site};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use super::{Outcome, init};
use crate::{
    context::Context,
    failure::Failure,
    net::{Listener, Net},
};

/// The port that is tried first: bookmarks go on working.
const PORT: u16 = 7878;

/// What it takes, beside all commands.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Arguments {
    /// Serve the feed at this port [default: 7878, or any that is free]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
}

/// What it answers, on one line.
#[derive(Debug, Serialize)]
struct Answer {
    url: String,
    account: Account,
}

/// Serves until it is told to stop.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let home = open(context)?;
    let running = match Running::claim(&home) {
        Ok(running) => Some(running),
        Err(error) if error.is_read_only() => None,
        Err(error) => return Err(error.into()),
    };
    let site = Arc::new(Site::new(home)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(serve(arguments.port, context, running.as_ref(), site))
}

/// The home; where there is no account yet, it is made as `init` does.
fn open(context: &Context) -> Result<Home, Failure> {
    match Home::open_reader(&context.home) {
        Ok(home) => Ok(home),
        Err(HomeError::NoAccount(_) | HomeError::Store(StoreError::Absent(_))) => {
            if !context.can_ask() {
                return Err(Failure::usage(format!(
                    "there is no account in {} yet: make one with `ourspace init` (without a \
                     terminal: `ourspace init --yes` with --password-file FILE or \
                     OURSPACE_PASSWORD)",
                    context.home.display()
                )));
            }
            init::run(&init::Arguments::asking(), context)?;
            context.open_reader()
        }
        Err(error) => Err(error.into()),
    }
}

async fn serve(
    port: Option<u16>,
    context: &Context,
    running: Option<&Running>,
    site: Arc<Site>,
) -> Outcome {
    // Listened for before anything is told, so that no signal is missed.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = listen(port).await?;
    let address = listener.local_addr()?;
    let url = format!("http://{address}/");
    if let Some(running) = running {
        running.announce(&url)?;
    }
    tell(context, &url, site.account())?;
    let router = ourspace_web::router(site, Hosts::loopback(address));
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    ourspace_web::serve(listener, router, stop).await;
    Ok(ExitCode::SUCCESS)
}

async fn listen(port: Option<u16>) -> Result<Listener, Failure> {
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match Net.listen(at(port.unwrap_or(PORT))).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && port.is_none() => {
            Ok(Net.listen(at(0)).await?)
        }
        Err(error) => {
            let port = port.unwrap_or(PORT);
            let text = format!("cannot listen at port {port}: {error}; give another with --port");
            Err(Failure::refused(text))
        }
    }
}

fn tell(context: &Context, url: &str, account: Account) -> Result<(), Failure> {
    if context.json {
        let answer = Answer {
            url: url.to_owned(),
            account,
        };
        let line = serde_json::to_string(&answer)?;
        return context.output.raw(&format!("{line}\n"));
    }
    let text = format!(
        "The feed of {account}, for the browsers of this machine:\n{url}\nStop with Ctrl-C.\n"
    );
    context.output.raw(&text)
}
