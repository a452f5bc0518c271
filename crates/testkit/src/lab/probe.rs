//! What a router really does, seen from both sides; and how long packets really take.

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};

use super::{Host, space::output};

/// So long a packet is waited for, beside the link's own delay: on a busy machine too.
const PATIENCE: Duration = Duration::from_millis(400);
/// A packet is sent so often: some are lost.
const TRIES: u32 = 5;

/// Who gets in at a port that a router has mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enters {
    /// Whoever sends there.
    Anybody,
    /// The host that was written to, from any of its ports.
    SameHost,
    /// Only the port of the host that was written to.
    SamePort,
}

/// What was seen of a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probed {
    /// Whether two destinations see the same port.
    pub same_port: bool,
    /// Who gets in.
    pub enters: Enters,
}

/// What `ping` told.
#[derive(Clone, Copy, Debug)]
pub struct Pinged {
    /// The shortest round trip, in milliseconds.
    pub least: f64,
    /// The mean round trip, in milliseconds.
    pub mean: f64,
    /// Answers that came.
    pub answers: u32,
}

impl Host {
    /// Finds out how this host's router maps and filters, with the help of two hosts that
    /// stand in the open.
    ///
    /// # Errors
    /// When no packet gets out at all.
    pub fn probe(&self, first: &Self, second: &Self) -> Result<Probed> {
        let inside = self.socket()?;
        let (written_to, beside) = (first.socket()?, first.socket()?);
        let stranger = second.socket()?;
        let mapped = seen(&inside, first.address(), &written_to)?;
        let enters = if enters(&stranger, mapped, &inside)? {
            Enters::Anybody
        } else if enters(&beside, mapped, &inside)? {
            Enters::SameHost
        } else {
            Enters::SamePort
        };
        ensure!(
            self::enters(&written_to, mapped, &inside)?,
            "an answer does not come back"
        );
        let again = seen(&inside, second.address(), &stranger)?;
        Ok(Probed {
            same_port: mapped == again,
            enters,
        })
    }

    fn socket(&self) -> Result<UdpSocket> {
        let socket = self.within(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)))??;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(socket)
    }

    /// Pings another host's public address.
    ///
    /// # Errors
    /// When there is no `ping`, or no answer.
    pub fn ping(&self, other: &Self, times: u32) -> Result<Pinged> {
        let mut ping = self.command("ping");
        ping.args(["-q", "-i", "0.02", "-W", "2", "-c"])
            .arg(times.to_string())
            .arg(other.address().to_string());
        let said = output(&mut ping)?;
        pinged(&said).with_context(|| format!("ping says: {said}"))
    }
}

/// As whom a host sees a socket.
fn seen(from: &UdpSocket, to: Ipv4Addr, socket: &UdpSocket) -> Result<SocketAddr> {
    let port = socket.local_addr()?.port();
    for _ in 0..TRIES {
        from.send_to(b"who am I?", (to, port))?;
        if let Ok((_, seen)) = socket.recv_from(&mut [0; 64]) {
            return Ok(seen);
        }
    }
    anyhow::bail!("nothing gets out to {to}")
}

/// Whether a packet to a mapped port comes out inside.
fn enters(from: &UdpSocket, mapped: SocketAddr, inside: &UdpSocket) -> Result<bool> {
    let word = format!("from {}", from.local_addr()?);
    for _ in 0..TRIES {
        from.send_to(word.as_bytes(), mapped)?;
    }
    let mut buffer = [0; 64];
    // What came of an earlier question is not taken for an answer to this one.
    while let Ok((len, _)) = inside.recv_from(&mut buffer) {
        if buffer.get(..len) == Some(word.as_bytes()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads "20 packets transmitted, 19 received, …" and "rtt min/avg/max/mdev = 1/2/3/4 ms".
fn pinged(said: &str) -> Option<Pinged> {
    let answers = said.split(", ").find(|part| part.ends_with(" received"))?;
    let times = said.split("rtt min/avg/max/mdev = ").nth(1)?;
    let mut times = times.split('/');
    Some(Pinged {
        least: times.next()?.parse().ok()?,
        mean: times.next()?.parse().ok()?,
        answers: answers.split(' ').next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ping_says_is_read() {
        let said = "--- 11.2.0.1 ping statistics ---\n20 packets transmitted, 19 received, \
                    5% packet loss, time 400ms\nrtt min/avg/max/mdev = 100.2/101.5/110.0/2.1 ms\n";
        let pinged = pinged(said).unwrap();
        assert_eq!(pinged.answers, 19);
        assert!((pinged.least - 100.2).abs() < 1e-9 && (pinged.mean - 101.5).abs() < 1e-9);
    }
}
