//! A small internet on this machine: hosts and routers in network namespaces, and a link between
//! them with delay, loss and reordering.
//!
//! Nothing of it reaches further than this machine: its only routes lead to devices whose
//! packets this process carries. It needs root, iproute2, nftables, ping and Linux, says so
//! where one is absent, and ends with the values, what runs in it too. What a process left
//! that was killed is removed by the next one.

mod link;
mod nat;
mod probe;
mod space;

use std::{
    ffi::OsStr,
    net::Ipv4Addr,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Result, ensure};

use self::{link::Link, space::Space};
pub use self::{
    link::{Traffic, Weather},
    nat::Nat,
    probe::{Enters, Pinged, Probed},
};

/// Labs of this process so far: their names differ.
static LABS: AtomicU32 = AtomicU32::new(0);
/// Hosts of a lab, at most.
const HOSTS: usize = 200;

/// A small internet.
#[derive(Debug)]
pub struct Lab {
    number: u32,
    hosts: usize,
    // Last: devices end after the namespaces.
    link: Link,
}

/// A host, with its router if it has one.
#[derive(Debug)]
pub struct Host {
    own: Space,
    _router: Option<Space>,
    address: Ipv4Addr,
}

impl Lab {
    /// One without hosts.
    ///
    /// # Errors
    /// When this machine cannot have one: it says what is absent.
    pub fn new(weather: Weather) -> Result<Self> {
        space::sweep()?;
        Ok(Self {
            number: LABS.fetch_add(1, Ordering::Relaxed),
            hosts: 0,
            link: Link::new(weather)?,
        })
    }

    /// Adds a host. Behind a router it has the address 192.168.1.2, as many have.
    ///
    /// # Errors
    /// When the machine refuses: it says what.
    pub fn host(&mut self, nat: Nat) -> Result<Host> {
        ensure!(self.hosts < HOSTS, "a lab has at most {HOSTS} hosts");
        self.hosts += 1;
        let (lab, at) = (self.number, self.hosts);
        // A neighbourhood for each. Addresses that count as public, of a network that
        // is not announced on the internet; nothing of this leaves the machine anyway.
        let address = Ipv4Addr::new(11, u8::try_from(at)?, 0, 1);
        let own = Space::new(&format!("{lab}-{at}"))?;
        if nat == Nat::Open {
            self.connect(&own, address)?;
            return Ok(Host {
                own,
                _router: None,
                address,
            });
        }
        let router = Space::new(&format!("{lab}-{at}r"))?;
        self.connect(&router, address)?;
        let ends = ["lan", "type", "veth", "peer", "name", "eth0", "netns"];
        router.ip(&[&["link", "add"], &ends[..], &[own.name()]].concat())?;
        router.ip(&["addr", "add", "192.168.1.1/24", "dev", "lan"])?;
        router.ip(&["link", "set", "lan", "up"])?;
        own.ip(&["addr", "add", "192.168.1.2/24", "dev", "eth0"])?;
        own.ip(&["link", "set", "eth0", "up"])?;
        own.ip(&["route", "add", "default", "via", "192.168.1.1"])?;
        nat.install(&router)?;
        Ok(Host {
            own,
            _router: Some(router),
            address,
        })
    }

    /// Gives a namespace the device and address by which it is reached.
    fn connect(&self, space: &Space, address: Ipv4Addr) -> Result<()> {
        space.within(|| self.link.plug("wan", address))??;
        space.ip(&["addr", "add", &format!("{address}/32"), "dev", "wan"])?;
        space.ip(&["route", "add", "default", "dev", "wan"])
    }

    /// Changes how the link is.
    pub fn set_weather(&self, weather: Weather) {
        self.link.set_weather(weather);
    }

    /// Cuts these hosts off from all others; they reach each other.
    pub fn cut(&self, off: &[&Host]) {
        let off: Vec<Ipv4Addr> = off.iter().map(|host| host.address).collect();
        self.link.cut(&off);
    }

    /// Ends the cut.
    pub fn heal(&self) {
        self.link.heal();
    }

    /// What the link has done so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.link.traffic()
    }
}

impl Host {
    /// By which others reach it, if its router lets them.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// A program that will run on this host.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.own.command(program.as_ref())
    }

    /// The same program with the same arguments, folder and environment, on this host. The
    /// environment is the one that the command names, and nothing else.
    #[must_use]
    pub fn moved(&self, command: &Command) -> Command {
        let mut moved = self.command(command.get_program());
        moved.args(command.get_args()).env_clear();
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                moved.env(name, value);
            }
        }
        if let Some(folder) = command.get_current_dir() {
            moved.current_dir(folder);
        }
        moved
    }

    /// Does something on a thread that is on this host: sockets that are opened stay there.
    ///
    /// # Errors
    /// When its namespace cannot be entered.
    pub fn within<T: Send>(&self, act: impl FnOnce() -> T + Send) -> Result<T> {
        self.own.within(act)
    }
}
