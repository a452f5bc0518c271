//! `init` and `restore`, killed at any instant: what comes next works, and no account is there
//! whose words nobody saw.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod support;

use std::{
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use support::{Done, Place};

/// Instants of each journey at which it is killed.
const KILLS: u32 = 9;

/// Runs a command for `time` at most, then kills it. Gives what it had said.
fn killed_after(mut command: Command, time: Duration) -> Done {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    thread::sleep(time);
    // One that has ended is not killed any more.
    child.kill().unwrap();
    Done::of(&child.wait_with_output().unwrap())
}

/// How long a journey takes when it is left alone.
fn time_of(journey: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    journey();
    begin.elapsed()
}

/// The account that an answer of `init` names, if its words are in it.
fn shown(answer: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let words = answer["words"].as_array()?;
    assert_eq!(words.len(), 12);
    Some(answer["account"].as_str()?.to_owned())
}

#[test]
fn init_killed_at_any_instant() {
    let init = ["init", "--yes", "--json"];
    let whole = time_of(|| drop(Place::new()));
    let mut finished = 0;
    for kill in 0..KILLS {
        let place = Place::empty();
        // The last ones come after its end.
        let first = killed_after(place.command(&init), whole * kill / (KILLS - 3));
        let second = place.run(&init);
        let account = place.json(&["whoami"])["account"]
            .as_str()
            .unwrap()
            .to_owned();
        let seen = [shown(&first.out), shown(&second.out)];
        assert!(
            seen.contains(&Some(account.clone())),
            "kill {kill}: {first:?} {second:?}"
        );
        if first.code == 0 {
            finished += 1;
            assert_eq!(shown(&first.out), Some(account), "kill {kill}");
            second.refused(1);
        }
        place.run(&["post", "it works"]).ok();
        assert_eq!(place.json(&["verify"])["valid"], true);
    }
    assert!(finished < KILLS, "none was killed");
}

#[test]
fn restore_killed_at_any_instant() {
    let place = Place::new();
    place.run(&["post", "kept for ever"]).ok();
    place.run(&["backup", "home.backup"]).ok();
    let sealed = place.folder().join("home.backup");
    let restore = ["restore", sealed.to_str().unwrap()];
    let whole = time_of(|| {
        Place::empty().run(&restore).ok();
    });
    for kill in 0..KILLS {
        let other = Place::empty();
        if kill % 2 == 1 {
            // A home that was begun must make room.
            drop(ourspace_node::account::begin(&other.home()).unwrap());
        }
        let first = killed_after(other.command(&restore), whole * kill / (KILLS - 3));
        let second = other.run(&restore);
        if first.code == 0 {
            assert!(second.refused(1).contains("not empty"), "{}", second.err);
        }
        assert_eq!(
            other.json(&["whoami"]),
            place.json(&["whoami"]),
            "kill {kill}"
        );
        assert_eq!(other.json(&["timeline"]), place.json(&["timeline"]));
        other.run(&["post", "and on"]).ok();
        if second.code == 0 {
            assert_eq!(
                other.names(),
                ["home"],
                "kill {kill}: nothing is left behind"
            );
        }
    }
}
