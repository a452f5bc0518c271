//! Strangers of another make (js-libp2p) who mean no good, and a real program.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod nodes;
mod schema;
mod support;

use std::{path::PathBuf, process::Command, thread, time::Duration};

use nodes::Node;
use ourspace_testkit::peers::Lines;

fn peers() -> PathBuf {
    // `cargo xtask test` installs the peers.
    std::env::var_os("OURSPACE_PEERS").unwrap().into()
}

#[test]
fn streams_that_end_at_once_cost_next_to_nothing() {
    let node = Node::new();
    let status = node.place.json(&["status"]);
    let listen = status["listen"].as_array().unwrap().iter();
    let mut all = listen.filter_map(|one| one.as_str());
    let tcp = all.rfind(|one| one.contains("/tcp/")).unwrap();
    for protocol in [
        "/libp2p/autonat/2/dial-back",
        "/ourspace/kad/1.0.0",
        "/ourspace/peer/1",
        "/ipfs/bitswap/1.2.0",
    ] {
        let before = node.cpu();
        let mut stranger = Command::new(peers().join("node22/bin/node"));
        stranger
            .args([
                "--input-type=module",
                "--eval",
                include_str!("peers/hostile.mjs"),
                "--",
            ])
            .args([tcp, protocol, "4"])
            .current_dir(peers().join("node"));
        let mut stranger = Lines::start(stranger).unwrap();
        let said = stranger.next(Duration::from_secs(60)).unwrap();
        assert_eq!(said["opened"], 8, "{protocol}");
        // A core that is taken shows in the CPU time, whatever else this machine does.
        thread::sleep(Duration::from_secs(3));
        let took = node.cpu() - before;
        assert!(took < 1.5, "{protocol}: {took} s of CPU for nothing");
    }
    node.post(&["and it goes on"]);
}
