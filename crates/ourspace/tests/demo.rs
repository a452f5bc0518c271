//! The demo: five neighbours who follow each other, and are gone when they are stopped.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod support;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use support::Place;

/// The program; it ends with the test, also where that fails.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// What is at a local address: all of the answer.
fn get(url: &str) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn five_neighbours_follow_each_other_and_are_gone_afterwards() {
    let place = Place::empty();
    let mut command = place.command(&["demo", "--json"]);
    let log = place.folder().join("demo.log");
    command.stderr(std::fs::File::create(&log).unwrap());
    let mut demo = Demo(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    let mut out = BufReader::new(demo.0.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    let people = said["people"].as_array().unwrap();
    assert_eq!(people.len(), 5);
    let timeline = people[0]["timeline"].as_str().unwrap();
    let begin = Instant::now();
    let base = timeline.strip_suffix("timeline/").unwrap();
    let page = loop {
        let page = get(timeline);
        let mut names = people.iter().map(|one| one["name"].as_str().unwrap());
        // A post is shown before its picture is there.
        let pictures = page.split("<img src=\"/").skip(1);
        let pictures = pictures.map(|rest| rest.split('"').next().unwrap());
        let here = pictures.filter(|one| get(&format!("{base}{one}")).starts_with("HTTP/1.1 200"));
        if names.all(|name| page.contains(name)) && here.count() >= 5 {
            break page;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "{page}");
        thread::sleep(Duration::from_millis(50));
    };
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(
        !page.contains("ourspace:"),
        "links lead to pages that are here"
    );
    // The page of an answered post, out of the own home.
    let post = page.split("<a href=\"/of/").nth(1).unwrap();
    let post = post.split('"').next().unwrap();
    assert!(get(&format!("{base}of/{post}")).starts_with("HTTP/1.1 308"));
    // Their homes can be used like any other.
    let home = people[0]["home"].as_str().unwrap();
    let told = Command::new(env!("CARGO_BIN_EXE_ourspace"))
        .args(["--home", home, "--json", "status"])
        .output()
        .unwrap();
    let status: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(status["follows"], 4);
    let interrupt = Command::new("kill")
        .args(["-INT", &demo.0.id().to_string()])
        .status();
    assert!(interrupt.unwrap().success());
    assert!(demo.0.wait().unwrap().success());
    let folder = said["folder"].as_str().unwrap();
    assert!(!std::path::Path::new(folder).exists());
    let log = std::fs::read_to_string(log).unwrap();
    assert!(!log.contains("panicked"), "{log}");
}
