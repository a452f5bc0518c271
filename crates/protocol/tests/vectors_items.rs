//! The test vectors of `spec/04-feed.md`: items, profiles and follows that are allowed and
//! those that are not.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use std::collections::BTreeSet;

use ourspace_protocol::feed::{
    check,
    markdown::content_html,
    model::{Follows, Item, Profile, canonical},
};
use serde::{Serialize, de::DeserializeOwned};
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
    assert_eq!(refusals.len(), 27, "{refusals:?}");
}

/// The verdicts on a list of vectors whose values stand under `key`; the refusals met.
fn judge<T: Serialize + DeserializeOwned>(
    vectors: &Value,
    key: &str,
    check: impl Fn(&T) -> Result<(), check::ItemError>,
) -> BTreeSet<String> {
    let verdict = |value: &Value| {
        let read: T = serde_json::from_value(value.clone()).map_err(|_| "form")?;
        check(&read).map_err(|error| error.name())?;
        Ok(canonical(&read))
    };
    for case in vectors["valid"].as_array().unwrap() {
        let right: Result<_, &str> = Ok(case[key].to_string());
        assert_eq!(verdict(&case[key]), right, "{}", case["name"]);
    }
    let mut refusals = BTreeSet::new();
    for case in vectors["invalid"].as_array().unwrap() {
        let refusal = case["refusal"].as_str().unwrap();
        assert_eq!(verdict(&case[key]), Err(refusal), "{}", case["name"]);
        refusals.insert(refusal.to_owned());
    }
    refusals
}

#[test]
fn profiles_and_follows() {
    let vectors = include_str!("../../../spec/vectors/profiles.json");
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let mut refusals = judge::<Profile>(&vectors["profiles"], "profile", check::profile);
    refusals.extend(judge::<Follows>(
        &vectors["follows"],
        "follows",
        check::follows,
    ));
    let own = [
        "tox",
        "email",
        "payment_kind",
        "payment_address",
        "name",
        "more_name",
    ];
    for refusal in own {
        assert!(
            refusals.contains(refusal),
            "no vector is refused as {refusal}"
        );
    }
}
