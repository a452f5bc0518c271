//! Routers of homes: what they let in and how they name ports, as rules of nftables.
//!
//! The kinds are those of RFC 4787: how a port is mapped, and who may answer to it.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use super::{
    probe::{Enters, Probed},
    space::Space,
};

/// What stands between a host and the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nat {
    /// Nothing: the host has its public address itself.
    Open,
    /// One port outside for each port inside, and whoever sends there gets in.
    Cone,
    /// One port outside for each port inside; only those get in that were written to.
    PortRestricted,
    /// Another port outside for each destination; only that destination gets in.
    Symmetric,
}

impl Nat {
    /// What a probe finds.
    #[must_use]
    pub fn expected(self) -> Probed {
        let (same_port, enters) = match self {
            Self::Open | Self::Cone => (true, Enters::Anybody),
            Self::PortRestricted => (true, Enters::SamePort),
            Self::Symmetric => (false, Enters::SamePort),
        };
        Probed { same_port, enters }
    }

    /// A router drops what nobody inside asked for and says nothing: with an answer, a
    /// packet that comes too early would close the hole that it was to come through.
    fn rules(self) -> String {
        let masquerade = match self {
            Self::Symmetric => "masquerade fully-random",
            _ => "masquerade",
        };
        let (note, open) = match self {
            Self::Cone => (
                "iifname lan oifname wan add @mapped { meta l4proto . th sport }",
                "iifname wan meta l4proto . th dport @mapped dnat to 192.168.1.2",
            ),
            _ => ("", ""),
        };
        format!(
            "table ip router {{
                set mapped {{ typeof meta l4proto . th dport; flags dynamic,timeout; timeout 5m; }}
                chain pre {{ type nat hook prerouting priority dstnat; {open}
                }}
                chain post {{ type nat hook postrouting priority srcnat; oifname wan {masquerade}
                }}
                chain forward {{ type filter hook forward priority filter; policy drop;
                    {note}
                    iifname lan oifname wan accept
                    ct state established,related accept
                    ct status dnat accept
                }}
                chain input {{ type filter hook input priority filter; policy accept;
                    iifname wan meta l4proto icmp accept
                    iifname wan drop
                }}
            }}"
        )
    }

    /// Makes a namespace such a router.
    pub(super) fn install(self, router: &Space) -> Result<()> {
        router
            .within(|| std::fs::write("/proc/sys/net/ipv4/ip_forward", "1"))?
            .context("cannot let packets through a router")?;
        let mut nft: Command = router.command("nft".as_ref());
        nft.args(["-f", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = nft
            .spawn()
            .context("cannot start nft: the lab needs nftables")?;
        let mut input = child.stdin.take().context("no input of nft")?;
        input.write_all(self.rules().as_bytes())?;
        drop(input);
        let output = child.wait_with_output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("nft refuses the rules of {self:?}: {said}");
        }
        Ok(())
    }
}
