//! Every corpus goes through its target, as it is and broken in many ways.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{collections::BTreeSet, fs, path::Path};

use ourspace_fuzz::TARGETS;
use ourspace_testkit::random::Random;

/// Broken copies of a corpus, spread over its files.
const MUTANTS: usize = 3000;

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let files: BTreeSet<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

#[test]
fn every_target_takes_its_corpus() {
    for target in TARGETS {
        let inputs = corpus(target.name);
        assert!(inputs.len() >= 3, "the corpus of {} is empty", target.name);
        for input in &inputs {
            (target.run)(input);
        }
    }
}

#[test]
fn every_target_takes_broken_input() {
    for target in TARGETS {
        let inputs = corpus(target.name);
        let mut random = Random::new(1);
        for n in 0..MUTANTS {
            let mut input = inputs[n % inputs.len()].clone();
            for _ in 0..=random.below(3) {
                random.mutate(&mut input);
            }
            (target.run)(&input);
        }
    }
}

#[test]
fn no_corpus_is_without_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name();
        let known = TARGETS.iter().any(|target| name == target.name);
        assert!(known, "no target reads the corpus {}", name.display());
    }
}
