//! The link between hosts: packets go from TUN device to TUN device through this process, late,
//! lost or out of order as it is told.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result};
use tokio::{
    runtime::{Builder, Runtime},
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_tun::Tun;

use crate::random::Random;

/// The longest packet of a device.
const PACKET: usize = 2_048;
/// Packets that wait for one host: as many as a router of a home keeps, and more are lost.
const WAITING: usize = 4_096;

/// How the link is. The same both ways, between any two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// How long a packet takes, one way.
    pub delay: Duration,
    /// Packets in a thousand that are lost.
    pub lost: usize,
    /// Packets in a thousand that come late, so that others overtake them.
    pub late: usize,
    /// By how much.
    pub lateness: Duration,
}

impl Weather {
    /// Nothing is late or lost.
    pub const FINE: Self = Self {
        delay: Duration::ZERO,
        lost: 0,
        late: 0,
        lateness: Duration::ZERO,
    };
}

/// What the link has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Packets that were carried, the late ones too.
    pub carried: u64,
    /// Bytes of them, with IP headers.
    pub bytes: u64,
    /// Packets that were lost.
    pub lost: u64,
    /// Packets that came late.
    pub late: u64,
    /// Packets for the other side of a cut, or for nobody.
    pub refused: u64,
}

#[derive(Debug)]
struct State {
    weather: Weather,
    /// The part that a host is in; hosts of different parts do not reach each other.
    parts: HashMap<Ipv4Addr, usize>,
    random: Random,
    ports: HashMap<Ipv4Addr, mpsc::Sender<Packet>>,
    traffic: Traffic,
    order: u64,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    due: Instant,
    order: u64,
    bytes: Vec<u8>,
}

/// The link. It ends with the value, and with it the devices.
#[derive(Debug)]
pub(super) struct Link {
    runtime: Option<Runtime>,
    state: Arc<Mutex<State>>,
}

impl Link {
    pub(super) fn new(weather: Weather) -> Result<Self> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build();
        let state = State {
            weather,
            parts: HashMap::new(),
            random: Random::new(8),
            ports: HashMap::new(),
            traffic: Traffic::default(),
            order: 0,
        };
        Ok(Self {
            runtime: Some(runtime.context("no runtime for the link")?),
            state: Arc::new(Mutex::new(state)),
        })
    }

    /// Makes the device of a host in the network namespace of this thread.
    pub(super) fn plug(&self, name: &str, address: Ipv4Addr) -> Result<()> {
        let runtime = self.runtime.as_ref().context("the link has ended")?;
        let _inside = runtime.enter();
        let made = Tun::builder().name(name).up().build();
        let device = made
            .context("cannot make a TUN device: the lab needs root and /dev/net/tun")?
            .pop()
            .context("no TUN device")?;
        let device = Arc::new(device);
        let (send, come) = mpsc::channel(WAITING);
        lock(&self.state).ports.insert(address, send);
        runtime.spawn(take(Arc::clone(&device), address, Arc::clone(&self.state)));
        runtime.spawn(give(device, come));
        Ok(())
    }

    pub(super) fn traffic(&self) -> Traffic {
        lock(&self.state).traffic
    }

    pub(super) fn set_weather(&self, weather: Weather) {
        lock(&self.state).weather = weather;
    }

    /// Cuts these off from all others, in both directions.
    pub(super) fn cut(&self, off: &[Ipv4Addr]) {
        let mut state = lock(&self.state);
        state.parts = off.iter().map(|address| (*address, 1)).collect();
    }

    /// Packets go everywhere again.
    pub(super) fn heal(&self) {
        lock(&self.state).parts.clear();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes what a host sends.
async fn take(device: Arc<Tun>, from: Ipv4Addr, state: Arc<Mutex<State>>) {
    let mut buffer = vec![0; PACKET];
    while let Ok(len) = device.recv(&mut buffer).await {
        if let Some(to) = destination(&buffer[..len]) {
            lock(&state).carry(from, to, &buffer[..len]);
        }
    }
}

/// Where an IPv4 packet goes.
fn destination(packet: &[u8]) -> Option<Ipv4Addr> {
    let is_v4 = packet.first()? >> 4 == 4;
    let bytes: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
    is_v4.then(|| Ipv4Addr::from(bytes))
}

impl State {
    fn carry(&mut self, from: Ipv4Addr, to: Ipv4Addr, bytes: &[u8]) {
        let part = |host: Ipv4Addr| self.parts.get(&host).copied().unwrap_or(0);
        let Some(port) = self.ports.get(&to).filter(|_| part(from) == part(to)) else {
            self.traffic.refused += 1;
            return;
        };
        let Weather {
            delay,
            lost,
            late,
            lateness,
        } = self.weather;
        if self.random.below(1_000) < lost {
            self.traffic.lost += 1;
            return;
        }
        let is_late = self.random.below(1_000) < late;
        let more = if is_late { lateness } else { Duration::ZERO };
        self.order += 1;
        let packet = Packet {
            due: Instant::now() + delay + more,
            order: self.order,
            bytes: bytes.to_vec(),
        };
        if port.try_send(packet).is_err() {
            self.traffic.lost += 1;
            return;
        }
        self.traffic.late += u64::from(is_late);
        self.traffic.carried += 1;
        self.traffic.bytes += bytes.len() as u64;
    }
}

/// Gives a host what is due.
async fn give(device: Arc<Tun>, mut come: mpsc::Receiver<Packet>) {
    let mut waiting: BinaryHeap<Reverse<Packet>> = BinaryHeap::new();
    loop {
        let due = waiting.peek().map(|Reverse(packet)| packet.due);
        let wait = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = wait => {
                if let Some(Reverse(packet)) = waiting.pop() {
                    // A device that is down takes nothing: the packet is lost.
                    drop(device.send(&packet.bytes).await);
                }
            }
            packet = come.recv() => match packet {
                Some(packet) => waiting.push(Reverse(packet)),
                None => return,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_say_where_they_go() {
        let mut packet = vec![0x45; 20];
        packet[16..].copy_from_slice(&[11, 1, 0, 1]);
        assert_eq!(destination(&packet), Some(Ipv4Addr::new(11, 1, 0, 1)));
        packet[0] = 0x60;
        assert_eq!(destination(&packet), None);
        assert_eq!(destination(&[0x45; 19]), None);
    }
}
