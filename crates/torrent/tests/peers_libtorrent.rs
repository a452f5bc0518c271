//! Meeting in a Mainline DHT of libtorrent's nodes, which is what most of the open one is
//! made of.
//!
//! libtorrent runs no DHT on the loopback device, so the test begins itself anew in a
//! network namespace that has nothing but a pair of virtual devices.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a peer that is absent ends the test"
)]

mod support;

use std::{
    env,
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddrV4},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use support::{Net, crowd};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
const NODES: u16 = 16;
/// Set inside of the namespace.
const INSIDE: &str = "OURSPACE_TEST_NAMESPACE";

/// Makes the devices, then becomes the test.
const SCRIPT: &str = "ip link set lo up && ip link add v0 type veth peer name v1 \
    && ip addr add 10.9.0.1/24 dev v0 && ip link set v0 up && ip link set v1 up \
    && ip route add default via 10.9.0.2 && exec \"$@\"";

#[test]
fn five_honest_ones_are_found_among_450_others() {
    if env::var_os(INSIDE).is_some() {
        inside();
        return;
    }
    let test = env::current_exe().unwrap();
    let name = "five_honest_ones_are_found_among_450_others";
    let status = Command::new("unshare")
        .args(["-rn", "sh", "-c", SCRIPT, "sh"])
        .arg(test)
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .unwrap_or_else(|error| panic!("unshare (util-linux) is needed: {error}"));
    assert!(status.success(), "{status}");
}

fn inside() {
    let mut dht = libtorrent();
    let mut said = String::new();
    let mut out = BufReader::new(dht.stdout.take().unwrap());
    out.read_line(&mut said).unwrap();
    assert_eq!(said.trim(), "ready");
    let ports = (0..NODES).map(|n| SocketAddrV4::new(ADDRESS, 7000 + n));
    let net = Net {
        nodes: ports.collect(),
        bind: ADDRESS,
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let took = runtime.block_on(crowd(&net));
    drop(dht.stdin.take());
    dht.wait().unwrap();
    assert!(took < Duration::from_secs(15), "{took:?}");
}

fn libtorrent() -> Child {
    let Some(peers) = env::var_os("OURSPACE_PEERS") else {
        panic!("OURSPACE_PEERS is not set: `cargo xtask test` installs the peers");
    };
    let python = PathBuf::from(peers).join("venv/bin/python");
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/dht.py");
    let mut command = Command::new(&python);
    command.args(["-W", "ignore"]).arg(program);
    command.args([ADDRESS.to_string(), NODES.to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let began = command.spawn();
    began.unwrap_or_else(|error| panic!("{}: {error}", python.display()))
}
