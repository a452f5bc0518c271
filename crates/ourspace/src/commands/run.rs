//! `ourspace` without a command, or `ourspace run`: runs the node of this home, and serves
//! the own feed to this machine.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
    sync::Arc,
};

use clap::Args;
use ourspace_node::{Home, HomeError, running::Running as Claim};
use ourspace_p2p::Switches;
use ourspace_protocol::account::Account;
use ourspace_store::StoreError;
use ourspace_web::{Hosts, Site};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use super::{Outcome, init};
use crate::{
    context::Context,
    control::{self, Control},
    failure::Failure,
    meet::MeetingWishes,
    net::{Listener, Net},
    parse,
    people::push,
    wire::{self, Wishes},
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
    #[command(flatten)]
    network: Network,
}

/// What a person says of the network.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Network {
    /// Listen for other nodes at this port [default: 4011, or any that is free]
    #[arg(long, value_name = "PORT")]
    node_port: Option<u16>,
    /// Begin with this node (may be given again)
    #[arg(long = "peer", value_name = "MULTIADDR", value_parser = parse::peer)]
    peers: Vec<String>,
    /// Stay within this machine: listen on loopback only, and look for nobody
    #[arg(long)]
    local: bool,
    /// Do not look for nodes in the local network
    #[arg(long)]
    no_mdns: bool,
    /// Do not ask the router to let others in
    #[arg(long)]
    no_upnp: bool,
    /// Let nobody reach others through this node
    #[arg(long)]
    no_relay: bool,
    #[command(flatten)]
    meeting: Meet,
}

/// What a person says of meeting a first node.
#[derive(Debug, Args)]
#[group(skip)]
struct Meet {
    /// Neither look for others on BitTorrent's Mainline DHT when nobody is known, nor say there
    /// that this node has your feed (which shows your address to who asks)
    #[arg(long)]
    no_rendezvous: bool,
    /// Begin there with this node (may be given again)
    #[arg(long = "dht-node", value_name = "HOST:PORT", value_parser = parse::host_and_port)]
    dht_nodes: Vec<String>,
    /// Do not begin there with well-known hosts, even at the very last
    #[arg(long)]
    no_well_known_hosts: bool,
}

impl Meet {
    fn wishes(&self, local: bool) -> MeetingWishes {
        MeetingWishes {
            on: !self.no_rendezvous,
            dht_nodes: self.dht_nodes.clone(),
            well_known: !local && !self.no_well_known_hosts,
            private: local,
        }
    }
}

impl Network {
    fn wishes(&self) -> Wishes {
        let switches = match self.local {
            true => wire::loopback(),
            false => Switches {
                mdns: !self.no_mdns,
                upnp: !self.no_upnp,
                relay: !self.no_relay,
                ..Switches::default()
            },
        };
        Wishes {
            local: self.local,
            port: self.node_port,
            peers: self.peers.clone(),
            switches,
            meeting: self.meeting.wishes(self.local),
        }
    }
}

/// What it answers, on one line.
#[derive(Debug, Serialize)]
struct Answer {
    url: String,
    account: Account,
    listen: Vec<String>,
}

/// Runs until it is told to stop.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let reader = open(context)?;
    let running = match Claim::claim(&reader) {
        Ok(running) => Some(running),
        Err(error) if error.is_read_only() => None,
        Err(error) => return Err(error.into()),
    };
    let home = match running {
        Some(_) => Home::open_resident(&context.home)?,
        // Nothing can be taken in, so nobody is asked for anything.
        None => reader,
    };
    let site = Arc::new(Site::new(Arc::new(home))?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(serve(arguments, context, running.as_ref(), site))
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
    arguments: &Arguments,
    context: &Context,
    running: Option<&Claim>,
    site: Arc<Site>,
) -> Outcome {
    // Listened for before anything is told, so that no signal is missed.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = listen(arguments.port).await?;
    let node = match running {
        Some(_) => Some(wire::start(site.home(), &arguments.network.wishes())?),
        None => None,
    };
    if let Some(node) = &node {
        control::serve(Control {
            home: Arc::clone(site.home()),
            node: node.node.clone(),
            inputs: node.inputs.clone(),
            ways: node.ways.clone(),
            meeting: node.meeting.clone(),
        })?;
    }
    let address = listener.local_addr()?;
    let url = format!("http://{address}/");
    if let Some(running) = running {
        running.announce(&url)?;
    }
    let listen = match &node {
        Some(node) => node.listening().await,
        None => Vec::new(),
    };
    tell(context, &url, (site.account(), listen))?;
    let router = ourspace_web::router(site, Hosts::loopback(address));
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    ourspace_web::serve(listener, router, stop).await;
    if let Some(node) = node {
        node.stop().await;
    }
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

fn tell(
    context: &Context,
    url: &str,
    (account, listen): (Account, Vec<String>),
) -> Result<(), Failure> {
    if context.json {
        let answer = Answer {
            url: url.to_owned(),
            account,
            listen,
        };
        let line = serde_json::to_string(&answer)?;
        return context.output.raw(&format!("{line}\n"));
    }
    let mut text = format!("The feed of {account}, for the browsers of this machine:\n{url}\n");
    push(
        &mut text,
        format_args!("What you and those whom you follow have published:\n{url}timeline/\n"),
    );
    if !listen.is_empty() {
        let all = listen.join("\n");
        push(
            &mut text,
            format_args!("Other nodes reach this one at:\n{all}\n"),
        );
    }
    push(&mut text, format_args!("Stop with Ctrl-C.\n"));
    context.output.raw(&text)
}
