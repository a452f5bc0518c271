//! The lab is what it says: its link, its routers, its end. (With the peers, for it needs
//! programs that not every machine has.)

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

use ourspace_testkit::lab::{Lab, Nat, Weather};

#[test]
fn routers_are_of_the_kind_that_they_are_called() {
    let weather = Weather {
        delay: Duration::from_millis(5),
        ..Weather::FINE
    };
    let mut lab = Lab::new(weather).unwrap();
    let first = lab.host(Nat::Open).unwrap();
    let second = lab.host(Nat::Open).unwrap();
    for nat in [Nat::Open, Nat::Cone, Nat::PortRestricted, Nat::Symmetric] {
        let host = lab.host(nat).unwrap();
        let probed = host.probe(&first, &second).unwrap();
        assert_eq!(probed, nat.expected(), "{nat:?}");
    }
}

#[test]
fn the_link_is_as_late_and_as_bad_as_it_is_told() {
    let mut lab = Lab::new(Weather::FINE).unwrap();
    let (one, other) = (lab.host(Nat::Open).unwrap(), lab.host(Nat::Open).unwrap());
    let bare = one.ping(&other, 50).unwrap();
    assert!(bare.mean < 10.0, "{bare:?}");
    assert_eq!(bare.answers, 50);
    lab.set_weather(Weather {
        delay: Duration::from_millis(50),
        lost: 100,
        late: 100,
        lateness: Duration::from_millis(30),
    });
    let before = lab.traffic();
    let pinged = one.ping(&other, 150).unwrap();
    let after = lab.traffic();
    // 50 ms each way, a tenth 30 ms later: 106 ms in the mean.
    assert!((100.0..106.0).contains(&pinged.least), "{pinged:?}");
    assert!((101.0..118.0).contains(&pinged.mean), "{pinged:?}");
    // A tenth of the questions and a tenth of the answers are lost, give or take.
    assert!((90..150).contains(&pinged.answers), "{pinged:?}");
    let lost = after.lost - before.lost;
    assert_eq!(u64::from(pinged.answers) + lost, 150, "{after:?}");
    assert!(after.late > before.late);
    // Cut off, nothing comes; then it does again.
    lab.set_weather(Weather::FINE);
    lab.cut(&[&one]);
    assert!(one.ping(&other, 3).is_err());
    assert!(lab.traffic().refused > after.refused);
    lab.heal();
    assert_eq!(one.ping(&other, 3).unwrap().answers, 3);
}

#[test]
fn what_a_killed_lab_leaves_is_swept() {
    // What a process leaves that is gone: of a name with a process that cannot be.
    let name = "ourspace-lab-4194304-1-0-1";
    let made = Command::new("ip").args(["netns", "add", name]).status();
    assert!(made.unwrap().success());
    let mut left = Command::new("ip")
        .args(["netns", "exec", name, "sleep", "600"])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    while Command::new("ip")
        .args(["netns", "pids", name])
        .output()
        .unwrap()
        .stdout
        .is_empty()
    {
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut lab = Lab::new(Weather::FINE).unwrap();
    assert!(!left.wait().unwrap().success(), "it was killed");
    assert!(!names().contains(&name.to_owned()));
    // And its own ends with it.
    let host = lab.host(Nat::Symmetric).unwrap();
    let mut child = host.command("sleep").arg("600").spawn().unwrap();
    let own = format!("ourspace-lab-{}-", std::process::id());
    let ours = || names().iter().filter(|name| name.starts_with(&own)).count();
    assert!(ours() >= 2);
    let before = ours();
    drop(host);
    assert_eq!(ours(), before - 2);
    assert!(!child.wait().unwrap().success(), "it was killed");
}

fn names() -> Vec<String> {
    let entries = fs::read_dir("/run/netns").unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}
