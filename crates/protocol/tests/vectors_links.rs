//! The test vectors of chapter 8.6: links that are allowed and those that are not.

use std::collections::BTreeSet;

use ourspace_protocol::link::{Address, Link, LinkError};
use serde_json::Value;

fn name(error: LinkError) -> &'static str {
    match error {
        LinkError::Form => "form",
        LinkError::Account => "account",
        LinkError::Peer => "peer",
        LinkError::Long => "long",
    }
}

#[test]
fn links() {
    let vectors = include_str!("../../../spec/vectors/links.json");
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let cases = |kind: &str| vectors[kind].as_array().unwrap().clone();
    assert!(cases("valid").len() >= 9 && cases("invalid").len() >= 34);
    for case in cases("valid") {
        let text = case["text"].as_str().unwrap();
        let link: Link = text.parse().unwrap();
        assert_eq!(link.account.to_string(), case["account"], "{case}");
        let peers: Vec<&str> = link.peers().iter().map(Address::as_str).collect();
        assert_eq!(Value::from(peers), case["peers"], "{case}");
        let written = case["written"].as_str().unwrap_or(text.trim());
        assert_eq!(link.to_string(), written, "{case}");
    }
    let mut refusals = BTreeSet::new();
    for case in cases("invalid") {
        let refused = case["text"].as_str().unwrap().parse::<Link>().map_err(name);
        let refusal = case["refusal"].as_str().unwrap();
        assert_eq!(refused.err(), Some(refusal), "{case}");
        refusals.insert(refusal.to_owned());
    }
    assert_eq!(refusals.len(), 4);
}
