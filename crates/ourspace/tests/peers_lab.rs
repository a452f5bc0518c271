//! Real programs on eight hosts of a small internet: behind routers of all kinds, over links that
//! are slow, lose packets and change their order; and what happens when it falls in two.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod schema;
mod support;

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use ourspace_testkit::lab::{Host, Lab, Nat, Weather};
use serde_json::Value;
use support::Place;

/// As between continents, on a bad day. One way.
const WEATHER: Weather = Weather {
    delay: Duration::from_millis(50),
    lost: 10,
    late: 20,
    lateness: Duration::from_millis(15),
};

/// Longer than anything takes, and than a dead connection goes unnoticed.
const LIMIT: Duration = Duration::from_secs(70);

/// A node that runs on a host until it is killed.
struct Node {
    place: Place,
    child: Child,
    host: Host,
    account: String,
    listen: Vec<String>,
}

impl Node {
    fn start(place: Place, host: Host, known: Option<&str>) -> Self {
        let account = place.json(&["whoami"])["account"]
            .as_str()
            .unwrap()
            .to_owned();
        let mut words = vec!["run", "--no-mdns", "--no-upnp", "--no-rendezvous", "--json"];
        words.extend(known.iter().flat_map(|known| ["--peer", known]));
        let mut command = host.moved(&place.command(&words));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let listen = said["listen"].as_array().unwrap().iter();
        let listen = listen.map(|one| one.as_str().unwrap().to_owned()).collect();
        Self {
            place,
            child,
            host,
            account,
            listen,
        }
    }

    fn post(&self, text: &str) {
        self.place.run(&["post", text]).ok();
    }

    fn follow(&self, whom: &Self) {
        self.place.run(&["follow", &whom.account]).ok();
    }

