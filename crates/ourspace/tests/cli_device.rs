//! `device`, as programs use it.

mod schema;
mod support;

use support::Place;

/// Without what is different each time.
fn hidden() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    let once = [".code", ".answer", ".account", ".root", ".timestamp"];
    let anywhere = [".**.device", ".**.fingerprint", ".**.issued", ".**.expires"];
    for path in anywhere.iter().chain(&once) {
        settings.add_redaction(path, "[hidden]");
    }
    settings
}

#[test]
fn a_second_device_joins() {
    let (first, second) = (Place::new(), Place::empty());
    let asked = second.json(&["device", "join", "--qr", "join.png"]);
    assert!(second.folder().join("join.png").exists());
    let code = asked["code"].as_str().unwrap();
    assert_eq!(
        second.json(&["device", "join"]),
        asked,
        "the same code again"
    );
    let said = second.run(&["whoami"]);
    assert!(said.refused(1).contains("no account"), "{}", said.err);

    let said = first.run(&["device", "add", code]);
    let words = asked["fingerprint"].as_str().unwrap();
    assert!(said.refused(2).contains(words), "{}", said.err);
    let mut broken = code.to_owned();
    broken.replace_range(40..41, if &broken[40..41] == "a" { "b" } else { "a" });
    first.run(&["device", "add", &broken, "--yes"]).refused(1);
    let added = first.json(&["device", "add", code, "--yes"]);
    assert_eq!(added["fingerprint"], asked["fingerprint"]);
    let answer = added["answer"].as_str().unwrap();

    let account = first.json(&["whoami"])["account"].clone();
    let other = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    second
        .run(&["device", "join", "--account", other, "--answer", answer])
        .refused(1);
    let joined = second.run_with(&["device", "join", "--answer", "-", "--json"], answer);
    let joined = joined.json();
    assert_eq!(joined["account"], account);
    let who = second.json(&["whoami"]);
    assert_eq!(who["account"], account);
    assert_eq!(who["wallet"], "elsewhere");
    assert_eq!(who["root"], serde_json::Value::Null);
    for (name, answer) in [("join", &asked), ("join", &joined), ("add", &added)] {
        schema::holds(&format!("device-{name}"), answer);
    }
    hidden().bind(|| {
        insta::assert_json_snapshot!("join_asked", asked);
        insta::assert_json_snapshot!("join_done", joined);
        insta::assert_json_snapshot!("add", added);
    });
}

#[test]
fn a_device_is_renewed_and_revoked() {
    let (first, second) = (Place::new(), Place::empty());
    let asked = second.json(&["device", "join"]);
    let device = asked["device"].as_str().unwrap();
    let code = asked["code"].as_str().unwrap();
    let added = first.json(&["device", "add", code, "--yes"]);
    let answer = added["answer"].as_str().unwrap();
    second.run(&["device", "join", "--answer", answer]).ok();

    // A device without the wallet prints what the wallet is to sign.
    let waiting = second.json(&["device", "renew"]);
    assert_eq!(waiting["complete"], false);
    assert_eq!(waiting["request"]["typed_data"]["primaryType"], "DeviceKey");
    let nothing = first.run(&["device", "renew", "--signature", "0x00"]);
    assert!(
        nothing.refused(1).contains("nothing waits"),
        "{}",
        nothing.err
    );

    let list = first.json(&["device", "list"]);
    assert_eq!(list.as_array().unwrap().len(), 2);
    let revoked = first.json(&["device", "revoke", device]);
    assert_eq!(revoked["complete"], true);
    assert_eq!(revoked["epoch"], 1);
    let list = first.json(&["device", "list"]);
    let state = |device: &str| {
        let views = list.as_array().unwrap().iter();
        let mut views = views.filter(|view| view["device"] == device);
        views.next().unwrap()["state"].clone()
    };
    assert_eq!(state(device), "revoked");
    let who = first.json(&["whoami"]);
    assert_eq!(state(who["device"].as_str().unwrap()), "valid");
    assert_eq!(who["grant"]["epoch"], 1);
    let text = first.run(&["device", "revoke", device]);
    assert!(text.refused(1).contains("revoked before"), "{}", text.err);
    schema::holds("device-add", &waiting);
    schema::holds("device-list", &list);
    schema::holds("device-revoke", &revoked);
    hidden().bind(|| {
        insta::assert_json_snapshot!("list", list);
        insta::assert_json_snapshot!("revoke", revoked);
    });
}
