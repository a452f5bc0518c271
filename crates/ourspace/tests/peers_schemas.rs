//! What the commands answer is what their schemas in `spec/schemas` say, judged by Python's
//! jsonschema; with real photos, sound and video made by Pillow and FFmpeg.
//!
//! Needs jsonschema, Pillow and imageio-ffmpeg in a Python environment: `cargo xtask test`
//! installs them and says where in `OURSPACE_PEERS`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's helpers fail by panicking"
)]

mod support;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use support::Place;

const OTHER: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

/// Somebody's feed to be imported.
const FEED: &str = r#"{"version": "https://jsonfeed.org/version/1.1", "title": "Old",
 "items": [{"id": "1", "url": "https://example.org/1", "content_text": "Imported",
            "date_published": "2015-01-02T03:04:05Z"}]}"#;

fn python() -> Command {
    let peers = std::env::var_os("OURSPACE_PEERS")
        .expect("OURSPACE_PEERS must name the folder with the peers; cargo xtask test sets it");
    Command::new(PathBuf::from(peers).join("venv/bin/python"))
}

/// What is wrong with answers, each with the name of its schema.
fn faults(answers: &[(&str, Value)]) -> Value {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/schemas");
    let request = json!({ "schemas": schemas, "answers": answers });
    let mut child = python()
        .args(["-c", include_str!("peers/schemas.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(request.to_string().as_bytes()).unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Real pictures, a recording and a video in `folder`.
fn media(folder: &Path) {
    let script = include_str!("../../protocol/tests/peers/media.py");
    let made = python().args(["-c", script]).arg(folder).status().unwrap();
    assert!(made.success());
}

/// A place, and every answer that it gave.
struct Asked {
    place: Place,
    answers: Vec<(&'static str, Value)>,
}

impl Asked {
    /// Runs a command: words between `|`, the first one its name and its schema's.
    fn ask(&mut self, command: &str) -> Value {
        const NAMES: [&str; 9] = [
            "delete", "edit", "import", "post", "profile", "search", "show", "status", "timeline",
        ];
        let words: Vec<&str> = command.split('|').collect();
        let answer = self.place.json(&words);
        let name = NAMES.into_iter().find(|name| *name == words[0]).unwrap();
        self.answers.push((name, answer.clone()));
        answer
    }

    /// Publishes something and gives its id.
    fn post(&mut self, rest: &str) -> String {
        let answer = self.ask(&format!("post|{rest}"));
        answer["id"].as_str().unwrap().to_owned()
    }
}

/// Every kind of media in one post, as a reader is told of them.
fn post_media(asked: &mut Asked) {
    media(asked.place.folder());
    let id = asked.post(
        "All kinds|--original|--media|picture-0.webp|--alt|Bands|--media|sound.mp3\
         |--media|sound.wav|--media|video.mp4|--date|2021-06-01",
    );
    let shown = asked.ask(&format!("show|{id}"));
    let parts = shown[0]["attachments"].as_array().unwrap();
    let types: Vec<&str> = parts
        .iter()
        .map(|p| p["mime_type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        ["image/webp", "audio/mpeg", "audio/wav", "video/mp4"]
    );
    assert_eq!(
        (&parts[3]["width"], &parts[3]["height"]),
        (&json!(320), &json!(180))
    );
    for sound in &parts[1..] {
        assert_eq!(sound["duration_in_seconds"], 1, "{sound}");
    }
    let size = |file: &Value| file["size_in_bytes"].as_u64().unwrap();
    assert!(size(&parts[0]["original"]) > size(&parts[0]["variants"][0]));
}

fn ask_everything(asked: &mut Asked) {
    for command in ["timeline", "status", "profile"] {
        asked.ask(command);
    }
    post_media(asked);
    let first = asked.post("--title|T|--tag|t|--warning|W|--lang|en|#x");
    let reply = asked.post(&format!("--reply-to|{first}|Answer"));
    asked.post(&format!("--reply-to|{reply}|Thread|--mention|{OTHER}"));
    asked.post("--quote|https://example.org/|Words");
    asked.post(&format!("--repost|{first}"));
    let like = asked.post(&format!("--like|{first}|🎉"));
    asked.ask(&format!("edit|{first}|New"));
    asked.ask(&format!("edit|{first}|New"));
    asked.ask(&format!("show|{first}|{like}"));
    asked.ask("timeline");
    asked.ask("search|new");
    let tox = "0".repeat(76);
    asked.ask(&format!(
        "profile|--name|Ada|--avatar|avatar.webp|--banner|poster.webp|--link|A=https://a.org/\
         |--pay|monero=44AFFq5kSiGBoZ|--claim-name|ada.eth|--email|a@b.org|--lang|en\
         |--follow|https://example.org/feed.xml|--tox|{tox}"
    ));
    asked.ask(&format!("delete|{reply}|{like}|--yes"));
    let feed = asked.place.folder().join("feed.json");
    fs::write(feed, FEED).unwrap();
    asked.ask("import|feed.json");
    asked.ask("status");
    let refused = asked.place.run(&["show", "zzzz", "--json"]);
    let error = serde_json::from_str(refused.refused(1)).unwrap();
    asked.answers.push(("error", error));
}

#[test]
fn every_answer_is_as_its_schema_says() {
    let mut asked = Asked {
        place: Place::new(),
        answers: Vec::new(),
    };
    ask_everything(&mut asked);
    let mut answers = asked.answers;
    assert_eq!(faults(&answers), json!([]));

    // A judge that passes everything would be none.
    for (_, answer) in &mut answers {
        let object = match answer {
            Value::Array(items) => items.first_mut(),
            object => Some(object),
        };
        if let Some(object) = object {
            object["unheard_of"] = json!(1);
        }
    }
    let changed = answers.iter().filter(|(_, answer)| *answer != json!([]));
    assert_eq!(faults(&answers).as_array().unwrap().len(), changed.count());
}
