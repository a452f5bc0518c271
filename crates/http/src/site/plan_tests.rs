use super::*;
use ourspace_protocol::dag::Codec;

fn cid(n: usize) -> Cid {
    Cid::of(Codec::Raw, &n.to_le_bytes())
}

fn file(n: usize) -> Want {
    piece(cid(n), &format!("file {n}"), 0)
}

/// Asks and answers until nothing is left to do; gives what was asked for where, and what
/// is missing.
fn run(
    plan: &mut Plan,
    answer: impl Fn(usize, Way, Cid) -> Fate,
) -> (Vec<(usize, Way, Cid)>, Vec<Cid>) {
    let (mut asked, mut missing) = (Vec::new(), Vec::new());
    while let Some(step) = plan.step() {
        match step {
            Step::Missing(cid) => missing.push(cid),
            Step::Ask(place, want, way) => {
                asked.push((place, way, want.cid));
                plan.fate((place, way), &want.cid, answer(place, way, want.cid));
            }
        }
    }
    (asked, missing)
}

#[test]
fn the_file_comes_before_the_block_and_one_place_before_the_next() {
    let mut plan = Plan::new(vec![true, false]);
    plan.want(vec![file(1)]);
    let (asked, missing) = run(&mut plan, |_, _, _| Fate::Absent);
    let all = [(0, Way::Piece), (0, Way::Block), (1, Way::Block)];
    assert_eq!(asked, all.map(|(place, way)| (place, way, cid(1))));
    assert_eq!(missing, [cid(1)]);
}

#[test]
fn nobody_to_ask_is_nobody_who_has_it() {
    let mut plan = Plan::new(Vec::new());
    plan.want(vec![file(1), Want::block(cid(2))]);
    assert_eq!(run(&mut plan, |_, _, _| Fate::Came).1, [cid(1), cid(2)]);
}

#[test]
fn what_hurries_comes_first_and_once() {
    let mut plan = Plan::new(vec![false]);
    plan.want((0..3).map(|n| Want::block(cid(n))).collect());
    plan.want(vec![Want::block(cid(1))]);
    plan.hurry(vec![Want::block(cid(7)), Want::block(cid(2))]);
    let (asked, _) = run(&mut plan, |_, _, _| Fate::Came);
    let order: Vec<Cid> = asked.into_iter().map(|(_, _, cid)| cid).collect();
    assert_eq!(order, [7, 2, 0, 1].map(cid));
}

#[test]
fn places_share_the_work_and_have_a_limit() {
    let mut plan = Plan::new(vec![true, true]);
    plan.want((0..100).map(file).collect());
    let mut asked = [0, 0];
    while let Some(Step::Ask(place, ..)) = plan.step() {
        asked[place] += 1;
    }
    assert_eq!(asked, [AT_ONCE; 2]);
    // One that was cancelled makes room.
    plan.cancel(&cid(0));
    assert!(matches!(plan.step(), Some(Step::Ask(..))));
    assert_eq!(plan.step(), None);
}

#[test]
fn a_file_in_the_middle_of_a_change_is_no_lie() {
    let mut plan = Plan::new(vec![true]);
    plan.want(vec![file(1)]);
    let Some(Step::Ask(0, _, Way::Piece)) = plan.step() else {
        panic!("the file is asked for first");
    };
    assert_eq!(
        plan.fate((0, Way::Piece), &cid(1), Fate::Wrong),
        Verdict::Stays
    );
    let Some(Step::Ask(0, _, Way::Block)) = plan.step() else {
        panic!("the block is asked for then");
    };
    assert_eq!(
        plan.fate((0, Way::Block), &cid(1), Fate::Came),
        Verdict::Stays
    );
    assert_eq!(plan.step(), None);
}

#[test]
fn who_alters_files_is_not_asked_again() {
    for last in [Fate::Absent, Fate::Wrong] {
        let mut plan = Plan::new(vec![true, true]);
        plan.want((1..40).map(file).collect());
        let (asked, missing) = run(&mut plan, |place, way, _| match (place, way) {
            (0, Way::Piece) => Fate::Wrong,
            (0, Way::Block) => last,
            _ => Fate::Came,
        });
        let at_first: Vec<_> = asked.iter().filter(|(place, ..)| *place == 0).collect();
        // Two questions for each of three files; some were under way.
        assert!(at_first.len() <= 2 * 3 + 16, "{asked:?}");
        assert!(missing.is_empty());
    }
}

#[test]
fn verdicts_are_given_once() {
    let mut plan = Plan::new(vec![false]);
    plan.want(vec![Want::block(cid(1)), Want::block(cid(2))]);
    while let Some(Step::Ask(..)) = plan.step() {}
    let at = (0, Way::Block);
    assert_eq!(plan.fate(at, &cid(1), Fate::Wrong), Verdict::Altered);
    assert_eq!(
        plan.fate(at, &cid(1), Fate::Wrong),
        Verdict::Stays,
        "an old answer"
    );
}

