//! Other people's programs on an exported site and on the served feed: they find the same
//! root, the same signers, the same posts.
//!
//! Needs viem, ethers and Helia's importer for Node.js, eth-account and jsonschema for
//! Python, newsboat, gPodder and xsltproc from the system: `cargo xtask test` installs
//! them and says where in `OURSPACE_PEERS`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a peer that is absent or fails ends the test"
)]

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use ourspace_node::site::record::record_json;
use ourspace_protocol::{
    signature::Scheme,
    verify::{Context, KnownGrants, verify},
};
use ourspace_testkit::signing::{NOW, TestKey, grant, record, sign_grant_as, sign_record_as};
use serde_json::{Value, json};
use support::Place;

fn peers() -> PathBuf {
    let folder = std::env::var_os("OURSPACE_PEERS")
        .expect("OURSPACE_PEERS must name the folder with the peers; cargo xtask test sets it");
    PathBuf::from(folder)
}

fn python() -> Command {
    Command::new(peers().join("venv/bin/python"))
}

/// Runs a peer to its end, with something on its standard input.
fn run(command: &mut Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(input.as_bytes()).unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        command.get_program().display()
    );
    String::from_utf8(output.stdout).unwrap()
}

fn python_says(arguments: &[&str], input: &str) -> String {
    let script = include_str!("peers/site.py");
    run(python().args(["-c", script]).args(arguments), input)
}

fn node_says(arguments: &[&str]) -> Value {
    let own = peers().join("node22/bin/node");
    let mut node = Command::new(if own.exists() { own } else { "node".into() });
    let script = include_str!("peers/site.mjs");
    node.args(["--input-type=module", "--eval", script, "--"])
        .arg(peers().join("node"))
        .args(arguments);
    serde_json::from_str(&run(&mut node, "")).unwrap()
}

/// A program that serves and says its address on its first line.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let from = line.find("http://").unwrap_or_else(|| panic!("{line}"));
        let rest = &line[from..];
        let end = rest.find(['"', ')']).unwrap();
        Self {
            child,
            url: rest[..end].to_owned(),
        }
    }

    /// Any folder, by Python.
    fn of(folder: &Path) -> Self {
        let arguments = ["-u", "-m", "http.server", "--bind", "127.0.0.1", "0"];
        Self::start(python().args(arguments).current_dir(folder))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A home with posts and a sound, and its export.
fn place() -> (Place, PathBuf) {
    let place = Place::new();
    let media = include_str!("../../protocol/tests/peers/media.py");
    run(python().args(["-c", media]).arg(place.folder()), "");
    place.json(&[
        "profile",
        "--name",
        "Ada Lindqvist",
        "--bio",
        "Writes *things* down.",
    ]);
    place.json(&[
        "post",
        "Listen",
        "--media",
        "sound.mp3",
        "--alt",
        "A recording",
    ]);
    for n in 0..5 {
        place.json(&["post", &format!("Post **{n}** & <more>")]);
    }
    place.json(&[
        "post",
        "Look",
        "--media",
        "picture-0.webp",
        "--alt",
        "Bands",
    ]);
    let first = place.json(&["timeline"]);
    let id = first[1]["id"].as_str().unwrap();
    place.json(&["edit", id, "Better words"]);
    place.json(&["export", "site"]);
    let site = place.folder().join("site");
    (place, site)
}

fn posts(place: &Place) -> usize {
    place.json(&["timeline"]).as_array().unwrap().len()
}

#[test]
fn the_folder_is_the_tree_that_the_record_names() {
    let (place, site) = place();
    let root = node_says(&["root", site.to_str().unwrap()]);
    assert_eq!(root, place.json(&["whoami"])["root"]);
}

#[test]
fn ethereum_tools_name_the_signers() {
    let place = Place::new();
    place.json(&["post", "Hello"]);
    place.json(&["export", "site"]);
    let who = place.json(&["whoami"]);
    let (wallet, device) = (TestKey::named("wallet"), TestKey::named("device"));
    let granted = sign_grant_as(grant(&wallet, &device), Scheme::PersonalText, &wallet);
    let signed = sign_record_as(
        record(&wallet),
        Some(granted),
        Scheme::PersonalText,
        &device,
    );
    let context = Context {
        now: NOW,
        highest_epoch: 0,
    };
    let signed = verify(&signed.to_bytes(), context, &mut KnownGrants::new()).unwrap();
    let text = place.folder().join("text.json");
    fs::write(&text, record_json(&signed)).unwrap();
    let typed = place.folder().join("site/.well-known/ourspace/record.json");
    let files = [typed.to_str().unwrap(), text.to_str().unwrap()];
    let expected = [
        who["device"].clone(),
        who["account"].clone(),
        json!(device.address()),
        json!(wallet.address()),
    ];
    let said = node_says(&[&["signers"], &files[..]].concat());
    for (found, expected) in said.as_array().unwrap().iter().zip(&expected) {
        assert_eq!(found, &json!([expected, expected]));
    }
    let said = python_says(&[&["signers"], &files[..]].concat(), "");
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said, json!(expected));
}

