//! The simulation, small: the same code as that of ten thousand nodes.

use ourspace_sim::{
    scenario::{self, Lookups},
    tally::Why,
    world::{Delay, Rules},
};

fn is_share(least: f64, part: usize, of: usize) -> bool {
    of > 0 && part as f64 >= least * of as f64
}

fn rules(old: bool, regions: bool) -> Rules {
    Rules {
        old,
        regions,
        ..Rules::real()
    }
}

#[test]
fn nodes_that_come_and_go_find_each_other_s_records() {
    let lived = scenario::live(120, 4, 1, Rules::real());
    let found = &lived.lookups;
    assert!(found.all > 500);
    assert!(is_share(0.995, found.any, found.all), "{found:?}");
    // Looks are not answered by puts: a row lives on where it is.
    let looks = lived.tally.lookups[Why::Look as usize];
    let puts = lived.tally.lookups[Why::Put as usize];
    assert!(puts * 10 < looks, "{puts} puts, {looks} looks");
}

#[test]
fn hostile_nodes_hide_nothing() {
    for old in [false, true] {
        let found = scenario::tenth_hostile((400, 20), rules(old, true));
        assert!(is_share(0.99, found.newest, found.all), "{old}: {found:?}");
    }
}

#[test]
fn forty_liars_next_to_a_row_hide_it_only_from_those_who_do_not_search_the_region() {
    let tried = |regions| -> Lookups { scenario::crowded((600, 1), rules(true, regions)) };
    let with = tried(true);
    assert!(is_share(0.99, with.newest, with.all), "{with:?}");
    let without = tried(false);
    assert!(!is_share(0.5, without.newest, without.all), "{without:?}");
}

#[test]
fn news_reaches_a_swarm_about_once() {
    let (spread, _) = scenario::news((300, 20), Delay::Fixed(50)).unwrap();
    assert_eq!(spread.reached, 299);
    assert!(spread.after.at(0.99) <= 500.0);
    assert!(spread.sent.copies <= 299 * 105 / 100);
}
