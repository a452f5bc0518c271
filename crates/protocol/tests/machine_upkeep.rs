//! What a node does now and then for those it follows: soon where it matters, and little of it.

use std::collections::BTreeMap;

use ourspace_protocol::{
    account::Account,
    machine::{
        dice::Dice,
        upkeep::{Task, Upkeep},
    },
    time::Millis,
};

const START: Millis = 1_700_000_000_000;
const SECOND: Millis = 1_000;
const MINUTE: Millis = 60 * SECOND;
const HOUR: Millis = 60 * MINUTE;

fn account(number: u16) -> Account {
    let mut bytes = [0; 20];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    Account(bytes)
}

fn following(count: u16) -> Upkeep {
    let mut upkeep = Upkeep::new(Dice::new(5));
    for number in 0..count {
        upkeep.join(account(number), number == 0, START);
    }
    upkeep
}

/// Everything that is done until a time, and when. Looks find all copies; searches name so many.
fn run(
    upkeep: &mut Upkeep,
    until: Millis,
    (members, named): (usize, usize),
) -> Vec<(Millis, Task)> {
    let mut done = Vec::new();
    while let Some(at) = upkeep.wake().filter(|at| *at < until) {
        let now = at.max(START);
        for task in upkeep.awake(now, |_| members) {
            done.push((now, task));
            match task {
                Task::Search(account) => upkeep.kept_by(account, named),
                Task::Look(account) => upkeep.looked(account, (20, 20), members, now),
                Task::Put(_) | Task::Provide(_) => {}
            }
        }
    }
    done
}

fn count(done: &[(Millis, Task)], which: fn(&Task) -> bool) -> usize {
    done.iter().filter(|(_, task)| which(task)).count()
}

fn is_search(task: &Task) -> bool {
    matches!(task, Task::Search(_))
}

fn is_look(task: &Task) -> bool {
    matches!(task, Task::Look(_))
}

fn is_provide(task: &Task) -> bool {
    matches!(task, Task::Provide(_))
}

#[test]
fn nobody_is_searched_for_where_enough_are_connected() {
    let done = run(&mut following(500), START + 12 * HOUR, (3, 1));
    assert_eq!(count(&done, is_search), 0);
}

#[test]
fn who_has_company_searches_every_other_day() {
    let mut upkeep = following(500);
    let done = run(&mut upkeep, START + MINUTE, (1, 2));
    assert!(count(&done, is_search) < 5, "all of them at the start");
    let done = run(&mut upkeep, START + 48 * HOUR, (1, 2));
    let searches = count(&done, is_search);
    assert!((500..620).contains(&searches), "{searches}");
    let done = run(&mut following(500), START + 10 * 24 * HOUR, (1, 2));
    let searches = count(&done, is_search);
    assert!((2_500..3_500).contains(&searches), "{searches}");
    // Each row is looked at once a day, for the other one looks too.
    let looks = count(&done, is_look);
    assert!((4_500..5_500).contains(&looks), "{looks}");
}

#[test]
fn who_is_alone_searches_soon_and_again_and_looks_for_the_row() {
    let mut upkeep = following(1);
    let done = run(&mut upkeep, START + 30 * SECOND, (0, 0));
    let (at, _) = done.iter().find(|(_, task)| is_search(task)).unwrap();
    assert!(*at < START + 10 * SECOND, "{}", at - START);
    let (look, _) = done.iter().find(|(_, task)| is_look(task)).unwrap();
    assert!(*look >= *at || *look < START + 5 * SECOND);
    assert!(count(&done, is_search) >= 2);
    let day = run(&mut upkeep, START + 24 * HOUR, (0, 0));
    assert!((12..40).contains(&count(&day, is_search)), "{day:?}");
    assert!(count(&day, is_look) >= 12);
}

#[test]
fn at_a_start_there_is_time_to_meet_those_who_are_known() {
    let mut upkeep = following(500);
    // Nobody is connected for five seconds.
    let alone = run(&mut upkeep, START + 5 * SECOND, (0, 0));
    let met = run(&mut upkeep, START + HOUR, (1, 1));
    let searches = count(&alone, is_search) + count(&met, is_search);
    assert!(searches < 80, "{searches}");
    // Who is followed later is searched for as soon as one who is followed alone.
    let later = START + HOUR;
    upkeep.join(account(900), false, later);
    let done = run(&mut upkeep, later + 8 * SECOND, (0, 0));
    assert!(
        done.iter()
            .any(|(_, task)| *task == Task::Search(account(900)))
    );
}

#[test]
fn a_row_is_not_looked_for_at_once_where_somebody_is_named() {
    let looks = |named| {
        let mut upkeep = following(500);
        // The first search of each, with nobody connected yet.
        let mut done = Vec::new();
        while count(&done, is_search) < 400 {
            let at = upkeep.wake().unwrap().max(START);
            for task in upkeep.awake(at, |_| 0) {
                if let Task::Search(account) = task {
                    upkeep.kept_by(account, named);
                }
                done.push((at, task));
            }
        }
        count(&done, is_look)
    };
    assert!(looks(4) * 2 < looks(0), "{} of {}", looks(4), looks(0));
}

#[test]
fn when_the_last_one_goes_another_is_searched_for() {
    let mut upkeep = following(20);
    drop(run(&mut upkeep, START + HOUR, (1, 2)));
    let now = START + HOUR;
    upkeep.mind(now, |_| 1);
    assert!(upkeep.awake(now, |_| 1).is_empty());
    upkeep.mind(now, |one| usize::from(one != account(7)));
    let members = |one| usize::from(one != account(7));
    let mut searched = Vec::new();
    while let Some(at) = upkeep.wake().filter(|at| *at < now + 10 * SECOND) {
        searched.extend(upkeep.awake(at.max(now), members));
    }
    assert!(searched.contains(&Task::Search(account(7))), "{searched:?}");
    let others = searched.iter().filter(|task| is_search(task)).count();
    assert_eq!(others, 1, "{searched:?}");
}

#[test]
fn what_is_kept_is_said_little_by_little() {
    let mut upkeep = following(500);
    let done = run(&mut upkeep, START + 24 * HOUR, (3, 1));
    let mut said = BTreeMap::new();
    for (at, task) in &done {
        if let Task::Provide(account) = task {
            assert!(said.insert(*account, *at).is_none(), "said twice");
        }
    }
    assert_eq!(said.len(), 500);
    assert!(said[&account(0)] < START + 10 * SECOND);
    let within = |end: Millis| said.values().filter(|at| **at < START + end).count();
    assert_eq!(
        within(50 * SECOND),
        1,
        "others before what is fetched first"
    );
    assert!((4..12).contains(&within(2 * MINUTE)), "{said:?}");
    let hour = within(HOUR);
    assert!((28..43).contains(&hour), "{hour} in the first hour");
    // Who is followed later does not wait for that.
    let later = START + 24 * HOUR;
    upkeep.join(account(900), false, later);
    let done = run(&mut upkeep, later + 10 * SECOND, (3, 1));
    assert_eq!(count(&done, is_provide), 1);
}