#[test]
fn one_altered_file_keeps_no_other_away() {
    let mut plan = Plan::new(vec![true]);
    plan.want((1..6).map(file).collect());
    let (_, missing) = run(&mut plan, |_, way, wanted| match way {
        _ if wanted != cid(1) => Fate::Came,
        Way::Piece => Fate::Wrong,
        Way::Block => Fate::Absent,
    });
    assert_eq!(missing, [cid(1)]);
}

#[test]
fn failures_in_a_row_retire_a_place_and_single_ones_do_not() {
    let mut plan = Plan::new(vec![false]);
    plan.want((0..50).map(|n| Want::block(cid(n))).collect());
    // Every fifth block fails always: it is given up after two attempts, the place is not.
    let (asked, missing) = run(&mut plan, |_, _, asked| {
        match (0..50).find(|n| cid(*n) == asked) {
            Some(n) if n % 5 == 0 => Fate::Failed,
            _ => Fate::Came,
        }
    });
    assert_eq!((asked.len(), missing.len()), (60, 10));
    plan.want((100..150).map(|n| Want::block(cid(n))).collect());
    let (asked, missing) = run(&mut plan, |_, _, _| Fate::Failed);
    assert_eq!((asked.len(), missing.len()), (3, 50));
}

#[test]
fn who_wants_to_be_left_alone_is() {
    let mut plan = Plan::new(vec![false, false]);
    plan.want((0..10).map(|n| Want::block(cid(n))).collect());
    let (asked, missing) = run(&mut plan, |place, _, _| match place {
        0 => Fate::Refused,
        _ => Fate::Came,
    });
    assert_eq!(asked.iter().filter(|(place, ..)| *place == 0).count(), 1);
    assert!(missing.is_empty());
}

#[test]
fn what_takes_long_is_asked_for_elsewhere_as_well() {
    let mut plan = Plan::new(vec![false, false]);
    let wants: Vec<Want> = (0..40).map(|n| Want::block(cid(n))).collect();
    plan.want(wants);
    // The first place never answers, the second one does.
    let (mut stuck, mut came) = (Vec::new(), 0);
    while stuck.len() + came < 40 {
        let mut busy = Vec::new();
        while let Some(step) = plan.step() {
            match step {
                Step::Ask(0, want, way) => stuck.push((want.cid, way)),
                Step::Ask(place, want, way) => busy.push(((place, way), want.cid)),
                Step::Missing(cid) => panic!("{cid} is missing"),
            }
        }
        came += busy.len();
        for (at, cid) in busy {
            plan.fate(at, &cid, Fate::Came);
        }
    }
    assert_eq!((stuck.len(), came), (AT_ONCE, 40 - AT_ONCE));
    for (cid, way) in &stuck {
        plan.late((0, *way), cid);
    }
    // One of them comes after all, before anybody else was asked; one while somebody is.
    let at = (0, Way::Block);
    assert!(plan.wants(&stuck[0].0));
    assert_eq!(plan.fate(at, &stuck[0].0, Fate::Came), Verdict::Stays);
    assert!(!plan.wants(&stuck[0].0));
    let Some(Step::Ask(1, want, _)) = plan.step() else {
        panic!("the second place is asked");
    };
    assert_eq!(plan.fate(at, &want.cid, Fate::Came), Verdict::Stays);
    assert_eq!(
        plan.fate((1, Way::Block), &want.cid, Fate::Absent),
        Verdict::Stays
    );
    // The others come from the second; what the first says of them later changes nothing.
    let (asked, missing) = run(&mut plan, |place, _, _| {
        assert_eq!(place, 1);
        Fate::Came
    });
    assert_eq!((asked.len(), missing.len()), (AT_ONCE - 2, 0));
    for (cid, way) in &stuck {
        assert_eq!(plan.fate((0, *way), cid, Fate::Absent), Verdict::Stays);
    }
    assert_eq!(plan.step(), None);
}

#[test]
fn who_is_alone_may_take_long() {
    let mut plan = Plan::new(vec![false]);
    plan.want(vec![Want::block(cid(1))]);
    assert!(matches!(plan.step(), Some(Step::Ask(0, ..))));
    plan.late((0, Way::Block), &cid(1));
    assert_eq!(plan.step(), None, "nobody else is there");
    assert_eq!(
        plan.fate((0, Way::Block), &cid(1), Fate::Came),
        Verdict::Stays
    );
}

#[test]
fn late_lies_count() {
    let mut plan = Plan::new(vec![false, false]);
    plan.want(vec![Want::block(cid(1))]);
    assert!(matches!(plan.step(), Some(Step::Ask(0, ..))));
    plan.late((0, Way::Block), &cid(1));
    assert_eq!(
        plan.fate((0, Way::Block), &cid(1), Fate::Wrong),
        Verdict::Altered
    );
    assert!(matches!(plan.step(), Some(Step::Ask(1, ..))));
}
