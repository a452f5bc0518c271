//! First contact through a Mainline DHT of this machine: nobody knows anybody, and there are
//! no other ways.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod support;

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use ourspace_testkit::mainline::MainlineNet;
use support::Place;

/// A node that runs until it is dropped.
struct Node {
    child: Child,
}

impl Node {
    /// Knows nobody but a node of the DHT, or not even that.
    fn start(place: &Place, dht: Option<&str>) -> Self {
        let mut words = vec![
            "run",
            "--local",
            "--port",
            "0",
            "--node-port",
            "0",
            "--json",
        ];
        words.push("--no-well-known-hosts");
        words.extend(dht.iter().flat_map(|dht| ["--dht-node", dht]));
        let mut command = place.command(&words);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut String::new()).unwrap();
        Self { child }
    }

    /// As a person does, with Ctrl-C.
    fn stop(&mut self) {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-INT", &id]).status().unwrap();
        assert!(told.success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn account(place: &Place) -> String {
    place.json(&["whoami"])["account"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Whether the only post of an account is this one.
fn has(place: &Place, account: &str, text: &str) -> bool {
    let items = place.json(&["timeline", "--account", account]);
    let items = items.as_array().unwrap();
    items.len() == 1 && items[0]["content_text"] == text
}

/// Follows, and waits until the post is here; fails when it never is.
fn follow(place: &Place, account: &str, text: &str) {
    place.run(&["follow", account]).ok();
    let begin = Instant::now();
    while !has(place, account, text) {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "{text:?} did not come"
        );
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn two_who_know_nobody_meet_by_rendezvous_and_need_no_first_node_twice() {
    let net = MainlineNet::new(20).unwrap();
    let [author, other, reader] = [Place::new(), Place::new(), Place::new()];
    author
        .run(&["post", "found by nothing but an address"])
        .ok();
    other.run(&["post", "and another one"]).ok();
    let running = Node::start(&author, Some(net.address()));
    let mut reading = Node::start(&reader, Some(net.address()));
    follow(
        &reader,
        &account(&author),
        "found by nothing but an address",
    );
    // The reader is told of no node of the DHT any more, and the only other one is gone.
    reading.stop();
    drop(running);
    let _other = Node::start(&other, Some(net.address()));
    let _reading = Node::start(&reader, None);
    follow(&reader, &account(&other), "and another one");
}
