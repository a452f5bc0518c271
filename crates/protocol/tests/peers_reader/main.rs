//! The independent reader of `spec/reader/` gives the same verdict on every vector and on
//! ten thousand mutations, and reads the same out of what is valid.
//!
//! Needs Python with eth-account: `cargo xtask test` installs it and says where in
//! `OURSPACE_PEERS`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a peer that is absent or fails ends the test"
)]

mod mutants;

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
};

use ourspace_protocol::verify::KnownGrants;
use ourspace_testkit::{
    random::Random,
    vectors::{Input, Vector},
};
use serde_json::Value as Json;

const MUTATIONS: usize = 10_000;
/// The machine's cores.
const READERS: usize = 2;

fn spec() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../spec")
}

fn reader(arguments: &[&str]) -> Command {
    let Some(peers) = std::env::var_os("OURSPACE_PEERS") else {
        panic!("OURSPACE_PEERS is not set: `cargo xtask test` installs the peers");
    };
    let mut command = Command::new(PathBuf::from(peers).join("venv/bin/python"));
    command
        .arg("-B")
        .arg(spec().join("reader/reader.py"))
        .args(arguments);
    command
}

fn vectors() -> Vec<Vector> {
    ["records", "grants", "successions", "deltas"]
        .iter()
        .flat_map(|name| {
            let path = spec().join("vectors").join(format!("{name}.json"));
            let file: Json = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            serde_json::from_value::<Vec<Vector>>(file["vectors"].clone()).unwrap()
        })
        .collect()
}

/// What the independent reader says of the inputs.
fn ask(inputs: &[Input]) -> Vec<Json> {
    let mut child = reader(&["batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let lines: String = inputs
        .iter()
        .map(|input| serde_json::to_string(input).unwrap() + "\n")
        .collect();
    let writer = thread::spawn(move || pipe.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(
        output.status.success(),
        "the reader failed: {}",
        output.status
    );
    output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

#[test]
fn same_verdict_on_every_vector() {
    let folder = spec().join("vectors");
    let output = reader(&["vectors", folder.to_str().unwrap()])
        .output()
        .unwrap();
    let said: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        said["failed"],
        0,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        said["vectors"].as_u64().unwrap() > vectors().len() as u64,
        "{said}"
    );
    assert!(output.status.success());
}

#[test]
fn the_reader_notices_a_wrong_vector() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        "records",
        "grants",
        "successions",
        "deltas",
        "heads",
        "merge",
        "pages",
        "items",
        "links",
    ];
    for name in files {
        let file = format!("{name}.json");
        let text = fs::read_to_string(spec().join("vectors").join(&file)).unwrap();
        // A verdict, a field, a head, a merged text, a page, a weight, a link are others than they
        // should be.
        let text = [
            ("\"verdict\": \"from_the_future\"", "\"verdict\": \"valid\""),
            ("\"timestamp\": 0,", "\"timestamp\": 1,"),
            (
                "\"frontier\": [\n        1\n",
                "\"frontier\": [\n        0\n",
            ),
            ("\"text\": \"third\"", "\"text\": \"fourth\""),
            ("\"closed\": 1", "\"closed\": 2"),
            ("\"the least\",\n      261", "\"the least\",\n      262"),
            ("\"refusal\": \"long\"", "\"refusal\": \"form\""),
        ]
        .iter()
        .fold(text, |text, (right, wrong)| text.replacen(right, wrong, 1));
        fs::write(folder.path().join(file), text).unwrap();
    }
    let output = reader(&["vectors", folder.path().to_str().unwrap()])
        .output()
        .unwrap();
    let said: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        said["failed"],
        7,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn same_verdict_on_mutations() {
    let mut random = Random::new(2025);
    let vectors = vectors();
    let inputs: Vec<Input> = (0..MUTATIONS)
        .map(|_| mutants::one(&mut random, &vectors))
        .collect();
    let answers: Vec<Json> = thread::scope(|scope| {
        let parts = inputs.chunks(MUTATIONS.div_ceil(READERS));
        let readers: Vec<_> = parts.map(|part| scope.spawn(move || ask(part))).collect();
        readers
            .into_iter()
            .flat_map(|reader| reader.join().unwrap())
            .collect()
    });
    assert_eq!(answers.len(), MUTATIONS);

    let mut known = KnownGrants::new();
    let mut counts = BTreeMap::<String, usize>::new();
    for (input, answer) in inputs.iter().zip(&answers) {
        let (verdict, decoded) = input.judge(&mut known);
        assert_eq!(
            answer["verdict"],
            verdict,
            "{}",
            serde_json::to_string(input).unwrap()
        );
        assert_eq!(answer.get("decoded"), decoded.as_ref(), "{input:?}");
        *counts.entry(verdict).or_default() += 1;
    }
    println!("{counts:#?}");
    // The mutations reach every verdict there is: 21 of records and successions, two more
    // of deltas, and valid ones.
    assert_eq!(counts.len(), 24, "{counts:#?}");
    assert!(counts["valid"] > MUTATIONS / 10, "{counts:#?}");
    assert!(counts["malformed"] < MUTATIONS / 2, "{counts:#?}");
}