    /// The texts of an account's posts that are here, newest first.
    fn texts(&self, of: &Self) -> Vec<String> {
        let items = self.place.json(&["timeline", "--account", &of.account]);
        let items = items.as_array().unwrap().iter();
        items
            .map(|item| item["content_text"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// How it is connected to another.
    fn way(&self, other: &Self) -> &'static str {
        let id = other.listen[0].rsplit('/').next().unwrap();
        let peers = self.place.json(&["peers"]);
        schema::holds("peers", &peers);
        let mut peers = peers.as_array().unwrap().iter();
        match peers.find(|peer| peer["peer"] == id) {
            None => "not connected",
            Some(peer) if peer["relayed"] == true => "relayed",
            Some(peer) if peer["punched"] == true => "punched",
            Some(_) => "direct",
        }
    }

    /// What went through relays: bytes in and out.
    fn relayed(&self) -> (u64, u64) {
        let status = self.place.json(&["status"]);
        schema::holds("status", &status);
        let bytes = |name: &str| status["relayed"][name].as_u64().unwrap();
        (bytes("bytes_in"), bytes("bytes_out"))
    }

    /// Whether others reach it directly, as `doctor` says.
    fn is_reached(&self) -> bool {
        self.place
            .run(&["doctor"])
            .out
            .contains("reach this node directly")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Waits until `holds`; fails when it never does.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        let waited = begin.elapsed();
        assert!(waited < LIMIT, "{what} did not come about");
        thread::sleep(Duration::from_millis(200));
    }
}

/// All hosts of the test, with a node on each.
struct Net {
    /// In the open; all others know it, and nobody else.
    meeting: Node,
    open: Node,
    /// An author behind a symmetric router, and one of his followers.
    author: Node,
    symmetric: Node,
    /// An author behind a port-restricted router, and one of her followers.
    second: Node,
    restricted: Node,
    cone: Node,
    /// Of the first author too, behind a port-restricted router.
    device: Node,
    lab: Lab,
}

impl Net {
    fn start() -> Self {
        let mut lab = Lab::new(WEATHER).unwrap();
        let (one, other) = (lab.host(Nat::Open).unwrap(), lab.host(Nat::Open).unwrap());
        let pinged = other.ping(&one, 20).unwrap();
        let late = pinged.least;
        assert!((100.0..120.0).contains(&late), "not 50 ms: {pinged:?}");
        let mut behind = |nat: Nat| {
            let host = lab.host(nat).unwrap();
            assert_eq!(host.probe(&one, &other).unwrap(), nat.expected());
            host
        };
        let author = behind(Nat::Symmetric);
        let symmetric = behind(Nat::Symmetric);
        let second = behind(Nat::PortRestricted);
        let restricted = behind(Nat::PortRestricted);
        let cone = behind(Nat::Cone);
        let device = behind(Nat::PortRestricted);
        let meeting = Node::start(Place::new(), one, None);
        let outside = |address: &&String| address.contains("/11.") && address.contains("/quic");
        let known = meeting.listen.iter().find(outside).unwrap().clone();
        let start = |place, host| Node::start(place, host, Some(&known));
        let home = Place::new();
        let more = second_device(&home);
        Self {
            open: start(Place::new(), other),
            author: start(home, author),
            symmetric: start(Place::new(), symmetric),
            second: start(Place::new(), second),
            restricted: start(Place::new(), restricted),
            cone: start(Place::new(), cone),
            device: start(more, device),
            meeting,
            lab,
        }
    }

    fn followers(&self) -> [&Node; 4] {
        [&self.symmetric, &self.restricted, &self.cone, &self.open]
    }
}

/// Another device of the same account.
fn second_device(first: &Place) -> Place {
    let place = Place::empty();
    let code = place.json(&["device", "join"]);
    let code = code["code"].as_str().unwrap();
    let added = first.json(&["device", "add", code, "--yes"]);
    let answer = added["answer"].as_str().unwrap();
    place.run(&["device", "join", "--answer", answer]).ok();
    place
}

#[test]
fn news_gets_through_all_routers_and_over_a_cut() {
    let net = Net::start();
    first_contact(&net);
    news(&net);
    cut(&net);
}

/// Nobody knows more than an address of sixty characters and one node that follows nobody.
fn first_contact(net: &Net) {
    let (author, second) = (&net.author, &net.second);
    author.post("from a symmetric one");
    second.post("from a restricted one");
    // Two routers that choose ports anew for each destination: no hole can be punched.
    net.symmetric.follow(author);
    until("a post through a relay", || {
        net.symmetric.texts(author) == ["from a symmetric one"]
    });
    let ways = [author, &net.device].map(|keeper| net.symmetric.way(keeper));
    assert!(ways.contains(&"relayed"), "{ways:?}");
    assert!(
        ways.iter()
            .all(|way| ["relayed", "not connected"].contains(way)),
        "{ways:?}"
    );
    let (bytes_in, bytes_out) = net.symmetric.relayed();
    assert!(
        bytes_in > 1_000 && bytes_out > 1_000,
        "{bytes_in} {bytes_out}"
    );
    // Two that keep their ports: by a relay at first, then by a hole that both punch.
    net.restricted.follow(second);
    until("a post through a hole", || {
        net.restricted.texts(second) == ["from a restricted one"]
            && net.restricted.way(second) == "punched"
    });
    until("nothing relayed any more", || {
        let before = net.restricted.relayed();
        second.post("unrelayed");
        until("news through the hole", || {
            net.restricted.texts(second).len() >= 2
        });
        net.restricted.relayed() == before
    });
    // In the open, and through a router that lets everybody in, nothing is relayed for long.
    for follower in [&net.cone, &net.open] {
        follower.follow(author);
        until("a post by a direct way", || {
            follower.texts(author) == ["from a symmetric one"]
                && !matches!(follower.way(author), "relayed")
        });
    }
    for node in [&net.meeting, &net.open, &net.cone] {
        until("being reached in the open", || node.is_reached());
    }
    for node in [author, second, &net.symmetric, &net.restricted] {
        assert!(!node.is_reached(), "a router is in the way");
    }
}

fn news(net: &Net) {
    net.restricted.follow(&net.author);
    for node in [&net.symmetric, &net.cone, &net.open] {
        node.follow(&net.second);
    }
    net.author.post("news");
    net.second.post("more news");
    for follower in net.followers() {
        until("news at everybody", || {
            follower.texts(&net.author) == ["news", "from a symmetric one"]
                && follower.texts(&net.second).first().map(String::as_str) == Some("more news")
        });
    }
    until("the other device", || {
        net.device.texts(&net.author).len() == 2
    });
}

/// The author is cut off with half of the followers; the other device goes on at the others.
fn cut(net: &Net) {
    let (here, there) = ([&net.symmetric, &net.restricted], [&net.cone, &net.open]);
    net.lab
        .cut(&[&net.author.host, &net.cone.host, &net.open.host]);
    net.author.post("from one side");
    net.device.post("from the other side");
    until("the cut to be noticed", || {
        net.device.way(&net.open) == "not connected"
            && there
                .iter()
                .all(|node| node.way(&net.meeting) == "not connected")
    });
    for node in there {
        until("news on one side", || {
            node.texts(&net.author)[0] == "from one side"
        });
        assert_eq!(node.texts(&net.author).len(), 3);
    }
    net.lab.heal();
    let root = |node: &Node| node.place.json(&["resolve", &net.author.account])["root"].clone();
    for node in here.iter().chain(&there) {
        until("the newest at everybody", || {
            let texts = node.texts(&net.author);
            texts.len() == 4 && root(node) == root(&net.device)
        });
    }
}
