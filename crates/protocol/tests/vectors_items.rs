//! The test vectors of `spec/04-feed.md`: items that are allowed and items that are not.

use std::collections::BTreeSet;

use ourspace_protocol::feed::{
    check,
    markdown::content_html,
    model::{Item, canonical},
};
use serde_json::Value;

fn verdict(value: &Value) -> Result<Item, &'static str> {
    let item: Item = serde_json::from_value(value.clone()).map_err(|_| "form")?;
    check::item(&item).map_err(|error| error.name())?;
    Ok(item)
}

#[test]
fn items() {
    let vectors = include_str!("../../../spec/vectors/items.json");
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let cases = |kind: &str| vectors[kind].as_array().unwrap().clone();
    assert!(cases("valid").len() > 20 && cases("invalid").len() > 90);
    for case in cases("valid") {
        let item =
            verdict(&case["item"]).unwrap_or_else(|refusal| panic!("{}: {refusal}", case["name"]));
        assert_eq!(
            canonical(&item),
            case["item"].to_string(),
            "{}",
            case["name"]
        );
        assert!(content_html(&item).len() <= 8 * item.text.len() + 4_096);
    }
    let mut refusals = BTreeSet::new();
    for case in cases("invalid") {
        let refusal = case["refusal"].as_str().unwrap().to_owned();
        assert_eq!(
            verdict(&case["item"]).map(|_| "allowed"),
            Err(refusal.as_str()),
            "{}",
            case["name"]
        );
        refusals.insert(refusal);
    }
    // Every refusal that an item can meet; the rest is about profiles.
    assert_eq!(refusals.len(), 26, "{refusals:?}");
}
