//! A process that works on a store is killed, at random points and at every named step;
//! whatever it had acknowledged is there, and nothing is left over.
//!
//! The test starts itself again as that process. `OURSPACE_SOAK_KILLS` sets how often it
//! is killed at random: 50 times, if nothing is said.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod check;
mod work;

use std::{
    env,
    io::{BufRead, BufReader, Read},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use ourspace_store::steps::Step;
use ourspace_testkit::random::Random;

/// Where a started process works; it is set in no other.
const HOME: &str = "OURSPACE_CRASH_HOME";
/// At which step it kills itself, as `number of the step:number of the time`.
const AT: &str = "OURSPACE_CRASH_AT";
/// How many changes it makes.
const CHANGES: &str = "OURSPACE_CRASH_CHANGES";
/// Changes in which every step must be reached so often.
const MOST: u64 = 400;
/// `SIGKILL`.
const KILLED: i32 = 9;

/// Does the work if this is the process to be killed.
fn is_the_worker() -> bool {
    let Some(home) = env::var_os(HOME) else {
        return false;
    };
    let at = env::var(AT).ok().map(|at| {
        let (step, time) = at.split_once(':').unwrap();
        (
            Step::ALL[step.parse::<usize>().unwrap()],
            time.parse().unwrap(),
        )
    });
    let changes = env::var(CHANGES).unwrap().parse().unwrap();
    work::work(Path::new(&home), at, changes);
    true
}

/// A folder that goes away again: in memory where there is such a place, since a killed
/// process takes nothing from the system that it had given it, synced or not.
fn home() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let in_memory = tempfile::tempdir_in(memory);
    in_memory.or_else(|_| tempfile::tempdir()).unwrap()
}

/// Starts a process that makes up to `changes` changes.
fn start(test: &str, home: &Path, at: Option<(usize, u32)>, changes: u64) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args([test, "--exact", "--nocapture"])
        .env(HOME, home)
        .env(CHANGES, changes.to_string())
        .stdout(Stdio::piped());
    if let Some((step, time)) = at {
        command.env(AT, format!("{step}:{time}"));
    }
    command.spawn().unwrap()
}

/// Kills it within some milliseconds: one in four times while it opens the home, else when
/// it is at work.
fn kill(mut child: Child, random: &mut Random) -> (Option<i32>, u64) {
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    let while_opening = random.once_in(4);
    while !while_opening && !line.contains("made ") {
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended: {line}");
    }
    std::thread::sleep(Duration::from_micros(random.number() % 60_000));
    child.kill().unwrap();
    said.read_to_string(&mut line).unwrap();
    ended(child, &line)
}

/// Waits for its end; gives how it ended, and the last change that it acknowledged.
fn end(mut child: Child) -> (Option<i32>, u64) {
    let mut said = String::new();
    let mut out = child.stdout.take().unwrap();
    out.read_to_string(&mut said).unwrap();
    ended(child, &said)
}

fn ended(mut child: Child, said: &str) -> (Option<i32>, u64) {
    let status = child.wait().unwrap();
    assert!(
        status.success() || status.signal() == Some(KILLED),
        "it failed by itself: {status}"
    );
    // The last line may be cut.
    let whole = said.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let mut acknowledged = whole.lines().filter_map(|line| line.strip_prefix("made "));
    let last = acknowledged.next_back().map_or(0, |n| n.parse().unwrap());
    (status.signal(), last)
}

#[test]
fn killed_at_random() {
    if is_the_worker() {
        return;
    }
    let kills = env::var("OURSPACE_SOAK_KILLS").map_or(50, |kills| kills.parse().unwrap());
    let mut random = Random::new(u64::from(std::process::id()));
    println!("seed {}", std::process::id());
    let (mut changes, mut in_time) = (0, 0);
    let mut left = kills;
    while left > 0 {
        // A new home now and then, so that its check does not grow.
        let home = home();
        let mut done = 0;
        for _ in 0..left.min(25) {
            let child = start("killed_at_random", home.path(), None, u64::MAX);
            let (signal, acknowledged) = kill(child, &mut random);
            assert_eq!(signal, Some(KILLED));
            in_time += u32::from(acknowledged > done);
            done = check::check(home.path(), acknowledged.max(done));
        }
        changes += done;
        left -= left.min(25);
    }
    println!("{kills} kills, {changes} changes; {in_time} processes had acknowledged some");
    assert!(
        in_time > 0,
        "the process was always killed before it did anything"
    );
}

/// At which times a step is tried: when the home is new, and when there is much to remove.
fn times(step: Step) -> &'static [u32] {
    match step {
        Step::Migrated => &[1],
        // What they make serves many changes.
        Step::PackStarted | Step::Compacted => &[1, 5],
        _ => &[1, 30],
    }
}

#[test]
fn killed_at_every_step() {
    if is_the_worker() {
        return;
    }
    for (number, step) in Step::ALL.into_iter().enumerate() {
        for time in times(step) {
            let home = home();
            let child = start(
                "killed_at_every_step",
                home.path(),
                Some((number, *time)),
                MOST,
            );
            let (signal, acknowledged) = end(child);
            assert_eq!(
                signal,
                Some(KILLED),
                "{step:?} was not reached {time} times"
            );
            let done = check::check(home.path(), acknowledged);
            // It goes on from there.
            let (signal, acknowledged) =
                end(start("killed_at_every_step", home.path(), None, done + 3));
            assert_eq!((signal, acknowledged), (None, done + 3));
            assert_eq!(check::check(home.path(), done + 3), done + 3);
        }
    }
}

#[test]
fn killed_while_it_recovers() {
    if is_the_worker() {
        return;
    }
    let number = |step| Step::ALL.iter().position(|s| *s == step).unwrap();
    for (first, second) in [
        (Step::WholeWritten, Step::Removing),
        (Step::PackStarted, Step::Removing),
        (Step::PackWritten, Step::Shortening),
        (Step::AfterCommit, Step::Removing),
        (Step::Compacted, Step::Removing),
    ] {
        let mut seen = false;
        for time in 1..=12 {
            let home = home();
            let test = "killed_while_it_recovers";
            let child = start(test, home.path(), Some((number(first), time)), MOST);
            let (signal, acknowledged) = end(child);
            assert_eq!(
                signal,
                Some(KILLED),
                "{first:?} was not reached {time} times"
            );
            // No change is made: what is reached now is reached by opening.
            let child = start(test, home.path(), Some((number(second), 1)), 0);
            seen |= end(child).0 == Some(KILLED);
            check::check(home.path(), acknowledged);
            if seen {
                break;
            }
        }
        assert!(seen, "{second:?} was never reached after {first:?}");
    }
}