#[test]
fn what_is_served_is_what_is_exported() {
    let (place, site) = place();
    let server = Server::start(&mut place.command(&["--json", "--local", "--port", "0"]));
    let list = fs::read_to_string(site.join(".well-known/ourspace/files")).unwrap();
    // The first line is the account.
    let paths: Vec<&str> = list.lines().skip(1).collect();
    assert!(paths.len() > 30, "{list}");
    let copy = place.folder().join("copy");
    python_says(
        &["copy", &server.url, copy.to_str().unwrap()],
        &paths.join("\n"),
    );
    for path in paths {
        assert_eq!(
            fs::read(copy.join(path)).unwrap(),
            fs::read(site.join(path)).unwrap(),
            "{path}"
        );
    }
    let verified = place.json(&["verify", "copy"]);
    assert_eq!(verified["valid"], true);
    assert_eq!(verified, place.json(&["verify", "site"]));
    judge(&place, &verified);
}

/// The answers are what their schemas say.
fn judge(place: &Place, verified: &Value) {
    let exported = place.json(&["export", "site"]);
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/schemas");
    let served = json!({
        "url": "http://127.0.0.1:7878/",
        "account": exported["account"],
        "listen": ["/ip4/127.0.0.1/tcp/4011"],
    });
    let answers = json!([
        ["verify", verified],
        ["export", exported],
        ["serve", served]
    ]);
    let request = json!({ "schemas": schemas, "answers": answers });
    let script = include_str!("peers/schemas.py");
    let wrong = run(python().args(["-c", script]), &request.to_string());
    assert_eq!(wrong, "[]");
}

#[test]
fn xsltproc_makes_a_page_of_the_exported_feed() {
    let (place, site) = place();
    let mut xsltproc = Command::new("xsltproc");
    let page = run(
        xsltproc.current_dir(&site).args(["feed.xsl", "feed.xml"]),
        "",
    );
    assert_eq!(
        page.matches("<article class=\"post\">").count(),
        posts(&place)
    );
    assert!(page.contains("Ada Lindqvist"));
}

#[test]
fn newsboat_reads_the_served_feed() {
    let (place, _) = place();
    let server = Server::start(&mut place.command(&["--json", "--local", "--port", "0"]));
    let at = |name: &str| place.folder().join(name);
    fs::write(at("urls"), format!("{}feed.xml\n", server.url)).unwrap();
    fs::write(at("config"), "").unwrap();
    let mut newsboat = Command::new("newsboat");
    newsboat
        .env("HOME", place.folder())
        .args(["-x", "reload"])
        .args(["-u".as_ref(), at("urls").as_os_str()])
        .args(["-c".as_ref(), at("cache.db").as_os_str()])
        .args(["-C".as_ref(), at("config").as_os_str()]);
    run(&mut newsboat, "");
    let script = include_str!("../../protocol/tests/peers/newsboat_items.py");
    let rows = run(python().args(["-c", script]).arg(at("cache.db")), "");
    let rows: Value = serde_json::from_str(&rows).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), posts(&place));
    assert!(rows.to_string().contains("Better words"));
}

#[test]
fn gpodder_downloads_a_recording() {
    let (place, site) = place();
    let server = Server::of(&site);
    place.json(&["export", "site", "--base-url", &server.url]);
    let feed = format!("{}podcast.xml", server.url);
    let downloads = place.folder().join("downloads");
    let gpo = |arguments: &[&str]| {
        let mut gpo = Command::new("gpo");
        gpo.env("GPODDER_HOME", place.folder().join("gpodder"))
            .env("GPODDER_DOWNLOAD_DIR", &downloads)
            .env("HOME", place.folder())
            .args(arguments);
        run(&mut gpo, "")
    };
    gpo(&["subscribe", &feed, "Ada"]);
    gpo(&["download", &feed]);
    let mut files = Vec::new();
    collect(&downloads, &mut files);
    let mut sounds = Vec::new();
    collect(&site.join("media"), &mut sounds);
    let sound = sounds
        .iter()
        .find(|file| file.starts_with(b"ID3") || file.starts_with(b"\xff"));
    assert!(
        files.contains(sound.unwrap()),
        "the recording was not downloaded"
    );
}

fn collect(folder: &Path, files: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(fs::read(path).unwrap());
        }
    }
}
