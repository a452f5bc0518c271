//! What no file of the repository says.

use super::{
    Complaints,
    source::{Text, Tree},
};

/// Work that was put off. Written apart, so that this file may name them.
const PUT_OFF: [&str; 5] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("to", "do!"),
    concat!("unimpl", "emented!"),
];

/// Where a machine keeps somebody's things.
const FOLDERS: [&str; 3] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/tm", "p/bash"),
];

/// Inputs for parsers, made by machines: they may hold any words.
const NOT_WRITTEN: [&str; 1] = ["fuzz/corpus/"];

pub(super) fn check(tree: &Tree) -> Complaints {
    let texts = tree.texts.iter().filter(|text| is_written(&text.path));
    texts.flat_map(check_text).collect()
}

fn is_written(path: &str) -> bool {
    !NOT_WRITTEN.iter().any(|folder| path.starts_with(folder))
}

fn check_text(text: &Text) -> Complaints {
    let mut complaints = Complaints::new();
    for (line, number) in text.text.lines().zip(1..) {
        let put_off = PUT_OFF.iter().filter(|word| has_word(line, word));
        let folders = FOLDERS.iter().filter(|folder| line.contains(**folder));
        for word in put_off.chain(folders) {
            complaints.push(format!("{}:{number}: says {word}", text.path));
        }
    }
    complaints
}

/// Whether a line holds a word that is no part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        !part(before.chars().next_back()) && (word.ends_with('!') || !part(after.chars().next()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Complaints {
        check_text(&Text {
            path: "a.md".to_owned(),
            text: text.to_owned(),
        })
    }

    #[test]
    fn what_is_put_off_is_found() {
        for word in PUT_OFF {
            let expected = vec![format!("a.md:2: says {word}")];
            assert_eq!(said(&format!("a\n// {word} later")), expected);
            assert!(said(&format!("A{word}S")).is_empty(), "{word}");
        }
    }

    #[test]
    fn machines_folders_are_found() {
        for folder in FOLDERS {
            assert_eq!(said(&format!("see {folder}main")).len(), 1, "{folder}");
        }
        assert!(said("see ~/.cache and /usr/bin/firefox-esr").is_empty());
    }

    #[test]
    fn corpora_are_no_writing() {
        assert!(!is_written("fuzz/corpus/page/1"));
        assert!(is_written("fuzz/src/lib.rs"));
    }
}
